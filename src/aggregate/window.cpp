#include "aggregate/window.hpp"

#include <algorithm>
#include <utility>

namespace flowlens::aggregate {

namespace {

constexpr std::uint32_t kNone = kNoPosition;

/// Observers of one half besides the best one. Real paths have fewer; a forger of observation
/// domains is stopped here. What a further one sees counts as duplicate and is not compared.
constexpr std::size_t kMaxOtherObservers = 15;

/// What a conversation gives to its row.
TrafficCounts contribution(const Conversation& c) noexcept {
  const Observation& up = c.half[c.answer.client_side];
  const Observation& down = c.half[1 - c.answer.client_side];
  TrafficCounts counts;
  counts.flows = std::uint64_t{up.flows} + down.flows;
  counts.octets_to_server = up.octets;
  counts.octets_to_client = down.octets;
  counts.packets_to_server = up.packets;
  counts.packets_to_client = down.packets;
  counts.estimated_octets_to_server = up.estimated_octets;
  counts.estimated_octets_to_client = down.estimated_octets;
  return counts;
}

std::uint64_t* flows_of(FlowLedger& ledger, Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::applied:
      return &ledger.applied;
    case Outcome::attempt:
      return &ledger.attempt;
    case Outcome::dropped:
      return &ledger.dropped[static_cast<std::size_t>(FlowDropReason::table_full)];
    case Outcome::none:
      break;
  }
  return nullptr;
}

void accumulate(Observation& o, const Share& share) noexcept {
  o.octets += share.octets;
  o.packets += share.packets;
  o.estimated_octets += share.octets * share.rate;
  o.flows += share.counts_flow ? 1 : 0;
  o.rate = std::max(o.rate, share.rate);
  o.first = std::min(o.first, share.first);
  o.last = std::max(o.last, share.last);
}

Observation first_observation(const Share& share) noexcept {
  Observation o;
  o.observer = share.observer;
  o.first = share.first;
  accumulate(o, share);
  return o;
}

/// Microseconds, or as much coarser as it takes to hold a window and the past behind it.
std::chrono::nanoseconds tick_for(const AggregatorOptions& o) noexcept {
  const std::chrono::nanoseconds span = o.max_past + o.allowed_lateness + o.window;
  return std::max(std::chrono::nanoseconds{1'000},
                  span / 0xffff'fff0 + std::chrono::nanoseconds{1});
}

}  // namespace

Shared::Shared(const AggregatorOptions& o)
    : options(o), observers(o.max_exporters, o.hash_seed), tick(tick_for(o)) {}

Window::Window(Shared& shared)
    : shared_(shared),
      endpoints_(2 * shared.options.max_conversations, shared.options.hash_seed),
      conversations_(shared.options.max_conversations, shared.options.hash_seed),
      rows_(shared.options.max_conversations, shared.options.hash_seed) {}

void Window::begin(std::int64_t number) noexcept {
  number_ = number;
  base_ = start() - shared_.options.max_past - shared_.options.allowed_lateness;
}

Timestamp Window::start() const noexcept {
  return Timestamp{std::chrono::nanoseconds{shared_.options.window} * number_};
}
Timestamp Window::end() const noexcept { return start() + shared_.options.window; }

WindowTime Window::time_of(Timestamp t) const noexcept {
  const auto ticks = (t - base_) / shared_.tick;
  return static_cast<WindowTime>(std::clamp<std::int64_t>(ticks, 0, 0xffff'fffe));
}

std::uint32_t Window::add_endpoint(const Endpoint& endpoint, std::uint64_t hash, bool is_internal) {
  const auto [position, is_new] = endpoints_.insert(endpoint, hash);
  if (position == kNone) return kNone;
  EndpointState& state = endpoints_[position].value;
  if (is_new) {
    state.is_group = endpoint.address.is_multicast() || endpoint.address.is_limited_broadcast();
  }
  state.is_internal |= is_internal;
  return position;
}

void Window::add(const ConversationKey& key, std::uint64_t hash, std::size_t side,
                 const Share& share, const std::array<ServiceId, 2>& services) {
  const auto [position, is_new] = conversations_.insert(key, hash);
  if (position == kNone) return;  // not reached: the caller has made room
  Conversation& c = conversations_[position].value;
  if (is_new) {
    c.service = services;
    ++shared_.conversations;
  }
  // The usual flow: one more of what is known already. With two flows there, first_start has
  // nothing to say any more, so no answer can change.
  Observation& half = c.half[side];
  const bool nothing_new = half.observer == share.observer && half.flows >= 2 &&
                           share.rate <= half.rate && (share.bits & ~half.bits) == 0 &&
                           (share.tcp_flags & ~half.tcp_flags) == 0;
  if (!nothing_new) {
    add_slowly(key, c, side, share);
    return;
  }
  if (c.answer.outcome == Outcome::applied) {
    Row& row = rows_[c.row].value;
    const bool up = side == c.answer.client_side;
    row.counts.flows += share.counts_flow ? 1 : 0;
    (up ? row.counts.octets_to_server : row.counts.octets_to_client) += share.octets;
    (up ? row.counts.packets_to_server : row.counts.packets_to_client) += share.packets;
    (up ? row.counts.estimated_octets_to_server : row.counts.estimated_octets_to_client) +=
        share.octets * share.rate;
    row.first = std::min(row.first, share.first);
    row.last = std::max(row.last, share.last);
    touch(c.row);
  }
  accumulate(half, share);
  if (share.counts_flow) ++*flows_of(shared_.ledger, c.answer.outcome);
}

void Window::add_slowly(const ConversationKey& key, Conversation& c, std::size_t side,
                        const Share& share) {
  Observation& half = c.half[side];
  const Conversation before = c;
  const bool best_changed = observe(half, share);
  half.bits |= share.bits;
  half.tcp_flags |= share.tcp_flags;

  if (share.counts_flow)
    ++shared_.ledger.duplicate;  // until enter() counts it for the best observer
  if (before.answer.outcome != Outcome::none) leave(before);
  const Answer answer = decide(evidence(key, c));
  settle(key, c, answer);
  enter(c);

  // Sums were corrected; times, rung and observers cannot be taken back one by one.
  if (before.answer.outcome != Outcome::applied) return;
  const bool stays = c.answer.outcome == Outcome::applied && before.row == c.row && !best_changed &&
                     c.answer.rung <= before.answer.rung &&
                     c.answer.direction == before.answer.direction;
  if (stays) return;
  Row& row = rows_[before.row].value;
  if (row.counts.is_zero()) {
    Row empty;
    empty.reported = row.reported;
    empty.service = row.service;
    empty.dirty = row.dirty;
    row = empty;
    return;
  }
  row.tainted = any_tainted_ = true;
}

/// Adds the share to its observer. \return whether another observer became the best one.
bool Window::observe(Observation& half, const Share& share) {
  if (!half.seen()) {
    half = first_observation(share);
    return false;
  }
  if (half.observer == share.observer) {
    accumulate(half, share);
    // It got better by its packets, or worse by its rate: then another one may be the best.
    std::uint32_t best = kNone;
    for (std::uint32_t i = half.next; i != kNone; i = pool_[i].next) {
      if (better(pool_[i], best == kNone ? half : pool_[best])) best = i;
    }
    return promote(half, best);
  }
  std::uint32_t i = half.next;
  std::size_t others = 0;
  for (; i != kNone && pool_[i].observer != share.observer; i = pool_[i].next) ++others;
  if (i != kNone) {
    accumulate(pool_[i], share);
  } else if (others >= kMaxOtherObservers || pool_.size() >= shared_.options.max_conversations) {
    ++shared_.observations_refused;
    return false;
  } else {
    i = static_cast<std::uint32_t>(pool_.size());
    Observation other = first_observation(share);
    other.next = half.next;
    pool_.push_back(other);
    half.next = i;
  }
  return promote(half, better(pool_[i], half) ? i : kNone);
}

/// Puts the observation at `other` of the pool in the best one's place, and that one in its.
bool Window::promote(Observation& half, std::uint32_t other) {
  if (other == kNone) return false;
  Observation& from = pool_[other];
  std::swap(half, from);
  std::swap(half.next, from.next);
  std::swap(half.bits, from.bits);
  std::swap(half.tcp_flags, from.tcp_flags);
  return true;
}

/// Unsampled, then the lowest rate, then the most packets; ties by address, so that no order of
/// arrival decides.
bool Window::better(const Observation& a, const Observation& b) const noexcept {
  if (a.rate != b.rate) return a.rate < b.rate;
  if (a.packets != b.packets) return a.packets > b.packets;
  return shared_.observers[a.observer] < shared_.observers[b.observer];
}

Evidence Window::evidence(const ConversationKey& key, const Conversation& c) const noexcept {
  Evidence e;
  for (std::size_t side = 0; side < 2; ++side) {
    const Observation& o = c.half[side];
    if (!o.seen()) continue;
    Evidence::Half& half = e.half[side];
    half.seen = true;
    half.bits = o.bits;
    half.tcp_flags = o.tcp_flags;
    half.flows = o.flows;
    half.rate = o.rate;
    half.first_us =
        static_cast<std::uint64_t>(o.first * shared_.tick / std::chrono::microseconds{1});
    half.exporter = shared_.observers[o.observer].exporter;
  }
  e.port = {key.low_port, key.high_port};
  e.known_service = {c.service[0].value != 0, c.service[1].value != 0};
  e.group = {endpoints_[key.low].value.is_group, endpoints_[key.high].value.is_group};
  e.protocol = key.protocol;
  e.lower_side = endpoints_[key.low].key < endpoints_[key.high].key ? 0 : 1;
  return e;
}

/// Takes over `answer` and finds the row that goes with it.
void Window::settle(const ConversationKey& key, Conversation& c, const Answer& answer) {
  if (c.answer.client_side != answer.client_side) c.row = kNone;
  c.answer = answer;
  if (answer.outcome != Outcome::applied) return;
  if (c.row == kNone) {
    const bool low_is_client = answer.client_side == 0;
    RowKey row;
    row.client = low_is_client ? key.low : key.high;
    row.server = low_is_client ? key.high : key.low;
    row.port =
        has_ports(key.protocol) ? (low_is_client ? key.high_port : key.low_port) : std::uint16_t{0};
    row.protocol = key.protocol;
    const bool has_room = shared_.rows < shared_.options.max_conversations;
    std::uint32_t position = rows_.find(row);
    if (position == kNone && has_room) {
      position = rows_.insert(row).first;
      rows_[position].value.service = c.service[low_is_client ? 1 : 0];
      ++shared_.rows;
    }
    c.row = position;
  }
  if (c.row == kNone) c.answer.outcome = Outcome::dropped;
}

/// Counts what the conversation holds, in its row and in the ledger.
void Window::enter(Conversation& c) {
  const std::uint64_t flows = std::uint64_t{c.half[0].flows} + c.half[1].flows;
  *flows_of(shared_.ledger, c.answer.outcome) += flows;
  shared_.ledger.duplicate -= flows;
  if (c.answer.outcome != Outcome::applied) return;
  Row& row = rows_[c.row].value;
  row.counts += contribution(c);
  describe(row, c);
  touch(c.row);
}

/// Takes back what enter() counted for the conversation as it was.
void Window::leave(const Conversation& c) {
  const std::uint64_t flows = std::uint64_t{c.half[0].flows} + c.half[1].flows;
  *flows_of(shared_.ledger, c.answer.outcome) -= flows;
  shared_.ledger.duplicate += flows;
  if (c.answer.outcome != Outcome::applied) return;
  rows_[c.row].value.counts -= contribution(c);
  touch(c.row);
}

/// Widens what a row says of its conversations by this one.
void Window::describe(Row& row, const Conversation& c) {
  for (const Observation& half : c.half) {
    if (!half.seen()) continue;
    row.first = std::min(row.first, half.first);
    row.last = std::max(row.last, half.last);
    add_observer(row, half.observer);
    for (std::uint32_t i = half.next; i != kNone; i = pool_[i].next) {
      add_observer(row, pool_[i].observer);
    }
  }
  const auto strength = [](DirectionRung rung, Direction direction) {
    return std::pair{rung, direction};
  };
  if (strength(c.answer.rung, c.answer.direction) < strength(row.rung, row.direction)) {
    row.rung = c.answer.rung;
    row.direction = c.answer.direction;
  }
}

/// Keeps the exporters with the lowest addresses, ascending, each once.
void Window::add_observer(Row& row, ObserverIndex observer) const noexcept {
  const auto address = [this](ObserverIndex i) -> const IpAddress& {
    return shared_.observers[i].exporter;
  };
  std::size_t at = 0;
  while (at < row.observer_count && address(row.observers[at]) < address(observer)) ++at;
  if (at == kMaxObservers) return;
  if (at < row.observer_count && address(row.observers[at]) == address(observer)) return;
  if (row.observer_count < kMaxObservers) ++row.observer_count;
  for (std::size_t i = row.observer_count - 1; i > at; --i) row.observers[i] = row.observers[i - 1];
  row.observers[at] = observer;
}

/// Works out times, rung and observers again for rows that a conversation has left, so that they
/// are what they would be had it never been there.
void Window::rebuild_tainted() {
  // After a fold the conversations of a row are not all there any more; it keeps what it says.
  if (!any_tainted_ || folded_) return;
  for (std::uint32_t p = 0; p < rows_.positions(); ++p) {
    Row& row = rows_[p].value;
    if (!row.tainted) continue;
    row.first = Row{}.first;
    row.last = 0;
    row.observer_count = 0;
    row.rung = DirectionRung::none;
    row.direction = Direction::unknown;
  }
  for (std::uint32_t p = 0; p < conversations_.positions(); ++p) {
    const Conversation& c = conversations_[p].value;
    if (c.answer.outcome != Outcome::applied || !rows_[c.row].value.tainted) continue;
    describe(rows_[c.row].value, c);
  }
  for (std::uint32_t p = 0; p < rows_.positions(); ++p) rows_[p].value.tainted = false;
  any_tainted_ = false;
}

void Window::touch(std::uint32_t row) {
  if (rows_[row].value.dirty) return;
  rows_[row].value.dirty = true;
  dirty_.push_back(row);
}

std::uint64_t Window::fold() {
  rebuild_tainted();
  const std::uint64_t folded = conversations_.size();
  conversations_.clear();
  pool_.clear();
  shared_.conversations -= folded;
  folded_ = folded_ || folded != 0;
  return folded;
}

void Window::report_changed(std::vector<ConnectionSummary>& out) {
  for (const std::uint32_t row : dirty_) report(row, false, out);
  dirty_.clear();
}

void Window::close(std::vector<ConnectionSummary>& out) {
  rebuild_tainted();
  for (std::uint32_t row = 0; row < rows_.positions(); ++row) report(row, true, out);
  shared_.conversations -= conversations_.size();
  shared_.rows -= rows_.size();
  endpoints_.clear();
  conversations_.clear();
  rows_.clear();
  pool_.clear();
  dirty_.clear();
  any_tainted_ = folded_ = false;
}

void Window::report(std::uint32_t position, bool is_final, std::vector<ConnectionSummary>& out) {
  const RowKey& key = rows_[position].key;
  Row& row = rows_[position].value;
  row.dirty = false;
  if (row.counts.is_zero() && row.reported.is_zero()) return;

  ConnectionSummary& s = out.emplace_back();
  s.key.client = endpoints_[key.client].key;
  s.key.server = endpoints_[key.server].key;
  s.key.port = key.port;
  s.key.protocol = key.protocol;
  s.window_start = start();
  s.first = base_ + row.first * shared_.tick;
  s.last = base_ + row.last * shared_.tick;
  if (row.counts.is_zero()) s.first = s.last = s.window_start;
  s.counts = row.counts;
  s.added = row.counts;
  s.added -= row.reported;
  for (std::size_t i = 0; i < row.observer_count; ++i) {
    s.observers[i] = shared_.observers[row.observers[i]].exporter;
  }
  s.observer_count = row.observer_count;
  s.service = row.service;
  s.direction = row.direction;
  s.rung = row.rung;
  s.client_internal = endpoints_[key.client].value.is_internal;
  s.server_internal = endpoints_[key.server].value.is_internal;
  s.provisional = !is_final;
  row.reported = row.counts;
}

}  // namespace flowlens::aggregate
