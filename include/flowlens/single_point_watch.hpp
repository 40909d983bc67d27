/// \file
/// detect: what has become a single point of failure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "flowlens/change_event.hpp"
#include "flowlens/dependency_graph.hpp"

namespace flowlens {

struct SinglePointWatchOptions {
  std::uint32_t min_clients = 5;    ///< that find what they need at no other server
  Hour hours = 24;                  ///< what was used in so many hours counts; 1 to 24
  std::uint32_t days = 7;           ///< what was one on any of the days before is not new; 1 to 27
  std::size_t max_points = 10'000;  ///< looked at, those that most depend on
  std::size_t max_known = 1'000'000;  ///< further ones are not told of
};

/// Compares the map with its own past, which its hours hold for 28 days, so nothing need be saved: an
/// asset is told of when clients find a service at it alone, and it was none on any of the days before.
/// A map younger than that is not judged. After a start, what was one for less than two days and is none
/// any more is not known.
///
/// Thread-compatible; the graph may be written meanwhile.
class SinglePointWatch {
 public:
  /// \throws ConfigError for a number out of range.
  explicit SinglePointWatch(const SinglePointWatchOptions& options = {});

  /// The first look goes through the days before, one snapshot each; later ones take two at most.
  /// \param now  never goes back. \return what is new, for DependencyGraph::apply(); one event an asset
  ///   and day at most.
  [[nodiscard]] std::vector<ChangeEvent> look(const DependencyGraph& graph, Timestamp now);

 private:
  [[nodiscard]] std::vector<ChangeEvent> points_at(const DependencyGraph& graph,
                                                   Timestamp at) const;
  void remember(const std::vector<ChangeEvent>& points, Timestamp at);
  [[nodiscard]] bool is_old_enough(const DependencyGraph& graph, Timestamp now);

  SinglePointWatchOptions options_;
  std::map<Id, Timestamp> known_;  ///< when it was one last
  bool has_looked_back_ = false;
  bool is_old_enough_ = false;
};

}  // namespace flowlens
