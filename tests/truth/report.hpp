/// \file
/// Scores for people, and for programs.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "truth/score.hpp"

namespace truth {

/// FlowLens first, then the baselines.
struct ScenarioScores {
  std::string scenario;
  std::vector<Score> tools;
  ApplicationScore application;  ///< FlowLens alone has such a view
};

/// A table in Markdown, one line a scenario and tool; then FlowLens by kind of evidence, by rung and
/// by confidence.
void write_tables(const std::vector<ScenarioScores>& all, std::ostream& out);
void write_json(const std::vector<ScenarioScores>& all, std::ostream& out);

}  // namespace truth
