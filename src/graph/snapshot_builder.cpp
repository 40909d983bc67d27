#include "graph/snapshot_builder.hpp"

#include <algorithm>
#include <span>
#include <tuple>

namespace flowlens::graph {

namespace {

/// Offsets of groups from their sizes: entry i is where group i begins.
void sum_up(std::vector<std::uint32_t>& offsets) noexcept {
  std::uint32_t sum = 0;
  for (std::uint32_t& offset : offsets) {
    const std::uint32_t size = offset;
    offset = sum;
    sum += size;
  }
}

void count_edges(Snapshot& s) {
  s.out_offsets.assign(s.assets.size() + 1, 0);
  s.in_offsets.assign(s.assets.size() + 1, 0);
  for (const Snapshot::Edge& e : s.edges) {
    ++s.out_offsets[e.client.value];
    ++s.in_offsets[e.server.value];
  }
  sum_up(s.out_offsets);
  sum_up(s.in_offsets);
}

void index_servers(Snapshot& s) {
  s.in_edges.resize(s.edges.size());
  std::vector<std::uint32_t> next = s.in_offsets;
  for (std::uint32_t i = 0; i < s.edges.size(); ++i) {
    s.in_edges[next[s.edges[i].server.value]++] = i;
  }
}

/// Sorts the assets by id: into buckets by their first octets, as ids are spread evenly, then within.
/// \return the index of each position.
std::vector<AssetIndex> sort_assets(const std::vector<Id>& by_position, std::vector<Id>& sorted) {
  const auto bucket_of = [](const Id& id) { return id.octets[0] << 8 | id.octets[1]; };
  std::vector<std::uint32_t> offsets(0x1'0001);
  for (const Id& id : by_position) offsets[bucket_of(id)] += id.is_none() ? 0 : 1;
  sum_up(offsets);
  std::vector<std::uint32_t> order(offsets.back()), next = offsets;
  for (std::uint32_t p = 0; p < by_position.size(); ++p) {
    if (!by_position[p].is_none()) order[next[bucket_of(by_position[p])]++] = p;
  }
  for (std::size_t bucket = 0; bucket + 1 < offsets.size(); ++bucket) {
    std::sort(order.begin() + offsets[bucket], order.begin() + offsets[bucket + 1],
              [&](std::uint32_t x, std::uint32_t y) { return by_position[x] < by_position[y]; });
  }
  std::vector<AssetIndex> index_of(by_position.size());
  sorted.reserve(order.size());
  for (const std::uint32_t p : order) {
    index_of[p] = AssetIndex{static_cast<std::uint32_t>(sorted.size())};
    sorted.push_back(by_position[p]);
  }
  return index_of;
}

/// Puts edges into buckets where they are: a second copy of them would be the largest thing there is.
/// \param offsets  where each bucket begins, and where the last one ends. \param next  for use here.
template <typename BucketOf>
void gather(std::vector<Snapshot::Edge>& edges, std::span<const std::uint32_t> offsets,
            std::vector<std::uint32_t>& next, const BucketOf& bucket_of) {
  next.assign(offsets.begin(), offsets.end() - 1);
  for (std::uint32_t bucket = 0; bucket < next.size(); ++bucket) {
    while (next[bucket] < offsets[bucket + 1]) {
      // What is in the hand goes to its bucket and what lay there is taken up.
      Snapshot::Edge hand = edges[next[bucket]];
      for (std::uint32_t owner = bucket_of(hand); owner != bucket; owner = bucket_of(hand)) {
        std::swap(hand, edges[next[owner]++]);
      }
      edges[next[bucket]++] = hand;
    }
  }
}

/// Brings the edges of each client together; `out_offsets` are known. Each swap waits for the one
/// before, so first into buckets few enough for all their ends to stay in the cache, then within each.
void gather_clients(Snapshot& s) {
  constexpr std::uint32_t kBuckets = 1'024;
  const auto assets = static_cast<std::uint32_t>(s.assets.size());
  unsigned shift = 0;
  while ((assets >> shift) >= kBuckets) ++shift;
  std::vector<std::uint32_t> coarse, next;
  for (std::uint32_t first = 0; first < assets; first += 1u << shift) {
    coarse.push_back(s.out_offsets[first]);
  }
  coarse.push_back(s.out_offsets.back());
  gather(s.edges, coarse, next,
         [shift](const Snapshot::Edge& e) { return e.client.value >> shift; });
  for (std::uint32_t first = 0; first < assets; first += 1u << shift) {
    const std::uint32_t clients = std::min(1u << shift, assets - first);
    gather(s.edges, std::span{s.out_offsets}.subspan(first, clients + 1), next,
           [first](const Snapshot::Edge& e) { return e.client.value - first; });
  }
}

/// Weight and hour tell apart what differs in its endpoints only.
bool is_before(const Snapshot::Edge& a, const Snapshot::Edge& b) noexcept {
  if (a.server != b.server) return a.server < b.server;
  return std::tie(a.protocol, a.port, a.weight, a.last_hour, a.dependency) <
         std::tie(b.protocol, b.port, b.weight, b.last_hour, b.dependency);
}

/// Sorts the edges of one client. Few share a server, so mostly numbers are compared, and each edge
/// moves once.
class EdgeSorter {
 public:
  void sort(std::span<Snapshot::Edge> edges) {
    by_server_.clear();
    for (const Snapshot::Edge& e : edges) {
      by_server_.push_back(std::uint64_t{e.server.value} << 32 | by_server_.size());
    }
    std::sort(by_server_.begin(), by_server_.end());
    before_.assign(edges.begin(), edges.end());
    for (std::size_t i = 0; i < edges.size(); ++i) {
      edges[i] = before_[by_server_[i] & 0xffff'ffffu];
    }
    for (std::size_t i = 0; i < edges.size();) {
      std::size_t end = i + 1;
      while (end < edges.size() && edges[end].server == edges[i].server) ++end;
      if (end - i > 1) std::sort(edges.begin() + i, edges.begin() + end, is_before);
      i = end;
    }
  }

 private:
  std::vector<std::uint64_t> by_server_;  ///< with where an edge lay
  std::vector<Snapshot::Edge> before_;
};

}  // namespace

std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input) {
  auto s = std::make_shared<Snapshot>();
  s->revision = input.revision;
  const std::vector<AssetIndex> index_of = sort_assets(input.assets, s->assets);
  s->edges = std::move(input.edges);
  std::erase_if(s->edges, [](const Snapshot::Edge& e) { return e.client.value == kNoEdge; });
  for (Snapshot::Edge& e : s->edges) {
    e.client = index_of[e.client.value];
    e.server = index_of[e.server.value];
  }
  count_edges(*s);
  gather_clients(*s);
  EdgeSorter sorter;
  for (std::size_t client = 0; client + 1 < s->out_offsets.size(); ++client) {
    const std::uint32_t first = s->out_offsets[client], end = s->out_offsets[client + 1];
    sorter.sort(std::span{s->edges}.subspan(first, end - first));
  }
  index_servers(*s);
  return s;
}

}  // namespace flowlens::graph
