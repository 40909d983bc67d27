// One field to type into: whatever it is, the assets, dependencies and applications that it names.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "flowlens/map_fields.hpp"
#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "pipeline/grouping.hpp"

namespace flowlensd::http {
namespace {

constexpr std::uint64_t kDefaultItems = 20;
constexpr std::uint64_t kMostItems = 200;
constexpr std::size_t kLongestQuestion = 1'024;  // octets

/// What the text is taken for, as filters of both kinds of rows; empty: it says nothing of them.
struct Meaning {
  std::string_view kind;
  std::string assets;
  std::string dependencies;
};

/// As a text of the filter language.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// `name contains "web" or tag contains "web"`
std::string any_contains(std::initializer_list<const char*> fields, std::string_view text) {
  std::string filter;
  for (const char* field : fields) {
    if (!filter.empty()) filter += " or ";
    filter += std::string(field) + " contains " + quoted(text);
  }
  return filter;
}

bool is_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && IpAddress::parse(text.substr(0, slash)).has_value();
}

std::optional<unsigned> port_of(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port > 65'535)
    return std::nullopt;
  return port;
}

template <typename Row>
bool is_filter(const std::string& text, const FieldTableOf<Row>& fields) {
  FilterError error;
  return static_cast<bool>(
      Filter<Row>::compile(text, fields, std::chrono::system_clock::now(), error));
}

Meaning meaning_of(const std::string& text) {
  if (IpAddress::parse(text)) return {"address", "ip = " + text, "ip = " + text};
  if (is_prefix(text) && is_filter("ip = " + text, asset_fields())) {
    return {"prefix", "ip = " + text, "ip = " + text};
  }
  if (const auto port = port_of(text)) return {"port", "", "port = " + std::to_string(*port)};
  const bool is_one_word = text.find_first_of(" =<>~!()") == std::string::npos;
  const bool of_assets = !is_one_word && is_filter(text, asset_fields());
  const bool of_dependencies = !is_one_word && is_filter(text, dependency_fields());
  if (of_assets || of_dependencies) {
    return {"filter", of_assets ? text : "", of_dependencies ? text : ""};
  }
  return {"text", any_contains({"name", "tag", "owner", "type"}, text),
          any_contains({"service", "tag", "owner"}, text)};
}

template <typename Row>
Filter<Row> compiled(const std::string& text, const FieldTableOf<Row>& fields) {
  FilterError error;
  auto filter = Filter<Row>::compile(text, fields, std::chrono::system_clock::now(), error);
  if (!filter) throw bad_filter(text, error);
  return filter;
}

Json found_assets(const Meaning& meaning, const std::optional<Id>& id, std::size_t limit,
                  const Service& s) {
  Json items = Json::array();
  std::uint64_t total = 0;
  if (id) {
    if (const auto row = s.graph.asset(*id)) items.push_back(asset_json(*row, s.graph.sites()));
    total = items.size();
  } else if (!meaning.assets.empty()) {
    AssetQuery query;
    query.limit = limit;
    query.filter = compiled(meaning.assets, asset_fields());
    const auto page = s.graph.assets(query);
    for (const AssetRow& row : page.rows) items.push_back(asset_json(row, s.graph.sites()));
    total = page.total;
  }
  return {{"items", std::move(items)}, {"total", total}};
}

Json found_dependencies(const Meaning& meaning, const std::optional<Id>& id, std::size_t limit,
                        const Service& s) {
  Json items = Json::array();
  std::uint64_t total = 0;
  const auto add = [&](const DependencyRow& row) {
    items.push_back(dependency_json(row, s.graph.sites()));
  };
  if (id) {
    if (const auto row = s.graph.dependency(*id)) add(*row);
    total = items.size();
  } else if (!meaning.dependencies.empty()) {
    DependencyQuery query;
    query.limit = limit;
    query.filter = compiled(meaning.dependencies, dependency_fields());
    const auto page = s.graph.dependencies(query);
    for (const DependencyRow& row : page.rows) add(row);
    total = page.total;
  }
  return {{"items", std::move(items)}, {"total", total}};
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(std::string_view text, std::string_view part) {
  const auto is_same = [](char a, char b) { return lower(a) == lower(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), is_same) != text.end();
}

Json found_applications(const std::string& text, const std::optional<Id>& id, std::size_t limit,
                        const Service& s) {
  Json items = Json::array();
  std::uint64_t total = 0;
  if (s.grouping == nullptr) return {{"items", std::move(items)}, {"total", total}};
  const auto all = s.grouping->all();
  for (const KnownApplication& a : *all) {
    const bool is_meant = id ? a.entry.id == *id
                             : contains(a.entry.name, text) || contains(a.entry.description, text);
    if (!is_meant || a.entry.status == ApplicationStatus::rejected) continue;
    if (++total > limit) continue;
    items.push_back({{"id", a.entry.id.to_string()},
                     {"name", a.entry.name},
                     {"status", to_string(a.entry.status)},
                     {"size", a.members.size()}});
  }
  return {{"items", std::move(items)}, {"total", total}};
}

Response search(const Request& request, const Service& s) {
  const auto given = request.query.find("q");
  if (given == request.query.end() || given->second.empty() ||
      given->second.size() > kLongestQuestion) {
    throw Problem{400, "Bad query",
                  "q: give 1 to " + std::to_string(kLongestQuestion) +
                      " octets: a name, address, prefix, port, id or filter"};
  }
  const std::string& text = given->second;
  const std::size_t limit = number_parameter(request, "limit", kDefaultItems, 1, kMostItems);
  const auto id = Id::parse(text);
  const Meaning meaning = id ? Meaning{"id", "", ""} : meaning_of(text);
  return fresh({{"query", text},
                {"understood_as", meaning.kind},
                {"assets", found_assets(meaning, id, limit, s)},
                {"dependencies", found_dependencies(meaning, id, limit, s)},
                {"applications", found_applications(text, id, limit, s)}});
}

}  // namespace

void add_search_routes(Router& router, const Service& s) {
  router.add({"/api/v1/search", [&s](const Request& r) { return search(r, s); }, {"q", "limit"}});
}

}  // namespace flowlensd::http
