#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "http/declared.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostCandidates = 5;
constexpr double kLeastProbability = 0.001;

double rounded(double value) { return std::round(value * 10'000) / 10'000; }

const Classifier& classifier_of(const Service& s) {
  if (s.classifier != nullptr) return *s.classifier;
  throw Problem{503, "Not available", "this process does not classify"};
}

AssetRow known_asset(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto row = s.graph.asset(id);
  if (!row) throw Problem{404, "Not found", "there is no asset " + id.to_string()};
  return *row;
}

Json answer_json(const TypeAnswer& answer) {
  return {{"asset_type", to_string(answer.type)},
          {"confidence", rounded(answer.confidence)},
          {"at", to_string(answer.at)},
          {"reasons", answer.reasons}};
}

Json services_json(const std::vector<ServiceUse>& uses) {
  Json items = Json::array();
  for (const ServiceUse& u : uses) {
    const std::string_view protocol = protocol_name(u.protocol);
    items.push_back({{"kind", to_string(u.kind)},
                     {"service", service_name(find_service(u.protocol, u.port))},
                     {"protocol", protocol.empty() ? std::to_string(u.protocol) : protocol},
                     {"port", u.port},
                     {"ports", u.ports},
                     {"peers", u.peers},
                     {"flows", u.flows},
                     {"octets_to_server", u.octets_to_server},
                     {"octets_to_client", u.octets_to_client},
                     {"active_hours", u.active_hours}});
  }
  return items;
}

/// The most probable types as of now, each with what speaks for it.
Json candidates_json(const Verdict& verdict) {
  std::vector<AssetType> types;
  for (std::size_t i = 0; i < kAssetTypeCount; ++i) {
    if (verdict.probability[i] >= kLeastProbability) types.push_back(static_cast<AssetType>(i));
  }
  const auto p = [&](AssetType t) { return verdict.probability[static_cast<std::size_t>(t)]; };
  std::stable_sort(types.begin(), types.end(),
                   [&](AssetType a, AssetType b) { return p(a) > p(b); });
  if (types.size() > kMostCandidates) types.resize(kMostCandidates);
  Json items = Json::array();
  for (const AssetType t : types) {
    items.push_back({{"asset_type", to_string(t)},
                     {"probability", rounded(p(t))},
                     {"reasons", verdict.reasons(t)}});
  }
  return items;
}

Json decisions_json(const NetworkRules& rules, const IpAddress& address) {
  Json items = Json::array();
  for (const NetworkDecision& d : rules.decide(address)) {
    items.push_back({{"label", to_string(d.label)},
                     {"value", d.value},
                     {"rule", d.rule},
                     {"prefix", d.prefix.to_string()},
                     {"why", d.why}});
  }
  return items;
}

/// `high`, `medium` or `low`, by the thresholds of the settings.
std::string_view level(const ClassifierOptions& o, double confidence) noexcept {
  if (confidence >= o.high_confidence) return "high";
  return confidence >= o.update_confidence ? "medium" : "low";
}

Json classification_json(const AssetRow& row, const Service& s) {
  const Classifier& classifier = classifier_of(s);
  const ClassifierOptions& o = classifier.options();
  const auto found = classifier.classification(row.id);
  // The map's own clock: a map of a capture is looked at as of then.
  const Timestamp now = std::max(s.writer.view().flushed, row.last_seen);
  AssetFeatures features;
  const auto verdict = classifier.judge_now(s.graph, row.id, now, &features);
  Json history = Json::array();
  if (found) {
    for (const TypeAnswer& a : found->history) history.push_back(answer_json(a));
  }
  const bool has_answer = found && found->answer.type != AssetType::unknown;
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(row.last_seen - row.first_seen);
  return {{"asset_id", row.id.to_string()},
          {"asset_type", row.asset_type},
          {"type_source", to_string(row.type_source)},
          {"type_confidence", rounded(row.type_confidence)},
          {"confidence_level", level(o, row.type_confidence)},
          {"type_at",
           row.type_source == FactSource::observed ? Json(nullptr) : Json(to_string(row.type_at))},
          {"inferred", has_answer ? answer_json(found->answer) : Json(nullptr)},
          {"evidence",
           {{"observation_hours", hours.count()},
            {"min_observation_hours", o.min_observation.count()},
            {"flows", features.flows},
            {"min_flows", o.min_flows}}},
          {"candidates", verdict ? candidates_json(*verdict) : Json::array()},
          {"serves", services_json(features.serves)},
          {"uses", services_json(features.uses)},
          {"networks", row.endpoints.empty()
                           ? Json::array()
                           : decisions_json(o.networks, row.endpoints.front().endpoint.address)},
          {"history", std::move(history)}};
}

/// Somebody says what it is, or takes back what he said.
Response declare_type(const Request& request, const Service& s) {
  const AssetRow row = known_asset(request, s);
  const Json body = object_of(request, {"asset_type"});
  if (!body.contains("asset_type")) bad_body("asset_type: give a type, or null to take it back");
  tell_type(row, body["asset_type"], s);
  return fresh(classification_json(known_asset(request, s), s));
}

Json network_rule_json(const NetworkRule& r) {
  return {{"name", r.name},
          {"cidr", r.prefix.to_string()},
          {"priority", r.priority},
          {"environment", r.environment},
          {"datacenter", r.datacenter},
          {"location", r.location},
          {"owner", r.owner},
          {"asset_type", r.type ? Json(to_string(*r.type)) : Json(nullptr)}};
}

/// All rules in the order in which they win; with an address, what they decide for it.
Response networks(const Request& request, const Service& s) {
  const NetworkRules& rules = classifier_of(s).options().networks;
  Json items = Json::array();
  for (const NetworkRule& r : rules.rules()) items.push_back(network_rule_json(r));
  Json body{{"items", std::move(items)}, {"total", rules.rules().size()}, {"next_cursor", nullptr}};
  const auto given = request.query.find("address");
  if (given != request.query.end()) {
    const auto address = IpAddress::parse(given->second);
    if (!address) {
      throw Problem{400, "Bad query parameter",
                    "address: `" + given->second + "` is no IPv4 or IPv6 address"};
    }
    body["address"] = address->to_string();
    body["decisions"] = decisions_json(rules, *address);
  }
  return fresh(body);
}

std::string_view text_of_side(ServiceSide side) noexcept {
  return side == ServiceSide::serves ? "serves" : "uses";
}

Response rules(const Service& s) {
  Json items = Json::array();
  const auto held = classifier_of(s).rules();
  for (const ClassificationRule& r : *held) {
    const bool has_service = r.side != ServiceSide::none;
    items.push_back({{"asset_type", to_string(r.type)},
                     {"side", has_service ? Json(text_of_side(r.side)) : Json(nullptr)},
                     {"service", has_service ? Json(to_string(r.kind)) : Json(nullptr)},
                     {"condition", r.condition ? Json(r.condition.canonical()) : Json(nullptr)},
                     {"weight", r.weight},
                     {"words", r.words},
                     {"line", r.line}});
  }
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

}  // namespace

void add_classification_routes(Router& router, const Service& s) {
  router.add({"/api/v1/assets/{id}/classification",
              [&s](const Request& r) { return fresh(classification_json(known_asset(r, s), s)); },
              {}});
  router.add({"/api/v1/assets/{id}/classification",
              [&s](const Request& r) { return declare_type(r, s); },
              {},
              "POST"});
  router.add({"/api/v1/classification/rules", [&s](const Request&) { return rules(s); }, {}});
  router.add({"/api/v1/classification/networks",
              [&s](const Request& r) { return networks(r, s); },
              {"address"}});
}

}  // namespace flowlensd::http
