// What people put into the map, take out of it, and write on it: assets and dependencies.
#include <algorithm>
#include <chrono>
#include <utility>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "http/declared.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "http/said_by.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostEndpoints = 64;  // of one asset that is put in
constexpr std::size_t kMostAssets = 1'000;  // of one request
constexpr std::size_t kLongestName = 256;   // octets

Timestamp now() { return std::chrono::system_clock::now(); }

DependencyGraph& map_of(const Service& s) {
  if (s.map != nullptr) return *s.map;
  throw Problem{503, "Not available", "this process does not write the map"};
}

std::vector<std::string> tags_of(const Json& list, const char* name) {
  const std::string is_wrong = std::string(name) + ": give a list of at most " +
                               std::to_string(kMostTags) + " texts of 1 to " +
                               std::to_string(kLongestTag) + " octets without commas";
  if (!list.is_array() || list.size() > kMostTags) bad_body(is_wrong);
  std::vector<std::string> tags;
  for (const Json& item : list) {
    if (!item.is_string() || !is_valid_tag(item.get<std::string>())) bad_body(is_wrong);
    tags.push_back(item.get<std::string>());
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

std::string bounded_text(std::string text, const char* name, std::size_t longest) {
  if (text.size() <= longest) return text;
  bad_body(std::string(name) + ": give at most " + std::to_string(longest) + " octets");
}

/// Takes over what the body says of those members that may be said of assets and dependencies alike.
void take_words(const Request& request, const Json& body, Annotation& said) {
  if (body.contains("tags")) said.tags = tags_of(body["tags"], "tags");
  if (auto notes = optional_text_member(body, "notes")) {
    said.notes = bounded_text(std::move(*notes), "notes", kLongestNotes);
  }
  if (auto owner = optional_text_member(body, "owner")) {
    said.owner = bounded_text(std::move(*owner), "owner", kLongestOwner);
  }
  if (const auto text = optional_text_member(body, "criticality")) {
    const auto criticality = text->empty() ? Criticality::unknown : parse_criticality(*text);
    if (!criticality) {
      bad_body("criticality: `" + *text + "` is none; give unknown, low, medium, high or critical");
    }
    said.criticality = *criticality;
  }
  said.is_confirmed = flag_member(body, "confirmed", said.is_confirmed);
  said.said_by = bounded_text(said_by_anyone(request, body), "by", kLongestOwner);
  said.said_at = now();
}

template <typename Row>
Annotation annotation_of(const Row& row) {
  Annotation said = row.annotation ? *row.annotation : Annotation{};
  said.subject = row.id;
  return said;
}

[[noreturn]] void no_room() {
  throw Problem{507, "Insufficient storage", "the map has no room for more that people say"};
}

void annotate(const Annotation& said, const Service& s) {
  if (map_of(s).apply(said)) return;
  if (s.graph.asset(said.subject) || s.graph.dependency(said.subject)) no_room();
  throw Problem{409, "Conflict", "it has gone meanwhile"};
}

AssetRow known_asset(const Id& id, const Service& s) {
  auto row = s.graph.asset(id);
  if (!row) throw Problem{404, "Not found", "there is no asset " + id.to_string()};
  return *std::move(row);
}

DependencyRow known_dependency(const Id& id, const Service& s) {
  auto row = s.graph.dependency(id);
  if (!row) throw Problem{404, "Not found", "there is no dependency " + id.to_string()};
  return *std::move(row);
}

Response asset_response(const Id& id, const Service& s, unsigned status = 200) {
  Response r = fresh(asset_json(known_asset(id, s), s.graph.sites()), status);
  if (status == 201) r.headers.emplace_back("Location", "/api/v1/assets/" + id.to_string());
  return r;
}

Response dependency_response(const Id& id, const Service& s, unsigned status = 200) {
  Response r = fresh(dependency_json(known_dependency(id, s), s.graph.sites()), status);
  if (status == 201) r.headers.emplace_back("Location", "/api/v1/dependencies/" + id.to_string());
  return r;
}

/// Checks all before anything is changed.
void edit_asset(const Request& request, const AssetRow& row, const Json& body, const Service& s) {
  Annotation said = annotation_of(row);
  take_words(request, body, said);
  const auto name = optional_text_member(body, "name");
  if (name) bounded_text(*name, "name", kLongestName);
  if (body.contains("asset_type")) tell_type(row, body["asset_type"], s);
  if (name) tell_name(row, *name, s);
  annotate(said, s);
}

Response patch_asset(const Request& request, const Service& s) {
  const AssetRow row = known_asset(id_parameter(request), s);
  const Json body = object_of(
      request, {"name", "asset_type", "tags", "notes", "owner", "criticality", "confirmed", "by"});
  edit_asset(request, row, body, s);
  return asset_response(row.id, s);
}

std::vector<Endpoint> endpoints_of(const Json& body, const Service& s) {
  if (!body.contains("endpoints") || !body["endpoints"].is_array() || body["endpoints"].empty() ||
      body["endpoints"].size() > kMostEndpoints) {
    bad_body("endpoints: give a list of 1 to " + std::to_string(kMostEndpoints));
  }
  std::vector<Endpoint> endpoints;
  for (const Json& item : body["endpoints"]) {
    const Endpoint endpoint = endpoint_of(item, s.graph.sites());
    if (endpoint.address.is_unspecified()) bad_body("endpoints: the address is unspecified");
    if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) {
      endpoints.push_back(endpoint);
    }
  }
  return endpoints;
}

/// An asset that no traffic has shown yet.
Response put_in_asset(const Request& request, const Service& s) {
  const Json body = object_of(request, {"endpoints", "name", "asset_type", "tags", "notes", "owner",
                                        "criticality", "confirmed", "by"});
  const std::vector<Endpoint> endpoints = endpoints_of(body, s);
  Annotation said;
  take_words(request, body, said);
  const auto name = optional_text_member(body, "name");
  if (name) bounded_text(*name, "name", kLongestName);
  const bool has_type = body.contains("asset_type") && !body["asset_type"].is_null();
  if (has_type) check_type(body["asset_type"]);
  for (const Endpoint& endpoint : endpoints) {
    const auto holder = s.graph.asset_of(endpoint);
    if (!holder) continue;
    throw Problem{409, "Conflict",
                  endpoint.address.to_string() + " belongs to asset " + holder->id.to_string() +
                      "; change that one, or split it"};
  }
  const bool is_internal = endpoints.front().address.is_private();
  const auto id = map_of(s).declare_asset(endpoints, is_internal, said);
  if (!id) no_room();
  const AssetRow row = known_asset(*id, s);
  if (has_type) tell_type(row, body["asset_type"], s);
  if (name) tell_name(row, *name, s);
  return asset_response(*id, s, 201);
}

Response deleted() {
  Response r;
  r.status = 204;
  return r;
}

std::string removal_text(const Request& request) {
  const std::string& who = request.caller.name;
  return (who.empty() ? std::string("somebody") : who) + " has removed it";
}

Response delete_asset(const Request& request, const Service& s) {
  const AssetRow row = known_asset(id_parameter(request), s);
  map_of(s).remove_asset(row.id, now(), removal_text(request));
  return deleted();
}

/// The same words for many assets: all, or none where one is not there.
Response patch_assets(const Request& request, const Service& s) {
  const Json body = object_of(request, {"asset_ids", "tags", "add_tags", "remove_tags", "owner",
                                        "criticality", "confirmed", "by"});
  if (!body.contains("asset_ids") || !body["asset_ids"].is_array() || body["asset_ids"].empty() ||
      body["asset_ids"].size() > kMostAssets) {
    bad_body("asset_ids: give a list of 1 to " + std::to_string(kMostAssets));
  }
  const auto added = body.contains("add_tags") ? tags_of(body["add_tags"], "add_tags")
                                               : std::vector<std::string>{};
  const auto removed = body.contains("remove_tags") ? tags_of(body["remove_tags"], "remove_tags")
                                                    : std::vector<std::string>{};
  std::vector<Annotation> all;
  for (const Json& item : body["asset_ids"]) {
    const auto id = item.is_string() ? Id::parse(item.get<std::string>()) : std::nullopt;
    if (!id) bad_body("asset_ids: each is an id");
    Annotation& said = all.emplace_back(annotation_of(known_asset(*id, s)));
    take_words(request, body, said);
    std::vector<std::string> tags;
    std::set_union(said.tags.begin(), said.tags.end(), added.begin(), added.end(),
                   std::back_inserter(tags));
    std::erase_if(tags, [&](const std::string& tag) {
      return std::binary_search(removed.begin(), removed.end(), tag);
    });
    if (tags.size() > kMostTags) {
      bad_body("add_tags: asset " + id->to_string() + " would have more than " +
               std::to_string(kMostTags));
    }
    said.tags = std::move(tags);
  }
  for (const Annotation& said : all) annotate(said, s);
  return fresh({{"changed", all.size()}});
}

Response patch_dependency(const Request& request, const Service& s) {
  const DependencyRow row = known_dependency(id_parameter(request), s);
  const Json body =
      object_of(request, {"tags", "notes", "owner", "criticality", "confirmed", "by"});
  Annotation said = annotation_of(row);
  take_words(request, body, said);
  annotate(said, s);
  return dependency_response(row.id, s);
}

Response delete_dependency(const Request& request, const Service& s) {
  const DependencyRow row = known_dependency(id_parameter(request), s);
  map_of(s).remove_dependency(row.id, now(), removal_text(request));
  return deleted();
}

/// `{"asset_id": ...}`, the asset's first endpoint now, or `{"address": ..., "site": ...}`.
Endpoint end_member(const Json& body, const char* name, const Service& s) {
  if (!body.contains(name) || !body[name].is_object()) {
    bad_body(std::string(name) + ": give {\"asset_id\": ...} or {\"address\": ...}");
  }
  const Json& end = body[name];
  if (!end.contains("asset_id")) return endpoint_of(end, s.graph.sites());
  check_members(end, name, {"asset_id"});
  const AssetRow row = known_asset(id_member(end, "asset_id"), s);
  for (const HeldEndpoint& held : row.endpoints) {
    if (!held.until) return held.endpoint;
  }
  throw Problem{409, "Conflict", "asset " + row.id.to_string() + " holds no endpoint now"};
}

std::uint8_t protocol_member(const Json& body) {
  if (!body.contains("protocol")) return 6;
  const Json& given = body["protocol"];
  if (given.is_number_unsigned() && given.get<std::uint64_t>() <= 255) {
    return given.get<std::uint8_t>();
  }
  const std::string name = given.is_string() ? given.get<std::string>() : "";
  for (unsigned number = 0; number <= 255; ++number) {
    const auto protocol = static_cast<std::uint8_t>(number);
    if (!name.empty() && protocol_name(protocol) == name) return protocol;
  }
  bad_body("protocol: give its IANA number or name, like 6 or tcp");
}

/// A dependency that no traffic has shown yet, or one that somebody vouches for.
Response put_in_dependency(const Request& request, const Service& s) {
  const Json body = object_of(request, {"client", "server", "protocol", "port", "tags", "notes",
                                        "owner", "criticality", "confirmed", "by"});
  DependencyKey key;
  key.client = end_member(body, "client", s);
  key.server = end_member(body, "server", s);
  key.protocol = protocol_member(body);
  key.port = static_cast<std::uint16_t>(number_member(body, "port", 0, 0, 65'535));
  if (key.client == key.server) bad_body("client and server are the same endpoint");
  if (key.client.address.is_unspecified() || key.server.address.is_unspecified()) {
    bad_body("client and server: an address is unspecified");
  }
  Annotation said;
  take_words(request, body, said);
  const auto id = map_of(s).declare_dependency(key, said);
  if (!id) no_room();
  return dependency_response(*id, s, 201);
}

}  // namespace

void add_edit_routes(Router& router, const Service& s) {
  const auto add = [&](const char* method, const char* pattern, auto handler) {
    router.add({pattern, [&s, handler](const Request& r) { return handler(r, s); }, {}, method});
  };
  add("POST", "/api/v1/assets", put_in_asset);
  add("PATCH", "/api/v1/assets", patch_assets);
  add("PATCH", "/api/v1/assets/{id}", patch_asset);
  add("DELETE", "/api/v1/assets/{id}", delete_asset);
  add("POST", "/api/v1/dependencies", put_in_dependency);
  add("PATCH", "/api/v1/dependencies/{id}", patch_dependency);
  add("DELETE", "/api/v1/dependencies/{id}", delete_dependency);
}

}  // namespace flowlensd::http
