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
#include "aggregate/known_peers.hpp"
#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "base/masked.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

using namespace aggregate;

namespace {

constexpr std::uint8_t kIpv4Bits = 96;
constexpr std::uint32_t kNoRow = 0xffff'ffffu;

/// A row of several peers.
struct Sum {
  ConnectionSummary row;
  TrafficCounts reported;
  bool is_dirty = false;
};
using Sums = std::map<DependencyKey, Sum>;

struct OpenWindow {
  std::vector<std::uint8_t> levels;  ///< PeerLevel by service, as shown so far, or kNotShown
  Sums sums;

  static constexpr std::uint8_t kNotShown = 0xff;

  [[nodiscard]] bool is_shown(std::uint32_t service) const noexcept {
    return service < levels.size() && levels[service] != kNotShown;
  }
  /// At the bound, a service has always been one.
  [[nodiscard]] PeerLevel level(std::uint32_t service) const noexcept {
    if (service == KnownPeers::kNone) return PeerLevel::one;
    return is_shown(service) ? static_cast<PeerLevel>(levels[service]) : PeerLevel::each;
  }
  void show(std::uint32_t service, PeerLevel level) {
    if (service >= levels.size()) levels.resize(service + 1, kNotShown);
    levels[service] = static_cast<std::uint8_t>(level);
  }
};

/// A row of an external peer.
struct PeerRow {
  const ConnectionSummary* row = nullptr;
  std::uint32_t service = KnownPeers::kNone;
  std::uint32_t next = kNoRow;  ///< of the same service
};
/// A service whose window closes.
struct ClosingService {
  std::uint32_t service = KnownPeers::kNone;
  std::uint32_t first = kNoRow;  ///< of its rows
  PeerLevel level = PeerLevel::one;
};
/// What one flush says of one window.
struct WindowRows {
  std::vector<PeerRow> open;
  std::vector<PeerRow> closed;
  std::vector<ClosingService> closing;  ///< ascending
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

PeerGroup prefix_group(const IpAddress& address, const ExternalPeersOptions& o) {
  PeerGroup group{PeerGrouping::prefix, 0, 0};
  group.length = address.is_v4() ? static_cast<std::uint8_t>(kIpv4Bits + o.prefix_v4) : o.prefix_v6;
  const auto octets = base::masked(address, group.length).octets();
  const std::size_t from = address.is_v4() ? 12 : 0, count = address.is_v4() ? 4 : 6;
  for (std::size_t i = 0; i < count; ++i) group.value = group.value << 8 | octets[from + i];
  return group;
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

/// 0: not known.
struct Origin {
  std::uint32_t as_number = 0;  ///< told
  std::uint16_t country = 0;    ///< told
  bool is_looked_up = false;
  std::uint16_t listed_country = 0;  ///< what the table says
  std::uint32_t listed_as = 0;
};

/// Two letters as a number, or 0.
std::uint16_t country_number(std::string_view letters) noexcept {
  if (letters.size() != 2) return 0;
  const auto letter = [&](std::size_t i) { return static_cast<unsigned char>(letters[i]); };
  return static_cast<std::uint16_t>(letter(0) << 8 | letter(1));
}
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

struct ExternalPeers::Impl {
  explicit Impl(const ExternalPeersOptions& o)
      : options(checked(o)), origins(o.max_origins, o.hash_seed), known(o) {}

  static constexpr std::size_t kBatch = 16;  ///< services looked up at a time

  ExternalPeersOptions options;
  ExternalPeersCounters counters;
  base::BoundedTable<IpAddress, Origin, AddressHash> origins;
  KnownPeers known;
  std::map<Timestamp, OpenWindow> windows;
  /// How many peers each sum has stood for.
  std::unordered_map<DependencyKey, DistinctCount<std::uint32_t>, KeyHash> peers_of;
  std::map<Timestamp, WindowRows> external;  ///< of the rows looked at
  std::vector<std::uint32_t> closing_at;     ///< by service: where it lies in WindowRows::closing

  Origin* origin(const IpAddress& address) {
    const std::uint32_t position = origins.insert(address).first;
    if (position != origins.kNone) return &origins[position].value;
    ++counters.origins_refused;
    return nullptr;
  }

  void look_up(const IpAddress& address, Origin& origin) const {
    const PeerOrigin listed = options.origin_of(address);
    origin.listed_as = listed.as_number;
    origin.listed_country = country_number(listed.country);
    origin.is_looked_up = true;
  }

  [[nodiscard]] Origin origin_of(const IpAddress& address) {
    const std::uint32_t position =
        options.origin_of ? origins.insert(address).first : origins.find(address);
    Origin beyond_bound;
    Origin& origin = position == origins.kNone ? beyond_bound : origins[position].value;
    if (options.origin_of && !origin.is_looked_up) look_up(address, origin);
    return origin;
  }

  [[nodiscard]] PeerGroup group_of(const IpAddress& address) {
    if (options.grouping == PeerGrouping::all) return {};
    if (options.grouping == PeerGrouping::prefix) return prefix_group(address, options);
    const Origin origin = origin_of(address);
    if (options.grouping == PeerGrouping::as_number) {
      return {options.grouping, origin.as_number != 0 ? origin.as_number : origin.listed_as, 0};
    }
    return {options.grouping, origin.country != 0 ? origin.country : origin.listed_country, 0};
  }

  static std::optional<PeeredService> service_of(const ConnectionSummary& row) {
    if (row.client_internal == row.server_internal) return std::nullopt;
    const IpAddress& peer = peer_of(row).address;
    if (peer.is_multicast() || peer.is_limited_broadcast()) return std::nullopt;
    const bool serves = row.server_internal;
    return PeeredService{serves ? row.key.server : row.key.client, row.key.port, row.key.protocol,
                         serves};
  }
  static const Endpoint& peer_of(const ConnectionSummary& row) {
    return row.server_internal ? row.key.client : row.key.server;
  }

  /// The row of the map that this row goes to.
  [[nodiscard]] DependencyKey shown(const ConnectionSummary& row, PeerLevel level) {
    DependencyKey to = row.key;
    IpAddress& peer = (row.server_internal ? to.client : to.server).address;
    if (level == PeerLevel::groups) peer = group_of(peer).address();
    if (level == PeerLevel::one) peer = PeerGroup{}.address();
    return to;
  }

  std::uint32_t place(const PeeredService& service, std::uint64_t hash) {
    const std::uint32_t position = known.place(service, hash);
    if (position == KnownPeers::kNone) ++counters.services_refused;
    return position;
  }

  /// Takes rows in and decides how their peers are shown.
  /// \return whether the map takes the rows as they are: then nothing is to be shown otherwise.
  bool decide(std::span<const ConnectionSummary> rows) {
    external.clear();
    for (std::size_t i = 0; i < rows.size(); i += kBatch) {
      take_in(rows.subspan(i, std::min(kBatch, rows.size() - i)));
    }
    bool as_they_are = true;
    for (auto& [start, w] : external) {
      if (!w.open.empty()) as_they_are &= decide_open(windows[start], w.open);
      if (!w.closed.empty()) as_they_are &= decide_closed(start, w);
    }
    return as_they_are;
  }

  void take_in(std::span<const ConnectionSummary> rows) {
    std::array<std::optional<PeeredService>, kBatch> services;
    std::array<std::uint64_t, kBatch> hashes;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      services[i] = service_of(rows[i]);
      if (!services[i]) continue;
      hashes[i] = known.hash(*services[i]);
      known.prefetch_slot(hashes[i]);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (services[i]) known.prefetch_entry(hashes[i]);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!services[i]) continue;
      WindowRows& w = external[rows[i].window_start];
      (rows[i].provisional ? w.open : w.closed)
          .push_back({&rows[i], place(*services[i], hashes[i])});
    }
  }

