// What is known of assets otherwise than from flows, and how those do who tell it.
#include <algorithm>
#include <chrono>
#include <vector>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "lookups/lookups.hpp"

namespace flowlensd::http {
namespace {

Json time_json(const std::optional<Timestamp>& time) {
  return time ? Json(to_string(*time)) : Json(nullptr);
}

Json fact_json(const StandingFact& standing, const SiteTable& sites) {
  const Fact& fact = standing.fact;
  return {{"site", sites.name(fact.subject.site)},
          {"address", fact.subject.address.to_string()},
          {"attribute", fact.attribute},
          {"value", fact.value},
          {"source", to_string(fact.source)},
          {"origin", fact.origin},
          {"at", to_string(fact.at)},
          {"since", time_json(fact.since)},
          {"expires", time_json(fact.expires)},
          {"counts", standing.counts}};
}

/// What GeoIP files say of external addresses is not kept: it is as they say when it is asked for. It
/// counts where nobody else says it of the address.
void add_geo_facts(std::vector<StandingFact>& facts, const AssetRow& row, const Geo& geo) {
  if (row.is_internal) return;
  const Timestamp now = std::chrono::system_clock::now();
  const std::vector<StandingFact> told = facts;
  for (const HeldEndpoint& held : row.endpoints) {
    const Endpoint& endpoint = held.endpoint;
    if (held.until || peer_group(endpoint.address)) continue;
    for (Fact& fact : geo_facts(geo.find(endpoint.address), endpoint, now)) {
      const bool is_told = std::any_of(told.begin(), told.end(), [&](const StandingFact& other) {
        return other.fact.subject == endpoint && other.fact.attribute == fact.attribute;
      });
      facts.push_back({std::move(fact), !is_told});
    }
  }
  std::stable_sort(facts.begin(), facts.end(), [](const StandingFact& a, const StandingFact& b) {
    return a.fact.attribute < b.fact.attribute;
  });
}

Response list_facts(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto row = s.graph.asset(id);
  if (!row) throw Problem{404, "Not found", "there is no asset " + id.to_string()};
  std::vector<StandingFact> facts = s.graph.facts_of(id);
  if (s.geo != nullptr) add_geo_facts(facts, *row, *s.geo);
  Json items = Json::array();
  for (const StandingFact& fact : facts) {
    items.push_back(fact_json(fact, s.graph.sites()));
  }
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

Json status_json(const LookupStatus& status) {
  const std::string remark = status.remarks.words();
  return {{"source", status.source},
          {"origin", status.origin},
          {"state", status.state()},
          {"facts", status.facts},
          {"refused", status.refused},
          {"interval_seconds",
           std::chrono::duration_cast<std::chrono::seconds>(status.interval).count()},
          {"successes", status.successes},
          {"failures", status.failures},
          {"last_success", time_json(status.last_success)},
          {"last_error", status.last_error.empty() ? Json(nullptr) : Json(status.last_error)},
          {"last_error_at", time_json(status.last_error_at)},
          {"remark", remark.empty() ? Json(nullptr) : Json(remark)},
          {"broken", status.remarks.broken},
          {"passed_over", status.remarks.passed_over},
          {"beyond", status.remarks.beyond},
          {"asked_since", time_json(status.asked_since)}};
}

Response list_lookups(const Service& s) {
  if (s.lookups == nullptr) {
    throw Problem{503, "Not available", "this process looks nothing up"};
  }
  Json items = Json::array();
  for (const LookupStatus& status : s.lookups->statuses()) items.push_back(status_json(status));
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

}  // namespace

void add_fact_routes(Router& router, const Service& s) {
  router.add(
      {"/api/v1/assets/{id}/facts", [&s](const Request& r) { return list_facts(r, s); }, {}});
}

void add_lookup_routes(Router& router, const Service& s) {
  router.add({"/api/v1/lookups", [&s](const Request&) { return list_lookups(s); }, {}});
}

}  // namespace flowlensd::http
