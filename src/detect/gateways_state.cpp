// Routes as octets and back: over a restart no gateway is forgotten, nor taken for a new one.
#include <algorithm>
#include <mutex>
#include <utility>

#include "base/masked.hpp"
#include "detect/routes.hpp"
#include "wire/sealed_state.hpp"

namespace flowlens {

namespace detect {

namespace {

using wire::ByteReader;
using wire::ByteWriter;

constexpr std::uint32_t kMark = 0x464c'6777;  // "FLgw"
constexpr std::uint16_t kVersion = 1;
constexpr std::int64_t kLatest = 8'000'000'000'000'000'000;  // 2223: leaves room to add spans

void put(ByteWriter& out, const IpAddress& a) { out.append(std::as_bytes(std::span{a.octets()})); }
void put(ByteWriter& out, Timestamp t) {
  out.u64(static_cast<std::uint64_t>(t.time_since_epoch().count()));
}
void put(ByteWriter& out, const HopSet& hops) {
  out.u8(static_cast<std::uint8_t>(hops.size()));
  for (const IpAddress& hop : hops) put(out, hop);
}

/// Reads, and remembers whether all of it can be.
class Taker {
 public:
  explicit Taker(ByteReader& in) : in_(in) {}

  [[nodiscard]] bool ok() const noexcept { return is_sound_ && in_.ok(); }
  void refuse_unless(bool is_sound) noexcept { is_sound_ &= is_sound; }

  IpAddress address() {
    std::array<std::uint8_t, 16> octets{};
    for (auto& octet : octets) octet = in_.u8();
    return IpAddress::v6(octets);
  }
  Timestamp time() {
    const auto ns = static_cast<std::int64_t>(in_.u64());
    refuse_unless(ns >= 0 && ns <= kLatest);
    return Timestamp{std::chrono::nanoseconds{ns}};
  }
  std::uint32_t number(std::uint32_t most) {
    const std::uint32_t n = in_.u32();
    refuse_unless(n <= most);
    return n;
  }
  std::uint8_t small(std::uint8_t most) {
    const std::uint8_t n = in_.u8();
    refuse_unless(n <= most);
    return n;
  }
  HopSet hops() {
    HopSet hops;
    for (std::uint8_t n = small(kMaxNextHops); n > 0 && ok(); --n) hops.push_back(address());
    refuse_unless(!hops.empty() && std::is_sorted(hops.begin(), hops.end()));
    return hops;
  }
  RouteKey key() {
    RouteKey key;
    key.exporter = address();
    key.site.value = in_.u16();
    key.destination.address = address();
    key.destination.length = small(128);
    refuse_unless(ok() && base::masked(key.destination.address, key.destination.length) ==
                              key.destination.address);
    return key;
  }