  bool decide_open(OpenWindow& window, std::span<const PeerRow> rows) {
    bool as_they_are = true;
    for (const PeerRow& r : rows) {
      if (r.service != KnownPeers::kNone && !window.is_shown(r.service)) {
        window.show(r.service, known.level(r.service));
      }
      as_they_are &= window.level(r.service) == PeerLevel::each;
    }
    return as_they_are;
  }

  bool decide_closed(Timestamp start, WindowRows& w) {
    static const OpenWindow kNeverShown;
    const auto open = windows.find(start);
    const OpenWindow& before = open == windows.end() ? kNeverShown : open->second;
    group_by_service(w);
    bool as_they_are = before.sums.empty();
    for (ClosingService& c : w.closing) {
      c.level = level_after(c, w.closed);
      as_they_are &= c.level == PeerLevel::each && before.level(c.service) == PeerLevel::each;
    }
    // What is shown otherwise needs it yet.
    if (as_they_are) windows.erase(start);
    return as_they_are;
  }

  /// In the order of services, so that it does not show at a bound which came first.
  void group_by_service(WindowRows& w) {
    closing_at.assign(known.size(), kNoRow);
    std::uint32_t refused = kNoRow;
    for (std::uint32_t i = 0; i < w.closed.size(); ++i) {
      PeerRow& r = w.closed[i];
      std::uint32_t& at = r.service == KnownPeers::kNone ? refused : closing_at[r.service];
      if (at == kNoRow) {
        at = static_cast<std::uint32_t>(w.closing.size());
        w.closing.push_back({r.service, kNoRow, PeerLevel::one});
      }
      r.next = std::exchange(w.closing[at].first, i);
    }
    std::sort(w.closing.begin(), w.closing.end(),
              [this](const ClosingService& a, const ClosingService& b) {
                if (a.service == KnownPeers::kNone || b.service == KnownPeers::kNone) {
                  return a.service < b.service;
                }
                return known[a.service] < known[b.service];
              });
  }

