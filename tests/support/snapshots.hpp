/// \file
/// Snapshots made by hand and by dice.
#pragma once

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "flowlens/snapshot.hpp"

namespace flowlens::testing {

/// One edge, steady and sure if nothing else is said.
inline Snapshot::Edge edge(std::uint32_t client, std::uint32_t server, std::uint16_t port = 80,
                           std::uint16_t active_hours = 100, std::uint8_t confidence = 95) {
  Snapshot::Edge e;
  e.client.value = client;
  e.server.value = server;
  e.last_hour = 500'000;
  e.weight = 1'000;
  e.port = port;
  e.protocol = 6;
  e.confidence_percent = confidence;
  e.active_hours = active_hours;
  return e;
}

/// Puts edges in order and indexes them. Asset i has the id i, big-endian in the last octets.
inline Snapshot snapshot_of(std::uint32_t assets, std::vector<Snapshot::Edge> edges) {
  Snapshot s;
  s.assets.resize(assets);
  for (std::uint32_t a = 0; a < assets; ++a) {
    for (int i = 0; i < 4; ++i) {
      s.assets[a].octets[static_cast<std::size_t>(15 - i)] =
          static_cast<std::uint8_t>((a + 1) >> (8 * i));
    }
  }
  const auto key = [](const Snapshot::Edge& e) {
    return std::tuple{e.client, e.server, e.protocol, e.port};
  };
  std::stable_sort(edges.begin(), edges.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
  s.edges = std::move(edges);
  s.out_offsets.assign(assets + 1, 0);
  s.in_offsets.assign(assets + 1, 0);
  for (const Snapshot::Edge& e : s.edges) {
    ++s.out_offsets[e.client.value + 1];
    ++s.in_offsets[e.server.value + 1];
  }
  for (std::uint32_t a = 0; a < assets; ++a) {
    s.out_offsets[a + 1] += s.out_offsets[a];
    s.in_offsets[a + 1] += s.in_offsets[a];
  }
  s.in_edges.resize(s.edges.size());
  std::vector<std::uint32_t> next(s.in_offsets.begin(), s.in_offsets.end() - 1);
  for (std::uint32_t i = 0; i < s.edges.size(); ++i) {
    s.edges[i].dependency.value = i;
    s.in_edges[next[s.edges[i].server.value]++] = i;
  }
  return s;
}

/// The same numbers everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  /// 0 to `sides` - 1.
  std::uint32_t roll(std::uint32_t sides) {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return static_cast<std::uint32_t>((z ^ z >> 31) % sides);
  }

 private:
  std::uint64_t state_;
};

/// Any edges, of one of `ports` ports and any steadiness and confidence.
inline Snapshot random_snapshot(Dice& dice, std::uint32_t assets, std::uint32_t edges,
                                std::uint32_t ports) {
  std::vector<Snapshot::Edge> list;
  for (std::uint32_t i = 0; i < edges; ++i) {
    const auto client = dice.roll(assets), server = dice.roll(assets);
    const auto port = static_cast<std::uint16_t>(1'000 + dice.roll(ports));
    const auto hours = static_cast<std::uint16_t>(1 + dice.roll(20));
    const auto confidence = static_cast<std::uint8_t>(40 + dice.roll(60));
    list.push_back(edge(client, server, port, hours, confidence));
    list.back().last_hour -= dice.roll(8) == 0 ? 300 : 0;
  }
  return snapshot_of(assets, std::move(list));
}

}  // namespace flowlens::testing
