#include "flowlens/external_peers.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "aggregate/distinct_count.hpp"
#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

constexpr std::array<std::string_view, 4> kGroupings = {"all", "prefix", "as_number", "country"};

/// 100::/64, then one octet for the kind, one for the length, six for the value.
constexpr std::size_t kKindAt = 8, kLengthAt = 9, kValueAt = 10;
constexpr std::uint64_t kMostValue = (std::uint64_t{1} << 48) - 1;
constexpr std::uint8_t kIpv4Bits = 96;

/// What has external peers: a service, or what one client asks at one port.
struct ServiceKey {
  Endpoint own;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  bool serves = true;  ///< the peers are clients
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
};

/// How the peers of a service are shown.
enum class Level : std::uint8_t { each, groups, one };

struct Service {
  Level level = Level::each;
  std::set<Endpoint> peers;    ///< while each is shown
  std::set<PeerGroup> groups;  ///< while in groups
};

/// A row of several peers.
struct Sum {
  ConnectionSummary row;
  TrafficCounts reported;
  bool is_dirty = false;
};
using Sums = std::map<DependencyKey, Sum>;

struct OpenWindow {
  std::map<ServiceKey, Level> levels;  ///< as shown so far
  Sums sums;
};

void widen(ConnectionSummary& to, const ConnectionSummary& from) {
  to.first = std::min(to.first, from.first);
  to.last = std::max(to.last, from.last);
  if (std::pair{from.rung, from.direction} < std::pair{to.rung, to.direction}) {
    to.rung = from.rung;
    to.direction = from.direction;
  }
  to.reasons |= from.reasons;
  to.flips = std::max(to.flips, from.flips);
  std::set<IpAddress> observers;
  observers.insert(to.observers.begin(), to.observers.begin() + to.observer_count);
  observers.insert(from.observers.begin(), from.observers.begin() + from.observer_count);
  to.observer_count = 0;
  for (const IpAddress& observer : observers) {
    if (to.observer_count < kMaxObservers) to.observers[to.observer_count++] = observer;
  }
}

/// \param counts  what of the row comes to the sum.
void add(Sums& sums, const DependencyKey& key, const ConnectionSummary& row,
         const TrafficCounts& counts) {
  const auto [at, is_new] = sums.try_emplace(key);
  Sum& sum = at->second;
  if (is_new || sum.row.counts.is_zero()) {
    const TrafficCounts none;
    sum.row = row;
    sum.row.key = key;
    sum.row.counts = none;
    sum.row.hop_count = 0;
    sum.row.via = {};
  } else {
    widen(sum.row, row);
  }
  sum.row.counts += counts;
  sum.is_dirty = true;
}

IpAddress masked(const IpAddress& address, std::size_t bits) {
  std::array<std::uint8_t, 16> octets = address.octets();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::size_t kept = std::clamp<std::size_t>(bits, 8 * i, 8 * i + 8) - 8 * i;
    octets[i] = static_cast<std::uint8_t>(octets[i] & ~(0xffu >> kept));
  }
  return IpAddress::v6(octets);
}

PeerGroup prefix_group(const IpAddress& address, const ExternalPeersOptions& o) {
  PeerGroup group{PeerGrouping::prefix, 0, 0};
  group.length = address.is_v4() ? static_cast<std::uint8_t>(kIpv4Bits + o.prefix_v4) : o.prefix_v6;
  const auto octets = masked(address, group.length).octets();
  const std::size_t from = address.is_v4() ? 12 : 0, count = address.is_v4() ? 4 : 6;
  for (std::size_t i = 0; i < count; ++i) group.value = group.value << 8 | octets[from + i];
  return group;
}

std::string prefix_text(const PeerGroup& group) {
  std::array<std::uint8_t, 16> octets{};
  const bool is_v4 = group.length >= kIpv4Bits;
  if (is_v4) octets[10] = octets[11] = 0xff;
  const std::size_t from = is_v4 ? 12 : 0, count = is_v4 ? 4 : 6;
  for (std::size_t i = 0; i < count; ++i) {
    octets[from + i] = static_cast<std::uint8_t>(group.value >> 8 * (count - 1 - i));
  }
  return IpAddress::v6(octets).to_string() + "/" +
         std::to_string(is_v4 ? group.length - kIpv4Bits : group.length);
}

