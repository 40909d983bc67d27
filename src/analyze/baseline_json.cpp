// Baselines as JSON, and back.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "flowlens/baseline.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "flowlens-baseline-1";

[[noreturn]] void refuse(const std::string& member, const std::string& wanted) {
  throw ConfigError("baseline: " + member + ": " + wanted);
}

/// A member of an object, by its name and where the object is.
class Reader {
 public:
  Reader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) refuse(where_, "is no object");
  }
  [[nodiscard]] const Json& list(const char* name) const {
    const Json& found = member(name);
    if (!found.is_array()) refuse(path(name), "give a list");
    return found;
  }
  [[nodiscard]] std::string text(const char* name) const {
    const Json& found = member(name);
    if (!found.is_string()) refuse(path(name), "give a text");
    return found.get<std::string>();
  }
  [[nodiscard]] Timestamp time(const char* name) const {
    const auto found = parse_timestamp(text(name));
    if (!found) refuse(path(name), "times look like 2026-11-21T10:09:00Z");
    return *found;
  }
  [[nodiscard]] Id id(const char* name) const { return id_of(member(name), path(name)); }
  template <typename Number>
  [[nodiscard]] Number number(const char* name) const {
    const Json& found = member(name);
    const bool is_whole = found.is_number_unsigned();
    const std::uint64_t n = is_whole ? found.get<std::uint64_t>() : 0;
    if (!is_whole || n > std::numeric_limits<Number>::max()) {
      refuse(path(name),
             "give a whole number from 0 to " + std::to_string(std::numeric_limits<Number>::max()));
    }
    return static_cast<Number>(n);
  }
  [[nodiscard]] static Id id_of(const Json& value, const std::string& where) {
    const auto id = value.is_string() ? Id::parse(value.get<std::string>()) : std::nullopt;
    if (!id) refuse(where, "give an id, like f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    return *id;
  }

 private:
  [[nodiscard]] std::string path(const char* name) const {
    return where_.empty() ? name : where_ + "." + name;
  }
  [[nodiscard]] const Json& member(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) refuse(path(name), "is missing");
    return *found;
  }

  const Json& object_;
  std::string where_;
};

BaselineEdge edge_of(const Json& json, const std::string& where) {
  const Reader in{json, where};
  BaselineEdge e;
  e.client = in.id("client");
  e.server = in.id("server");
  e.protocol = in.number<std::uint8_t>("protocol");
  e.port = in.number<std::uint16_t>("port");
  e.active_hours = in.number<std::uint32_t>("active_hours");
  e.hours = in.number<std::uint32_t>("hours");
  e.octets = in.number<std::uint64_t>("octets");
  // What an earlier release has kept does not say.
  if (json.contains("last_hour")) e.last_hour = in.number<std::uint32_t>("last_hour");
  return e;
}

Json json_of(const BaselineEdge& e) {
  return {{"client", e.client.to_string()},
          {"server", e.server.to_string()},
          {"protocol", e.protocol},
          {"port", e.port},
          {"active_hours", e.active_hours},
          {"hours", e.hours},
          {"octets", e.octets},
          {"last_hour", e.last_hour}};
}

template <typename List, typename Key>
void check_order(const List& list, const char* name, const Key& key) {
  const auto wrong = std::adjacent_find(
      list.begin(), list.end(), [&](const auto& a, const auto& b) { return !(key(a) < key(b)); });
  if (wrong != list.end()) refuse(name, "is not in order, or has something twice");
}

}  // namespace

std::string to_json(const Baseline& baseline) {
  Json scope = Json::array(), assets = Json::array(), edges = Json::array();
  for (const Id& id : baseline.scope) scope.push_back(id.to_string());
  for (const BaselineAsset& a : baseline.assets) {
    assets.push_back({{"id", a.id.to_string()}, {"name", a.name}});
  }
  for (const BaselineEdge& e : baseline.edges) edges.push_back(json_of(e));
  const Json out{{"format", kFormat},
                 {"name", baseline.name},
                 {"at", to_string(baseline.at)},
                 {"revision", baseline.revision},
                 {"counted_until", to_string(baseline.counted_until)},
                 {"left_out", baseline.left_out},
                 {"scope", std::move(scope)},
                 {"assets", std::move(assets)},
                 {"edges", std::move(edges)}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Baseline parse_baseline(std::string_view json, std::size_t max_edges) {
  const Json text = Json::parse(json, nullptr, false);
  if (text.is_discarded()) throw ConfigError("baseline: this is no JSON");
  const Reader in{text, ""};
  if (in.text("format") != kFormat) refuse("format", std::string("give ") + kFormat);
  Baseline b;
  b.name = in.text("name");
  b.at = in.time("at");
  b.revision = in.number<std::uint64_t>("revision");
  b.counted_until = in.time("counted_until");
  b.left_out = in.number<std::uint64_t>("left_out");
  for (const Json& id : in.list("scope")) b.scope.push_back(Reader::id_of(id, "scope"));
  for (const Json& asset : in.list("assets")) {
    const Reader of_asset{asset, "assets"};
    b.assets.push_back({of_asset.id("id"), of_asset.text("name")});
  }
  const Json& edges = in.list("edges");
  if (edges.size() > max_edges) refuse("edges", "has more than " + std::to_string(max_edges));
  for (std::size_t i = 0; i < edges.size(); ++i) {
    b.edges.push_back(edge_of(edges[i], "edges[" + std::to_string(i) + "]"));
  }
  check_order(b.scope, "scope", [](const Id& id) { return id; });
  check_order(b.assets, "assets", [](const BaselineAsset& a) { return a.id; });
  check_order(b.edges, "edges", [](const BaselineEdge& e) {
    return std::tie(e.client, e.server, e.protocol, e.port);
  });
  return b;
}

}  // namespace flowlens
