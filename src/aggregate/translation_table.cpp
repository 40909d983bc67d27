#include "flowlens/translation_table.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

constexpr std::uint32_t kNone = 0xffff'ffffu;
constexpr std::uint16_t kLastPort = 0xffff;

/// Reports of one translation come minutes apart; after more its port may have been another's.
constexpr std::chrono::minutes kSameUse{10};

/// Of one look: the blocks of ports that one address can have at a time, and some past ones. Each is
/// looked at for every conversation of that look, so an exporter must not make them many.
constexpr std::uint32_t kMostOfLook = 1'024;

/// By what an entry is found: both ends, or one (then the other is Endpoint{} with port 0).
struct Look {
  ConnectionEnds ends;  ///< the lower end first
  bool is_whole = false;
  friend constexpr bool operator==(const Look&, const Look&) noexcept = default;
};
struct LookHash {
  std::uint64_t operator()(const Look& look, std::uint64_t seed) const noexcept {
    const auto& [a, b] = look.ends.end;
    return base::mix(base::hash_of(a.endpoint, seed) + a.port,
                     base::mix(base::hash_of(b.endpoint, seed + 1) + b.port,
                               std::uint64_t{look.ends.protocol} << 1 | look.is_whole));
  }
};
struct AddressHash {
  std::uint64_t operator()(const Endpoint& e, std::uint64_t seed) const noexcept {
    return base::hash_of(e, seed);
  }
};

/// Public addresses are the same everywhere; private ones only within their site.
TransportEnd comparable(TransportEnd end) noexcept {
  if (!end.endpoint.address.is_private()) end.endpoint.site = {};
  return end;
}

struct Entry {
  std::array<TransportEnd, 2> real;  ///< in the order of the look; one end only: the first
  Endpoint via;
  TranslationTime time;
  std::uint16_t first_port = 0;  ///< of a look at a whole address
  std::uint16_t last_port = kLastPort;
  std::uint32_t look = kNone;
  std::uint32_t next = kNone;  ///< of the same look; the free list, too
  std::uint32_t older = kNone, newer = kNone;

  [[nodiscard]] bool says_same(const Entry& o) const noexcept {
    return real == o.real && via == o.via && first_port == o.first_port && last_port == o.last_port;
  }
};

bool overlap(const TranslationTime& a, const TranslationTime& b, Timestamp::duration slack) {
  return a.first - slack <= b.last && b.first - slack <= a.last;
}

TranslationTime both(const TranslationTime& a, const TranslationTime& b) noexcept {
  const TranslationTime& earlier = b.first < a.first ? b : a;
  const TranslationTime& later = b.last > a.last ? b : a;
  return {earlier.first, later.last, earlier.is_begin_known, later.is_end_known};
}

std::size_t checked(std::size_t limit) {
  if (limit > 0) return std::min<std::size_t>(limit, kNone - 1);
  throw ConfigError("TranslationTableOptions::max_entries is 0; it must be at least 1");
}

}  // namespace

struct TranslationTable::Impl {
  explicit Impl(const TranslationTableOptions& o)
      : options(o),
        max_entries(checked(o.max_entries)),
        looks(max_entries, o.hash_seed),
        addresses(2 * max_entries, o.hash_seed) {}

  TranslationTableOptions options;
  std::size_t max_entries;
  TranslationCounters counters;
  struct Uses {
    std::uint32_t first = kNone;
    std::uint32_t count = 0;
  };
  base::BoundedTable<Look, Uses, LookHash> looks;                      ///< the entries of each
  base::BoundedTable<Endpoint, std::uint32_t, AddressHash> addresses;  ///< looks that speak of it
  std::vector<Entry> entries;
  std::uint32_t free = kNone;
  std::uint32_t oldest = kNone, newest = kNone;

  // The order of use

