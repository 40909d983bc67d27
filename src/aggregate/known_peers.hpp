/// \file
/// aggregate: whose external peers are shown each by itself, and which they are.
#pragma once

#include <cstdint>
#include <memory>
#include <set>

#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "flowlens/external_peers.hpp"

namespace flowlens::aggregate {

/// What has external peers: a service, or what one client asks at one port.
struct PeeredService {
  Endpoint own;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  bool serves = true;  ///< the peers are clients
  friend auto operator<=>(const PeeredService&, const PeeredService&) = default;
};

/// How the peers of a service are shown.
enum class PeerLevel : std::uint8_t { each, groups, one };

/// Services by position, and how many peers each has had. Peers are forgotten once they are shown
/// together. Past its bound no further service is taken: its peers are one. Thread-compatible.
class KnownPeers {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffffu;

  explicit KnownPeers(const ExternalPeersOptions& o)
      : options_(o),
        services_(o.max_services, o.hash_seed),
        peers_(o.max_known_peers + 1, o.hash_seed) {}

  [[nodiscard]] std::uint64_t hash(const PeeredService& service) const noexcept {
    return services_.hash(service);
  }
  void prefetch_slot(std::uint64_t hash) const noexcept { services_.prefetch_slot(hash); }
  void prefetch_entry(std::uint64_t hash) const noexcept { services_.prefetch_entry(hash); }
  /// \return the position of the service, known or new; kNone at the bound.
  std::uint32_t place(const PeeredService& service, std::uint64_t hash) {
    const auto [position, is_new] = services_.insert(service, hash);
    if (position == kNone) return kNone;
    if (is_new && options_.max_peers == 0) coarsen(position, PeerLevel::groups);
    return position;
  }
  [[nodiscard]] const PeeredService& operator[](std::uint32_t position) const noexcept {
    return services_[position].key;
  }
  [[nodiscard]] PeerLevel level(std::uint32_t position) const noexcept {
    return position == kNone ? PeerLevel::one : services_[position].value.level;
  }
  [[nodiscard]] std::size_t size() const noexcept { return services_.size(); }
  /// Services whose peers are shown together.
  [[nodiscard]] std::size_t collapsed() const noexcept { return collapsed_; }
  [[nodiscard]] std::size_t peers() const noexcept { return peers_.size(); }

  /// Shows the peers of a service no finer than so.
  void coarsen(std::uint32_t position, PeerLevel to) {
    Service& service = services_[position].value;
    if (to <= service.level) return;
    if (service.level == PeerLevel::each) ++collapsed_;
    service.level = to;
    forget_peers(service);
    if (to == PeerLevel::one) service.groups.reset();
  }
  /// A peer that is shown by itself. \return false if it is one too many: then all are in groups.
  bool add_peer(std::uint32_t position, const Endpoint& peer) {
    Service& service = services_[position].value;
    const auto [at, is_new] = peers_.insert({peer, position});
    if (is_new) {
      peers_[at].value = service.last_peer;
      service.last_peer = at;
      ++service.peers;
    }
    if (service.peers <= options_.max_peers && peers_.size() <= options_.max_known_peers) {
      return true;
    }
    coarsen(position, PeerLevel::groups);
    return false;
  }
  /// A group that is shown. \return false if it is one too many: then all are one.
  bool add_group(std::uint32_t position, const PeerGroup& group) {
    Service& service = services_[position].value;
    if (!service.groups) service.groups = std::make_unique<std::set<PeerGroup>>();
    service.groups->insert(group);
    if (service.groups->size() <= options_.max_groups) return true;
    coarsen(position, PeerLevel::one);
    return false;
  }

 private:
  struct Service {
    std::uint32_t peers = 0;
    std::uint32_t last_peer = kNone;  ///< each leads to the one before
    PeerLevel level = PeerLevel::each;
    std::unique_ptr<std::set<PeerGroup>> groups;  ///< while in groups
  };
  struct ServiceHash {
    std::uint64_t operator()(const PeeredService& s, std::uint64_t seed) const noexcept {
      return base::hash_of(s.own,
                           seed + (std::uint64_t{s.port} << 32 | std::uint64_t{s.protocol} << 24 |
                                   std::uint64_t{s.serves} << 23));
    }
  };
  struct Peer {
    Endpoint peer;
    std::uint32_t service = 0;
    friend bool operator==(const Peer&, const Peer&) noexcept = default;
  };
  struct PeerHash {
    std::uint64_t operator()(const Peer& p, std::uint64_t seed) const noexcept {
      return base::hash_of(p.peer, seed + (std::uint64_t{p.service} << 16));
    }
  };

  void forget_peers(Service& service) {
    for (std::uint32_t at = service.last_peer; at != kNone;) {
      const std::uint32_t before = peers_[at].value;
      peers_.erase(at);
      at = before;
    }
    service.last_peer = kNone;
    service.peers = 0;
  }

  ExternalPeersOptions options_;
  base::BoundedTable<PeeredService, Service, ServiceHash> services_;
  base::BoundedTable<Peer, std::uint32_t, PeerHash> peers_;
  std::size_t collapsed_ = 0;
};

}  // namespace flowlens::aggregate
