// What is seen on the outside of a translator is attributed to who really talks.
#include <algorithm>
#include <utility>

#include "aggregate/window.hpp"

namespace flowlens::aggregate {

namespace {

constexpr std::uint32_t kNone = kNoPosition;

/// The same packets, seen by one observer on both sides: which of the two tells more.
bool tells_more(const Observation& a, const Observation& b) noexcept {
  return std::pair{a.packets, a.octets} > std::pair{b.packets, b.octets};
}

}  // namespace

// Only when the window closes, as all that was told of its time has come by then: so the order in
// which it came does not show.

void Window::mark_translated(std::uint32_t from, std::uint32_t to) {
  const TranslationTable& told = shared_.translations;
  if (told.empty()) return;
  for (std::uint32_t i = from; i < to; ++i) {
    endpoints_[i].value.is_translated = told.speaks_of(endpoints_[i].key);
  }
}

void Window::translate(std::uint32_t from, std::uint32_t to) {
  if (shared_.translations.empty() && shared_.paired.empty()) return;
  const auto is_told = [this](std::uint32_t position) {
    const EndpointState& state = endpoints_[position].value;
    return state.is_translated || state.is_paired;
  };
  for (std::uint32_t i = from; i < to; ++i) {
    const auto& [key, c] = conversations_[i];
    if (!c.is_seen() || (!is_told(key.low) && !is_told(key.high))) continue;
    const ConnectionEnds seen = ends_seen(key);
    const TranslationTime time{utc(first_of(c)), utc(last_of(c))};
    auto found = shared_.translations.find(seen, time);
    if (!found) found = shared_.paired.find(seen, time);
    if (found) attribute(i, seen, *found);
  }
  settle();  // each part its own, so that no part waits for all
}

void Window::end_translation(std::uint32_t, std::uint32_t) {
  shared_.translations.forget(start());
  shared_.paired.forget(start());
}

ConnectionEnds Window::ends_seen(const ConversationKey& key) const noexcept {
  ConnectionEnds seen;
  for (std::size_t side = 0; side < 2; ++side) {
    seen.end[side] = {endpoints_[key.end(side)].key, key.port(side)};
  }
  seen.protocol = key.protocol;
  return seen;
}

void Window::attribute(std::uint32_t position, const ConnectionEnds& seen,
                       const TranslationTable::Found& found) {
  const std::uint32_t via = position_of(found.via);
  if (found.real == seen) {
    if (via != kNone) vias_.push_back({position, via});
    return;
  }
  std::array<std::uint32_t, 2> end{};
  for (std::size_t side = 0; side < 2; ++side) {
    end[side] = position_of(found.real.end[side].endpoint);
  }
  if (end[0] == kNone || end[1] == kNone || via == kNone || conversations_.full()) {
    shared_.translations.count_refused();
    return;
  }
  const std::array<std::uint16_t, 2> port{found.real.end[0].port, found.real.end[1].port};
  const bool is_same_way = std::pair{end[0], port[0]} <= std::pair{end[1], port[1]};
  const std::size_t low = is_same_way ? 0 : 1;
  const ConversationKey real{end[low], end[1 - low], port[low], port[1 - low], seen.protocol};
  vias_.push_back({move_to(position, real, is_same_way), via});
  shared_.translations.count_applied();
}

/// \return the position of an endpoint that may be new; kNone at the bound.
std::uint32_t Window::position_of(const Endpoint& endpoint) {
  return add_endpoint(endpoint, endpoints_.hash(endpoint), endpoint.address.is_private());
}

/// Makes what was seen as one conversation part of another. The ledgers follow: until the other is
/// settled, nobody has counted the records.
std::uint32_t Window::move_to(std::uint32_t position, const ConversationKey& to, bool same_way) {
  const auto [target, is_new] = conversations_.insert(to);
  Conversation& from = conversations_[position].value;
  const Given given = given_by(from);
  const Conversation moved = from;
  from.half = {};
  from.row = kNone;
  from.answer = {};
  account_for(given, from);

  Conversation& c = conversations_[target].value;
  if (is_new) {
    for (std::size_t side = 0; side < 2; ++side) {
      c.service[side] = find_service(to.protocol, to.port(side));
    }
    // Of a window that closes, others have the room already.
    if (decided_ == nullptr) ++shared_.conversations;
  }
  if (!c.is_noted) note(target, c);
  c.is_unsure = true;
  for (std::size_t side = 0; side < 2; ++side) {
    const Observation& half = moved.half[side];
    if (!half.seen()) continue;
    Observation& into = c.half[same_way ? side : 1 - side];
    const auto bits = static_cast<std::uint8_t>(into.bits | half.bits);
    const auto flags = static_cast<std::uint8_t>(into.tcp_flags | half.tcp_flags);
    for (std::uint32_t i = half.next; i != kNone;) {
      const Observation other = pool_[i];
      i = other.next;
      take_over(into, other);
    }
    take_over(into, half);
    into.bits = bits;
    into.tcp_flags = flags;
  }
  return target;
}

/// What one observer counted on both sides of a translator are the same packets: the larger stands.
void Window::take_over(Observation& half, const Observation& moved) {
  const auto replace = [&](Observation& held) {
    if (!tells_more(moved, held)) return;
    const std::uint32_t next = held.next;
    held = moved;
    held.next = next;
  };
  if (!half.seen()) {
    half = moved;
    half.next = kNone;
    return;
  }
  if (half.observer == moved.observer) return replace(half);
  for (std::uint32_t i = half.next; i != kNone; i = pool_[i].next) {
    if (pool_[i].observer == moved.observer) return replace(pool_[i]);
  }
  if (pool_.size() >= shared_.options.max_conversations) {
    ++shared_.observations_refused;
    return;
  }
  const std::uint32_t next = std::exchange(half.next, static_cast<std::uint32_t>(pool_.size()));
  pool_.push_back(moved);
  pool_.back().next = next;
}

/// Once all is decided: the rows say what they pass through; of several the lowest.
void Window::note_vias(std::uint32_t, std::uint32_t) {
  for (const auto& [conversation, via] : vias_) {
    const Conversation& c = conversations_[conversation].value;
    if (c.answer.outcome != Outcome::applied) continue;
    Row& row = rows_[c.row].value;
    if (row.via == kNone || endpoints_[via].key < endpoints_[row.via].key) row.via = via;
  }
  vias_.clear();
}

}  // namespace flowlens::aggregate
