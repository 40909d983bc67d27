#include <chrono>
#include <utility>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostEndpoints = 1'000;  // of one split

Timestamp now() { return std::chrono::system_clock::now(); }

/// Applies all facts and answers with the asset that holds their endpoints now.
Response apply(const Service& s, const std::vector<Fact>& facts) {
  for (const Fact& fact : facts) {
    if (s.tell(fact)) continue;
    throw Problem{409, "Conflict",
                  fact.subject.address.to_string() +
                      " cannot be moved: it has gone, or the map has no room for a new asset"};
  }
  const auto asset = s.graph.asset_of(facts.front().subject);
  Response r;
  r.body = text_of(asset ? asset_json(*asset, s.graph.sites()) : Json::object());
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

AssetRow known_asset(const Service& s, const Id& id) {
  const auto row = s.graph.asset(id);
  if (!row) throw Problem{404, "Not found", "there is no asset " + id.to_string()};
  return *row;
}

Response merge_assets(const Request& request, const Service& s) {
  const Id into = known_asset(s, id_parameter(request)).id;
  const Json body = object_of(request, {"asset_id", "since"});
  const Id from = known_asset(s, id_member(body, "asset_id")).id;
  const auto facts = s.graph.facts_to_merge(into, from, now(), time_member(body, "since"));
  if (facts.empty())
    throw Problem{409, "Conflict", "both are the same asset, or one holds nothing"};
  return apply(s, facts);
}

Response split_asset(const Request& request, const Service& s) {
  const Id asset = known_asset(s, id_parameter(request)).id;
  const Json body = object_of(request, {"endpoints", "since"});
  if (!body.contains("endpoints") || !body["endpoints"].is_array() || body["endpoints"].empty() ||
      body["endpoints"].size() > kMostEndpoints) {
    bad_body("endpoints: give a list of 1 to " + std::to_string(kMostEndpoints));
  }
  std::vector<Endpoint> endpoints;
  for (const Json& item : body["endpoints"])
    endpoints.push_back(endpoint_of(item, s.graph.sites()));
  const auto facts = s.graph.facts_to_split(asset, endpoints, now(), time_member(body, "since"));
  if (facts.empty()) {
    throw Problem{409, "Conflict",
                  "the asset does not hold all of these endpoints now, or nothing would be left of "
                  "it; with `since` its past stays with it"};
  }
  return apply(s, facts);
}

Response list_changes(const Request& request, const Service& s) {
  ChangeQuery query;
  query.limit = number_parameter(request, "page_size", s.settings.default_page_size, 1,
                                 s.settings.max_page_size);
  query.after = cursor_parameter(request);
  query.filter = filter_parameter(request, change_fields());
  const auto page = s.graph.changes(query);
  Json items = Json::array();
  for (const ChangeEvent& event : page.rows) items.push_back(change_json(event, s.graph.sites()));
  return fresh({{"items", std::move(items)},
                {"total", page.total},
                {"next_cursor", page.has_more ? Json(std::to_string(page.next)) : Json(nullptr)}});
}

Response get_change(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto event = s.graph.change(id);
  if (!event) throw Problem{404, "Not found", "there is no change " + id.to_string()};
  Response r;
  r.body = text_of(change_json(*event, s.graph.sites()));
  return r;
}

Response list_intermediaries(const Service& s) {
  Json items = Json::array();
  for (const IntermediaryRow& row : s.graph.intermediaries()) {
    items.push_back(intermediary_json(row, s.graph));
  }
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

IntermediaryRow known_intermediary(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto row = s.graph.intermediary(id);
  if (!row) throw Problem{404, "Not found", "there is no intermediary " + id.to_string()};
  return *row;
}

Response intermediary_response(const Service& s, const Id& id) {
  return fresh(intermediary_json(*s.graph.intermediary(id), s.graph));
}

/// Somebody says whether it is one.
Response judge_intermediary(const Request& request, const Service& s) {
  const IntermediaryRow row = known_intermediary(request, s);
  const std::string state = text_member(object_of(request, {"state"}), "state");
  Fact fact;
  fact.subject = row.front;
  fact.attribute = "intermediary";
  fact.value = row.id.to_string() + " " + state;
  fact.source = FactSource::declared;
  fact.at = now();
  if (!s.tell(fact)) bad_body("state: give proposed, accepted or rejected");
  return intermediary_response(s, row.id);
}

}  // namespace

void add_change_routes(Router& router, const Service& s) {
  router.add({"/api/v1/assets/{id}/merge",
              [&s](const Request& r) { return merge_assets(r, s); },
              {},
              "POST"});
  router.add({"/api/v1/assets/{id}/split",
              [&s](const Request& r) { return split_asset(r, s); },
              {},
              "POST"});
  router.add(
      {"/api/v1/intermediaries", [&s](const Request&) { return list_intermediaries(s); }, {}});
  router.add(
      {"/api/v1/intermediaries/{id}",
       [&s](const Request& r) { return intermediary_response(s, known_intermediary(r, s).id); },
       {}});
  router.add({"/api/v1/intermediaries/{id}",
              [&s](const Request& r) { return judge_intermediary(r, s); },
              {},
              "POST"});
  router.add({"/api/v1/changes",
              [&s](const Request& r) { return list_changes(r, s); },
              {"page_size", "cursor", "filter"}});
  router.add({"/api/v1/changes/{id}", [&s](const Request& r) { return get_change(r, s); }, {}});
}

}  // namespace flowlensd::http
