// What people put into the map, take out of it, and write on it: assets and dependencies.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>
#include <utility>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/asset_words.hpp"
#include "http/body.hpp"
#include "http/caching.hpp"
#include "http/declared.hpp"
#include "http/parameters.hpp"
#include "http/preconditions.hpp"
#include "http/rows.hpp"
#include "http/said_by.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostAssets = 1'000;  // of one request

Timestamp now() { return std::chrono::system_clock::now(); }

template <typename Row>
Annotation annotation_of(const Row& row) {
  Annotation said = row.annotation ? *row.annotation : Annotation{};
  said.subject = row.id;
  return said;
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

/// Of the path, as the request says that it is.
AssetRow asset_to_change(const Request& request, const Service& s) {
  AssetRow row = known_asset(id_parameter(request), s);
  check_preconditions(request, row_etag(row, etag_of(s)));
  return row;
}

DependencyRow dependency_to_change(const Request& request, const Service& s) {
  DependencyRow row = known_dependency(id_parameter(request), s);
  check_preconditions(request, row_etag(row, etag_of(s)));
  return row;
}

Response asset_response(const Id& id, const Service& s, unsigned status = 200) {
  const AssetRow row = known_asset(id, s);
  Response r = fresh(asset_json(row, s.graph.sites()), status);
  r.headers.emplace_back("ETag", row_etag(row, etag_of(s)));
  if (status == 201) r.headers.emplace_back("Location", "/api/v1/assets/" + id.to_string());
  return r;
}

Response dependency_response(const Id& id, const Service& s, unsigned status = 200) {
  const DependencyRow row = known_dependency(id, s);
  Response r = fresh(dependency_json(row, s.graph.sites()), status);
  r.headers.emplace_back("ETag", row_etag(row, etag_of(s)));
  if (status == 201) r.headers.emplace_back("Location", "/api/v1/dependencies/" + id.to_string());
  return r;
}

/// Checks all before anything is changed.
void edit_asset(const Request& request, const AssetRow& row, const Json& body, const Service& s) {
  Annotation said = annotation_of(row);
  take_words(request, body, said);
  const auto name = optional_text_member(body, "name");
  if (name) static_cast<void>(bounded_text(*name, "name", kLongestName));
  if (body.contains("asset_type")) tell_type(row, body["asset_type"], s);
  if (name) tell_name(row, *name, s);
  annotate(said, s);
}

Response patch_asset(const Request& request, const Service& s) {
  const AssetRow row = asset_to_change(request, s);
  const Json body = object_of(
      request, {"name", "asset_type", "tags", "notes", "owner", "criticality", "confirmed", "by"});
  edit_asset(request, row, body, s);
  return asset_response(row.id, s);
}

/// An asset that no traffic has shown yet.
Response put_in_asset(const Request& request, const Service& s) {
  const Json body = object_of(request, {"endpoints", "name", "asset_type", "tags", "notes", "owner",
                                        "criticality", "confirmed", "by"});
  const std::vector<Endpoint> endpoints = endpoints_member(body, s);
  Annotation said;
  take_words(request, body, said);
  const auto name = optional_text_member(body, "name");
  if (name) static_cast<void>(bounded_text(*name, "name", kLongestName));
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
  const AssetRow row = asset_to_change(request, s);
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
  if (const auto refused = map_of(s).apply(all)) {
    if (s.graph.asset(all[*refused].subject)) no_room();
    throw Problem{409, "Conflict", "an asset has gone meanwhile; nothing was changed"};
  }
  return fresh({{"changed", all.size()}});
}

Response patch_dependency(const Request& request, const Service& s) {
  const DependencyRow row = dependency_to_change(request, s);
  const Json body =
      object_of(request, {"tags", "notes", "owner", "criticality", "confirmed", "by"});
  Annotation said = annotation_of(row);
  take_words(request, body, said);
  annotate(said, s);
  return dependency_response(row.id, s);
}

Response delete_dependency(const Request& request, const Service& s) {
  const DependencyRow row = dependency_to_change(request, s);
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

/// It is the other way round: people's word, against what traffic shows.
Response redirect_dependency(const Request& request, const Service& s) {
  const DependencyRow row = dependency_to_change(request, s);
  const Json body = object_of(request, {"port", "by"});
  const bool has_ports = row.key.protocol == 6 || row.key.protocol == 17 ||
                         row.key.protocol == 132 || row.key.protocol == 33;
  if (has_ports && !body.contains("port")) {
    bad_body("port: give the port at which its client serves");
  }
  const auto port = static_cast<std::uint16_t>(
      number_member(body, "port", 0, has_ports ? 1 : 0, has_ports ? 65'535 : 0));
  const std::string by = said_by_anyone(request, body);
  const auto id = map_of(s).turn_dependency(
      row.id, port, now(), by.empty() ? "somebody" : bounded_text(by, "by", kLongestOwner));
  if (!id) no_room();
  return dependency_response(*id, s);
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
    router.add({pattern,
                [&s, handler](const Request& r) {
                  const std::lock_guard lock(*s.edits);
                  return handler(r, s);
                },
                {},
                method});
  };
  add("POST", "/api/v1/assets", put_in_asset);
  add("PATCH", "/api/v1/assets", patch_assets);
  add("PATCH", "/api/v1/assets/{id}", patch_asset);
  add("DELETE", "/api/v1/assets/{id}", delete_asset);
  add("POST", "/api/v1/dependencies", put_in_dependency);
  add("PATCH", "/api/v1/dependencies/{id}", patch_dependency);
  add("DELETE", "/api/v1/dependencies/{id}", delete_dependency);
  add("POST", "/api/v1/dependencies/{id}/redirect", redirect_dependency);
}

}  // namespace flowlensd::http
