/// \file
/// analyze: who needs which services, and which servers stand in for each other: the failure model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/asset_graph.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/hour_bitmap.hpp"
#include "flowlens/snapshot.hpp"

namespace flowlens {

/// Position of a service in a ServiceGraph; valid within that one.
struct ServiceIndex {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(ServiceIndex, ServiceIndex) noexcept = default;
};
/// Position of a cluster in a ServiceGraph; valid within that one.
struct ClusterIndex {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(ClusterIndex, ClusterIndex) noexcept = default;
};

/// Why servers were taken to stand in for each other.
enum class ReplicaEvidence : std::uint8_t {
  none,               ///< one server only
  common_clients,     ///< the same clients use the same port of each
  names,              ///< the same, and the names differ in digits only
  alternating_hours,  ///< the same clients use now one, now the other: one is the standby
};
/// `common_clients`
[[nodiscard]] std::string_view to_string(ReplicaEvidence e) noexcept;

/// What a snapshot does not say. Both are asked for the few servers only that may be replicas; either
/// may be left out. Called while a ServiceGraph is made, never after.
struct ReplicaHints {
  std::function<std::string(AssetIndex)> name_of;  ///< empty: none known
  std::function<std::optional<HourBitmap>(const Snapshot::Edge&)> hours_of;
};

/// Those that the graph of the snapshot has. Both must outlive them.
[[nodiscard]] ReplicaHints replica_hints(const DependencyGraph& graph, const Snapshot& snapshot);

struct ServiceGraphOptions {
  std::uint32_t min_common_clients = 5;  ///< of servers without names, to be taken for replicas
  double min_client_overlap = 0.5;       ///< clients of both over clients of either
  /// Infrastructure is what at least this share of all servers uses, and at least so many of them.
  double shared_share = 0.2;
  std::uint32_t shared_servers = 10;
  /// The same for ports that are infrastructure by their meaning: DNS, NTP, DHCP, directories, logs.
  double shared_share_known_port = 0.05;
  std::uint32_t shared_servers_known_port = 3;
  /// A watcher (monitoring, backup, scanner) uses this share of all servers, and at least so many.
  double watcher_share = 0.2;
  std::uint32_t watcher_servers = 20;
};

/// One port of one asset.
struct ServedPort {
  AssetIndex server;
  ClusterIndex cluster;
  std::uint32_t clients = 0;  ///< assets that use it; itself not counted
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  friend constexpr bool operator==(const ServedPort&, const ServedPort&) noexcept = default;
  /// `tcp/443`
  [[nodiscard]] std::string port_text() const;
};

/// A client's need of a cluster: what all its edges to the members say together.
struct Need {
  AssetIndex client;
  ClusterIndex cluster;
  std::uint32_t last_hour = 0;      ///< of the last traffic
  std::uint16_t members_used = 0;   ///< members of the cluster that it has used itself
  std::uint16_t sampling_rate = 1;  ///< the lowest of its edges: 1 in so many packets
  std::uint8_t weight_percent = 0;  ///< how sure it is that the client cannot do without; 1 to 100
  std::uint8_t steadiness_percent = 0;  ///< of the hours of its steadiest use, those of this one
};

/// Services of one port that stand in for each other; most have one member.
struct Cluster {
  ReplicaEvidence evidence = ReplicaEvidence::none;
  bool is_shared = false;            ///< infrastructure: most servers use it
  std::uint8_t overlap_percent = 0;  ///< clients in common of the members least alike; 0 for one
  /// Who needs it for certain or probably, watchers aside.
  std::uint32_t bound_clients = 0;
  friend constexpr bool operator==(const Cluster&, const Cluster&) noexcept = default;
};

/// The services of a snapshot in clusters, and who needs them. Immutable: share freely. Keeps
/// nothing of the Snapshot; its AssetIndexes are the Snapshot's.
///
/// A need weighs steadiness × confidence of the direction × support (1 − ½^hours seen); after a week
/// without use, while the client was active, at most kPossiblePercent. Hours are those of
/// Snapshot::Edge, of the client's busiest dependency: what is used now and then weighs little.
class ServiceGraph {
 public:
  static constexpr unsigned kCertainPercent = 75;   ///< needs from here on count as certain
  static constexpr unsigned kProbablePercent = 40;  ///< as probable; less: as possible
  static constexpr unsigned kPossiblePercent = 39;

  /// \param mask  as long as `snapshot.edges`, or empty: all of them.
  explicit ServiceGraph(const Snapshot& snapshot, const EdgeMask& mask = {},
                        const ServiceGraphOptions& options = {}, const ReplicaHints& hints = {});

