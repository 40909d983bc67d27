#include "flowlens/asset_features.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "base/hash.hpp"

namespace flowlens {

namespace {

/// Below it a direction is as likely to be the other one.
constexpr float kLeastConfidence = 0.5f;

struct IdHash {
  std::size_t operator()(const Id& id) const noexcept { return base::hash_of(id, 0); }
};
using Ids = std::unordered_set<Id, IdHash>;

/// A service on one port of one kind, on one side.
struct PortUse {
  std::uint64_t flows = 0;
  std::uint64_t octets_to_server = 0;
  std::uint64_t octets_to_client = 0;
  HourBitmap hours;
  Ids peers;
};
/// By port and protocol: what a port is for depends on which way most octets go over all its peers.
using Ports = std::map<std::pair<std::uint16_t, std::uint8_t>, PortUse>;

float confidence_of(const DependencyRow& row) noexcept {
  return row.reasons.empty() ? confidence(row.rung) : confidence(row.reasons);
}

unsigned count_in(const HourBitmap& hours, HourSpan span) {
  unsigned count = 0;
  for (Hour h = std::max(span.first, hours.oldest()); h <= std::min(span.last, hours.newest());
       ++h) {
    count += hours.test(h) ? 1 : 0;
  }
  return count;
}

double share(std::uint64_t part, std::uint64_t rest) noexcept {
  return part == 0
             ? 0.0
             : static_cast<double>(part) / (static_cast<double>(part) + static_cast<double>(rest));
}

/// Puts the ports of one side together by kind.
std::vector<ServiceUse> by_kind(const Ports& ports, HourSpan span) {
  struct Sum {
    ServiceUse use;
    std::uint64_t main_flows = 0;
    HourBitmap hours;
    Ids peers;
  };
  std::map<ServiceKind, Sum> sums;
  for (const auto& [port, p] : ports) {
    const ServiceKind kind =
        service_kind(port.second, port.first, share(p.octets_to_server, p.octets_to_client));
    Sum& sum = sums[kind];
    sum.use.kind = kind;
    if (sum.use.ports == 0 || p.flows > sum.main_flows) {
      sum.main_flows = p.flows;
      std::tie(sum.use.port, sum.use.protocol) = port;
    }
    ++sum.use.ports;
    sum.use.flows += p.flows;
    sum.use.octets_to_server += p.octets_to_server;
    sum.use.octets_to_client += p.octets_to_client;
    sum.hours.merge(p.hours);
    sum.peers.insert(p.peers.begin(), p.peers.end());
  }
  std::vector<ServiceUse> uses;
  for (auto& [kind, sum] : sums) {
    sum.use.peers = static_cast<std::uint32_t>(sum.peers.size());
    sum.use.active_hours = count_in(sum.hours, span);
    uses.push_back(sum.use);
  }
  return uses;
}

}  // namespace

struct AssetFeatureBuilder::Impl {
  Id asset;
  HourSpan span;
  TypeOf type_of;
  AssetFeatures features;
  HourBitmap hours;
  Ports served;
  Ports used;
  Ids clients;
  Ids servers;

  void add_use(const DependencyRow& row, bool is_server) {
    PortUse& use = (is_server ? served : used)[{row.key.port, row.key.protocol}];
    use.flows += row.totals.flows;
    use.octets_to_server += row.totals.estimated_octets_to_server;
    use.octets_to_client += row.totals.estimated_octets_to_client;
    use.hours.merge(row.hours);
    const Id& peer = is_server ? row.client_asset : row.server_asset;
    use.peers.insert(peer);
    if (!(is_server ? clients : servers).insert(peer).second) return;
    const IpAddress& address = is_server ? row.key.client.address : row.key.server.address;
    if (!address.is_private())
      ++(is_server ? features.external_clients : features.external_servers);
    const AssetType type = type_of ? type_of(peer) : AssetType::unknown;
    (is_server ? features.client_types : features.server_types).add(type);
    if (!is_server || type == AssetType::unknown) return;
    ++features.known_clients;
    if (is_client_type(type)) ++features.people_clients;
  }
};

AssetFeatureBuilder::AssetFeatureBuilder(const AssetRow& asset, HourSpan span, TypeOf type_of)
    : impl_(std::make_unique<Impl>()) {
  impl_->asset = asset.id;
  impl_->span = span;
  impl_->type_of = std::move(type_of);
  impl_->features.is_internal = asset.is_internal;
}

AssetFeatureBuilder::~AssetFeatureBuilder() = default;

void AssetFeatureBuilder::add(const DependencyRow& row) {
  if (!row.hours.any(impl_->span)) return;
  AssetFeatures& f = impl_->features;
  const bool is_server = row.server_asset == impl_->asset;
  f.flows += row.totals.flows;
  const std::uint64_t up = row.totals.estimated_octets_to_server;
  const std::uint64_t down = row.totals.estimated_octets_to_client;
  f.octets_sent += is_server ? down : up;
  f.octets_received += is_server ? up : down;
  impl_->hours.merge(row.hours);
  const IpAddress& to = row.key.server.address;
  if (!is_server && (to.is_multicast() || to.is_limited_broadcast())) {
    f.group_flows += row.totals.flows;
    return;
  }
  if (row.client_asset == row.server_asset || row.direction != Direction::client_server) return;
  if (confidence_of(row) < kLeastConfidence) return;
  impl_->add_use(row, is_server);
}

AssetFeatures AssetFeatureBuilder::take() {
  AssetFeatures& f = impl_->features;
  f.serves = by_kind(impl_->served, impl_->span);
  f.uses = by_kind(impl_->used, impl_->span);
  f.clients = static_cast<std::uint32_t>(impl_->clients.size());
  f.servers = static_cast<std::uint32_t>(impl_->servers.size());
  f.served_ports = static_cast<std::uint32_t>(impl_->served.size());
  f.used_ports = static_cast<std::uint32_t>(impl_->used.size());
  const auto runs = impl_->hours.runs();
  f.active_hours = count_in(impl_->hours, impl_->span);
  if (!runs.empty()) {
    const Hour first = std::max(runs.front().first, impl_->span.first);
    const Hour last = std::min(runs.back().last, impl_->span.last);
    f.observed_hours = last >= first ? last - first + 1 : 0;
  }
  return std::move(f);
}

}  // namespace flowlens
