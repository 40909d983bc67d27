// What should be allowed, and what has drifted: policies proposed from the map, and baselines of it.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <sstream>

#include "flowlens/baseline.hpp"
#include "flowlens/policy_export.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "pipeline/baseline_shelf.hpp"
#include "pipeline/grouping.hpp"
#include "pipeline/pace.hpp"

namespace flowlensd::http {
namespace {

constexpr std::uint64_t kMostListed = 10'000;
constexpr std::size_t kMostAssets = 10'000;  // of one question

Response answer(std::string body, std::string_view media_type = "application/json") {
  Response r;
  r.body = std::move(body);
  r.content_type = std::string(media_type);
  r.headers.emplace_back("Cache-Control", "no-cache");
  return r;
}

std::vector<Id> members_of(const Id& application, const Service& s) {
  std::optional<KnownApplication> found;
  if (s.grouping != nullptr) {
    found = s.grouping->ask([&](const ApplicationBook& b) { return b.find(application); });
  }
  if (!found) throw Problem{404, "Not found", "there is no application " + application.to_string()};
  if (found->members.empty()) {
    throw Problem{409, "Conflict", "application " + application.to_string() + " has no members"};
  }
  return found->members;
}

/// `asset_ids`, or the members of `application_id`; none: everything.
std::vector<Id> assets_of(const Json& body, const Service& s) {
  if (body.contains("application_id")) {
    if (body.contains("asset_ids")) bad_body("give asset_ids or application_id, not both");
    return members_of(id_member(body, "application_id"), s);
  }
  std::vector<Id> assets;
  const auto found = body.find("asset_ids");
  if (found == body.end()) return assets;
  if (!found->is_array() || found->empty() || found->size() > kMostAssets) {
    bad_body("asset_ids: give a list of 1 to " + std::to_string(kMostAssets));
  }
  for (const Json& item : *found) {
    const auto id = item.is_string() ? Id::parse(item.get<std::string>()) : std::nullopt;
    if (!id) bad_body("asset_ids: " + item.dump() + " is no id");
    const auto row = s.graph.asset(*id);
    if (!row) throw Problem{404, "Not found", "there is no asset " + id->to_string()};
    assets.push_back(row->id);
  }
  return assets;
}

Revision rows_of(const DependencyGraph& graph, const std::optional<AsOf>& as_of) {
  return as_of ? graph.copy(*as_of) : graph.copy();
}

/// What proposals are made from is the same in all requests.
const std::set<std::string> kProposalMembers{
    "asset_ids", "application_id", "min_confidence_percent",
    "min_hours", "group_replicas", "max_addresses",
    "limit",     "as_of",          "hours"};

Policy proposed(const Json& body, const Service& s) {
  PolicyOptions o;
  o.assets = assets_of(body, s);
  o.min_confidence =
      static_cast<float>(number_member(body, "min_confidence_percent", 60, 0, 100)) / 100.0f;
  o.min_hours =
      static_cast<std::uint32_t>(number_member(body, "min_hours", 2, 0, HourBitmap::kHours));
  o.has_replica_groups = flag_member(body, "group_replicas", true);
  o.max_addresses = number_member(body, "max_addresses", 32, 1, 10'000);
  o.max_listed = number_member(body, "limit", 1'000, 1, kMostListed);
  return propose_policy(rows_of(s.graph, as_of_member(body)), o);
}

Response propose(const Request& request, const Service& s) {
  std::set<std::string> members = kProposalMembers;
  members.insert({"format", "enforce", "label_key", "namespace", "aws_rules_per_group",
                  "aws_groups_per_interface"});
  const Json body = object_of(request, members);
  const std::string name = body.contains("format") ? text_member(body, "format") : "json";
  const auto format = parse_policy_format(name);
  if (!format) {
    std::string names;
    for (std::size_t i = 0; i < kPolicyFormatCount; ++i) {
      names += " " + std::string(to_string(static_cast<PolicyFormat>(i)));
    }
    bad_body("format: `" + name + "` is not valid; give one of" + names);
  }
  PolicyExportOptions o;
  o.is_enforced = flag_member(body, "enforce", false);
  if (body.contains("label_key")) o.label_key = text_member(body, "label_key");
  if (body.contains("namespace")) o.k8s_namespace = text_member(body, "namespace");
  o.aws_rules_per_group = number_member(body, "aws_rules_per_group", 60, 1, 1'000);
  o.aws_groups_per_interface = number_member(body, "aws_groups_per_interface", 5, 1, 16);
  std::ostringstream out;
  try {
    write_policy(proposed(body, s), *format, o, out);
  } catch (const ConfigError& e) {
    bad_body(e.what());
  }
  return answer(std::move(out).str(), media_type(*format));
}

Json blocked_json(const BlockedTraffic& b, const Service& s) {
  Json out{{"dependency_id", b.dependency.to_string()},
           {"blocked_by_ingress", b.verdict.is_ingress_blocked},
           {"blocked_by_egress", b.verdict.is_egress_blocked},
           {"flows", b.flows}};
  if (const auto row = s.graph.dependency(b.dependency)) {
    out["dependency"] = dependency_json(*row, s.graph.sites());
  }
  return out;
}

/// The policy is made of one time, the traffic is of another.
Response preview(const Request& request, const Service& s) {
  std::set<std::string> members = kProposalMembers;
  members.insert("traffic");
  const Json body = object_of(request, members);
  const Policy policy = proposed(body, s);
  std::optional<AsOf> of_traffic;
  if (body.contains("traffic")) {
    check_members(body["traffic"], "traffic", {"as_of", "hours"});
    of_traffic = as_of_member(body["traffic"]);
  }
  const Revision traffic = rows_of(s.graph, of_traffic);
  const PolicyPreview found = preview_policy(policy, traffic.dependencies,
                                             number_member(body, "limit", 1'000, 1, kMostListed));
  Json blocked = Json::array();
  for (const BlockedTraffic& b : found.blocked) blocked.push_back(blocked_json(b, s));
  const PolicyCoverage& c = policy.coverage;
  return answer(text_of({{"revision", policy.revision},
                         {"groups", policy.groups.size()},
                         {"coverage",
                          {{"dependencies", c.dependencies},
                           {"allowed", c.allowed},
                           {"flows", c.flows},
                           {"flows_allowed", c.flows_allowed}}},
                         {"dependencies", found.dependencies},
                         {"flows", found.flows},
                         {"blocked_dependencies", found.blocked_dependencies},
                         {"blocked_flows", found.blocked_flows},
                         {"blocked", std::move(blocked)}}));
}

/// All that the map has ever seen, read in parts: whoever writes it hardly waits.
Revision all_rows(const DependencyGraph& graph, Timestamp at) {
  Revision rows = graph.copy(AsOf{at, hour_of(at) + 1});
  rows.number = graph.counters().revision;
  return rows;
}

Baseline baseline_of(const Json& body, const Service& s) {
  const auto as_of = as_of_member(body);
  BaselineOptions o;
  o.name = body.contains("name") ? text_member(body, "name") : "";
  o.at = as_of ? as_of->at : Timestamp{std::chrono::system_clock::now()};
  o.assets = assets_of(body, s);
  o.max_edges = BaselineShelf::kMostEdges;
  return take_baseline(as_of ? s.graph.copy(*as_of) : all_rows(s.graph, o.at), o);
}

Json summary_json(const Id& id, const Baseline& b) {
  return {{"id", id.to_string()},    {"name", b.name},
          {"at", to_string(b.at)},   {"revision", b.revision},
          {"edges", b.edges.size()}, {"assets", b.assets.size()},
          {"left_out", b.left_out},  {"is_of_everything", b.scope.empty()}};
}

[[noreturn]] void no_room() {
  throw Problem{409, "Conflict",
                "there is no room for it: at most " +
                    std::to_string(BaselineShelf::kMostBaselines) + " baselines with " +
                    std::to_string(BaselineShelf::kMostEdges) + " uses are kept; delete one"};
}

BaselineShelf& shelf_of(const Service& s) {
  if (s.baselines != nullptr) return *s.baselines;
  throw Problem{503, "Not available", "this process keeps no baselines"};
}

/// Of this thread.
Pace::Clock::duration processor_time() noexcept {
  timespec used{};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

/// What goes through a whole map, as often as that leaves the processor to others.
template <typename Work>
Response paced(Pace& pace, const Work& work) {
  using std::chrono::ceil, std::chrono::seconds;
  if (const auto wait = pace.enter(Pace::Clock::now())) {
    const std::string text = std::to_string(ceil<seconds>(*wait).count());
    Response r = problem(429, "Too many requests",
                         "the map is large and was compared just now; ask again in " + text + " s");
    r.headers.emplace_back("Retry-After", text);
    return r;
  }
  struct Leave {
    Pace& pace;
    Pace::Clock::duration begin = processor_time();
    ~Leave() { pace.leave(Pace::Clock::now(), processor_time() - begin); }
  } leave{pace};
  return work();
}

Response take(const Request& request, const Service& s, BaselineShelf& shelf) {
  Baseline taken =
      baseline_of(object_of(request, {"name", "asset_ids", "application_id", "as_of", "hours"}), s);
  const auto id = shelf.put(taken);
  if (!id) no_room();
  Response r = answer(text_of(summary_json(*id, taken)));
  r.status = 201;
  r.headers.emplace_back("Location", "/api/v1/baselines/" + id->to_string());
  return r;
}

Response list(const Request&, const Service&, BaselineShelf& shelf) {
  Json items = Json::array();
  const auto all = shelf.all();
  for (const auto& [id, baseline] : all) items.push_back(summary_json(id, *baseline));
  return answer(
      text_of({{"items", std::move(items)}, {"total", all.size()}, {"next_cursor", nullptr}}));
}

std::shared_ptr<const Baseline> known_baseline(const Id& id, const BaselineShelf& shelf) {
  auto found = shelf.get(id);
  if (!found) throw Problem{404, "Not found", "there is no baseline " + id.to_string()};
  return found;
}

/// As a file that parse_baseline() of the library reads.
Response get(const Request& request, const Service&, BaselineShelf& shelf) {
  return answer(to_json(*known_baseline(id_parameter(request), shelf)));
}

Response remove(const Request& request, const Service&, BaselineShelf& shelf) {
  const Id id = id_parameter(request);
  if (!shelf.remove(id)) (void)known_baseline(id, shelf);
  Response r;
  r.status = 204;
  return r;
}

std::string label_of(const Id& id, const Baseline& before, const Service& s) {
  if (const auto row = s.graph.asset(id)) return asset_label(*row);
  const auto at =
      std::lower_bound(before.assets.begin(), before.assets.end(), id,
                       [](const BaselineAsset& a, const Id& wanted) { return a.id < wanted; });
  return at == before.assets.end() || at->id != id ? id.to_string() : at->name;
}
Json edge_json(const BaselineEdge& e, const Baseline& before, const Service& s) {
  const std::string_view protocol = protocol_name(e.protocol);
  return {
      {"client", {{"asset_id", e.client.to_string()}, {"label", label_of(e.client, before, s)}}},
      {"server", {{"asset_id", e.server.to_string()}, {"label", label_of(e.server, before, s)}}},
      {"protocol", protocol.empty() ? std::to_string(e.protocol) : std::string(protocol)},
      {"port", e.port},
      {"active_hours", e.active_hours},
      {"estimated_octets", e.octets}};
}

/// What is otherwise now, or in another baseline: `against`.
Response drift(const Request& request, const Service& s, BaselineShelf& shelf) {
  const auto kept = known_baseline(id_parameter(request), shelf);
  const Baseline& before = *kept;
  BaselineCompareOptions o;
  o.min_factor = static_cast<double>(number_parameter(request, "min_factor", 4, 1, 1'000'000));
  o.max_listed = number_parameter(request, "limit", 1'000, 1, kMostListed);
  BaselineDifference d;
  std::shared_ptr<const Baseline> other;
  Timestamp at = std::chrono::system_clock::now();
  std::uint64_t revision = 0;
  if (const auto given = request.query.find("against"); given != request.query.end()) {
    const auto id = Id::parse(given->second);
    if (!id) throw Problem{400, "Bad query parameter", "against: give the id of a baseline"};
    other = known_baseline(*id, shelf);
    at = other->at;
    revision = other->revision;
    d = compare_baselines(before, *other, o);
  } else {
    const auto now = s.graph.snapshot();
    revision = now->revision;
    d = compare_with_snapshot(before, *now, o);
  }
  Json appeared = Json::array(), gone = Json::array(), changed = Json::array();
  for (const BaselineEdge& e : d.appeared)
    appeared.push_back(edge_json(e, other ? *other : before, s));
  for (const BaselineEdge& e : d.gone) gone.push_back(edge_json(e, before, s));
  for (const BaselineChange& c : d.changed) {
    Json item = edge_json(c.after, before, s);
    item["octets_per_hour_before"] = c.octets_per_hour_before;
    item["octets_per_hour_after"] = c.octets_per_hour_after;
    changed.push_back(std::move(item));
  }
  return answer(
      text_of({{"before", to_string(before.at)},
               {"after", to_string(at)},
               {"revision", revision},
               {"drift", d.drift()},
               {"unchanged", d.unchanged_count},
               {"appeared", {{"total", d.appeared_count}, {"items", std::move(appeared)}}},
               {"gone", {{"total", d.gone_count}, {"items", std::move(gone)}}},
               {"changed", {{"total", d.changed_count}, {"items", std::move(changed)}}}}));
}

/// A use as the map has it now; nothing if it has none.
std::optional<BaselineEdge> edge_now(const BaselineEdge& wanted, const Service& s) {
  const auto now = s.graph.snapshot();
  const auto position = [&](const Id& id) {
    return std::lower_bound(now->assets.begin(), now->assets.end(), id) - now->assets.begin();
  };
  const auto client = static_cast<std::size_t>(position(wanted.client));
  if (client >= now->assets.size() || now->assets[client] != wanted.client) return std::nullopt;
  Revision rows;
  for (std::size_t i = now->out_offsets[client]; i < now->out_offsets[client + 1]; ++i) {
    const Snapshot::Edge& e = now->edges[i];
    const bool is_it = now->assets[e.server.value] == wanted.server &&
                       e.protocol == wanted.protocol && e.port == wanted.port;
    if (!is_it) continue;
    if (auto row = s.graph.dependency(*now, e)) rows.dependencies.push_back(std::move(*row));
  }
  const Baseline taken = take_baseline(rows, {});
  return taken.edges.empty() ? std::nullopt : std::optional(taken.edges.front());
}

/// A use that is there now counts as known from here on, or (`remove`) a known one no longer does.
Response amend(const Request& request, const Service& s, BaselineShelf& shelf) {
  const Id id = id_parameter(request);
  Baseline baseline = *known_baseline(id, shelf);
  const Json body = object_of(request, {"client", "server", "protocol", "port", "remove"});
  BaselineEdge wanted;
  wanted.client = id_member(body, "client");
  wanted.server = id_member(body, "server");
  wanted.protocol = static_cast<std::uint8_t>(number_member(body, "protocol", 6, 0, 255));
  wanted.port = static_cast<std::uint16_t>(number_member(body, "port", 0, 0, 65'535));
  bool is_done = false;
  if (flag_member(body, "remove", false)) {
    is_done = flowlens::remove(baseline, wanted);
  } else {
    const auto edge = edge_now(wanted, s);
    is_done = edge && accept(baseline, *edge);
  }
  if (!is_done) {
    throw Problem{409, "Conflict", "there is no such use, or the baseline has it as it is already"};
  }
  if (!shelf.replace(id, baseline)) no_room();
  return answer(text_of(summary_json(id, baseline)));
}

}  // namespace

void add_policy_routes(Router& router, const Service& s) {
  const auto add = [&](const char* pattern, auto handler) {
    router.add({pattern,
                [&s, handler](const Request& r) { return handler(r, s); },
                {},
                "POST",
                Permission::viewer});
  };
  add("/api/v1/policies", propose);
  add("/api/v1/policies/preview", preview);
  const auto pace = std::make_shared<Pace>();  // lives as long as the routes
  const auto add_shelved = [&](const char* method, const char* pattern, auto handler,
                               std::vector<std::string> parameters = {}) {
    router.add({pattern, [&s, handler](const Request& r) { return handler(r, s, shelf_of(s)); },
                std::move(parameters), method});
  };
  const auto add_paced = [&](const char* method, const char* pattern, auto handler,
                             std::vector<std::string> parameters = {}) {
    add_shelved(
        method, pattern,
        [pace, handler](const Request& r, const Service& service, BaselineShelf& shelf) {
          return paced(*pace, [&] { return handler(r, service, shelf); });
        },
        std::move(parameters));
  };
  add_shelved("GET", "/api/v1/baselines", list);
  add_paced("POST", "/api/v1/baselines", take);
  add_shelved("GET", "/api/v1/baselines/{id}", get);
  add_shelved("DELETE", "/api/v1/baselines/{id}", remove);
  add_shelved("PATCH", "/api/v1/baselines/{id}", amend);
  add_paced("GET", "/api/v1/baselines/{id}/drift", drift, {"against", "min_factor", "limit"});
}

}  // namespace flowlensd::http
