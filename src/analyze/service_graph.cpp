#include "flowlens/service_graph.hpp"

#include <algorithm>
#include <tuple>

#include "analyze/service_graph_maker.hpp"

namespace flowlens {

std::string_view to_string(ReplicaEvidence e) noexcept {
  switch (e) {
    case ReplicaEvidence::common_clients:
      return "common_clients";
    case ReplicaEvidence::names:
      return "names";
    case ReplicaEvidence::alternating_hours:
      return "alternating_hours";
    case ReplicaEvidence::none:
      break;
  }
  return "none";
}

ReplicaHints replica_hints(const DependencyGraph& graph, const Snapshot& snapshot) {
  ReplicaHints hints;
  hints.name_of = [&](AssetIndex a) {
    const auto row = graph.asset(snapshot.assets[a.value]);
    return row ? row->name : std::string{};
  };
  hints.hours_of = [&](const Snapshot::Edge& e) -> std::optional<HourBitmap> {
    const auto row = graph.dependency(snapshot, e);
    if (!row) return std::nullopt;
    return row->hours;
  };
  return hints;
}

std::string ServedPort::port_text() const {
  const std::string name = protocol == 6    ? "tcp"
                           : protocol == 17 ? "udp"
                                            : std::to_string(protocol);
  return name + "/" + std::to_string(port);
}

std::string name_stem(std::string_view name) {
  const std::string_view label = name.substr(0, name.find('.'));
  std::string stem;
  for (const char c : label) {
    if (c < '0' || c > '9') stem.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  const bool has_letter =
      std::any_of(stem.begin(), stem.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return has_letter && name.find(':') == std::string_view::npos ? stem : std::string{};
}

ServiceGraph::ServiceGraph(const Snapshot& snapshot, const EdgeMask& mask,
                           const ServiceGraphOptions& options, const ReplicaHints& hints) {
  Maker make{*this, snapshot, mask, options, hints};
  make.services();
  make.clusters();
  make.needs();
  make.apart();
}

std::optional<ServiceIndex> ServiceGraph::find(AssetIndex server, std::uint8_t protocol,
                                               std::uint16_t port) const noexcept {
  const auto list = services_of(server);
  const auto found = std::lower_bound(list.begin(), list.end(), std::pair{protocol, port},
                                      [](const ServedPort& s, const auto& key) {
                                        return std::pair{s.protocol, s.port} < key;
                                      });
  if (found == list.end() || found->protocol != protocol || found->port != port) {
    return std::nullopt;
  }
  return index_of(*found);
}

const Need* ServiceGraph::find_need(AssetIndex client, ClusterIndex c) const noexcept {
  const auto list = needs_of(c);
  const auto found = std::lower_bound(list.begin(), list.end(), client,
                                      [](const Need& n, AssetIndex a) { return n.client < a; });
  return found == list.end() || found->client != client ? nullptr : &*found;
}

EdgeMask ServiceGraph::own_edges(const Snapshot& snapshot, const EdgeMask& mask) const {
  EdgeMask own(snapshot.edges.size());
  for (std::uint32_t server = 0; server < asset_count(); ++server) {
    const auto list = services_of({server});
    for (std::uint32_t i = snapshot.in_offsets[server]; i < snapshot.in_offsets[server + 1]; ++i) {
      const std::uint32_t position = snapshot.in_edges[i];
      if (!mask.empty() && !mask[position]) continue;
      const Snapshot::Edge& e = snapshot.edges[position];
      if (e.client == e.server || is_watcher(e.client)) continue;
      if (list.size() == 1) {
        own[position] = !clusters_[list.front().cluster.value].is_shared;
      } else {
        const auto s = find(e.server, e.protocol, e.port);
        own[position] = s && !clusters_[services_[s->value].cluster.value].is_shared;
      }
    }
  }
  return own;
}

}  // namespace flowlens