const ExternalPeersOptions& checked(const ExternalPeersOptions& o) {
  const auto refuse = [](const std::string& what) {
    throw ConfigError("ExternalPeersOptions::" + what);
  };
  if (o.prefix_v4 > 32) refuse("prefix_v4 is more than 32");
  if (o.prefix_v6 > 48) refuse("prefix_v6 is more than 48");
  if (o.max_groups == 0) refuse("max_groups is 0; it must be at least 1");
  if (o.max_known_peers == 0) refuse("max_known_peers is 0; it must be at least 1");
  if (o.max_services == 0) refuse("max_services is 0; it must be at least 1");
  if (o.max_origins == 0) refuse("max_origins is 0; it must be at least 1");
  return o;
}

struct Origin {
  std::uint32_t as_number = 0;
  std::uint16_t country = 0;
};
struct AddressHash {
  std::uint64_t operator()(const IpAddress& a, std::uint64_t seed) const noexcept {
    return base::hash_of(a, seed);
  }
};
struct KeyHash {
  std::size_t operator()(const DependencyKey& k) const noexcept {
    return base::mix(base::hash_of(k.client, 1),
                     base::hash_of(k.server, std::uint64_t{k.port} << 8 | k.protocol));
  }
};

}  // namespace

std::string_view to_string(PeerGrouping g) noexcept {
  return kGroupings[static_cast<std::size_t>(g)];
}
std::optional<PeerGrouping> parse_peer_grouping(std::string_view text) noexcept {
  const auto found = std::find(kGroupings.begin(), kGroupings.end(), text);
  if (found == kGroupings.end()) return std::nullopt;
  return static_cast<PeerGrouping>(found - kGroupings.begin());
}

IpAddress PeerGroup::address() const noexcept {
  std::array<std::uint8_t, 16> octets{0x01};
  octets[kKindAt] = static_cast<std::uint8_t>(static_cast<unsigned>(by) + 1);
  octets[kLengthAt] = length;
  for (std::size_t i = 0; i < 6; ++i) {
    octets[kValueAt + i] = static_cast<std::uint8_t>((value & kMostValue) >> 8 * (5 - i));
  }
  return IpAddress::v6(octets);
}

std::optional<PeerGroup> peer_group(const IpAddress& address) noexcept {
  const auto& octets = address.octets();
  if (octets[0] != 0x01) return std::nullopt;
  if (std::any_of(octets.begin() + 1, octets.begin() + kKindAt,
                  [](std::uint8_t o) { return o != 0; })) {
    return std::nullopt;
  }
  const unsigned kind = octets[kKindAt];
  if (kind == 0 || kind > kGroupings.size()) return std::nullopt;
  PeerGroup group{static_cast<PeerGrouping>(kind - 1), 0, octets[kLengthAt]};
  for (std::size_t i = 0; i < 6; ++i) group.value = group.value << 8 | octets[kValueAt + i];
  return group;
}

std::string PeerGroup::to_string() const {
  switch (by) {
    case PeerGrouping::prefix:
      return prefix_text(*this);
    case PeerGrouping::as_number:
      return value == 0 ? "AS unknown" : "AS" + std::to_string(value);
    case PeerGrouping::country:
      if (value == 0) return "country unknown";
      return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
    case PeerGrouping::all:
      break;
  }
  return "external";
}

struct ExternalPeers::Impl {
  explicit Impl(const ExternalPeersOptions& o) : options(checked(o)), origins(o.max_origins) {}

  ExternalPeersOptions options;
  ExternalPeersCounters counters;
  base::BoundedTable<IpAddress, Origin, AddressHash> origins;
  std::map<ServiceKey, Service> services;
  std::map<Timestamp, OpenWindow> windows;
  /// How many peers each sum has stood for.
  std::unordered_map<DependencyKey, aggregate::DistinctCount<std::uint32_t>, KeyHash> peers_of;

  Origin* origin(const IpAddress& address) {
    const std::uint32_t position = origins.insert(address).first;
    if (position != origins.kNone) return &origins[position].value;
    ++counters.origins_refused;
    return nullptr;
  }

  [[nodiscard]] PeerGroup group_of(const IpAddress& address) const {
    if (options.grouping == PeerGrouping::all) return {};
    if (options.grouping == PeerGrouping::prefix) return prefix_group(address, options);
    const std::uint32_t position = origins.find(address);
    const Origin origin = position == origins.kNone ? Origin{} : origins[position].value;
    const bool by_as = options.grouping == PeerGrouping::as_number;
    return {options.grouping, by_as ? origin.as_number : origin.country, 0};
  }

  static std::optional<ServiceKey> service_of(const ConnectionSummary& row) {
    if (row.client_internal == row.server_internal) return std::nullopt;
    const bool serves = row.server_internal;
    const IpAddress& peer = (serves ? row.key.client : row.key.server).address;
    if (peer.is_multicast() || peer.is_limited_broadcast()) return std::nullopt;
    return ServiceKey{serves ? row.key.server : row.key.client, row.key.port, row.key.protocol,
                      serves};
  }
  static const Endpoint& peer_of(const DependencyKey& key, const ServiceKey& service) {
    return service.serves ? key.client : key.server;
  }

