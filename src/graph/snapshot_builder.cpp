#include "graph/snapshot_builder.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <span>
#include <tuple>
#include <utility>

#include "base/spread_vector.hpp"

namespace flowlens::graph {

namespace {

using Numbers = base::SpreadVector<std::uint32_t>;

/// Offsets of groups from their sizes: entry i is where group i begins.
template <typename Offsets>
void sum_up(Offsets& offsets) noexcept {
  std::uint32_t sum = 0;
  for (std::uint32_t& offset : offsets) {
    const std::uint32_t size = offset;
    offset = sum;
    sum += size;
  }
}

/// \param next  where the edges of each server begin.
void index_servers(Snapshot& s, Numbers next) {
  s.in_offsets.assign(next.begin(), next.end());
  base::reserve_spread(s.in_edges, s.edges.size());
  s.in_edges.resize(s.edges.size());
  for (std::uint32_t i = 0; i < s.edges.size(); ++i) {
    s.in_edges[next[s.edges[i].server.value]++] = i;
  }
}

/// An asset by its position, with the first half of its id.
struct AssetKey {
  std::uint64_t first_half = 0;
  std::uint32_t position = 0;
};

std::uint64_t first_half(const Id& id) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | id.octets[i];
  return value;
}

/// Sorts the assets by id: into buckets by their first octets, as ids are spread evenly, then within.
/// \return the index of each position.
Numbers sort_assets(const base::SpreadVector<Id>& by_position, std::vector<Id>& sorted) {
  const auto bucket_of = [](const Id& id) { return id.octets[0] << 8 | id.octets[1]; };
  std::vector<std::uint32_t> offsets(0x1'0001);
  for (const Id& id : by_position) offsets[bucket_of(id)] += id.is_none() ? 0 : 1;
  sum_up(offsets);
  base::SpreadVector<AssetKey> order(offsets.back());
  std::vector<std::uint32_t> next = offsets;
  for (std::uint32_t p = 0; p < by_position.size(); ++p) {
    const Id& id = by_position[p];
    if (!id.is_none()) order[next[bucket_of(id)]++] = {first_half(id), p};
  }
  const auto is_before = [&](const AssetKey& x, const AssetKey& y) {
    if (x.first_half != y.first_half) return x.first_half < y.first_half;
    return by_position[x.position] < by_position[y.position];
  };
  for (std::size_t bucket = 0; bucket + 1 < offsets.size(); ++bucket) {
    std::sort(order.begin() + offsets[bucket], order.begin() + offsets[bucket + 1], is_before);
  }
  Numbers index_of(by_position.size());
  sorted.reserve(order.size());
  for (const AssetKey& key : order) {
    index_of[key.position] = static_cast<std::uint32_t>(sorted.size());
    sorted.push_back(by_position[key.position]);
  }
  return index_of;
}

/// Weight and hour tell apart what differs in its endpoints only.
bool is_before(const Snapshot::Edge& a, const Snapshot::Edge& b) noexcept {
  if (a.server != b.server) return a.server < b.server;
  return std::tie(a.protocol, a.port, a.weight, a.last_hour, a.dependency) <
         std::tie(b.protocol, b.port, b.weight, b.last_hour, b.dependency);
}

/// Puts the buckets into the snapshot, one after the other, and sorts each on the way: a bucket stays
/// in the cache. Few edges of a client share a server, so mostly numbers are compared.
class EdgeSorter {
 public:
  EdgeSorter(Snapshot& to, const Numbers& index_of)
      : to_(to), index_of_(index_of), in_counts_(to.assets.size() + 1) {
    to.out_offsets.assign(to.assets.size() + 1, 0);
  }
  /// How many edges each server has.
  [[nodiscard]] Numbers&& in_counts() && noexcept { return std::move(in_counts_); }

  /// \param clients  whose edges are in the bucket: from the first to before the last.
  void add(std::span<Snapshot::Edge> bucket, std::uint32_t first_client, std::uint32_t end_client) {
    const std::span offsets = std::span{to_.out_offsets}.subspan(first_client);
    for (Snapshot::Edge& e : bucket) {
      e.client.value = index_of_[e.client.value];
      e.server.value = index_of_[e.server.value];
      assert(e.client.value >= first_client && e.client.value < end_client);
      ++offsets[e.client.value - first_client];
      ++in_counts_[e.server.value];
    }
    begin_.assign(end_client - first_client + 1, 0);
    for (std::size_t i = 0; i + 1 < begin_.size(); ++i) begin_[i + 1] = begin_[i] + offsets[i];
    next_.assign(begin_.begin(), begin_.end());
    by_server_.resize(bucket.size());
    for (std::size_t i = 0; i < bucket.size(); ++i) {
      by_server_[next_[bucket[i].client.value - first_client]++] =
          std::uint64_t{bucket[i].server.value} << 32 | i;
    }
    for (std::size_t i = 0; i + 1 < begin_.size(); ++i) take(bucket, begin_[i], begin_[i + 1]);
  }

 private:
  /// The edges of one client.
  void take(std::span<const Snapshot::Edge> bucket, std::uint32_t begin, std::uint32_t end) {
    std::sort(by_server_.begin() + begin, by_server_.begin() + end);
    for (std::uint32_t i = begin; i < end;) {
      const std::size_t first = to_.edges.size();
      const std::uint64_t server = by_server_[i] >> 32;
      for (; i < end && by_server_[i] >> 32 == server; ++i) {
        to_.edges.push_back(bucket[by_server_[i] & 0xffff'ffffu]);
      }
      if (to_.edges.size() - first > 1) {
        std::sort(to_.edges.begin() + static_cast<std::ptrdiff_t>(first), to_.edges.end(),
                  is_before);
      }
    }
  }

  Snapshot& to_;
  const Numbers& index_of_;
  Numbers in_counts_;                        ///< by server
  std::vector<std::uint32_t> begin_, next_;  ///< of each client, in the bucket
  std::vector<std::uint64_t> by_server_;     ///< with where the edge lies in the bucket
};

/// What was read again, by bucket; empty if nothing was.
std::vector<std::vector<Snapshot::Edge>> latest_edges(const SnapshotInput& input) {
  std::vector<std::vector<Snapshot::Edge>> latest(input.read_again.empty() ? 0
                                                                           : EdgeBuckets::kBuckets);
  for (const auto& [position, edge] : input.read_again) {
    if (edge) latest[SnapshotInput::bucket_of(input.assets[edge->client.value])].push_back(*edge);
  }
  return latest;
}

}  // namespace

std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input) {
  auto s = std::make_shared<Snapshot>();
  s->revision = input.revision;
  auto latest = latest_edges(input);
  const Numbers index_of = sort_assets(input.assets, s->assets);
  base::reserve_spread(s->edges, input.edges.size() + input.read_again.size());
  EdgeSorter sorter{*s, index_of};
  std::vector<Snapshot::Edge> scratch;
  std::uint32_t client = 0;
  for (std::size_t i = 0; i < EdgeBuckets::kBuckets; ++i) {
    const std::uint32_t first = client;
    while (client < s->assets.size() && SnapshotInput::bucket_of(s->assets[client]) == i) ++client;
    std::span<Snapshot::Edge> bucket = input.edges.edges(i, scratch);
    if (!latest.empty()) {
      std::vector<Snapshot::Edge> all = std::move(latest[i]);
      std::copy_if(
          bucket.begin(), bucket.end(), std::back_inserter(all),
          [&](const Snapshot::Edge& e) { return !input.read_again.contains(e.dependency.value); });
      scratch = std::move(all);
      bucket = scratch;
    }
    sorter.add(bucket, first, client);
  }
  input.edges = {};
  sum_up(s->out_offsets);
  Numbers in_offsets = std::move(sorter).in_counts();
  sum_up(in_offsets);
  index_servers(*s, std::move(in_offsets));
  return s;
}

}  // namespace flowlens::graph
