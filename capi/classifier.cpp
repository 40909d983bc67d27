// What an asset is.
#include <memory>

#include "flowlens/classification_rules.hpp"
#include "flowlens/classifier.hpp"
#include "graph_handle.hpp"

namespace capi = flowlens::capi;

struct flowlens_classifier {
  explicit flowlens_classifier(flowlens::ClassifierOptions options)
      : classifier(std::move(options)) {}
  flowlens::Classifier classifier;
};

namespace {

flowlens::ClassifierOptions classifier_options(const flowlens_classifier_options* given) {
  const auto c =
      capi::read_options(given, FLOWLENS_OLDEST(flowlens_classifier_options, network_rules));
  flowlens::ClassifierOptions options;
  capi::set_unless_zero(options.min_flows, c.min_flows);
  capi::set_unless_zero(options.min_observation, c.min_observation_hours);
  capi::set_unless_zero(options.reclassify_interval, c.reclassify_interval_h);
  if (c.rules != nullptr) options.rules = flowlens::parse_classification_rules(c.rules, "rules");
  if (c.network_rules != nullptr) {
    options.networks = flowlens::parse_network_rules(c.network_rules, "network_rules");
  }
  return options;
}

flowlens_verdict c_verdict(const flowlens::Verdict& verdict) {
  flowlens_verdict c{};
  c.confidence = verdict.confidence();
  capi::copy_text(to_string(verdict.type), c.asset_type);
  const std::vector<std::string> reasons = verdict.reasons(verdict.type);
  for (std::size_t i = 0; i < std::min(reasons.size(), std::size(c.reasons)); ++i) {
    capi::copy_text(reasons[i], c.reasons[i]);
  }
  return c;
}

}  // namespace

flowlens_status flowlens_classifier_create(const flowlens_classifier_options* options,
                                           flowlens_classifier** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    return std::make_unique<flowlens_classifier>(classifier_options(options));
  });
}

void flowlens_classifier_destroy(flowlens_classifier* classifier) { delete classifier; }

flowlens_status flowlens_classifier_look(flowlens_classifier* classifier, flowlens_graph* graph,
                                         int64_t now_ns, size_t* changed, flowlens_error* error) {
  if (changed != nullptr) *changed = 0;
  return capi::guarded(error, [&] {
    auto& c = capi::need(classifier, "classifier").classifier;
    auto& g = *capi::need(graph, "graph").graph;
    const std::size_t taken = g.apply(c.look(g, flowlens::from_unix_ns(now_ns)));
    if (changed != nullptr) *changed = taken;
  });
}

flowlens_status flowlens_classifier_judge(const flowlens_classifier* classifier,
                                          const flowlens_graph* graph, const flowlens_id* asset,
                                          int64_t now_ns, flowlens_verdict* out,
                                          flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_verdict, reasons), error, [&] {
    const auto& c = capi::need(classifier, "classifier").classifier;
    const auto verdict = c.judge_now(capi::graph_of(graph), capi::id_of(capi::need(asset, "asset")),
                                     flowlens::from_unix_ns(now_ns));
    if (!verdict) throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no such asset"};
    return c_verdict(*verdict);
  });
}
