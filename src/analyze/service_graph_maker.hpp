/// \file
/// analyze: the steps that make a ServiceGraph.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "flowlens/service_graph.hpp"

namespace flowlens {

/// services(), clusters(), needs(), apart(), in this order.
struct ServiceGraph::Maker {
  ServiceGraph& to;
  const Snapshot& snapshot;
  const EdgeMask& mask;
  const ServiceGraphOptions& options;
  const ReplicaHints& hints;

  /// What all edges of one client to one service say together.
  struct Use {
    ServiceIndex service;
    AssetIndex client;
    std::uint32_t edge = 0;  ///< position of the first of them
    std::uint32_t last_hour = 0;
    std::uint16_t active_hours = 0;
    std::uint16_t sampling_rate = 1;
    std::uint8_t confidence_percent = 0;
  };
  /// Two services of one port, and how many clients use both.
  struct Pair {
    ServiceIndex a, b;
    std::uint32_t common = 0;
  };

  void services();
  void clusters();
  void needs();
  void apart();

  std::vector<Use> uses{};                   ///< by service, client
  std::vector<std::uint32_t> client_uses{};  ///< positions in uses, by client, service
  std::vector<std::uint32_t> client_use_offsets{};
  std::vector<std::uint16_t> busiest_hours{};  ///< of a client's dependencies
  std::vector<std::uint32_t> newest_hour{};    ///< of a client's dependencies
  std::unordered_map<std::uint32_t, std::string> stems{};
  std::unordered_map<std::uint32_t, HourBitmap> hours{};

 private:
  void add_server(AssetIndex server, std::vector<std::uint32_t>& positions);
  void add_use(const Snapshot::Edge& e, std::uint32_t position);
  void index_uses();
  [[nodiscard]] std::vector<Pair> pairs();
  [[nodiscard]] ReplicaEvidence evidence(const Pair& pair);
  const std::string& stem_of(ServiceIndex s);
  const HourBitmap& hours_of(ServiceIndex s);
  void number_clusters(std::vector<std::uint32_t>& parents);
  void add_needs(ClusterIndex cluster, std::vector<Use>& of_members);
  [[nodiscard]] Need need_of(const Use& all, ClusterIndex cluster, std::size_t members_used) const;
};

}  // namespace flowlens
