// The map by groups of assets.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/topology.hpp"
#include "pipeline/grouping.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kRowsAtOnce = 1'000;  // how long the graph's lock is held
constexpr std::string_view kNone = "none";  // the group of those that have none

/// Which application each asset is in, by name or id.
std::map<Id, std::string> applications_of(const Service& s) {
  std::map<Id, std::string> names;
  if (s.grouping == nullptr) return names;
  const auto all = s.grouping->all();
  for (const KnownApplication& a : *all) {
    if (a.entry.status == ApplicationStatus::rejected) continue;
    const std::string name = a.entry.name.empty() ? a.entry.id.to_string() : a.entry.name;
    for (const Id& asset : a.members) names[asset] = name;
  }
  return names;
}

/// `10.1.2.0/24`, `2001:db8:0:1::/64`
std::string network_of(const IpAddress& address) {
  auto octets = address.octets();
  const std::size_t length = address.is_v4() ? 15 : 8;  // of its 16 octets
  std::fill(octets.begin() + static_cast<std::ptrdiff_t>(length), octets.end(), std::uint8_t{0});
  return IpPrefix{IpAddress::v6(octets), static_cast<std::uint8_t>(8 * length)}.to_string();
}

std::string group_of(const AssetRow& row, GroupBy by, const SiteTable& sites,
                     const std::map<Id, std::string>& applications) {
  const auto or_none = [](std::string_view text) {
    return std::string(text.empty() ? kNone : text);
  };
  const Annotation* said = row.annotation.get();
  switch (by) {
    case GroupBy::type:
      return row.asset_type;
    case GroupBy::site:
      return row.endpoints.empty() ? or_none("")
                                   : or_none(sites.name(row.endpoints[0].endpoint.site));
    case GroupBy::network:
      return row.endpoints.empty() ? or_none("") : network_of(row.endpoints[0].endpoint.address);
    case GroupBy::owner:
      return or_none(said != nullptr ? said->owner : std::string_view{});
    case GroupBy::tag:
      return or_none(said != nullptr && !said->tags.empty() ? said->tags[0] : std::string_view{});
    case GroupBy::application:
      break;
  }
  const auto found = applications.find(row.id);
  return found == applications.end() ? or_none("") : found->second;
}

struct Group {
  std::string name;
  std::uint64_t assets = 0;
  std::uint64_t internal = 0;
};

struct Groups {
  std::vector<Group> all;
  std::vector<std::uint32_t> of;  ///< by AssetIndex; those beyond `all`: gone meanwhile
};

Groups groups_of(const Service& s, const Snapshot& snapshot, GroupBy by) {
  const auto applications =
      by == GroupBy::application ? applications_of(s) : std::map<Id, std::string>{};
  Groups groups;
  groups.of.assign(snapshot.assets.size(), 0xffff'ffffu);
  std::map<std::string, std::uint32_t> positions;
  AssetQuery query;
  query.limit = kRowsAtOnce;
  for (bool has_more = true; has_more;) {
    const auto page = s.graph.assets(query);
    for (const AssetRow& row : page.rows) {
      const auto at = std::lower_bound(snapshot.assets.begin(), snapshot.assets.end(), row.id);
      if (at == snapshot.assets.end() || *at != row.id) continue;
      std::string name = group_of(row, by, s.graph.sites(), applications);
      const auto [found, is_new] =
          positions.try_emplace(name, static_cast<std::uint32_t>(groups.all.size()));
      if (is_new) groups.all.push_back({std::move(name), 0, 0});
      Group& group = groups.all[found->second];
      ++group.assets;
      group.internal += row.is_internal ? 1 : 0;
      groups.of[static_cast<std::size_t>(at - snapshot.assets.begin())] = found->second;
    }
    has_more = page.has_more;
    query.after = page.next;
  }
  return groups;
}

struct Between {
  std::uint32_t client = 0;
  std::uint32_t server = 0;
  std::uint64_t dependencies = 0;
  double octets = 0;
};

/// The heaviest first.
std::vector<Between> sums_between(const Snapshot& snapshot, const Groups& groups) {
  std::unordered_map<std::uint64_t, std::uint32_t> positions;  // by both groups
  std::vector<Between> all;
  for (const Snapshot::Edge& edge : snapshot.edges) {
    const std::uint32_t client = groups.of[edge.client.value],
                        server = groups.of[edge.server.value];
    if (client >= groups.all.size() || server >= groups.all.size()) continue;
    const auto [found, is_new] = positions.try_emplace(std::uint64_t{client} << 32 | server,
                                                       static_cast<std::uint32_t>(all.size()));
    if (is_new) all.push_back({client, server, 0, 0});
    Between& sum = all[found->second];
    ++sum.dependencies;
    sum.octets += static_cast<double>(edge.weight);
  }
  std::sort(all.begin(), all.end(), [](const Between& a, const Between& b) {
    if (a.octets != b.octets) return a.octets > b.octets;
    return std::pair{a.client, a.server} < std::pair{b.client, b.server};
  });
  return all;
}

}  // namespace

Json grouped_topology_json(const Service& s, const Snapshot& snapshot, std::size_t limit,
                           GroupBy by) {
  const Groups groups = groups_of(s, snapshot, by);
  const std::vector<Between> sums = sums_between(snapshot, groups);
  Json nodes = Json::array();
  for (const Group& g : groups.all) {
    nodes.push_back(
        {{"id", g.name}, {"label", g.name}, {"assets", g.assets}, {"internal", g.internal}});
  }
  Json edges = Json::array();
  for (std::size_t i = 0; i < std::min(limit, sums.size()); ++i) {
    edges.push_back({{"client", groups.all[sums[i].client].name},
                     {"server", groups.all[sums[i].server].name},
                     {"dependencies", sums[i].dependencies},
                     {"estimated_octets", static_cast<std::uint64_t>(sums[i].octets)}});
  }
  return {{"revision", snapshot.revision}, {"nodes", std::move(nodes)},
          {"edges", std::move(edges)},     {"total_nodes", groups.all.size()},
          {"total_edges", sums.size()},    {"truncated", sums.size() > limit}};
}

}  // namespace flowlensd::http