 private:
  ByteReader& in_;
  bool is_sound_ = true;
};

void put(ByteWriter& out, const Hop& h) {
  put(out, h.address);
  out.u32(h.egress_interface).u32(h.weight).u32(h.waiting);
  out.u64(h.pairs).u64(h.pairs_before).u64(h.pairs_waiting).u64(h.flows).u64(h.octets);
  put(out, h.first);
  put(out, h.last);
  out.u8(h.beside).u8(h.is_member);
}
Hop take_hop(ByteReader& in, Taker& take) {
  Hop h;
  h.address = take.address();
  h.egress_interface = in.u32();
  h.weight = take.number(2 * kRouteWeight);
  h.waiting = take.number(2 * kRouteWeight);
  h.pairs = in.u64();
  h.pairs_before = in.u64();
  h.pairs_waiting = in.u64();
  h.flows = in.u64();
  h.octets = in.u64();
  h.first = take.time();
  h.last = take.time();
  h.beside = take.small(kEnoughBeside);
  h.is_member = take.small(1) != 0;
  return h;
}

void put(ByteWriter& out, const Route& r) {
  put(out, r.key.exporter);
  out.u16(r.key.site.value);
  put(out, r.key.destination.address);
  out.u8(r.key.destination.length).u8(r.windows).u8(r.changes).u32(r.silent_windows);
  put(out, r.silent_since);
  put(out, r.changed_at);
  put(out, r.last);
  out.u8(static_cast<std::uint8_t>(r.hops.size()));
  for (const Hop& h : r.hops) put(out, h);
}
void take_route(ByteReader& in, Taker& take, RouteState& s) {
  const RouteKey key = take.key();
  const std::uint8_t windows = take.small(kEnoughWindows);
  take.refuse_unless(!s.routes.contains(key));
  if (!take.ok()) return;
  Route& r = s.add(key, windows == kEnoughWindows);
  r.windows = windows;
  r.changes = take.small(kMostChanges);
  r.silent_windows = in.u32();
  r.silent_since = take.time();
  r.changed_at = take.time();
  r.last = take.time();
  for (std::uint8_t n = take.small(kMaxNextHops); n > 0 && take.ok(); --n) {
    r.hops.push_back(take_hop(in, take));
  }
}

void save(const RouteState& s, ByteWriter& out) {
  out.u64(static_cast<std::uint64_t>(s.options.window.count()));
  put(out, s.now);
  out.u32(static_cast<std::uint32_t>(s.telling.size()));
  for (const auto& [exporter, at] : s.telling) {
    put(out, exporter);
    put(out, at);
  }
  out.u32(static_cast<std::uint32_t>(s.told.size()));
  for (const ToldChange& t : s.told) {
    put(out, t.exporter);
    out.u16(t.site.value);
    put(out, t.before);
    put(out, t.after);
    out.append(std::as_bytes(std::span{t.event.octets}));
    put(out, t.at);
    out.u32(t.parts);
  }
  // The one silent longest first, so that it is again.
  out.u32(static_cast<std::uint32_t>(s.routes.size()));
  for (const auto* list : {&s.order.newcomers(), &s.order.proven()}) {
    for (const Route* r = list->oldest(); r != nullptr; r = list->next_newer(*r)) put(out, *r);
  }
}

/// \return whether all of it held.
bool take(ByteReader& in, RouteState& s) {
  if (in.u64() != static_cast<std::uint64_t>(s.options.window.count())) return false;
  Taker take{in};
  s.now = take.time();
  for (std::uint32_t n = in.u32(); n > 0 && take.ok(); --n) {
    const IpAddress exporter = take.address();
    const Timestamp at = take.time();
    if (s.telling.size() < s.options.max_routes) s.telling[exporter] = at;
  }
  for (std::uint32_t n = take.number(kMostTold); n > 0 && take.ok(); --n) {
    ToldChange t;
    t.exporter = take.address();
    t.site.value = in.u16();
    t.before = take.hops();
    t.after = take.hops();
    for (auto& octet : t.event.octets) octet = in.u8();
    t.at = take.time();
    t.parts = in.u32();
    s.told.push_back(std::move(t));
  }
  for (std::uint32_t n = in.u32(); n > 0 && take.ok(); --n) take_route(in, take, s);
  return take.ok() && in.remaining() == 0;
}

}  // namespace

}  // namespace detect

std::vector<std::byte> Gateways::save() const {
  const std::shared_lock lock(impl_->mutex);
  wire::ByteWriter out = wire::begin_state(detect::kMark, detect::kVersion);
  detect::save(*impl_->state, out);
  return wire::seal_state(std::move(out));
}

Diagnostic Gateways::load(std::span<const std::byte> state) {
  std::span<const std::byte> content;
  const Diagnostic trouble = wire::open_state(state, detect::kMark, detect::kVersion, content);
  if (trouble.code != DiagnosticCode::none) return trouble;
  const std::lock_guard lock(impl_->mutex);
  auto fresh = std::make_unique<detect::RouteState>(impl_->state->options);
  wire::ByteReader in{content};
  if (!detect::take(in, *fresh)) {
    return {DiagnosticCode::state_damaged, static_cast<std::uint32_t>(in.offset()), 0};
  }
  fresh->counters = impl_->state->counters;
  impl_->state = std::move(fresh);
  return {};
}

}  // namespace flowlens
