// How the map hangs together: communities, who is in the middle.
#include <algorithm>
#include <utility>

#include "http/analysis.hpp"
#include "http/answer.hpp"
#include "http/parameters.hpp"

namespace flowlensd::http {
namespace {

constexpr std::uint64_t kDefaultItems = 100;
constexpr std::uint64_t kMostItems = 10'000;
constexpr std::uint64_t kMostMembers = 10'000;  // shown of one group
constexpr std::uint64_t kMostSources = 256;

std::size_t limit_of(const Request& request) {
  return number_parameter(request, "limit", kDefaultItems, 1, kMostItems);
}
std::size_t members_of(const Request& request) {
  return number_parameter(request, "members", kDefaultItems, 1, kMostMembers);
}

/// The assets by value, the greatest first; of equal ones in the order of ids.
template <typename Value>
std::vector<std::uint32_t> greatest(const std::vector<Value>& values, std::size_t limit) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t a = 0; a < values.size(); ++a) {
    if (values[a] > Value{}) order.push_back(a);
  }
  const auto kept = order.begin() + static_cast<std::ptrdiff_t>(std::min(limit, order.size()));
  std::partial_sort(order.begin(), kept, order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return values[a] != values[b] ? values[a] > values[b] : a < b;
  });
  order.erase(kept, order.end());
  return order;
}

Json members_json(const std::vector<std::uint32_t>& members, std::size_t most, const Question& q) {
  Json items = Json::array();
  for (std::size_t i = 0; i < std::min(most, members.size()); ++i) {
    items.push_back(q.asset({members[i]}));
  }
  return items;
}

/// Without infrastructure and watchers; the largest first. Assets alone are counted only.
Response communities(const Request& request, const Question& q) {
  const Snapshot& s = q.of->snapshot();
  CommunityOptions options;
  options.resolution =
      static_cast<double>(number_parameter(request, "resolution_percent", 100, 1, 10'000)) / 100;
  const Communities found =
      find_communities(s, q.of->services().own_edges(s), application_weights(s), options);
  std::vector<std::vector<std::uint32_t>> members(found.count);
  for (std::uint32_t a = 0; a < s.assets.size(); ++a) members[found.of_asset[a]].push_back(a);
  const auto alone = std::erase_if(members, [](const auto& m) { return m.size() < 2; });
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  Json items = Json::array();
  for (std::size_t i = 0; i < std::min(limit_of(request), members.size()); ++i) {
    items.push_back({{"size", members[i].size()},
                     {"members", members_json(members[i], members_of(request), q)}});
  }
  return fresh({{"revision", s.revision},
                {"items", std::move(items)},
                {"total", members.size()},
                {"alone", alone},
                {"modularity", found.modularity},
                {"truncated", found.is_cut}});
}

Response betweenness(const Request& request, const Question& q) {
  const Betweenness found =
      find_betweenness(q.of->assets(), number_parameter(request, "sources", 64, 1, kMostSources));
  Json items = Json::array();
  for (const std::uint32_t a : greatest(found.values, limit_of(request))) {
    Json item = q.asset({a});
    item["betweenness"] = found.values[a];
    items.push_back(std::move(item));
  }
  return fresh({{"revision", q.of->snapshot().revision},
                {"items", std::move(items)},
                {"sources", found.sources},
                {"is_exact", found.is_exact}});
}

Response cores(const Request& request, const Question& q) {
  const std::vector<std::uint32_t> found = find_cores(q.of->assets());
  Json items = Json::array();
  for (const std::uint32_t a : greatest(found, limit_of(request))) {
    Json item = q.asset({a});
    item["core"] = found[a];
    items.push_back(std::move(item));
  }
  return fresh({{"revision", q.of->snapshot().revision}, {"items", std::move(items)}});
}

}  // namespace

void add_structure_routes(Router& router, const Service& s,
                          const std::shared_ptr<AnalysisCache>& cache) {
  const auto add = [&](const char* pattern, auto handler, std::vector<std::string> parameters) {
    parameters.insert(parameters.end(), {"limit", "as_of", "hours", "filter"});
    router.add({pattern,
                [&s, cache, handler](const Request& r) {
                  return handler(r,
                                 Question{s, cache->get(as_of_parameter(r),
                                                        filter_parameter(r, dependency_fields()))});
                },
                std::move(parameters)});
  };
  add("/api/v1/analysis/communities", communities, {"members", "resolution_percent"});
  add("/api/v1/analysis/betweenness", betweenness, {"sources"});
  add("/api/v1/analysis/cores", cores, {});
}

}  // namespace flowlensd::http
