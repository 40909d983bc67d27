// All that was learned, as octets and back. Positions are counted anew, so nothing of tables' gaps is
// kept.
#include <algorithm>
#include <bit>
#include <cmath>

#include "detect/watch.hpp"
#include "wire/sealed_state.hpp"

namespace flowlens {

namespace detect {

namespace {

using wire::ByteReader;
using wire::ByteWriter;

constexpr std::uint32_t kMark = 0x464c'6368;  // "FLch"
constexpr std::uint16_t kVersion = 2;

void put(ByteWriter& out, const Id& id) { out.append(std::as_bytes(std::span{id.octets})); }
Id take_id(ByteReader& in) {
  Id id;
  for (auto& octet : id.octets) octet = in.u8();
  return id;
}

void put(ByteWriter& out, const Rhythm& r) {
  out.u32(r.begun).u32(r.last).u32(r.period).u32(r.longest).u32(r.second).u32(r.older);
  out.u32(r.last_long).u16(r.alike);
}
/// Nothing can have been later than now, nor have lasted longer.
Tick take_tick(ByteReader& in, Tick now) { return std::min(in.u32(), now); }
Rhythm take_rhythm(ByteReader& in, Tick now) {
  Rhythm r;
  r.begun = take_tick(in, now);
  r.last = std::max(take_tick(in, now), r.begun);
  r.period = take_tick(in, now);
  r.longest = take_tick(in, now);
  r.second = take_tick(in, now);
  r.older = take_tick(in, now);
  r.last_long = take_tick(in, now);
  r.alike = in.u16();
  return r;
}

void put(ByteWriter& out, const Baseline& b, std::uint32_t owner) {
  for (const std::uint16_t level : b.usual.levels()) out.u16(level);
  out.u32(owner).u8(b.is_asset).u8(b.over).u8(b.under).u8(b.calm).u8(b.is_told).u8(b.is_unsettled);
  out.u32(b.begun).u32(b.used).u32(b.run_began);
  out.u32(std::bit_cast<std::uint32_t>(b.above)).u32(std::bit_cast<std::uint32_t>(b.below));
  out.u32(b.hour).u32(b.count).u64(b.sum).u32(static_cast<std::uint32_t>(b.last_excess));
}
Baseline take_baseline(ByteReader& in, Tick now) {
  Baseline b;
  std::array<std::uint16_t, HourOfWeek::kHours> levels;
  for (auto& level : levels) level = in.u16();
  b.usual.set(levels);
  b.owner = in.u32();
  b.is_asset = in.u8() != 0;
  b.over = in.u8();
  b.under = in.u8();
  b.calm = in.u8();
  b.is_told = in.u8() != 0;
  b.is_unsettled = in.u8() != 0;
  b.begun = take_tick(in, now);
  b.used = take_tick(in, now);
  b.run_began = take_tick(in, now);
  b.above = std::bit_cast<float>(in.u32());
  b.below = std::bit_cast<float>(in.u32());
  b.hour = in.u32();
  b.count = in.u32();
  b.sum = in.u64();
  b.last_excess = static_cast<std::int32_t>(in.u32());
  b.alive = true;
  return b;
}

/// The positions in use, and at which place each of them is.
template <typename Table>
struct Order {
  std::vector<std::uint32_t> positions;
  std::vector<std::uint32_t> places;

