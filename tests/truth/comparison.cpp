#include "truth/comparison.hpp"

#include "truth/baselines.hpp"

namespace truth {

TakeFlows Comparison::input() {
  return [this](const flowlens::FlowBatch& batch, flowlens::Timestamp now) {
    conversations_.add(batch.flows);
    flowlens_.add(batch, now);
  };
}

ScenarioScores Comparison::finish(const std::string& name, const TrueMap& truth,
                                  const ScoreOptions& options) {
  flowlens_.finish();
  const TrueMap network = network_view(truth);
  ScenarioScores scores;
  scores.scenario = name;
  scores.tools.push_back(score(flowlens_, network, conversations_, options));
  scores.application =
      score_application(flowlens_.application_map(), truth, conversations_, options);
  for (const auto& baseline : make_baselines(conversations_)) {
    ScoreOptions without_examples = options;
    without_examples.max_examples = 0;
    scores.tools.push_back(score(*baseline, network, conversations_, without_examples));
  }
  return scores;
}

ScenarioScores compare(const std::string& name, const simnet::Options& scenario,
                       ScoreOptions options) {
  Comparison comparison;
  const TrueMap truth = simulate(scenario, comparison.input());
  options.measure_from =
      flowlens::Timestamp{scenario.simulation.traffic.start + scenario.measure_from};
  return comparison.finish(name, truth, options);
}

}  // namespace truth
