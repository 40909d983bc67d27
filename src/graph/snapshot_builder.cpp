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

/// The first octets of an id, as a number of the same order.
std::uint64_t head_of(const Id& id) noexcept {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i) head = head << 8 | id.octets[i];
  return head;
}

/// Sorts the assets by id. \return the index of each position.
std::vector<AssetIndex> sort_assets(const std::vector<Id>& by_position, std::vector<Id>& sorted) {
  struct Entry {
    std::uint64_t head = 0;
    std::uint32_t position = 0;
  };
  std::vector<Entry> order;
  order.reserve(by_position.size());
  for (std::uint32_t p = 0; p < by_position.size(); ++p) {
    if (!by_position[p].is_none()) order.push_back({head_of(by_position[p]), p});
  }
  std::sort(order.begin(), order.end(), [&](const Entry& a, const Entry& b) {
    return a.head != b.head ? a.head < b.head : by_position[a.position] < by_position[b.position];
  });
  std::vector<AssetIndex> index_of(by_position.size());
  sorted.reserve(order.size());
  for (const Entry& e : order) {
    index_of[e.position] = AssetIndex{static_cast<std::uint32_t>(sorted.size())};
    sorted.push_back(by_position[e.position]);
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
      Snapshot::Edge& here = edges[next[bucket]];
      const std::uint32_t owner = bucket_of(here);
      if (owner == bucket) {
        ++next[bucket];
      } else {
        std::swap(here, edges[next[owner]++]);
      }
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
  for (std::size_t client = 0; client + 1 < s->out_offsets.size(); ++client) {
    std::sort(s->edges.begin() + s->out_offsets[client],
              s->edges.begin() + s->out_offsets[client + 1], is_before);
  }
  index_servers(*s);
  return s;
}

}  // namespace flowlens::graph
