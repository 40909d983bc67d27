// Applications: what traffic shows, and what people say of it.
#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "http/said_by.hpp"
#include "pipeline/grouping.hpp"

namespace flowlensd::http {
namespace {

constexpr std::uint64_t kDefaultItems = 100;
constexpr std::uint64_t kMostItems = 10'000;
constexpr std::size_t kMostAssets = 10'000;  // of one word

Grouping& grouping_of(const Service& s) {
  if (s.grouping != nullptr) return *s.grouping;
  throw Problem{503, "Not available", "this process keeps no applications"};
}

Timestamp now() { return std::chrono::system_clock::now(); }

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json asset_json(const Id& id, const Service& s) {
  const auto row = s.graph.asset(id);
  return {{"asset_id", id.to_string()}, {"label", row ? asset_label(*row) : id.to_string()}};
}

Json members_json(const KnownApplication& a, std::size_t most, const Service& s) {
  Json items = Json::array();
  for (std::size_t i = 0; i < std::min(most, a.members.size()); ++i) {
    Json item = asset_json(a.members[i], s);
    item["by_hand"] = std::binary_search(a.entry.added.begin(), a.entry.added.end(), a.members[i]);
    items.push_back(std::move(item));
  }
  return items;
}

Json application_json(const KnownApplication& a, std::size_t members, const Service& s) {
  const ApplicationEntry& e = a.entry;
  const bool is_said = !e.said_by.empty();
  return {{"id", e.id.to_string()},
          {"status", to_string(e.status)},
          {"name", text_or_null(e.name)},
          {"description", text_or_null(e.description)},
          {"criticality", to_string(e.criticality)},
          {"size", a.members.size()},
          {"first_seen", to_string(e.first_seen)},
          {"updated_by", text_or_null(e.said_by)},
          {"updated_at", is_said ? Json(to_string(e.said_at)) : Json(nullptr)},
          {"members", members_json(a, members, s)}};
}

std::size_t members_parameter(const Request& request) {
  return number_parameter(request, "members", kDefaultItems, 0, kMostItems);
}

/// Rejected ones only when they are asked for.
bool is_wanted(const Request& request, ApplicationStatus status) {
  const auto found = request.query.find("status");
  if (found == request.query.end()) return status != ApplicationStatus::rejected;
  const auto wanted = parse_application_status(found->second);
  if (!wanted || *wanted == ApplicationStatus::merged) {
    throw Problem{
        400, "Bad query parameter",
        "status: `" + found->second + "` is not valid; give proposed, confirmed or rejected"};
  }
  return status == *wanted;
}

/// The largest first.
Response list(const Request& request, const Service& s) {
  const auto all = grouping_of(s).all();
  std::vector<const KnownApplication*> wanted;
  for (const KnownApplication& a : *all) {
    if (is_wanted(request, a.entry.status)) wanted.push_back(&a);
  }
  std::stable_sort(wanted.begin(), wanted.end(), [](const auto* a, const auto* b) {
    return a->members.size() > b->members.size();
  });
  const std::size_t members = members_parameter(request);
  const std::size_t limit = number_parameter(request, "limit", kDefaultItems, 1, kMostItems);
  Json items = Json::array();
  for (std::size_t i = 0; i < std::min(limit, wanted.size()); ++i) {
    items.push_back(application_json(*wanted[i], members, s));
  }
  return fresh({{"revision", grouping_of(s).view().revision},
                {"items", std::move(items)},
                {"total", wanted.size()},
                {"next_cursor", nullptr}});
}

Response detail(const Id& id, std::size_t members, const Service& s, unsigned status = 200) {
  const auto found = grouping_of(s).ask([&](const ApplicationBook& b) { return b.find(id); });
  if (!found) throw Problem{404, "Not found", "there is no application " + id.to_string()};
  Json json = application_json(*found, members, s);
  Json removed = Json::array();
  for (const Id& asset : found->entry.removed) removed.push_back(asset_json(asset, s));
  json["removed"] = std::move(removed);
  Response r = fresh(json, status);
  if (status == 201) {
    r.headers.emplace_back("Location", "/api/v1/applications/" + found->entry.id.to_string());
  }
  return r;
}

Response get(const Request& request, const Service& s) {
  return detail(id_parameter(request), members_parameter(request), s);
}

/// Runs `say` on the book; what it refuses is answered.
template <typename Say>
Id change(const Service& s, const Say& say) {
  try {
    return grouping_of(s).change(say);
  } catch (const ApplicationError& e) {
    switch (e.kind()) {
      case ApplicationError::Kind::unknown:
        throw Problem{404, "Not found", e.what()};
      case ApplicationError::Kind::invalid:
        bad_body(e.what());
      case ApplicationError::Kind::conflict:
      case ApplicationError::Kind::full:
        break;
    }
    throw Problem{409, "Conflict", e.what()};
  }
}

/// A list of assets that the map has; none where the member is absent.
std::vector<Id> assets_member(const Json& body, const char* name, const Service& s) {
  std::vector<Id> assets;
  const auto found = body.find(name);
  if (found == body.end()) return assets;
  if (!found->is_array() || found->size() > kMostAssets) {
    bad_body(std::string(name) + ": give a list of at most " + std::to_string(kMostAssets));
  }
  std::set<Id> seen;
  for (const Json& item : *found) {
    const auto id = item.is_string() ? Id::parse(item.get<std::string>()) : std::nullopt;
    if (!id) bad_body(std::string(name) + ": " + item.dump() + " is no id");
    const auto row = s.graph.asset(*id);
    if (!row) throw Problem{404, "Not found", "there is no asset " + id->to_string()};
    if (seen.insert(row->id).second) assets.push_back(row->id);
  }
  return assets;
}

/// Nothing where nobody says whether it is one.
std::optional<ApplicationStatus> status_of(const Json& body) {
  if (!body.contains("status")) return std::nullopt;
  const std::string text = text_member(body, "status");
  const auto status = parse_application_status(text);
  if (status == ApplicationStatus::confirmed || status == ApplicationStatus::rejected) {
    return status;
  }
  bad_body("status: `" + text + "` is not valid; give confirmed or rejected");
}

ApplicationWords words_of(const Json& body) {
  ApplicationWords words{optional_text_member(body, "name"),
                         optional_text_member(body, "description"),
                         {},
                         status_of(body)};
  if (!body.contains("criticality")) return words;
  const std::string text = text_member(body, "criticality");
  words.criticality = parse_criticality(text);
  if (!words.criticality) {
    bad_body("criticality: `" + text + "` is none; give unknown, low, medium, high or critical");
  }
  return words;
}

Response make(const Request& request, const Service& s) {
  const Json body = object_of(request, {"name", "description", "criticality", "asset_ids", "by"});
  const ApplicationWords words = words_of(body);
  const std::vector<Id> members = assets_member(body, "asset_ids", s);
  const std::string by = said_by(request, body);
  const Id id = change(s, [&](ApplicationBook& b) { return b.make(words, members, by, now()); });
  return detail(id, kDefaultItems, s, 201);
}

Response edit(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const Json body = object_of(request, {"name", "description", "criticality", "status", "by"});
  const ApplicationWords words = words_of(body);
  if (!words.name && !words.description && !words.criticality && !words.status) {
    bad_body("give at least one of name, description, criticality and status");
  }
  const std::string by = said_by(request, body);
  change(s, [&](ApplicationBook& b) {
    b.edit(id, words, by, now());
    return id;
  });
  return detail(id, kDefaultItems, s);
}

Response edit_members(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const Json body = object_of(request, {"add", "remove", "by"});
  const std::vector<Id> added = assets_member(body, "add", s);
  const std::vector<Id> removed = assets_member(body, "remove", s);
  if (added.empty() && removed.empty()) bad_body("give asset ids to add or to remove");
  const bool has_both = std::any_of(added.begin(), added.end(), [&](const Id& asset) {
    return std::find(removed.begin(), removed.end(), asset) != removed.end();
  });
  if (has_both) bad_body("remove: names an asset that is to be added");
  const std::string by = said_by(request, body);
  change(s, [&](ApplicationBook& b) {
    b.edit_members(id, added, removed, by, now());
    return id;
  });
  return detail(id, kDefaultItems, s);
}

Response merge(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const Json body = object_of(request, {"from", "by"});
  const Id from = id_member(body, "from");
  const std::string by = said_by(request, body);
  change(s, [&](ApplicationBook& b) {
    b.merge(id, from, by, now());
    return id;
  });
  return detail(id, kDefaultItems, s);
}

Response erase(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  change(s, [&](ApplicationBook& b) {
    b.erase(id);
    return id;
  });
  Response r;
  r.status = 204;
  return r;
}

}  // namespace

void add_application_routes(Router& router, const Service& s) {
  const auto add = [&](const char* method, const char* pattern, auto handler,
                       std::vector<std::string> parameters = {}) {
    router.add({pattern, [&s, handler](const Request& r) { return handler(r, s); },
                std::move(parameters), method});
  };
  add("GET", "/api/v1/applications", list, {"limit", "members", "status"});
  add("POST", "/api/v1/applications", make);
  add("GET", "/api/v1/applications/{id}", get, {"members"});
  add("PATCH", "/api/v1/applications/{id}", edit);
  add("DELETE", "/api/v1/applications/{id}", erase);
  add("PATCH", "/api/v1/applications/{id}/members", edit_members);
  add("POST", "/api/v1/applications/{id}/merge", merge);
}

}  // namespace flowlensd::http