  /// The row of the map that this row goes to.
  [[nodiscard]] DependencyKey shown(const DependencyKey& key, const ServiceKey& service,
                                    Level level) const {
    DependencyKey to = key;
    Endpoint& peer = service.serves ? to.client : to.server;
    if (level == Level::groups) peer.address = group_of(peer.address).address();
    if (level == Level::one) peer.address = PeerGroup{}.address();
    return to;
  }

  Service* find(const ServiceKey& key) {
    const auto known = services.find(key);
    if (known != services.end()) return &known->second;
    if (services.size() >= options.max_services) {
      ++counters.services_refused;
      return nullptr;
    }
    Service& made = services[key];
    if (options.max_peers == 0) made.level = Level::groups;
    return &made;
  }

  Level level_now(const ServiceKey& key) {
    const Service* service = find(key);
    return service ? service->level : Level::one;
  }

  void forget_peers(Service& service) {
    counters.known_peers -= service.peers.size();
    service.peers.clear();
  }

  /// What the peers of a window that closes make of the service.
  Level level_after(const ServiceKey& key, std::span<const ConnectionSummary* const> rows) {
    Service* service = find(key);
    if (service == nullptr) return Level::one;
    for (const ConnectionSummary* row : rows) {
      if (service->level == Level::one) break;
      if (row->counts.is_zero()) continue;
      const Endpoint& peer = peer_of(row->key, key);
      if (service->level == Level::each) {
        if (service->peers.insert(peer).second) ++counters.known_peers;
        if (service->peers.size() <= options.max_peers &&
            counters.known_peers <= options.max_known_peers) {
          continue;
        }
        service->level = Level::groups;
        forget_peers(*service);
        // Those before are asked again: all of them count.
        return level_after(key, rows);
      }
      service->groups.insert(group_of(peer.address));
      if (service->groups.size() > options.max_groups) {
        service->level = Level::one;
        service->groups.clear();
      }
    }
    return service->level;
  }

  using Rows = std::vector<const ConnectionSummary*>;

  void collapse(std::span<const ConnectionSummary> rows, std::vector<ConnectionSummary>& out) {
    std::map<Timestamp, std::array<Rows, 2>> external;  // final, provisional
    for (const ConnectionSummary& row : rows) {
      if (!service_of(row)) {
        out.push_back(row);
      } else {
        external[row.window_start][row.provisional ? 1 : 0].push_back(&row);
      }
    }
    for (const auto& [start, parts] : external) {
      if (!parts[1].empty()) show(windows[start], parts[1], out);
      if (!parts[0].empty()) close(start, parts[0], out);
    }
  }

  void show(OpenWindow& window, const Rows& rows, std::vector<ConnectionSummary>& out) {
    for (const ConnectionSummary* row : rows) {
      const ServiceKey service = *service_of(*row);
      auto level = window.levels.find(service);
      if (level == window.levels.end()) {
        level = window.levels.emplace(service, level_now(service)).first;
      }
      if (level->second == Level::each) {
        out.push_back(*row);
      } else {
        add(window.sums, shown(row->key, service, level->second), *row, row->added);
      }
    }
    for (auto& [key, sum] : window.sums) report(sum, true, out);
  }

  void report(Sum& sum, bool is_provisional, std::vector<ConnectionSummary>& out) {
    if (!sum.is_dirty) return;
    sum.is_dirty = false;
    ConnectionSummary& row = out.emplace_back(sum.row);
    row.added = sum.row.counts;
    row.added -= sum.reported;
    row.provisional = is_provisional;
    const auto peers = peers_of.find(row.key);
    row.client_count = peers == peers_of.end() ? 1 : std::max(1u, peers->second.count());
    sum.reported = sum.row.counts;
    if (row.counts.is_zero() && row.added.is_zero()) out.pop_back();
  }

