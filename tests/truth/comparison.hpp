/// \file
/// FlowLens and the other tools' rules on one input.
#pragma once

#include <string>

#include "truth/conversations.hpp"
#include "truth/map_run.hpp"
#include "truth/report.hpp"
#include "truth/sources.hpp"

namespace truth {

/// Thread-compatible.
class Comparison {
 public:
  explicit Comparison(const MapRun::Options& options = {}) : flowlens_(options) {}

  /// What takes the flows. Valid as long as this.
  [[nodiscard]] TakeFlows input();
  /// Ends the input and scores all.
  [[nodiscard]] ScenarioScores finish(const std::string& name, const TrueMap& truth,
                                      const ScoreOptions& options);
  [[nodiscard]] const MapRun& flowlens() const noexcept { return flowlens_; }

 private:
  MapRun flowlens_;
  Conversations conversations_;
};

/// Plays a scenario and scores all. Of `options` the time to measure from is the scenario's.
[[nodiscard]] ScenarioScores compare(const std::string& name, const simnet::Options& scenario,
                                     ScoreOptions options = {});

}  // namespace truth