  void unlink(std::uint32_t at) noexcept {
    Entry& e = entries[at];
    (e.older == kNone ? oldest : entries[e.older].newer) = e.newer;
    (e.newer == kNone ? newest : entries[e.newer].older) = e.older;
    e.older = e.newer = kNone;
  }
  void link_newest(std::uint32_t at) noexcept {
    entries[at].older = newest;
    (newest == kNone ? oldest : entries[newest].newer) = at;
    newest = at;
  }
  void renew(std::uint32_t at) noexcept {
    if (at == newest) return;
    unlink(at);
    link_newest(at);
  }

  // Entries

  void count_addresses(const Look& look, int by) {
    for (std::size_t i = 0; i < (look.is_whole ? 2u : 1u); ++i) {
      const Endpoint& endpoint = look.ends.end[i].endpoint;
      const std::uint32_t position = addresses.insert(endpoint).first;
      if (position == kNone) continue;  // not reached: there are at most two of each look
      std::uint32_t& count = addresses[position].value;
      count += static_cast<std::uint32_t>(by);
      if (count == 0) addresses.erase(position);
    }
  }

  void remove(std::uint32_t at) {
    Entry& e = entries[at];
    unlink(at);
    std::uint32_t* link = &looks[e.look].value.first;
    while (*link != at) link = &entries[*link].next;
    *link = e.next;
    if (--looks[e.look].value.count == 0) {
      count_addresses(looks[e.look].key, -1);
      looks.erase(e.look);
    }
    e = Entry{};
    e.next = free;
    free = at;
    --counters.entries;
  }

  std::uint32_t make() {
    if (counters.entries >= max_entries) {
      remove(oldest);
      ++counters.evicted;
    }
    ++counters.entries;
    if (free == kNone) {
      entries.emplace_back();
      return static_cast<std::uint32_t>(entries.size() - 1);
    }
    return std::exchange(free, entries[free].next);
  }

  /// Adds what `said` says, or widens the time of what says the same.
  void add(const Look& look, const Entry& said) {
    ++counters.told;
    if (const std::uint32_t known = looks.find(look); known != kNone) {
      if (widen(looks[known].value.first, said)) return;
      if (looks[known].value.count >= kMostOfLook) evict_first_told(looks[known].value.first);
    }
    const std::uint32_t at = make();
    const auto [position, is_new] = looks.insert(look);
    if (is_new) {
      looks[position].value = {};
      count_addresses(look, 1);
    }
    Entry& e = entries[at];
    e = said;
    e.look = position;
    e.next = std::exchange(looks[position].value.first, at);
    ++looks[position].value.count;
    link_newest(at);
  }

  void evict_first_told(std::uint32_t at) {
    while (entries[at].next != kNone) at = entries[at].next;
    remove(at);
    ++counters.evicted;
  }

  bool widen(std::uint32_t first, const Entry& said) {
    std::uint32_t widened = kNone;
    for (std::uint32_t i = first; i != kNone;) {
      const std::uint32_t next = entries[i].next;
      Entry& e = entries[i];
      const TranslationTime& time = widened == kNone ? said.time : entries[widened].time;
      if (e.says_same(said) && overlap(e.time, time, kSameUse)) {
        e.time = both(e.time, time);
        // It may have closed the gap between two.
        if (widened != kNone) remove(widened);
        widened = i;
      }
      i = next;
    }
    if (widened != kNone) renew(widened);
    return widened != kNone;
  }

  /// Of what was believed to go on, it is known now when it ended.
  void end(const Look& look, Entry said, Timestamp at) {
    const std::uint32_t known = looks.find(look);
    for (std::uint32_t i = known == kNone ? kNone : looks[known].value.first; i != kNone;
         i = entries[i].next) {
      Entry& e = entries[i];
      if (!e.says_same(said) || e.time.first > at || e.time.last < at) continue;
      e.time.last = at;
      e.time.is_end_known = true;
      ++counters.told;
      return renew(i);
    }
    said.time = {at - options.max_lifetime, at, false, true};
    add(look, said);
  }