  void close(Timestamp start, const Rows& rows, std::vector<ConnectionSummary>& out) {
    const auto open = windows.find(start);
    OpenWindow before = open == windows.end() ? OpenWindow{} : std::move(open->second);
    if (open != windows.end()) windows.erase(open);
    std::map<ServiceKey, Rows> by_service;
    for (const ConnectionSummary* row : rows) by_service[*service_of(*row)].push_back(row);
    Sums sums;
    for (const auto& [service, of_service] : by_service) {
      const auto shown_so_far = before.levels.find(service);
      const bool was_each =
          shown_so_far == before.levels.end() || shown_so_far->second == Level::each;
      const Level level = level_after(service, of_service);
      for (const ConnectionSummary* row : of_service) {
        if (level != Level::each) {
          if (was_each) take_back(*row, out);
          sum_up(sums, service, level, *row);
          continue;
        }
        out.push_back(*row);
        if (!was_each) out.back().added = row->counts;
      }
    }
    for (auto& [key, sum] : before.sums) {
      const auto [now, is_new] = sums.try_emplace(key);
      now->second.reported = sum.reported;
      if (!is_new) continue;
      now->second.row = sum.row;
      now->second.row.counts = {};
      now->second.is_dirty = true;
    }
    for (auto& [key, sum] : sums) report(sum, false, out);
  }

  void sum_up(Sums& sums, const ServiceKey& service, Level level, const ConnectionSummary& row) {
    if (row.counts.is_zero()) return;
    const DependencyKey key = shown(row.key, service, level);
    add(sums, key, row, row.counts);
    const std::uint64_t word = base::hash_of(peer_of(row.key, service), 0);
    peers_of[key].insert(static_cast<std::uint32_t>(word >> 32));
  }

  /// What the map has of this row so far is another's.
  static void take_back(const ConnectionSummary& row, std::vector<ConnectionSummary>& out) {
    TrafficCounts reported = row.counts;
    reported -= row.added;
    if (reported.is_zero()) return;
    ConnectionSummary& back = out.emplace_back(row);
    back.counts = back.added = {};
    back.added -= reported;
    back.provisional = true;
    back.first = back.last = back.window_start;
  }
};

ExternalPeers::ExternalPeers(const ExternalPeersOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
ExternalPeers::~ExternalPeers() = default;
ExternalPeers::ExternalPeers(ExternalPeers&&) noexcept = default;
ExternalPeers& ExternalPeers::operator=(ExternalPeers&&) noexcept = default;

void ExternalPeers::tell_as(const IpAddress& address, std::uint32_t as_number) {
  if (as_number == 0) return;
  Origin* origin = impl_->origin(address);
  if (origin == nullptr) return;
  if (origin->as_number == 0 || as_number < origin->as_number) origin->as_number = as_number;
}

void ExternalPeers::tell_country(const IpAddress& address, std::string_view country) {
  if (country.size() != 2) return;
  Origin* origin = impl_->origin(address);
  if (origin == nullptr) return;
  const auto letter = [&](std::size_t i) { return static_cast<unsigned char>(country[i]); };
  origin->country = static_cast<std::uint16_t>(letter(0) << 8 | letter(1));
}

void ExternalPeers::remember(const DependencyKey& key) {
  for (const bool serves : {true, false}) {
    const auto group = peer_group((serves ? key.client : key.server).address);
    if (!group) continue;
    Service* service =
        impl_->find({serves ? key.server : key.client, key.port, key.protocol, serves});
    if (service == nullptr) continue;
    const bool is_one =
        group->by == PeerGrouping::all && impl_->options.grouping != PeerGrouping::all;
    service->level = std::max(service->level, is_one ? Level::one : Level::groups);
    impl_->forget_peers(*service);
  }
}

void ExternalPeers::collapse(std::vector<ConnectionSummary>& rows,
                             std::vector<Redirection>& redirections) {
  const bool is_any = std::any_of(rows.begin(), rows.end(), [](const ConnectionSummary& row) {
    return row.client_internal != row.server_internal;
  });
  if (!is_any) return;
  std::vector<ConnectionSummary> out;
  out.reserve(rows.size());
  std::size_t done = 0;
  const auto collapse_up_to = [&](std::size_t end) {
    if (end <= done) return;
    impl_->collapse(std::span{rows}.subspan(done, end - done), out);
    done = end;
  };
  for (Redirection& redirection : redirections) {
    collapse_up_to(std::min(redirection.before_row, rows.size()));
    redirection.before_row = out.size();
  }
  collapse_up_to(rows.size());
  rows.swap(out);
}

bool ExternalPeers::wants_as() const noexcept {
  return impl_->options.grouping == PeerGrouping::as_number;
}

ExternalPeersCounters ExternalPeers::counters() const noexcept {
  ExternalPeersCounters counters = impl_->counters;
  counters.services = impl_->services.size();
  counters.services_collapsed = static_cast<std::uint64_t>(
      std::count_if(impl_->services.begin(), impl_->services.end(),
                    [](const auto& s) { return s.second.level != Level::each; }));
  return counters;
}

}  // namespace flowlens
