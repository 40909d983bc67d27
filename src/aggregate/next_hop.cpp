#include "flowlens/next_hop.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>
#include <tuple>

#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "base/masked.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

constexpr unsigned kIpv4 = 96;  // bits before an IPv4 address in the v4-mapped form
constexpr unsigned kFull = 128;
constexpr std::size_t kAhead = 16;  // flows whose entries are fetched together
constexpr IpAddress kNone;
constexpr IpAddress kNoIpv4 = IpAddress::v4(0);

struct Key {
  RouteKey route;
  IpAddress next_hop;
  std::uint32_t window = 0;  ///< since 1970
  friend bool operator==(const Key&, const Key&) noexcept = default;
};

struct KeyHash {
  std::uint64_t operator()(const Key& k, std::uint64_t seed) const noexcept {
    const IpPrefix& to = k.route.destination;
    std::uint64_t h = base::hash_of(k.route.exporter, seed + k.window);
    h = base::hash_of(to.address, h + (std::uint64_t{k.route.site.value} << 8 | to.length));
    return base::hash_of(k.next_hop, h);
  }
};

struct Seen {
  Timestamp last = Timestamp::min();
  std::uint32_t egress_interface = 0;
  std::uint64_t flows = 0;  ///< 0: not in use
  std::uint64_t octets = 0;
  std::uint64_t pairs = 0;
};

using Table = base::BoundedTable<Key, Seen, KeyHash>;

/// A flow whose entry is on its way into the cache.
struct Waiting {
  Key key;
  std::uint64_t hash = 0;
  Timestamp at;
  const FlowRecord* flow = nullptr;
};

// What follows is done for each flow, so it is all inline.

/// Without a seed: what comes of it is a result, and kept over restarts.
std::uint64_t pair_bit(const FlowRecord& flow) noexcept {
  const auto folded = [](const IpAddress& a) noexcept {
    return base::word(a.octets(), 1) ^ std::rotl(base::word(a.octets(), 0), 29);
  };
  const std::uint64_t h = base::mix(folded(flow.source_address), folded(flow.destination_address));
  return std::uint64_t{1} << (h >> 58);
}

/// No multicast or broadcast address, nor one of IPv4's reserved ones.
bool is_host(const IpAddress& a) noexcept {
  return a.is_v4() ? a.octets()[12] < 224 && a != kNoIpv4 : a.octets()[0] != 0xff && a != kNone;
}

bool is_directly_attached(const FlowRecord& flow) noexcept {
  // Some exporters tell the host itself in place of 0.
  return flow.next_hop == kNoIpv4 || flow.next_hop == kNone ||
         flow.next_hop == flow.destination_address;
}

/// Interface 0: to the router itself, or dropped.
bool leaves(const FlowRecord& flow) noexcept {
  return !flow.has(FlowField::egress_interface) || flow.egress_interface != 0;
}

/// What no router has, whatever an exporter says.
bool is_router(const IpAddress& next_hop) noexcept {
  return next_hop.is_unspecified() || (is_host(next_hop) && !next_hop.is_loopback());
}

IpPrefix network_of(const FlowRecord& flow, bool is_internal) noexcept {
  const bool is_v4 = flow.destination_address.is_v4();
  const unsigned before = is_v4 ? kIpv4 : 0;
  const unsigned told = before + flow.destination_prefix_length;
  unsigned length = is_v4 ? kIpv4 + 24 : 64;
  if (!is_internal) {
    length = before;
  } else if (flow.has(FlowField::destination_prefix_length) && told > before && told < kFull) {
    length = told;
  }
  return {base::masked(flow.destination_address, length), static_cast<std::uint8_t>(length)};
}

}  // namespace

struct NextHopCounter::Impl {
  explicit Impl(const NextHopCounterOptions& o) : options(o), table(o.max_sightings, o.hash_seed) {
    if (o.window.count() <= 0)
      throw ConfigError("NextHopCounterOptions: window must be more than 0");
    if (o.max_sightings == 0) {
      throw ConfigError("NextHopCounterOptions: max_sightings must be more than 0");
    }
  }