  /// The time of an entry, cut short where only one side of it was told and another use lies there.
  [[nodiscard]] TranslationTime time_of(const Entry& e, std::uint32_t first) const noexcept {
    TranslationTime time = e.time;
    if (time.is_begin_known && time.is_end_known) return time;
    for (std::uint32_t i = first; i != kNone; i = entries[i].next) {
      const Entry& o = entries[i];
      if (o.last_port < e.first_port || o.first_port > e.last_port || o.says_same(e)) continue;
      if (!e.time.is_begin_known && o.time.last < e.time.last) {
        time.first = std::max(time.first, o.time.last);
      }
      if (!e.time.is_end_known && o.time.first > e.time.first) {
        time.last = std::min(time.last, o.time.first);
      }
    }
    return time;
  }

  /// The entry in force at that time; kNone if there is none, or none that is right for sure.
  [[nodiscard]] std::uint32_t in_force(const Look& look, std::uint16_t port,
                                       const TranslationTime& time, bool& is_ambiguous) const {
    const std::uint32_t known = looks.find(look);
    if (known == kNone) return kNone;
    for (const Timestamp::duration slack : {Timestamp::duration{}, skew()}) {
      std::uint32_t found = kNone;
      for (std::uint32_t i = looks[known].value.first; i != kNone; i = entries[i].next) {
        const Entry& e = entries[i];
        if (port < e.first_port || port > e.last_port) continue;
        // Cut short it is shorter still, and that takes a look at all others.
        if (!overlap(e.time, time, slack)) continue;
        if (!overlap(time_of(e, looks[known].value.first), time, slack)) continue;
        if (found != kNone && !e.says_same(entries[found])) {
          is_ambiguous = true;
          return kNone;
        }
        found = i;
      }
      if (found != kNone) return found;
    }
    return kNone;
  }
  [[nodiscard]] Timestamp::duration skew() const noexcept { return options.max_clock_skew; }
};

namespace {

/// \param is_turned  set to whether the ends changed places.
Look look_at(const ConnectionEnds& seen, bool& is_turned) noexcept {
  Look look;
  look.is_whole = true;
  look.ends.protocol = seen.protocol;
  look.ends.end = {comparable(seen.end[0]), comparable(seen.end[1])};
  is_turned = look.ends.end[1] < look.ends.end[0];
  if (is_turned) std::swap(look.ends.end[0], look.ends.end[1]);
  return look;
}

Look look_at(const TransportEnd& end, std::uint8_t protocol) noexcept {
  Look look;
  look.ends.end[0] = comparable(end);
  look.ends.protocol = protocol;
  return look;
}

struct Said {
  Look look;
  Entry entry;
};

Said whole(const ConnectionEnds& seen, const ConnectionEnds& real, const Endpoint& via) {
  Said said;
  bool is_turned = false;
  said.look = look_at(seen, is_turned);
  said.entry.real = real.end;
  if (is_turned) std::swap(said.entry.real[0], said.entry.real[1]);
  said.entry.via = via;
  return said;
}

Said of_end(const TransportEnd& outer, const TransportEnd& inner, std::uint8_t protocol) {
  Said said;
  said.look = look_at(outer, protocol);
  said.entry.real[0] = inner;
  said.entry.via = outer.endpoint;
  return said;
}

Said of_ports(const Endpoint& outer, std::uint16_t first, std::uint16_t last,
              const Endpoint& inner) {
  Said said = of_end({outer, 0}, {inner, 0}, 0);
  said.entry.first_port = first;
  said.entry.last_port = last;
  return said;
}

}  // namespace