  /// What the peers of a window that closes make of the service.
  PeerLevel level_after(const ClosingService& c, std::span<const PeerRow> rows) {
    for (std::uint32_t i = c.first; i != kNoRow; i = rows[i].next) {
      const PeerLevel level = known.level(c.service);
      if (level == PeerLevel::one) break;
      if (rows[i].row->counts.is_zero()) continue;
      const Endpoint& peer = peer_of(*rows[i].row);
      if (level == PeerLevel::groups) {
        known.add_group(c.service, group_of(peer.address));
      } else if (!known.add_peer(c.service, peer)) {
        // Those before are asked again: all of them count.
        return level_after(c, rows);
      }
    }
    return known.level(c.service);
  }

  /// Appends to `out` what comes in the place of rows decided on last.
  void show(std::span<const ConnectionSummary> rows, std::vector<ConnectionSummary>& out) {
    for (const ConnectionSummary& row : rows) {
      if (!service_of(row)) out.push_back(row);
    }
    for (auto& [start, w] : external) {
      if (!w.open.empty()) show_open(windows[start], w.open, out);
      if (!w.closed.empty()) show_closed(start, w, out);
    }
  }

  void show_open(OpenWindow& window, std::span<const PeerRow> rows,
                 std::vector<ConnectionSummary>& out) {
    for (const PeerRow& r : rows) {
      const PeerLevel level = window.level(r.service);
      if (level == PeerLevel::each) {
        out.push_back(*r.row);
      } else {
        add(window.sums, shown(*r.row, level), *r.row, r.row->added);
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

  void show_closed(Timestamp start, const WindowRows& w, std::vector<ConnectionSummary>& out) {
    OpenWindow before;
    if (const auto open = windows.find(start); open != windows.end()) {
      before = std::move(open->second);
      windows.erase(open);
    }
    Sums sums;
    for (const ClosingService& c : w.closing) {
      const bool was_each = before.level(c.service) == PeerLevel::each;
      for (std::uint32_t i = c.first; i != kNoRow; i = w.closed[i].next) {
        const ConnectionSummary& row = *w.closed[i].row;
        if (c.level != PeerLevel::each) {
          if (was_each) take_back(row, out);
          sum_up(sums, c.level, row);
          continue;
        }
        out.push_back(row);
        if (!was_each) out.back().added = row.counts;
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

  void sum_up(Sums& sums, PeerLevel level, const ConnectionSummary& row) {
    if (row.counts.is_zero()) return;
    const DependencyKey key = shown(row, level);
    add(sums, key, row, row.counts);
    const std::uint64_t word = base::hash_of(peer_of(row), 0);
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
  const std::uint16_t number = country_number(country);
  if (number == 0) return;
  if (Origin* origin = impl_->origin(address)) origin->country = number;
}

void ExternalPeers::remember(const DependencyKey& key) {
  for (const bool serves : {true, false}) {
    const auto group = peer_group((serves ? key.client : key.server).address);
    if (!group) continue;
    const PeeredService service{serves ? key.server : key.client, key.port, key.protocol, serves};
    const std::uint32_t position = impl_->place(service, impl_->known.hash(service));
    if (position == KnownPeers::kNone) continue;
    const bool is_one =
        group->by == PeerGrouping::all && impl_->options.grouping != PeerGrouping::all;
    impl_->known.coarsen(position, is_one ? PeerLevel::one : PeerLevel::groups);
  }
}

void ExternalPeers::collapse(std::vector<ConnectionSummary>& rows,
                             std::vector<Redirection>& redirections) {
  std::vector<ConnectionSummary> out;
  bool as_they_are = true;  // so far; then `out` stays empty
  std::size_t done = 0;
  const auto collapse_up_to = [&](std::size_t end) {
    if (end <= done) return;
    const auto part = std::span{rows}.subspan(done, end - done);
    if (!impl_->decide(part) || !as_they_are) {
      if (std::exchange(as_they_are, false)) {
        out.reserve(rows.size());
        out.assign(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(done));
      }
      impl_->show(part, out);
    }
    done = end;
  };
  for (Redirection& redirection : redirections) {
    collapse_up_to(std::min(redirection.before_row, rows.size()));
    redirection.before_row = as_they_are ? done : out.size();
  }
  collapse_up_to(rows.size());
  impl_->external.clear();
  if (!as_they_are) rows.swap(out);
}

bool ExternalPeers::wants_as() const noexcept {
  return impl_->options.grouping == PeerGrouping::as_number;
}

ExternalPeersCounters ExternalPeers::counters() const noexcept {
  ExternalPeersCounters counters = impl_->counters;
  counters.services = impl_->known.size();
  counters.services_collapsed = impl_->known.collapsed();
  counters.known_peers = impl_->known.peers();
  return counters;
}

}  // namespace flowlens
