/// \file
/// pipeline: whether kept baselines are still true. A thread compares them with the map every hour.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "library.hpp"
#include "pipeline/baseline_shelf.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/periodic.hpp"

namespace flowlensd {

class BaselineWatching {
 public:
  using Tell = std::function<void(const std::vector<ChangeEvent>&)>;

  /// \param tell  takes events. References outlive this.
  BaselineWatching(const BaselineWatchOptions& options, const DependencyGraph& graph,
                   BaselineShelf& shelf, Tell tell, std::chrono::milliseconds interval,
                   FatalHandler fatal);

  void start() { thread_.start(); }
  void stop() { thread_.stop(); }
  /// Looks once. Not while the thread runs.
  void look(Timestamp now);

 private:
  void keep(const std::map<Id, Timestamp>& drifting);

  const DependencyGraph& graph_;
  BaselineShelf& shelf_;
  const Tell tell_;
  BaselineWatch watch_;
  Periodic thread_;
};

}  // namespace flowlensd
