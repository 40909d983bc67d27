// Translators that nobody tells of: the same conversation, seen before and behind one.
#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "aggregate/window.hpp"

namespace flowlens::aggregate {

namespace {

constexpr std::uint32_t kNone = kNoPosition;
constexpr std::uint8_t kTcp = 6;

/// How far the begin and the end may lie apart: clocks, and the way between.
constexpr std::chrono::seconds kApart{10};
/// A connection of fewer packets looks like any other.
constexpr std::uint64_t kFewestPackets = 6;
/// Comparisons of one group: where more go on over the border of a window, none is compared.
constexpr std::size_t kMostInGroup = 65'536;
constexpr double kFarthest = 1e9;

/// Whether hardly another is as large by chance.
bool is_telling(const ConversationKey& key, const Conversation& c) noexcept {
  return key.protocol == kTcp && c.half[0].seen() && c.half[1].seen() &&
         c.half[0].packets + c.half[1].packets >= kFewestPackets;
}

/// Sampling leaves no two counts alike.
bool is_unsampled(const Conversation& c) noexcept {
  return std::all_of(c.half.begin(), c.half.end(),
                     [](const Observation& half) { return !half.seen() || half.rate == 1; });
}

/// What the end on that side has sent, then what it was sent.
std::array<std::uint64_t, 4> counts_of(const Conversation& c, std::size_t side) noexcept {
  const Observation &sent = c.half[side], &got = c.half[1 - side];
  return {sent.packets, sent.octets, got.packets, got.octets};
}

std::uint64_t size_of(const Conversation& c, std::size_t side) noexcept {
  const auto counts = counts_of(c, side);
  return base::mix(base::mix(counts[0], counts[1]), base::mix(counts[2], counts[3]));
}

/// How far a : b is from c : d, from 0 to 1, but for a packet's worth.
double disproportion(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) noexcept {
  constexpr double kPacket = 64;
  const double x = (static_cast<double>(a) + kPacket) * (static_cast<double>(d) + kPacket);
  const double y = (static_cast<double>(b) + kPacket) * (static_cast<double>(c) + kPacket);
  return std::abs(x - y) / std::max(x, y);
}

}  // namespace

// Conversations are looked at by what does not change: one end, and how much was said. As with what
// is told, only when the window closes.

void Window::name_endpoints(std::uint32_t from, std::uint32_t to) {
  Likenesses& l = shared_.likenesses;
  if (from == 0) {
    l.clear();
    l.is_worth_it = shared_.observers.are_several();
    l.comparisons_left = shared_.options.max_translations;
    // What there is no room for is left out by chance, not by time.
    l.left_out = 0;
    while (2 * conversations_.size() / (l.left_out + 1) > shared_.max_looks()) {
      l.left_out = 2 * l.left_out + 1;
    }
  }
  if (!l.is_worth_it) return;
  for (std::uint32_t i = from; i < to; ++i) {
    auto& [endpoint, state] = endpoints_[i];
    const SiteId site = endpoint.address.is_private() ? endpoint.site : SiteId{};
    l.names.push_back(base::hash_of(Endpoint{site, endpoint.address}, 0));
    state.is_paired = !shared_.paired.empty() && shared_.paired.speaks_of(endpoint);
  }
}

bool Window::may_pair(const ConversationKey& key, const Conversation& c) const noexcept {
  // Where exporters tell, they know better.
  return c.is_seen() && has_ports(key.protocol) && is_unsampled(c) &&
         !endpoints_[key.low].value.is_translated && !endpoints_[key.high].value.is_translated;
}

/// The same for two conversations that are one, seen on both sides of what translates the other end.
std::uint64_t Window::look_of(const ConversationKey& key, const Conversation& c,
                              std::size_t same_side) const noexcept {
  const std::uint64_t name = shared_.likenesses.names[key.end(same_side)];
  return base::mix(name ^ size_of(c, same_side),
                   std::uint64_t{key.port(same_side)} << 8 | key.protocol);
}

void Window::collect_looks(std::uint32_t from, std::uint32_t to) {
  Likenesses& l = shared_.likenesses;
  if (!l.is_worth_it) return;
  const WindowTime begin = time_of(start() + kApart), end = time_of(this->end() - kApart);
  for (std::uint32_t i = from; i < to; ++i) {
    const auto& [key, c] = conversations_[i];
    if (!is_telling(key, c) || !may_pair(key, c)) continue;
    if (first_of(c) < begin || last_of(c) > end) continue;
    for (std::uint8_t side = 0; side < 2; ++side) {
      const std::uint64_t look = look_of(key, c, side);
      if ((look >> 32 & l.left_out) != 0) continue;
      const std::uint32_t at = l.looks.insert(look).first;
      if (at == l.looks.kNone) continue;
      Likenesses::Look& seen = l.looks[at].value;
      if (seen.count < 2) {
        seen.conversation[seen.count] = i;
        seen.same_side[seen.count] = side;
      }
      ++seen.count;
    }
  }
}

bool Window::are_same_time(const Conversation& a, const Conversation& b) const noexcept {
  return time_between(a, b) <= kApart;
}

/// From one begin to the other or from one end to the other, whichever is further.
Timestamp::duration Window::time_between(const Conversation& a,
                                         const Conversation& b) const noexcept {
  const auto between = [this](WindowTime x, WindowTime y) {
    return x > y ? utc(x) - utc(y) : utc(y) - utc(x);
  };
  return std::max(between(first_of(a), first_of(b)), between(last_of(a), last_of(b)));
}

/// Whether an exporter has seen both: no packet passes it twice with different addresses, but at the
/// translator itself.
bool Window::have_one_exporter(const Conversation& a, const Conversation& b) const noexcept {
  const auto each = [this](const Conversation& c, const auto& take) {
    for (const Observation& half : c.half) {
      if (!half.seen()) continue;
      if (take(shared_.observers[half.observer].exporter)) return true;
      for (std::uint32_t i = half.next; i != kNone; i = pool_[i].next) {
        if (take(shared_.observers[pool_[i].observer].exporter)) return true;
      }
    }
    return false;
  };
  return each(
      a, [&](const IpAddress& x) { return each(b, [&](const IpAddress& y) { return x == y; }); });
}

/// \return whether the two of a look are alike in all but one end.
bool Window::are_alike(const Likenesses::Look& look) const noexcept {
  if (look.count != 2) return false;
  const auto& [key, a] = conversations_[look.conversation[0]];
  const auto& [other_key, b] = conversations_[look.conversation[1]];
  const std::size_t side = look.same_side[0], other_side = look.same_side[1];
  return shared_.likenesses.names[key.end(side)] ==
             shared_.likenesses.names[other_key.end(other_side)] &&
         key.port(side) == other_key.port(other_side) &&
         key.end(1 - side) != other_key.end(1 - other_side) &&
         counts_of(a, side) == counts_of(b, other_side) && are_same_time(a, b);
}

Translators::End Window::other_end(const Likenesses::Look& look, std::size_t n) const noexcept {
  const ConversationKey& key = conversations_[look.conversation[n]].key;
  const auto& [endpoint, state] = endpoints_[key.end(1u - look.same_side[n])];
  return {endpoint, state.is_internal};
}

void Window::compare_looks(std::uint32_t from, std::uint32_t to) {
  Likenesses& l = shared_.likenesses;
  for (std::uint32_t i = from; i < to; ++i) {
    const Likenesses::Look& look = l.looks[i].value;
    if (!are_alike(look)) continue;
    const Conversation& a = conversations_[look.conversation[0]].value;
    const Conversation& b = conversations_[look.conversation[1]].value;
    shared_.translators.note(other_end(look, 0), other_end(look, 1), size_of(a, look.same_side[0]),
                             have_one_exporter(a, b), number_);
  }
}

/// How much of what is seen of an address is seen elsewhere, too.
void Window::count_twins(std::uint32_t from, std::uint32_t to) {
  Likenesses& l = shared_.likenesses;
  if (shared_.translators.empty()) return;
  for (std::uint32_t i = from; i < to; ++i) {
    const Likenesses::Look& look = l.looks[i].value;
    if (look.count > 2) continue;
    const bool has_twin = are_alike(look);
    for (std::size_t n = 0; n < look.count; ++n) {
      shared_.translators.note(other_end(look, n).endpoint, has_twin);
    }
  }
}

void Window::conclude_translators(std::uint32_t, std::uint32_t) {
  const auto kept = shared_.options.memory_half_life / shared_.options.window;
  shared_.translators.conclude(number_, std::max<std::int64_t>(kept, 1));
  shared_.likenesses.looks.clear();
}

void Window::mark_parts(std::uint32_t from, std::uint32_t to) {
  if (shared_.translators.believed() == 0) return;
  for (std::uint32_t i = from; i < to; ++i) {
    endpoints_[i].value.part = shared_.translators.part_of(endpoints_[i].key);
  }
}

void Window::collect_translated(std::uint32_t from, std::uint32_t to) {
  if (shared_.translators.believed() == 0 || !shared_.likenesses.is_worth_it) return;
  for (std::uint32_t i = from; i < to; ++i) {
    const auto& [key, c] = conversations_[i];
    for (std::uint8_t side = 0; side < 2; ++side) {
      const Translators::Part part = endpoints_[key.end(1u - side)].value.part;
      if (part == Translators::Part::none || !may_pair(key, c)) continue;
      Likenesses::Item item;
      item.conversation = i;
      item.same_side = side;
      item.is_outside = part == Translators::Part::outside;
      shared_.likenesses.items.push_back(item);
      group(static_cast<std::uint32_t>(shared_.likenesses.items.size() - 1), look_of(key, c, side));
    }
  }
}

void Window::group(std::uint32_t item, std::uint64_t look) {
  Likenesses& l = shared_.likenesses;
  const auto [at, is_new] = l.groups.insert(look);
  l.items[item].next = is_new ? kNone : l.groups[at].value;
  l.groups[at].value = item;
}

/// What lies at the border of the window has other counts on both sides: clocks differ.
void Window::collect_cut(std::uint32_t from, std::uint32_t to) {
  Likenesses& l = shared_.likenesses;
  if (from == 0) l.groups.clear();
  const WindowTime begin = time_of(start() + 2 * kApart), end = time_of(this->end() - 2 * kApart);
  for (std::uint32_t i = from; i < to; ++i) {
    if (l.items[i].is_paired) continue;
    const auto& [key, c] = conversations_[l.items[i].conversation];
    if (first_of(c) >= begin && last_of(c) <= end) continue;
    const std::size_t side = l.items[i].same_side;
    group(i, base::mix(l.names[key.end(side)], std::uint64_t{key.port(side)} << 8 | key.protocol));
  }
}

/// Splits a group into those outside and those inside, each in an order that is not that of arrival.
void Window::take_group(std::uint32_t first, std::vector<std::uint32_t>& outside,
                        std::vector<std::uint32_t>& inside) const {
  const Likenesses& l = shared_.likenesses;
  outside.clear();
  inside.clear();
  for (std::uint32_t i = first; i != kNone; i = l.items[i].next) {
    if (!l.items[i].is_paired) (l.items[i].is_outside ? outside : inside).push_back(i);
  }
  const auto order_of = [&](std::uint32_t i) {
    const Likenesses::Item& item = l.items[i];
    const auto& [key, c] = conversations_[item.conversation];
    const std::size_t other = 1u - item.same_side;
    return std::tuple(first_of(c), last_of(c), endpoints_[key.end(other)].key, key.port(other),
                      endpoints_[key.end(item.same_side)].key);
  };
  const auto before = [&](std::uint32_t a, std::uint32_t b) { return order_of(a) < order_of(b); };
  std::sort(outside.begin(), outside.end(), before);
  std::sort(inside.begin(), inside.end(), before);
}

/// All within reach of clocks are compared, unless somebody made them so many.
bool Window::may_compare() noexcept {
  Likenesses& l = shared_.likenesses;
  if (l.comparisons_left == 0) {
    ++shared_.comparisons_refused;
    return false;
  }
  --l.comparisons_left;
  return true;
}

bool Window::may_be_one(const Likenesses::Item& outer, const Likenesses::Item& inner) const {
  const auto& [outer_key, o] = conversations_[outer.conversation];
  const auto& [inner_key, i] = conversations_[inner.conversation];
  return shared_.translators.stands_for(endpoints_[outer_key.end(1u - outer.same_side)].key,
                                        endpoints_[inner_key.end(1u - inner.same_side)].key) &&
         are_same_time(o, i) && !have_one_exporter(o, i);
}

/// Alike to the octet: of several the first of the one is the first of the other. Which of them is
/// which makes no difference to any count.
void Window::pair_alike(std::uint32_t from, std::uint32_t to) {
  Likenesses& l = shared_.likenesses;
  std::vector<std::uint32_t> outside, inside;
  for (std::uint32_t g = from; g < to; ++g) {
    take_group(l.groups[g].value, outside, inside);
    std::size_t begin = 0;
    for (const std::uint32_t o : outside) {
      const Timestamp at = utc(first_of(conversations_[l.items[o].conversation].value));
      const auto first_at = [&](std::size_t n) {
        return utc(first_of(conversations_[l.items[inside[n]].conversation].value));
      };
      while (begin < inside.size() &&
             (l.items[inside[begin]].is_paired || first_at(begin) + kApart < at)) {
        ++begin;
      }
      for (std::size_t n = begin; n < inside.size() && first_at(n) <= at + kApart; ++n) {
        if (!may_compare()) return;
        if (l.items[inside[n]].is_paired || !may_be_one(l.items[o], l.items[inside[n]])) continue;
        pair(l.items[o], l.items[inside[n]]);
        compare_clocks(l.items[o], l.items[inside[n]]);
        break;
      }
    }
  }
}

void Window::compare_clocks(const Likenesses::Item& outer, const Likenesses::Item& inner) {
  const auto& [key, o] = conversations_[outer.conversation];
  if (!is_telling(key, o)) return;  // more than one may be as large
  const Conversation& i = conversations_[inner.conversation].value;
  Likenesses& l = shared_.likenesses;
  l.lead = std::max(l.lead, utc(first_of(i)) - utc(first_of(o)));
  l.lag = std::max(l.lag, utc(last_of(o)) - utc(last_of(i)));
}

/// Each is the nearest to the other in time and in the proportion of what went both ways: what a border
/// cuts off, it cuts off both.
void Window::pair_cut(std::uint32_t from, std::uint32_t to) {
  Likenesses& l = shared_.likenesses;
  std::vector<std::uint32_t> outside, inside;
  const auto nearest = [this, &l](std::uint32_t item, const std::vector<std::uint32_t>& others) {
    std::uint32_t best = kNone;
    double best_distance = kFarthest;
    for (const std::uint32_t other : others) {
      if (!may_compare()) return kNone;
      if (l.items[other].is_paired) continue;
      const double distance = cut_distance(l.items[item], l.items[other]);
      if (distance >= best_distance) continue;
      best = other;
      best_distance = distance;
    }
    return best;
  };
  for (std::uint32_t g = from; g < to; ++g) {
    take_group(l.groups[g].value, outside, inside);
    if (outside.size() * inside.size() > kMostInGroup) continue;
    for (bool again = true; again;) {
      again = false;
      for (const std::uint32_t o : outside) {
        const std::uint32_t i = l.items[o].is_paired ? kNone : nearest(o, inside);
        if (i == kNone || nearest(i, outside) != o) continue;
        pair(l.items[o], l.items[i]);
        again = true;
      }
    }
  }
}

/// \return kFarthest if the two cannot be one.
double Window::cut_distance(const Likenesses::Item& a, const Likenesses::Item& b) const {
  const Conversation& c = conversations_[a.conversation].value;
  const Conversation& d = conversations_[b.conversation].value;
  const auto x = counts_of(c, a.same_side), y = counts_of(d, b.same_side);
  const double apart = disproportion(x[1], x[3], y[1], y[3]);
  if (apart > 0.5 || !(a.is_outside ? may_be_one(a, b) : may_be_one(b, a))) return kFarthest;
  return std::chrono::duration<double>(time_between(c, d)).count() + 4 * apart;
}

/// What the other side's clock puts wholly into the next window or has put into the last is counted
/// there; so is what only begins in this one.
void Window::discount_shifted(std::uint32_t from, std::uint32_t to) {
  const Likenesses& l = shared_.likenesses;
  for (std::uint32_t i = from; i < to; ++i) {
    if (l.items[i].is_paired || !l.items[i].is_outside) continue;
    Conversation& c = conversations_[l.items[i].conversation].value;
    const bool goes_on = std::all_of(c.half.begin(), c.half.end(),
                                     [](const Observation& half) { return half.flows == 0; });
    const auto begins = end() - utc(first_of(c)), ends = utc(last_of(c)) - start();
    if (begins > l.lead && ends > l.lag && !(goes_on && begins <= kApart)) continue;
    const Given given = given_by(c);
    c.discounted = 3;
    account_for(given, c);
  }
}

void Window::pair(Likenesses::Item& outer, Likenesses::Item& inner) {
  outer.is_paired = inner.is_paired = true;
  const auto ends = [this](const Likenesses::Item& item) {
    const ConversationKey& key = conversations_[item.conversation].key;
    ConnectionEnds found;
    found.protocol = key.protocol;
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}}) {
      const std::size_t side = n == 0 ? item.same_side : 1u - item.same_side;
      found.end[n] = {endpoints_[key.end(side)].key, key.port(side)};
      endpoints_[key.end(side)].value.is_paired = true;
    }
    return found;
  };
  const ConnectionEnds seen = ends(outer), real = ends(inner);
  const Conversation& c = conversations_[outer.conversation].value;
  const TranslationTime time{utc(first_of(c)), utc(last_of(c)), true, true};
  shared_.paired.tell(seen, real, seen.end[1].endpoint, time);
  shared_.paired.tell(real, real, seen.end[1].endpoint, time);
}

void Window::end_pairing(std::uint32_t, std::uint32_t) { shared_.likenesses.clear(); }

}  // namespace flowlens::aggregate