TranslationTable::TranslationTable(const TranslationTableOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
TranslationTable::~TranslationTable() = default;
TranslationTable::TranslationTable(TranslationTable&&) noexcept = default;
TranslationTable& TranslationTable::operator=(TranslationTable&&) noexcept = default;

void TranslationTable::tell(const ConnectionEnds& seen, const ConnectionEnds& real,
                            const Endpoint& via, const TranslationTime& time) {
  Said said = whole(seen, real, via);
  said.entry.time = time;
  impl_->add(said.look, said.entry);
}
void TranslationTable::tell_end(const TransportEnd& outer, const TransportEnd& inner,
                                std::uint8_t protocol, const TranslationTime& time) {
  Said said = of_end(outer, inner, protocol);
  said.entry.time = time;
  impl_->add(said.look, said.entry);
}
void TranslationTable::tell_ports(const Endpoint& outer, std::uint16_t first_port,
                                  std::uint16_t last_port, const Endpoint& inner,
                                  const TranslationTime& time) {
  Said said = of_ports(outer, first_port, last_port, inner);
  said.entry.time = time;
  impl_->add(said.look, said.entry);
}

TranslationTime TranslationTable::from(Timestamp begin) const noexcept {
  return {begin, begin + impl_->options.max_lifetime, true, false};
}
TranslationTime TranslationTable::until(Timestamp end) const noexcept {
  return {end - impl_->options.max_lifetime, end, false, true};
}

void TranslationTable::end(const ConnectionEnds& seen, const ConnectionEnds& real,
                           const Endpoint& via, Timestamp at) {
  const Said said = whole(seen, real, via);
  impl_->end(said.look, said.entry, at);
}
void TranslationTable::end_of_end(const TransportEnd& outer, const TransportEnd& inner,
                                  std::uint8_t protocol, Timestamp at) {
  const Said said = of_end(outer, inner, protocol);
  impl_->end(said.look, said.entry, at);
}
void TranslationTable::end_of_ports(const Endpoint& outer, std::uint16_t first_port,
                                    std::uint16_t last_port, const Endpoint& inner, Timestamp at) {
  const Said said = of_ports(outer, first_port, last_port, inner);
  impl_->end(said.look, said.entry, at);
}

/// A whole connection says most, then an end with its port, then ports of an address.
std::optional<TranslationTable::Found> TranslationTable::find(
    const ConnectionEnds& seen, const TranslationTime& time) noexcept {
  bool is_turned = false, is_ambiguous = false;
  const std::uint32_t exact = impl_->in_force(look_at(seen, is_turned), 0, time, is_ambiguous);
  if (exact != kNone) {
    const Entry& e = impl_->entries[exact];
    Found found{{e.real, seen.protocol}, e.via};
    if (is_turned) std::swap(found.real.end[0], found.real.end[1]);
    return found;
  }
  for (std::size_t side = 0; side < 2 && !is_ambiguous; ++side) {
    const TransportEnd& end = seen.end[side];
    const Look looks[] = {look_at(end, seen.protocol), look_at(end, 0),
                          look_at(TransportEnd{end.endpoint, 0}, 0)};
    for (const Look& look : looks) {
      const std::uint32_t at = impl_->in_force(look, end.port, time, is_ambiguous);
      if (at == kNone) continue;
      const Entry& e = impl_->entries[at];
      Found found{seen, e.via};
      found.real.end[side] = e.real[0];
      if (e.real[0].port == 0) found.real.end[side].port = end.port;
      return found;
    }
  }
  if (is_ambiguous) ++impl_->counters.ambiguous;
  return std::nullopt;
}

bool TranslationTable::speaks_of(const Endpoint& endpoint) const noexcept {
  return impl_->addresses.find(comparable({endpoint, 0}).endpoint) != kNone;
}
bool TranslationTable::empty() const noexcept { return impl_->counters.entries == 0; }

void TranslationTable::forget(Timestamp before) {
  for (std::uint32_t i = 0; i < impl_->entries.size(); ++i) {
    const Entry& e = impl_->entries[i];
    if (e.look != kNone && e.time.last + impl_->skew() < before) impl_->remove(i);
  }
}

void TranslationTable::count_applied() noexcept { ++impl_->counters.applied; }
void TranslationTable::count_refused() noexcept { ++impl_->counters.refused; }
TranslationCounters TranslationTable::counters() const noexcept { return impl_->counters; }

}  // namespace flowlens