  [[nodiscard]] std::uint32_t asset_count() const noexcept {
    return static_cast<std::uint32_t>(service_offsets_.size() - 1);
  }
  [[nodiscard]] std::span<const ServedPort> services() const noexcept { return services_; }
  [[nodiscard]] std::span<const Cluster> clusters() const noexcept { return clusters_; }
  [[nodiscard]] const ServedPort& operator[](ServiceIndex s) const noexcept {
    return services_[s.value];
  }
  [[nodiscard]] const Cluster& operator[](ClusterIndex c) const noexcept {
    return clusters_[c.value];
  }
  /// The services of an asset, by protocol and port. All spans are valid as long as the graph.
  [[nodiscard]] std::span<const ServedPort> services_of(AssetIndex server) const noexcept {
    return part<ServedPort>(services_, service_offsets_, server.value);
  }
  [[nodiscard]] ServiceIndex index_of(const ServedPort& s) const noexcept {
    return {static_cast<std::uint32_t>(&s - services_.data())};
  }
  [[nodiscard]] std::optional<ServiceIndex> find(AssetIndex server, std::uint8_t protocol,
                                                 std::uint16_t port) const noexcept;
  /// The clients of a service, ascending.
  [[nodiscard]] std::span<const AssetIndex> clients_of(ServiceIndex s) const noexcept {
    return part<AssetIndex>(clients_, client_offsets_, s.value);
  }
  [[nodiscard]] std::span<const ServiceIndex> members_of(ClusterIndex c) const noexcept {
    return part<ServiceIndex>(members_, member_offsets_, c.value);
  }
  /// Who needs the cluster, ascending by client.
  [[nodiscard]] std::span<const Need> needs_of(ClusterIndex c) const noexcept {
    return part<Need>(needs_, need_offsets_, c.value);
  }
  [[nodiscard]] const Need* find_need(AssetIndex client, ClusterIndex c) const noexcept;
  /// Positions in needs() of what the client needs, ascending by cluster.
  [[nodiscard]] std::span<const std::uint32_t> needs_by(AssetIndex client) const noexcept {
    return part<std::uint32_t>(client_needs_, client_need_offsets_, client.value);
  }
  [[nodiscard]] std::span<const Need> needs() const noexcept { return needs_; }
  /// Monitoring, backup, scanners: they use what is there, and depend on none of it.
  [[nodiscard]] bool is_watcher(AssetIndex a) const noexcept { return watchers_[a.value]; }
  /// Infrastructure, or asked for by a watcher: shown apart, never followed.
  [[nodiscard]] bool is_apart(const Need& n) const noexcept {
    return clusters_[n.cluster.value].is_shared || is_watcher(n.client);
  }
  /// Whether its client needs it at least probably, and is no watcher.
  [[nodiscard]] bool binds(const Need& n) const noexcept {
    return n.weight_percent >= kProbablePercent && !is_watcher(n.client);
  }
  /// Assets with a need that is not apart: all that an analysis could name as affected.
  [[nodiscard]] std::uint32_t dependants() const noexcept { return dependants_; }
  /// The edges of the mask without those that are apart: for an AssetGraph of what matters.
  /// \param snapshot, mask  as given to the constructor.
  [[nodiscard]] EdgeMask own_edges(const Snapshot& snapshot, const EdgeMask& mask = {}) const;
  /// Pairs of servers of one port and one client that were not looked at, because a client uses more
  /// than kMaxServersOfAPort of it.
  [[nodiscard]] std::uint64_t pairs_passed_over() const noexcept { return pairs_passed_over_; }
  static constexpr std::size_t kMaxServersOfAPort = 16;

 private:
  struct Maker;

  template <typename T>
  static std::span<const T> part(const std::vector<T>& list,
                                 const std::vector<std::uint32_t>& offsets,
                                 std::uint32_t i) noexcept {
    return {list.data() + offsets[i], offsets[i + 1] - offsets[i]};
  }

  std::vector<ServedPort> services_;  ///< by server, protocol, port
  std::vector<std::uint32_t> service_offsets_;
  std::vector<AssetIndex> clients_;
  std::vector<std::uint32_t> client_offsets_;
  std::vector<Cluster> clusters_;  ///< by first member
  std::vector<ServiceIndex> members_;
  std::vector<std::uint32_t> member_offsets_;
  std::vector<Need> needs_;  ///< by cluster, client
  std::vector<std::uint32_t> need_offsets_;
  std::vector<std::uint32_t> client_needs_;
  std::vector<std::uint32_t> client_need_offsets_;
  std::vector<bool> watchers_;
  std::uint32_t dependants_ = 0;
  std::uint64_t pairs_passed_over_ = 0;
};

/// `web-` for `web-01.example.net`: the first label without its digits. Empty for an address.
[[nodiscard]] std::string name_stem(std::string_view name);

}  // namespace flowlens
