/// \file
/// analyze: what breaks if something fails, what something needs, and how bad that would be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "flowlens/service_graph.hpp"

namespace flowlens {

/// How sure an answer is. Each is a world of its own, and follows in the worlds after it too:
/// * certain: even if only needs of at least ServiceGraph::kCertainPercent count, and every member of
///   a cluster stands in for every other.
/// * probable: the same with needs of at least kProbablePercent.
/// * possible: if every need counts, and a client falls back only on members it has used itself.
enum class Certainty : std::uint8_t { certain, probable, possible };
inline constexpr std::size_t kCertaintyCount = 3;
/// `certain`
[[nodiscard]] std::string_view to_string(Certainty c) noexcept;

enum class ImpactDirection : std::uint8_t {
  upstream,    ///< who is hit if the assets fail: their clients, and theirs
  downstream,  ///< what the assets need: their servers, and theirs
};

/// For what-if: one more server for a service.
struct AddedReplica {
  ServiceIndex service;
  std::optional<AssetIndex> on;  ///< fails with that asset; nothing: never fails
};

struct ImpactQuery {
  std::vector<AssetIndex> assets;  ///< fail together, or need together
  ImpactDirection direction = ImpactDirection::upstream;
  std::uint32_t depth = 10;          ///< hops at most
  std::size_t max_affected = 1'000;  ///< named; the others are counted
  std::vector<AddedReplica> replicas;
};

/// An asset that is hit, and the last hop of why.
struct Affected {
  AssetIndex asset;
  AssetIndex because;    ///< upstream: the last server it had, now failed; downstream: its client
  ClusterIndex cluster;  ///< what it needed of it; downstream: what it is needed for
  std::uint32_t hops = 0;
  std::uint32_t last_hour = 0;  ///< of the last evidence for this hop
  Certainty certainty = Certainty::possible;
  std::uint8_t weight_percent = 0;  ///< of the need
};

/// Infrastructure that has lost members, or is needed: not followed.
struct SharedImpact {
  ClusterIndex cluster;
  std::uint32_t members_hit = 0;  ///< upstream: failed; downstream: all
  std::uint32_t clients = 0;      ///< who need it; downstream: of those reached
};

/// What the exporters' sampling may have hidden from the part of the map that was looked at.
struct SamplingBlindness {
  std::uint64_t needs = 0;          ///< looked at
  std::uint64_t sampled_needs = 0;  ///< with sampled traffic only
  std::uint32_t rate = 1;           ///< the highest: 1 in so many packets
  /// A dependency of fewer packets than this within 28 days goes unseen more than once in twenty
  /// times: 3 × rate; 0 where nothing was sampled.
  std::uint64_t packets_unseen = 0;
  /// `Nothing here was sampled.`
  [[nodiscard]] std::string text() const;
};

struct Impact {
  std::vector<Affected> affected;  ///< by certainty, hops, asset; without the assets asked about
  std::array<std::uint64_t, kCertaintyCount> counts{};  ///< affected, those not named included
  std::vector<SharedImpact> shared;                     ///< by cluster
  /// Upstream: assets not hit, even in the possible world, that have lost some member they used.
  std::uint64_t kept_by_replicas = 0;
  std::uint64_t watchers = 0;  ///< watchers that use what is hit: they see it, and stand
  SamplingBlindness sampling;
  bool depth_reached = false;  ///< there may be more behind the last hop

  [[nodiscard]] std::uint64_t total() const noexcept { return counts[0] + counts[1] + counts[2]; }
  [[nodiscard]] std::uint64_t left_out() const noexcept { return total() - affected.size(); }
};

/// Linear in what is reached. Assets asked about twice count once.
[[nodiscard]] Impact find_impact(const ServiceGraph& graph, const ImpactQuery& query);

/// One hop in words: `needs tcp/5432 of db-1 (in 93 % of its hours), and no other server is left`.
/// \param name_of  what to call an asset.
[[nodiscard]] std::string reason(const ServiceGraph& graph, const Affected& affected,
                                 ImpactDirection direction,
                                 const std::function<std::string(AssetIndex)>& name_of);

/// How many a failure takes with it, and how that compares.
struct BlastRadius {
  std::array<std::uint64_t, kCertaintyCount> lost{};
  std::uint64_t dependants = 0;  ///< that reach the assets over some chain of needs
  double share = 0;              ///< certain and probable, of all dependants on the map
  double percentile = 0;         ///< of assets that would take fewer with them, 0 to 100
};

/// What the failure of each asset alone would cost: a measure for others. Immutable: share freely.
class BlastScale {
 public:
  /// \param max_samples  servers to try, evenly over the order of ids; all of them if there are no
  ///   more. Assets that serve nobody cost nothing and are counted exactly.
  explicit BlastScale(const ServiceGraph& graph, std::size_t max_samples = 512);

  /// Of assets whose failure takes fewer with it than `lost`, in percent.
  [[nodiscard]] double percentile_of(std::uint64_t lost) const noexcept;
  [[nodiscard]] std::size_t samples() const noexcept { return losses_.size(); }
  [[nodiscard]] bool is_exact() const noexcept { return samples() == servers_; }

 private:
  std::vector<std::uint64_t> losses_;  ///< ascending
  std::uint64_t servers_ = 0;
  std::uint64_t assets_ = 0;
};

[[nodiscard]] BlastRadius find_blast_radius(const ServiceGraph& graph, const BlastScale& scale,
                                            const ImpactQuery& query);

}  // namespace flowlens
