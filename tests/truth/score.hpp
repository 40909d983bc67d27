/// \file
/// How far a map is from the truth.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "flowlens/time.hpp"
#include "truth/contender.hpp"

namespace truth {

/// Conversations by what became of their direction.
struct Tally {
  std::uint64_t right = 0;
  std::uint64_t wrong = 0;
  std::uint64_t undecided = 0;  ///< `unknown` or `peer` where one side serves: not right either
  std::uint64_t missing = 0;    ///< not on the map; counts for recall, not for direction

  [[nodiscard]] std::uint64_t decided() const noexcept { return right + wrong + undecided; }
  /// Share of right ones; 1 where there are none.
  [[nodiscard]] double accuracy() const noexcept;
  Tally& operator+=(const Tally& other) noexcept;
};

/// Edges whose direction_confidence lies in [i / 10, (i + 1) / 10).
struct ConfidenceBucket {
  std::uint64_t edges = 0;
  std::uint64_t right = 0;
  double confidence = 0;  ///< sum
};

struct Score {
  std::string name;
  // Edges. Only those are asked for of which at least one record came.
  std::uint64_t edges_true = 0;
  std::uint64_t edges_found = 0;
  std::uint64_t edges_right = 0;
  std::uint64_t edges_undecided = 0;  ///< not among those found: shown without saying who serves
  std::uint64_t edges_turned = 0;     ///< false ones that are a true edge the wrong way round
  std::uint64_t false_ephemeral =
      0;  ///< false ones on a port of the other end's client, or >= 32768
  // Octets of the true edges that were found and of which the truth is known.
  std::uint64_t octets_true = 0;
  std::uint64_t octets_found = 0;
  std::uint64_t octets_apart = 0;  ///< sum of |found - true| by edge and direction
  // Direction, by conversation and window.
  std::array<Tally, kEvidenceKindCount> by_kind;
  std::map<std::string, Tally> by_evidence;  ///< by the tool's own word
  Tally peers;                               ///< right: shown as peers
  std::array<ConfidenceBucket, 10> buckets{};
  std::vector<std::string> examples;  ///< of what is wrong, in words

  [[nodiscard]] double precision() const noexcept;
  [[nodiscard]] double recall() const noexcept;
  [[nodiscard]] Tally direction() const noexcept;
  /// Of all edges found.
  [[nodiscard]] double false_ephemeral_share() const noexcept;
  [[nodiscard]] double octet_error() const noexcept;          ///< of the sums
  [[nodiscard]] double octet_error_by_edge() const noexcept;  ///< sum of errors by edge
  /// Mean distance of confidence and accuracy over the buckets, weighted by edges.
  [[nodiscard]] double calibration_error() const noexcept;
};

/// A map of applications: whole edges only, whatever passes them on.
struct ApplicationScore {
  std::uint64_t edges_true = 0;
  std::uint64_t edges_found = 0;  ///< but for those that do not say who serves
  std::uint64_t edges_right = 0;
  std::uint64_t octets_true = 0;  ///< of the right ones
  std::uint64_t octets_apart = 0;
  std::vector<std::string> examples;  ///< of what is missing or false

  [[nodiscard]] double precision() const noexcept;
  [[nodiscard]] double recall() const noexcept;
  [[nodiscard]] double octet_error_by_edge() const noexcept;
};

struct ScoreOptions {
  flowlens::Timestamp measure_from =
      flowlens::Timestamp::min();  ///< direction: of windows from here
  std::size_t max_examples = 0;
};

[[nodiscard]] Score score(const Contender& tool, const TrueMap& truth, const Conversations& all,
                          const ScoreOptions& options = {});
/// What passes translators and balancers bears their addresses on the wire; here that is false.
[[nodiscard]] ApplicationScore score_application(
    const std::map<DependencyKey, FoundDependency>& found, const TrueMap& truth,
    const Conversations& all, const ScoreOptions& options = {});

}  // namespace truth
