/// \file
/// pipeline: what assets are. A thread looks at the map from time to time and tells it what it finds.
#pragma once

#include <chrono>
#include <functional>

#include "config/settings.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/periodic.hpp"

namespace flowlensd {

/// Reads the files that the settings name.
/// \throws ConfigError naming file, line and what would be right.
[[nodiscard]] ClassifierOptions classifier_options(const Settings& settings);
/// \param gateways  outlives the Classifier.
[[nodiscard]] ClassifierOptions classifier_options(const Settings& settings,
                                                   const Gateways& gateways);

class Classifying {
 public:
  /// \param tell  takes what is found. All references outlive this.
  Classifying(Classifier& classifier, const DependencyGraph& graph,
              std::function<bool(const Fact&)> tell, std::chrono::milliseconds interval,
              FatalHandler fatal);

  void start() { thread_.start(); }
  void stop() { thread_.stop(); }
  /// Looks once. Not while the thread runs. \return facts told.
  std::size_t look(Timestamp now);

 private:
  Classifier& classifier_;
  const DependencyGraph& graph_;
  const std::function<bool(const Fact&)> tell_;
  Periodic thread_;
};

}  // namespace flowlensd
