// What the map knows of those whom an event is about.
#include <algorithm>

#include "flowlens/alert.hpp"

namespace flowlens {

namespace {

class Noter {
 public:
  Noter(const DependencyGraph& graph, const NetworkRules& networks, std::vector<NotedAsset>& to)
      : graph_(graph), networks_(networks), to_(to) {}

  /// \param id  of an asset, a dependency or an intermediary; else nothing is noted.
  void note(const Id& id) {
    if (id.is_none()) return;
    if (const auto asset = graph_.asset(id)) return add(*asset);
    if (const auto dependency = graph_.dependency(id)) {
      add(dependency->client_asset);
      add(dependency->server_asset);
    } else if (const auto intermediary = graph_.intermediary(id)) {
      note(intermediary->front);
    }
  }
  void note(const Endpoint& endpoint) {
    if (const auto asset = graph_.asset_of(endpoint)) add(*asset);
  }

  /// Who does nothing but call in vain is not on the map; such clients are internal.
  void note_stranger(const ChangeEvent& event) {
    AssetRow row;
    row.id = event.subject;
    row.is_internal = true;
    row.endpoints.push_back({event.endpoint, event.at, {}});
    add(row);
  }

 private:
  void add(const Id& id) {
    if (const auto asset = graph_.asset(id)) add(*asset);
  }

  void add(const AssetRow& row) {
    const bool is_there =
        std::any_of(to_.begin(), to_.end(), [&](const NotedAsset& a) { return a.id == row.id; });
    if (is_there || to_.size() >= kMaxNotedAssets) return;
    NotedAsset& asset = to_.emplace_back();
    asset.id = row.id;
    asset.asset_type = row.asset_type;
    asset.is_internal = row.is_internal;
    for (const HeldEndpoint& held : row.endpoints) {
      if (asset.addresses.size() >= kMaxNotedAddresses) break;
      if (!held.until) asset.addresses.push_back(held.endpoint.address);
    }
    if (asset.addresses.empty() && !row.endpoints.empty()) {
      asset.addresses.push_back(row.endpoints.front().endpoint.address);
    }
    asset.label = row.name;
    if (asset.addresses.empty()) return;
    if (asset.label.empty()) asset.label = asset.addresses.front().to_string();
    for (NetworkDecision& d : networks_.decide(asset.addresses.front())) take(d, asset);
  }

  static void take(NetworkDecision& decision, NotedAsset& to) {
    switch (decision.label) {
      case NetworkLabel::environment:
        to.environment = std::move(decision.value);
        return;
      case NetworkLabel::datacenter:
        to.datacenter = std::move(decision.value);
        return;
      case NetworkLabel::location:
        to.location = std::move(decision.value);
        return;
      case NetworkLabel::owner:
        to.owner = std::move(decision.value);
        return;
      case NetworkLabel::type:
        return;
    }
  }

  const DependencyGraph& graph_;
  const NetworkRules& networks_;
  std::vector<NotedAsset>& to_;
};

}  // namespace

NotedEvent note(const ChangeEvent& event, const DependencyGraph& graph,
                const NetworkRules& networks) {
  NotedEvent noted{event, {}};
  Noter noter{graph, networks, noted.assets};
  if (event.type == ChangeType::scan && !graph.asset(event.subject)) {
    noter.note_stranger(event);
  } else {
    noter.note(event.subject);
  }
  noter.note(event.object);
  if (noted.assets.empty()) noter.note(event.endpoint);
  return noted;
}

}  // namespace flowlens
