#include "flowlens/centrality.hpp"

#include <algorithm>

namespace flowlens {

namespace {

constexpr std::uint32_t kFar = 0xffff'ffffu;

/// Adds what the shortest ways from one source give.
class Brandes {
 public:
  explicit Brandes(const AssetGraph& graph)
      : graph_(graph),
        distance_(graph.asset_count(), kFar),
        ways_(graph.asset_count()),
        share_(graph.asset_count()) {}

  void add(AssetIndex source, std::vector<double>& values) {
    search(source);
    for (std::size_t i = order_.size() - 1; i > 0; --i) {
      const std::uint32_t a = order_[i].value;
      for (const AssetIndex client : graph_.clients_of({a})) {
        if (distance_[client.value] == kFar || distance_[client.value] + 1 != distance_[a])
          continue;
        share_[client.value] += ways_[client.value] / ways_[a] * (1 + share_[a]);
      }
      values[a] += share_[a];
    }
    for (const AssetIndex a : order_) {
      distance_[a.value] = kFar;
      ways_[a.value] = share_[a.value] = 0;
    }
  }

 private:
  void search(AssetIndex source) {
    order_.assign(1, source);
    distance_[source.value] = 0;
    ways_[source.value] = 1;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const std::uint32_t a = order_[i].value;
      for (const AssetIndex server : graph_.servers_of({a})) {
        const std::uint32_t s = server.value;
        if (distance_[s] == kFar) {
          distance_[s] = distance_[a] + 1;
          order_.push_back(server);
        }
        if (distance_[s] == distance_[a] + 1) ways_[s] += ways_[a];
      }
    }
  }

  const AssetGraph& graph_;
  std::vector<std::uint32_t> distance_;
  std::vector<double> ways_, share_;
  std::vector<AssetIndex> order_;
};

/// Servers and clients of an asset, each once.
template <typename Visit>
void for_each_neighbour(const AssetGraph& graph, AssetIndex a, const Visit& visit) {
  const auto servers = graph.servers_of(a), clients = graph.clients_of(a);
  auto s = servers.begin();
  auto c = clients.begin();
  while (s != servers.end() || c != clients.end()) {
    const bool take_server = c == clients.end() || (s != servers.end() && *s <= *c);
    const AssetIndex next = take_server ? *s : *c;
    if (s != servers.end() && *s == next) ++s;
    if (c != clients.end() && *c == next) ++c;
    visit(next);
  }
}

}  // namespace

Betweenness find_betweenness(const AssetGraph& graph, std::size_t max_sources) {
  Betweenness found;
  found.values.assign(graph.asset_count(), 0);
  std::vector<AssetIndex> sources;  // ways from the others have no length
  for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
    if (!graph.servers_of({a}).empty()) sources.push_back({a});
  }
  found.sources = std::min(max_sources, sources.size());
  found.is_exact = found.sources == sources.size();
  Brandes brandes{graph};
  for (std::size_t i = 0; i < found.sources; ++i) {
    brandes.add(sources[i * sources.size() / found.sources], found.values);
  }
  if (found.is_exact) return found;
  const double scale = static_cast<double>(sources.size()) / static_cast<double>(found.sources);
  for (double& value : found.values) value *= scale;
  return found;
}

std::vector<std::uint32_t> find_cores(const AssetGraph& graph) {
  const std::uint32_t count = graph.asset_count();
  std::vector<std::uint32_t> degree(count), position(count), order(count);
  std::uint32_t most = 0;
  for (std::uint32_t a = 0; a < count; ++a) {
    for_each_neighbour(graph, {a}, [&](AssetIndex) { ++degree[a]; });
    most = std::max(most, degree[a]);
  }
  std::vector<std::uint32_t> first(most + 2, 0);  // of the assets of a degree, in `order`
  for (const std::uint32_t d : degree) ++first[d + 1];
  for (std::size_t d = 1; d < first.size(); ++d) first[d] += first[d - 1];
  std::vector<std::uint32_t> next(first);
  for (std::uint32_t a = 0; a < count; ++a) {
    position[a] = next[degree[a]]++;
    order[position[a]] = a;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t a = order[i];
    for_each_neighbour(graph, {a}, [&](AssetIndex neighbour) {
      const std::uint32_t b = neighbour.value;
      if (degree[b] <= degree[a]) return;
      // To the front of its degree, which then begins one later.
      const std::uint32_t front = std::max(first[degree[b]], i + 1);
      std::swap(order[position[b]], order[front]);
      position[order[position[b]]] = position[b];
      position[b] = front;
      first[degree[b]] = front + 1;
      --degree[b];
    });
  }
  return degree;
}

}  // namespace flowlens