  explicit Order(const Table& table) : places(table.positions(), kNone) {
    for (std::uint32_t i = 0; i < table.positions(); ++i) {
      if (!table[i].value.alive) continue;
      places[i] = static_cast<std::uint32_t>(positions.size());
      positions.push_back(i);
    }
  }
};

std::uint32_t count_of(std::size_t n) { return static_cast<std::uint32_t>(n); }

void put_events(ByteWriter& out, const std::unordered_map<std::uint32_t, Id>& events,
                const std::vector<std::uint32_t>& places) {
  std::map<std::uint32_t, Id> by_place;
  for (const auto& [position, id] : events) by_place[places[position]] = id;
  out.u32(count_of(by_place.size()));
  for (const auto& [place, id] : by_place) {
    out.u32(place);
    put(out, id);
  }
}
void take_events(ByteReader& in, std::size_t bound, std::unordered_map<std::uint32_t, Id>& events) {
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const std::uint32_t place = in.u32();
    const Id id = take_id(in);
    if (place < bound) events[place] = id;
  }
}

void save_attempts(const State& s, ByteWriter& out) {
  out.u32(s.attempts_since).u32(count_of(s.attempts.size()));
  for (std::uint32_t i = 0; i < s.attempts.positions(); ++i) {
    if (!s.attempts[i].value.alive) continue;
    out.u64(s.attempts[i].key).u32(s.attempts[i].value.last);
  }
  out.u32(count_of(s.scans.size()));
  for (const auto& [client, scan] : s.scans) {
    put(out, client);
    out.u32(scan.begun).u32(scan.last);
    put(out, scan.event);
  }
}

void save(const State& s, ByteWriter& out) {
  out.u64(static_cast<std::uint64_t>(s.options.window.count()));
  out.u8(s.has_begun).u32(s.current).u32(s.blind).u32(s.begun).u32(s.swept);
  const Order assets(s.assets);
  const Order services(s.services);
  const Order dependencies(s.dependencies);
  out.u32(count_of(assets.positions.size()));
  for (const std::uint32_t i : assets.positions) {
    const AssetWatch& a = s.assets[i].value;
    put(out, s.assets[i].key);
    put(out, a.rhythm);
    out.u16(a.endpoint.site.value).append(std::as_bytes(std::span{a.endpoint.address.octets()}));
    out.u8(a.is_internal).u8(a.is_away);
  }
  out.u32(count_of(services.positions.size()));
  for (const std::uint32_t i : services.positions) {
    const ServiceKey& key = s.services[i].key;
    const ServiceWatch& w = s.services[i].value;
    out.u32(assets.places[key.server]).u16(key.port).u8(key.protocol);
    put(out, w.rhythm);
    for (const Tick tick : w.new_clients) out.u32(tick);
    out.u8(w.is_vanished).u8(w.has_answered);
  }
  out.u32(count_of(dependencies.positions.size()));
  for (const std::uint32_t i : dependencies.positions) {
    const DependencyWatch& d = s.dependencies[i].value;
    put(out, s.dependencies[i].key);
    put(out, d.rhythm);
    out.u32(assets.places[d.client]).u32(services.places[d.service]);
    out.u8(static_cast<std::uint8_t>(d.direction)).u8(d.is_silent);
  }
  out.u32(count_of(s.baselines.size() - s.free_baselines.size()));
  for (const Baseline& b : s.baselines) {
    if (!b.alive) continue;
    put(out, b, (b.is_asset ? assets.places : dependencies.places)[b.owner]);
  }
  put_events(out, s.away_events, assets.places);
  put_events(out, s.vanished_events, services.places);
  save_attempts(s, out);
}

// Each returns whether what it took held.

bool take_assets(ByteReader& in, State& s) {
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const auto [position, is_new] = s.assets.insert(take_id(in));
    if (!is_new) return false;  // twice, or more than there is room for now
    AssetWatch& a = s.assets[position].value;
    a.rhythm = take_rhythm(in, s.now());
    a.endpoint.site.value = in.u16();
    std::array<std::uint8_t, 16> octets{};
    for (auto& octet : octets) octet = in.u8();
    a.endpoint.address = IpAddress::v6(octets);
    a.is_internal = in.u8() != 0;
    a.is_away = in.u8() != 0;
    a.alive = true;
  }
  return in.ok();
}

bool take_services(ByteReader& in, State& s) {
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    ServiceKey key;
    key.server = in.u32();
    key.port = in.u16();
    key.protocol = in.u8();
    if (key.server >= s.assets.size()) return false;
    const auto [position, is_new] = s.services.insert(key);
    if (!is_new) return false;
    ServiceWatch& w = s.services[position].value;
    w.rhythm = take_rhythm(in, s.now());
    for (Tick& tick : w.new_clients) tick = take_tick(in, s.now());
    w.is_vanished = in.u8() != 0;
    w.has_answered = in.u8() != 0;
    w.alive = true;
    ++s.assets[key.server].value.services;
  }
  return in.ok();
}