  [[nodiscard]] std::uint32_t index_of(Timestamp t) const noexcept {
    const auto index = t.time_since_epoch() / options.window;
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(index, 0, std::numeric_limits<std::uint32_t>::max() - 1));
  }
  [[nodiscard]] Timestamp start_of(std::uint32_t index) const noexcept {
    return Timestamp{options.window * std::int64_t{index}};
  }
  /// Most flows are of the window of the flow before.
  std::uint32_t window_of(Timestamp t) noexcept {
    if (t < window_begin || t >= window_end) {
      window = index_of(t);
      window_begin = start_of(window);
      window_end = window_begin + options.window;
    }
    return std::max(window, first_open);
  }
  Timestamp time_of(const FlowRecord& flow) const noexcept {
    return std::clamp(flow.end, flow.received - options.max_past,
                      flow.received + options.max_future);
  }

  void prepare(const FlowRecord& flow, const FlowLabels& labels);
  void count_waiting();
  void count(const Waiting& flow);
  void take(std::uint32_t before, std::vector<NextHopSighting>& out);

  NextHopCounterOptions options;
  Table table;
  std::uint32_t first_open = 0;
  std::uint64_t refused = 0;
  std::array<Waiting, kAhead> waiting;
  std::size_t waiting_flows = 0;
  std::uint32_t window = 0;
  Timestamp window_begin = Timestamp::max();
  Timestamp window_end = Timestamp::min();
};

void NextHopCounter::Impl::prepare(const FlowRecord& flow, const FlowLabels& labels) {
  if (flow.kind == FlowKind::denied || !is_host(flow.destination_address)) return;
  const bool is_attached = is_directly_attached(flow);
  if (is_attached && !leaves(flow)) return;
  Waiting& w = waiting[waiting_flows++];
  w.key.route = {flow.exporter, labels.destination_site,
                 network_of(flow, labels.destination_internal)};
  w.key.next_hop = is_attached ? kNone : flow.next_hop;
  w.at = time_of(flow);
  w.key.window = window_of(w.at);
  w.hash = table.hash(w.key);
  w.flow = &flow;
  table.prefetch_slot(w.hash);
  if (waiting_flows == kAhead) count_waiting();
}

void NextHopCounter::Impl::count_waiting() {
  for (std::size_t i = 0; i < waiting_flows; ++i) table.prefetch_entry(waiting[i].hash);
  for (std::size_t i = 0; i < waiting_flows; ++i) count(waiting[i]);
  waiting_flows = 0;
}

void NextHopCounter::Impl::count(const Waiting& w) {
  const auto [position, is_new] = table.insert(w.key, w.hash);
  if (position == Table::kNone) {
    ++refused;
    return;
  }
  Seen& seen = table[position].value;
  ++seen.flows;
  seen.octets += w.flow->estimated_octet_count();
  seen.pairs |= pair_bit(*w.flow);
  if (std::tie(w.at, w.flow->egress_interface) > std::tie(seen.last, seen.egress_interface)) {
    seen.last = w.at;
    seen.egress_interface = w.flow->egress_interface;
  }
}

void NextHopCounter::Impl::take(std::uint32_t before, std::vector<NextHopSighting>& out) {
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (std::uint32_t i = 0; i < table.positions(); ++i) {
    const Key& key = table[i].key;
    Seen& seen = table[i].value;
    if (seen.flows == 0 || key.window >= before) continue;
    if (is_router(key.next_hop)) {
      out.push_back({key.route, key.next_hop, start_of(key.window), seen.last,
                     seen.egress_interface, seen.flows, seen.octets, seen.pairs});
    }
    seen.flows = 0;
    table.erase(i);
  }
  std::sort(out.begin() + first, out.end(), [](const NextHopSighting& a, const NextHopSighting& b) {
    return std::tie(a.window_start, a.route, a.next_hop) <
           std::tie(b.window_start, b.route, b.next_hop);
  });
  first_open = std::max(first_open, before);
}

NextHopCounter::NextHopCounter(const NextHopCounterOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
NextHopCounter::~NextHopCounter() = default;
NextHopCounter::NextHopCounter(NextHopCounter&&) noexcept = default;
NextHopCounter& NextHopCounter::operator=(NextHopCounter&&) noexcept = default;

void NextHopCounter::add(std::span<const FlowRecord> flows, std::span<const FlowLabels> labels) {
  for (std::size_t i = 0; i < flows.size(); ++i) {
    if (flows[i].has(FlowField::next_hop)) impl_->prepare(flows[i], labels[i]);
  }
  impl_->count_waiting();
}

void NextHopCounter::take_closed(Timestamp now, std::vector<NextHopSighting>& out) {
  const std::uint32_t open = impl_->index_of(now - impl_->options.allowed_lateness);
  if (open > impl_->first_open) impl_->take(open, out);
}

void NextHopCounter::take_all(std::vector<NextHopSighting>& out) {
  std::uint32_t open = impl_->first_open;
  for (std::uint32_t i = 0; i < impl_->table.positions(); ++i) {
    if (impl_->table[i].value.flows > 0) open = std::max(open, impl_->table[i].key.window + 1);
  }
  impl_->take(open, out);
}

std::uint64_t NextHopCounter::refused_flows() const noexcept { return impl_->refused; }

}  // namespace flowlens
