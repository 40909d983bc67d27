#include "pipeline/classifying.hpp"

#include <string>
#include <utility>

#include "config/text_file.hpp"

namespace flowlensd {

ClassifierOptions classifier_options(const Settings& s) {
  ClassifierOptions o;
  o.min_observation = std::chrono::hours(s.classification_min_hours);
  o.min_flows = s.classification_min_flows;
  o.update_confidence = s.classification_update_confidence;
  o.high_confidence = s.classification_high_confidence;
  o.reclassify_interval = std::chrono::hours(s.classification_interval_hours);
  o.batch_size = s.classification_batch_size;
  if (const std::string& path = s.classification_rules_file; !path.empty()) {
    o.rules = parse_classification_rules(read_file_of("classification.rules_file", path), path);
  }
  if (const std::string& path = s.classification_networks_file; !path.empty()) {
    o.networks = parse_network_rules(read_file_of("classification.networks_file", path), path);
  }
  return o;
}

ClassifierOptions classifier_options(const Settings& s, const Gateways& gateways) {
  ClassifierOptions o = classifier_options(s);
  o.gateways = [&gateways] { return gateways.in_use(); };
  return o;
}

Classifying::Classifying(Classifier& classifier, const DependencyGraph& graph,
                         std::function<bool(const Fact&)> tell, std::chrono::milliseconds interval,
                         FatalHandler fatal)
    : classifier_(classifier),
      graph_(graph),
      tell_(std::move(tell)),
      thread_(
          "the Classifier", interval, [this](Timestamp now) { look(now); }, std::move(fatal)) {}

std::size_t Classifying::look(Timestamp now) {
  const std::vector<Fact> facts = classifier_.look(graph_, now);
  for (const Fact& fact : facts) tell_(fact);
  return facts.size();
}

}  // namespace flowlensd