bool take_dependencies(ByteReader& in, State& s) {
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const auto [position, is_new] = s.dependencies.insert(take_id(in));
    if (!is_new) return false;
    DependencyWatch& d = s.dependencies[position].value;
    d.rhythm = take_rhythm(in, s.now());
    d.client = in.u32();
    d.service = in.u32();
    d.direction = Direction{std::min<std::uint8_t>(in.u8(), 2)};
    d.is_silent = in.u8() != 0;
    if (d.client >= s.assets.size() || d.service >= s.services.size()) return false;
    d.server = s.services[d.service].key.server;
    d.alive = true;
    s.count_in(d);
  }
  return in.ok();
}

/// In steps of HourOfWeek. What is no number is none either.
bool is_distance(double steps) { return steps >= 0 && steps <= 0xffff; }

bool take_baselines(ByteReader& in, State& s) {
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const Baseline b = take_baseline(in, s.now());
    if (b.owner >= (b.is_asset ? s.assets.size() : s.dependencies.size())) return false;
    if (!is_distance(b.above) || !is_distance(b.below) ||
        !is_distance(std::abs(static_cast<double>(b.last_excess)))) {
      return false;
    }
    Load& load = s.load_of(b);
    if (load.baseline != kNone) return false;
    if (s.baselines.size() >= s.options.max_baselines) continue;  // a lower bound now
    load.baseline = count_of(s.baselines.size());
    s.baselines.push_back(b);
  }
  return in.ok();
}

bool take_attempts(ByteReader& in, State& s) {
  s.attempts_since = in.u32();
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const std::uint64_t attempt = in.u64();
    const Tick last = take_tick(in, s.now());
    if (s.attempts.full()) continue;  // a lower bound now
    s.attempts[s.attempts.insert(attempt).first].value = {last, true};
  }
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const Id client = take_id(in);
    Scan& scan = s.scans[client];
    scan.begun = take_tick(in, s.now());
    scan.last = take_tick(in, s.now());
    scan.event = take_id(in);
  }
  return in.ok();
}

bool take(ByteReader& in, State& s) {
  if (in.u64() != static_cast<std::uint64_t>(s.options.window.count())) return false;
  s.has_begun = in.u8() != 0;
  s.current = in.u32();
  s.blind = in.u32();
  if (s.blind > s.current || s.current > Timestamp::max().time_since_epoch() / s.options.window) {
    return false;
  }
  if (!s.has_begun && s.current != 0) return false;
  s.begun = take_tick(in, s.now());
  s.swept = take_tick(in, s.now());
  if (!take_assets(in, s) || !take_services(in, s) || !take_dependencies(in, s) ||
      !take_baselines(in, s)) {
    return false;
  }
  take_events(in, s.assets.size(), s.away_events);
  take_events(in, s.services.size(), s.vanished_events);
  return take_attempts(in, s) && in.remaining() == 0;
}

}  // namespace

}  // namespace detect

std::vector<std::byte> ChangeDetector::save() const {
  wire::ByteWriter out = wire::begin_state(detect::kMark, detect::kVersion);
  detect::save(*impl_, out);
  return wire::seal_state(std::move(out));
}

Diagnostic ChangeDetector::load(std::span<const std::byte> state) {
  std::span<const std::byte> content;
  const Diagnostic trouble = wire::open_state(state, detect::kMark, detect::kVersion, content);
  if (trouble.code != DiagnosticCode::none) return trouble;
  auto fresh = std::make_unique<Impl>(impl_->options);
  wire::ByteReader in{content};
  if (!detect::take(in, *fresh)) {
    return {DiagnosticCode::state_damaged, static_cast<std::uint32_t>(in.offset()), 0};
  }
  impl_ = std::move(fresh);
  return {};
}

}  // namespace flowlens
