// Which servers of one port stand in for each other.
#include <algorithm>
#include <bit>
#include <tuple>

#include "analyze/service_graph_maker.hpp"

namespace flowlens {

namespace {

constexpr std::size_t kEdgesPerService = 64;  ///< whose hours are looked at
constexpr std::uint32_t kMaxNamedCommon =
    2;  ///< clients in common that named servers need, at most

std::uint32_t find_root(std::vector<std::uint32_t>& parents, std::uint32_t i) noexcept {
  while (parents[i] != i) {
    parents[i] = parents[parents[i]];
    i = parents[i];
  }
  return i;
}

/// Hours set in both, up to those that lie a lap of the bitmap apart.
unsigned hours_in_common(const HourBitmap& a, const HourBitmap& b) noexcept {
  unsigned common = 0;
  for (std::size_t i = 0; i < HourBitmap::kWords; ++i) {
    common += static_cast<unsigned>(std::popcount(a.words()[i] & b.words()[i]));
  }
  const Hour apart = a.newest() > b.newest() ? a.newest() - b.newest() : b.newest() - a.newest();
  return common > apart ? common - apart : 0;
}

/// Now one, now the other, hardly ever both, and back again at least once.
bool do_alternate(const HourBitmap& a, const HourBitmap& b) noexcept {
  if (2 * hours_in_common(a, b) > std::min(a.count(), b.count())) return false;
  const Hour newest = std::max(a.newest(), b.newest());
  const Hour oldest = std::min(a.oldest(), b.oldest());
  unsigned both = 0, in_a = 0, in_b = 0, switches = 0;
  int last = 0;
  for (Hour h = oldest; h <= newest; ++h) {
    const bool is_a = a.test(h), is_b = b.test(h);
    in_a += is_a ? 1 : 0;
    in_b += is_b ? 1 : 0;
    both += is_a && is_b ? 1 : 0;
    if (is_a == is_b) continue;
    const int now = is_a ? 1 : 2;
    switches += last != 0 && now != last ? 1 : 0;
    last = now;
  }
  // An hour of change-over holds traffic of both.
  return in_a > 0 && in_b > 0 && switches >= 2 && both <= switches && 2 * both <= in_a &&
         2 * both <= in_b;
}

}  // namespace

const std::string& ServiceGraph::Maker::stem_of(ServiceIndex s) {
  const AssetIndex server = to[s].server;
  const auto [entry, is_new] = stems.try_emplace(server.value);
  if (is_new && hints.name_of) entry->second = name_stem(hints.name_of(server));
  return entry->second;
}

const HourBitmap& ServiceGraph::Maker::hours_of(ServiceIndex s) {
  const auto [entry, is_new] = hours.try_emplace(s.value);
  if (!is_new || !hints.hours_of) return entry->second;
  const std::size_t first = to.client_offsets_[s.value], end = to.client_offsets_[s.value + 1];
  for (std::size_t i = first; i < std::min(end, first + kEdgesPerService); ++i) {
    if (const auto of_edge = hints.hours_of(snapshot.edges[uses[i].edge])) {
      entry->second.merge(*of_edge);
    }
  }
  return entry->second;
}

std::vector<ServiceGraph::Maker::Pair> ServiceGraph::Maker::pairs() {
  std::vector<std::uint64_t> seen;
  std::vector<ServiceIndex> used;
  const auto key = [&](ServiceIndex s) { return std::tuple{to[s].protocol, to[s].port, s}; };
  const auto is_one_port = [&](ServiceIndex a, ServiceIndex b) {
    return to[a].protocol == to[b].protocol && to[a].port == to[b].port;
  };
  for (std::uint32_t client = 0; client + 1 < client_use_offsets.size(); ++client) {
    used.clear();
    for (std::uint32_t i = client_use_offsets[client]; i < client_use_offsets[client + 1]; ++i) {
      used.push_back(uses[client_uses[i]].service);
    }
    std::sort(used.begin(), used.end(),
              [&](ServiceIndex a, ServiceIndex b) { return key(a) < key(b); });
    for (std::size_t first = 0, end = 0; first < used.size(); first = end) {
      while (end < used.size() && is_one_port(used[first], used[end])) ++end;
      const std::size_t n = end - first;
      if (n > kMaxServersOfAPort) {
        to.pairs_passed_over_ += n * (n - 1) / 2;
        continue;
      }
      for (std::size_t a = first; a < end; ++a) {
        for (std::size_t b = a + 1; b < end; ++b) {
          seen.push_back(std::uint64_t{used[a].value} << 32 | used[b].value);
        }
      }
    }
  }
  std::sort(seen.begin(), seen.end());
  std::vector<Pair> counted;
  for (std::size_t i = 0, end = 0; i < seen.size(); i = end) {
    while (end < seen.size() && seen[end] == seen[i]) ++end;
    counted.push_back({{static_cast<std::uint32_t>(seen[i] >> 32)},
                       {static_cast<std::uint32_t>(seen[i])},
                       static_cast<std::uint32_t>(end - i)});
  }
  return counted;
}

ReplicaEvidence ServiceGraph::Maker::evidence(const Pair& pair) {
  const std::uint32_t either = to[pair.a].clients + to[pair.b].clients - pair.common;
  if (pair.common < options.min_client_overlap * either) return ReplicaEvidence::none;
  if (hints.hours_of && do_alternate(hours_of(pair.a), hours_of(pair.b))) {
    return ReplicaEvidence::alternating_hours;
  }
  const std::string &stem_a = stem_of(pair.a), &stem_b = stem_of(pair.b);
  if (!stem_a.empty() && !stem_b.empty()) {
    const bool is_enough = pair.common >= std::min(options.min_common_clients, kMaxNamedCommon);
    return stem_a == stem_b && is_enough ? ReplicaEvidence::names : ReplicaEvidence::none;
  }
  return pair.common >= options.min_common_clients ? ReplicaEvidence::common_clients
                                                   : ReplicaEvidence::none;
}

void ServiceGraph::Maker::clusters() {
  std::vector<std::uint32_t> parents(to.services_.size());
  for (std::uint32_t i = 0; i < parents.size(); ++i) parents[i] = i;
  struct Found {
    Pair pair;
    ReplicaEvidence evidence;
  };
  std::vector<Found> found;
  for (const Pair& pair : pairs()) {
    const ReplicaEvidence why = evidence(pair);
    if (why == ReplicaEvidence::none) continue;
    found.push_back({pair, why});
    const std::uint32_t a = find_root(parents, pair.a.value), b = find_root(parents, pair.b.value);
    parents[std::max(a, b)] = std::min(a, b);  // the first member stays the root
  }
  number_clusters(parents);
  for (const auto& [pair, why] : found) {
    Cluster& cluster = to.clusters_[to[pair.a].cluster.value];
    const std::uint32_t either = to[pair.a].clients + to[pair.b].clients - pair.common;
    const auto overlap = static_cast<std::uint8_t>(100 * std::uint64_t{pair.common} / either);
    cluster.overlap_percent = cluster.evidence == ReplicaEvidence::none
                                  ? overlap
                                  : std::min(cluster.overlap_percent, overlap);
    cluster.evidence = std::max(cluster.evidence, why);
  }
}

void ServiceGraph::Maker::number_clusters(std::vector<std::uint32_t>& parents) {
  for (std::uint32_t i = 0; i < parents.size(); ++i) {
    const std::uint32_t root = find_root(parents, i);
    if (root == i) {
      to.services_[i].cluster.value = static_cast<std::uint32_t>(to.clusters_.size());
      to.clusters_.emplace_back();
    } else {
      to.services_[i].cluster = to.services_[root].cluster;
    }
  }
  to.member_offsets_.assign(to.clusters_.size() + 1, 0);
  for (const ServedPort& s : to.services_) ++to.member_offsets_[s.cluster.value + 1];
  for (std::size_t i = 0; i < to.clusters_.size(); ++i) {
    to.member_offsets_[i + 1] += to.member_offsets_[i];
  }
  to.members_.resize(to.services_.size());
  std::vector<std::uint32_t> next(to.member_offsets_.begin(), to.member_offsets_.end() - 1);
  for (const ServedPort& s : to.services_) to.members_[next[s.cluster.value]++] = to.index_of(s);
}

}  // namespace flowlens
