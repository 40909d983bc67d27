#include "aggregate/window.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace flowlens::aggregate {

namespace {

constexpr std::uint32_t kNone = kNoPosition;

/// Observers of one half besides the best one. Real paths have fewer; a forger of observation
/// domains is stopped here. What a further one sees counts as duplicate and is not compared.
constexpr std::size_t kMaxOtherObservers = 15;

/// Conversations noted at a time: enough that many records share the work, few enough to stay in the
/// cache.
constexpr std::size_t kMaxNoted = 2'048;

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
    : options(o),
      observers(o.max_exporters, o.hash_seed),
      tick(tick_for(o)),
      declared(o),
      memory(o),
      controls(o.max_remembered_ends / 16 + 1, o.hash_seed),
      client_ports(o.max_remembered_ends / 16 + 1, o.hash_seed),
      silence(o.max_remembered_ends / 4 + 1, o.hash_seed),
      doubtful(o.max_remembered_ends / 4 + 1, o.hash_seed),
      translations({o.max_translations, o.max_clock_skew, o.translation_lifetime, o.hash_seed}),
      translators(o.max_translations / 16 + 1, o.hash_seed),
      paired({o.max_translations, o.max_clock_skew, o.translation_lifetime, o.hash_seed}),
      likenesses(o.max_translations / 2 + 1, o.hash_seed) {}

Window::Window(Shared& shared)
    : shared_(shared),
      endpoints_(2 * shared.options.max_conversations, shared.options.hash_seed),
      conversations_(shared.options.max_conversations, shared.options.hash_seed),
      rows_(shared.options.max_conversations, shared.options.hash_seed),
      attempts_(shared.options.max_attempts, shared.options.hash_seed),
      hop_times_(shared.options.max_conversations, shared.options.hash_seed) {
  noted_.reserve(kMaxNoted);
}

void Window::begin(std::int64_t number) noexcept {
  number_ = number;
  start_ = Timestamp{std::chrono::nanoseconds{shared_.options.window} * number};
  end_ = start_ + shared_.options.window;
  base_ = start() - shared_.options.max_past - shared_.options.allowed_lateness;
}

WindowTime Window::time_of(Timestamp t) const noexcept {
  // Nearly always microseconds; a division by what the compiler knows costs a fraction.
  constexpr std::chrono::nanoseconds kMicrosecond{1'000};
  const auto ticks =
      shared_.tick == kMicrosecond ? (t - base_) / kMicrosecond : (t - base_) / shared_.tick;
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
  if (noted_.size() == kMaxNoted) settle();
  const auto [position, is_new] = conversations_.insert(key, hash);
  if (position == kNone) return;  // not reached: the caller has made room
  Conversation& c = conversations_[position].value;
  if (is_new) {
    c.service = services;
    ++shared_.conversations;
  }
  if (!c.is_noted) note(position, c);
  // One more of what is known already changes no answer, but that of first_start, which is silent with
  // a second flow.
  Observation& half = c.half[side];
  if (half.observer != share.observer || share.rate > half.rate ||
      c.answer.rung == DirectionRung::first_start || (share.bits & ~half.bits) != 0 ||
      (share.tcp_flags & ~half.tcp_flags) != 0) {
    c.is_unsure = true;
  }
  const bool fits = observe(half, share);
  half.bits |= share.bits;
  half.tcp_flags |= share.tcp_flags;
  if (!fits) ++shared_.observations_refused;
  // Until it is settled, nobody has counted it.
  if (share.counts_flow) ++shared_.ledger.duplicate;
  shared_.octets.duplicate += share.octets;
}

/// Adds the share to its observer. \return false if there is no room for one more observer.
bool Window::observe(Observation& half, const Share& share) {
  if (half.observer == share.observer) {
    accumulate(half, share);
    return true;
  }
  if (!half.seen()) {
    half = first_observation(share);
    return true;
  }
  std::size_t others = 0;
  for (std::uint32_t i = half.next; i != kNone; i = pool_[i].next, ++others) {
    if (pool_[i].observer != share.observer) continue;
    accumulate(pool_[i], share);
    return true;
  }
  if (others >= kMaxOtherObservers || pool_.size() >= shared_.options.max_conversations) {
    return false;
  }
  Observation other = first_observation(share);
  other.next = half.next;
  half.next = static_cast<std::uint32_t>(pool_.size());
  pool_.push_back(other);
  return true;
}

std::uint64_t Window::fold() {
  settle();
  go_on(kLearningSteps, SIZE_MAX);
  step_ = next_ = 0;
  note_vias(0, 1);
  note_all_attempts();
  const std::uint64_t folded = conversations_.size();
  conversations_.clear();
  pool_.clear();
  shared_.conversations -= folded;
  folded_ = folded_ || folded != 0;
  return folded;
}

void Window::report_changed(std::vector<ConnectionSummary>& out) {
  settle();
  for (const std::uint32_t row : dirty_) report(row, false, out);
  dirty_.clear();
}

void Window::clear() noexcept {
  if (!closed_) {
    shared_.conversations -= conversations_.size();
    shared_.rows -= rows_.size();
  }
  endpoints_.clear();
  conversations_.clear();
  rows_.clear();
  attempts_.clear();
  pool_.clear();
  noted_.clear();
  dirty_.clear();
  folded_ = closed_ = false;
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
  s.first = utc(row.first);
  s.last = utc(row.last);
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
  s.reasons = row.reasons;
  s.hops = row.hops;
  s.hop_count = row.hop_count;
  s.flips = row.flips;
  if (row.via != kNone) s.via = endpoints_[row.via].key;
  row.reported = row.counts;
}

}  // namespace flowlens::aggregate
