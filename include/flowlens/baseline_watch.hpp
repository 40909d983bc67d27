/// \file
/// detect: whether the map still is what a baseline says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "flowlens/baseline.hpp"
#include "flowlens/change_event.hpp"
#include "flowlens/dependency_graph.hpp"

namespace flowlens {

struct BaselineWatchOptions {
  double min_drift = 0.1;      ///< uses that are new or missing, of all that count: it drifts
  std::uint64_t min_uses = 3;  ///< and so many at least
  /// What drifts is back when less than so much of min_drift is otherwise.
  double restored_below = 0.5;
  std::uint32_t recent_hours = 168;  ///< what has no traffic for so long is missing
  std::uint32_t min_new_hours = 2;   ///< what has traffic in fewer hours is not new yet
};

/// A baseline that is kept. shared_ptr: whoever keeps it may drop it meanwhile.
struct WatchedBaseline {
  Id id;
  std::shared_ptr<const Baseline> baseline;
};

/// Compares baselines with the map: `baseline_drift` when too much is otherwise, once, and
/// `baseline_restored` when it is back, or the baseline is kept no more. How much traffic a use has
/// does not count, nor does what had no traffic every day or was seen for less than two hours.
///
/// Reads a snapshot; the map is written meanwhile. Thread-compatible.
class BaselineWatch {
 public:
  /// \throws ConfigError for a number out of range.
  explicit BaselineWatch(const BaselineWatchOptions& options = {});

  /// What an earlier process had found: what drifts, and since when.
  void restore(std::map<Id, Timestamp> drifting);
  [[nodiscard]] const std::map<Id, Timestamp>& drifting() const noexcept { return drifting_; }

  /// \return what is new, for DependencyGraph::apply(); after restore() also, once, what still drifts,
  ///   under the id it had: the map passes over what it knows.
  [[nodiscard]] std::vector<ChangeEvent> look(const DependencyGraph& graph,
                                              std::span<const WatchedBaseline> kept, Timestamp now);

 private:
  [[nodiscard]] ChangeEvent restored(const Id& id, Timestamp now, std::string reason);

  BaselineWatchOptions options_;
  std::map<Id, Timestamp> drifting_;
  std::set<Id> untold_;  ///< by this process
};

}  // namespace flowlens
