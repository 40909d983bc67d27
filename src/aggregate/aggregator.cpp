#include "flowlens/aggregator.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "aggregate/spread.hpp"
#include "aggregate/window.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace aggregate {

namespace {

constexpr std::uint8_t kIcmp = 1, kIgmp = 2, kTcp = 6, kUdp = 17, kIcmpV6 = 58;

void check_length(std::chrono::seconds length, const char* name) {
  if (length.count() > 0) return;
  throw ConfigError("AggregatorOptions::" + std::string(name) + " is " +
                    std::to_string(length.count()) + " s; it must be at least 1 s");
}
void check_limit(std::size_t limit, const char* name) {
  if (limit > 0) return;
  throw ConfigError("AggregatorOptions::" + std::string(name) + " is 0; it must be at least 1");
}

const AggregatorOptions& checked(const AggregatorOptions& o) {
  check_length(o.window, "window");
  check_length(o.allowed_lateness, "allowed_lateness");
  check_length(o.max_past, "max_past");
  check_length(o.max_future, "max_future");
  check_limit(o.max_conversations, "max_conversations");
  check_limit(o.max_exporters, "max_exporters");
  check_length(o.memory_half_life, "memory_half_life");
  check_limit(o.max_remembered_ends, "max_remembered_ends");
  check_limit(o.max_listeners, "max_listeners");
  check_limit(o.max_translations, "max_translations");
  check_length(o.translation_lifetime, "translation_lifetime");
  check_limit(o.max_attempts, "max_attempts");
  return o;
}

/// What a flow is to the map, before anything is looked up.
enum class Treatment : std::uint8_t { conversation, attempt, control, incomplete };

struct Ports {
  Treatment treatment = Treatment::conversation;
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
};

/// Echo is a dependency on being reachable; all other ICMP is about other traffic.
Ports echo_ports(const FlowRecord& flow) noexcept {
  // NetFlow v5 and many v9 exporters put type and code into the destination port.
  const bool has_type = flow.has(FlowField::icmp_type_code);
  if (!has_type && !flow.has(FlowField::destination_port)) return {Treatment::control};
  const unsigned type = (has_type ? flow.icmp_type_code : flow.destination_port) >> 8;
  const bool is_v6 = flow.protocol == kIcmpV6;
  if (type == (is_v6 ? 128u : 8u)) return {Treatment::conversation, kEchoClientPort, 0};
  if (type == (is_v6 ? 129u : 0u)) return {Treatment::conversation, 0, kEchoClientPort};
  return {Treatment::control};
}

Ports ports_of(const FlowRecord& flow) noexcept {
  if (flow.protocol == kIcmp || flow.protocol == kIcmpV6) return echo_ports(flow);
  if (flow.protocol == kIgmp || flow.is_fragment_tail) return {Treatment::control};
  if (!has_ports(flow.protocol)) return {};
  // Routers export fragments without a transport header with both ports 0, which no service uses.
  const bool no_ports = flow.source_port == 0 && flow.destination_port == 0;
  if (no_ports && flow.has(FlowField::source_port) && flow.has(FlowField::destination_port) &&
      (flow.protocol == kTcp || flow.protocol == kUdp)) {
    return {Treatment::control};
  }
  return {Treatment::conversation, flow.source_port, flow.destination_port};
}

Ports classify(const FlowRecord& flow) noexcept {
  if (!flow.has(FlowField::source_address) || !flow.has(FlowField::destination_address) ||
      !flow.has(FlowField::protocol)) {
    return {Treatment::incomplete};
  }
  Ports ports = ports_of(flow);
  if (flow.kind == FlowKind::denied) ports.treatment = Treatment::attempt;
  return ports;
}

std::uint8_t bits_of(const FlowRecord& flow) noexcept {
  unsigned bits = 0;
  if (flow.initiator == Initiator::source) bits |= kSourceBegan;
  if (flow.initiator == Initiator::destination) bits |= kDestinationBegan;
  if (flow.protocol != kTcp) return static_cast<std::uint8_t>(bits);
  if (!flow.has(FlowField::tcp_flags)) return static_cast<std::uint8_t>(bits | kFlagsMissing);
  const bool acknowledges = (flow.tcp_flags & kTcpAck) != 0;
  // A refusal acknowledges, too.
  const bool refuses = (flow.tcp_flags & (kTcpRst | kTcpSyn)) == kTcpRst && flow.packet_count <= 1;
  if (acknowledges && !refuses) bits |= kEstablished;
  if (!(flow.tcp_flags & kTcpSyn)) return static_cast<std::uint8_t>(bits);
  // The flags of a record of one packet are that packet's, sampled or not.
  const bool one_packet = flow.kind == FlowKind::sampled_packet || flow.packet_count == 1;
  // Congestion control sets two more bits in a SYN (RFC 3168 §6.1.1); anything else is no way to begin.
  const unsigned plain = flow.tcp_flags & 0x3fu;
  if (plain == kTcpSyn || plain == (kTcpSyn | kTcpRst)) bits |= kSynRecord;
  if (one_packet) bits |= acknowledges ? kSynAckPacket : kSynPacket;
  return static_cast<std::uint8_t>(bits);
}

/// A share on its way into its window.
struct Pending {
  Window* window = nullptr;
  Endpoint source;
  Endpoint destination;
  std::uint64_t source_hash = 0;
  std::uint64_t destination_hash = 0;
  std::uint64_t conversation_hash = 0;
  ConversationKey key;
  Share share;
  Ports ports;
  std::array<ServiceId, 2> services;  ///< of the source and destination port; then by side
  bool source_internal = false;
  bool destination_internal = false;
  bool fits = true;
  std::uint8_t side = 0;  ///< the source's
};

}  // namespace

}  // namespace aggregate

using namespace aggregate;

struct Aggregator::Impl {
  explicit Impl(const AggregatorOptions& o) : shared(checked(o)) {}

  static constexpr std::size_t kBatch = 32;

  Shared shared;
  AggregatorCounters counters;
  std::vector<std::unique_ptr<Window>> open;   ///< ascending
  std::vector<std::unique_ptr<Window>> spare;  ///< their memory is warm
  std::unique_ptr<Window> closing;             ///< decided in parts
  Decided being_decided;                       ///< of it
  Decided decided;                             ///< of windows closed since the last flush
  std::unique_ptr<Window> closed;  ///< last; what goes on in the next is looked up there
  Timestamp due =
      Timestamp::min();  ///< what open windows before it say was told, so they may close
  Timestamp watermark = Timestamp::min();
  std::int64_t oldest_open = INT64_MIN;  ///< number of the window that holds the watermark
  Window* recent = nullptr;              ///< where the flow before went, while it is open
  std::array<Pending, kBatch> pending;
  std::size_t pending_count = 0;

  [[nodiscard]] std::int64_t number_of(Timestamp t) const noexcept {
    const std::int64_t length = std::chrono::nanoseconds{shared.options.window}.count();
    const std::int64_t ns = to_unix_ns(t);
    return ns >= 0 ? ns / length : -((length - 1 - ns) / length);
  }

  Window& window(std::int64_t number) {
    std::size_t at = open.size();
    while (at > 0 && open[at - 1]->number() > number) --at;
    if (at > 0 && open[at - 1]->number() == number) return *open[at - 1];
    std::unique_ptr<Window> made;
    if (spare.empty()) {
      made = std::make_unique<Window>(shared);
    } else {
      made = std::move(spare.back());
      spare.pop_back();
    }
    made->begin(number);
    return **open.insert(open.begin() + static_cast<std::ptrdiff_t>(at), std::move(made));
  }

  void advance(Timestamp now) noexcept { move_watermark(now - shared.options.allowed_lateness); }

  void move_watermark(Timestamp to) noexcept {
    if (to <= watermark) return;
    watermark = to;
    oldest_open = number_of(to);
  }

  void add(const FlowRecord& flow, const FlowLabels& labels) {
    ++shared.ledger.normalized;
    shared.octets.received += flow.octet_count;
    const Ports ports = classify(flow);
    switch (ports.treatment) {
      case Treatment::attempt:
        ++shared.ledger.attempt;
        shared.octets.attempt += flow.octet_count;
        note_denied(flow, labels, ports);
        return;
      case Treatment::control:
        ++shared.ledger.control;
        shared.octets.control += flow.octet_count;
        return;
      case Treatment::incomplete:
        ++shared.ledger.dropped[static_cast<std::size_t>(FlowDropReason::incomplete)];
        shared.octets.dropped[static_cast<std::size_t>(FlowDropReason::incomplete)] +=
            flow.octet_count;
        return;
      case Treatment::conversation:
        break;
    }
    Pending p;
    p.source = {labels.source_site, flow.source_address};
    p.destination = {labels.destination_site, flow.destination_address};
    p.source_internal = labels.source_internal;
    p.destination_internal = labels.destination_internal;
    p.ports = ports;
    if (has_ports(flow.protocol)) p.services = {labels.source_service, labels.destination_service};
    p.key.protocol = flow.protocol;
    p.share.rate = flow.sampling_rate;
    p.share.observer = shared.observers.index_of(flow);
    if (flow.protocol == kTcp && flow.has(FlowField::tcp_flags)) p.share.tcp_flags = flow.tcp_flags;
    p.share.bits = bits_of(flow);
    spread(flow, p);
  }

  /// What a firewall kept off is part of no conversation.
  void note_denied(const FlowRecord& flow, const FlowLabels& labels, const Ports& ports) {
    if (!labels.source_internal || !labels.destination_internal) return;
    Window& w = window(std::max(number_of(plausible(flow.end, flow)), oldest_open));
    const auto position = [&w](const Endpoint& endpoint) {
      return w.add_endpoint(endpoint, w.endpoints().hash(endpoint), true);
    };
    Window::Call call;
    call.caller = position({labels.source_site, flow.source_address});
    call.called = position({labels.destination_site, flow.destination_address});
    if (call.caller == kNoPosition || call.called == kNoPosition) return;
    call.caller_port = ports.source;
    call.called_port = ports.destination;
    call.protocol = flow.protocol;
    call.is_from_service = has_ports(flow.protocol) && labels.source_service.value != 0;
    call.is_sure = flow.protocol == kTcp && flow.has(FlowField::tcp_flags) &&
                   (flow.tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn;
    w.note_attempt(call);
  }

  [[nodiscard]] Timestamp plausible(Timestamp t, const FlowRecord& flow) const noexcept {
    return std::clamp(t, flow.received - shared.options.max_past,
                      flow.received + shared.options.max_future);
  }

  /// Divides the flow over its windows; what falls into closed ones goes to the oldest open one.
  void spread(const FlowRecord& flow, Pending& p) {
    const Timestamp start = plausible(flow.start, flow);
    const Timestamp end = plausible(std::max(flow.end, flow.start), flow);
    if (start != flow.start || end != flow.end) ++counters.times_clamped;

    if (recent != nullptr && recent->number() >= oldest_open && start >= recent->start() &&
        start < recent->end() && end <= recent->end()) {
      push_whole(flow, p, start, end);
      return;
    }
    // Of a flow that lasts until a window ends, nothing lies in the next.
    const std::int64_t first = number_of(start);
    const std::int64_t last = number_of(end > start ? end - std::chrono::nanoseconds{1} : end);
    const std::int64_t from = std::max(first, oldest_open), to = std::max(last, oldest_open);
    Spread octets{flow.octet_count, start, end}, packets{flow.packet_count, start, end};
    if (first < oldest_open) count_late(flow, octets);

    for (std::int64_t number = from; number <= to; ++number) {
      Window& w = window(number);
      recent = p.window = &w;
      p.share.octets = number == to ? octets.rest() : octets.until(w.end());
      p.share.packets = number == to ? packets.rest() : packets.until(w.end());
      p.share.counts_flow = number == to;
      if (!p.share.counts_flow && p.share.octets == 0 && p.share.packets == 0) continue;
      p.share.first = w.time_of(number == from ? start : w.start());
      p.share.last = w.time_of(number == to ? end : w.end());
      push(p);
    }
  }

  void push_whole(const FlowRecord& flow, Pending& p, Timestamp start, Timestamp end) {
    p.window = recent;
    p.share.octets = flow.octet_count;
    p.share.packets = flow.packet_count;
    p.share.counts_flow = true;
    p.share.first = recent->time_of(start);
    p.share.last = recent->time_of(end);
    push(p);
  }

  void count_late(const FlowRecord& flow, const Spread& octets) noexcept {
    ++shared.ledger.late_carried;
    const Timestamp open_since{std::chrono::nanoseconds{shared.options.window} * oldest_open};
    counters.octets_late += octets.before(open_since) * flow.sampling_rate;
  }

  void push(const Pending& p) {
    Pending& to = pending[pending_count++];
    to = p;
    to.source_hash = to.window->endpoints().hash(to.source);
    to.destination_hash = to.window->endpoints().hash(to.destination);
    to.window->endpoints().prefetch_slot(to.source_hash);
    to.window->endpoints().prefetch_slot(to.destination_hash);
    if (pending_count == kBatch) process();
  }

  /// Takes the pending shares through the tables step by step, so that memory is on its way while
  /// others are looked at.
  void process() {
    const std::span<Pending> batch{pending.data(), pending_count};
    pending_count = 0;
    for (const Pending& p : batch) {
      p.window->endpoints().prefetch_entry(p.source_hash);
      p.window->endpoints().prefetch_entry(p.destination_hash);
    }
    for (Pending& p : batch) find_ends(p);
    for (const Pending& p : batch) {
      p.window->conversations().prefetch_entry(p.conversation_hash);
    }
    for (Pending& p : batch) finish(p);
  }

  static void find_ends(Pending& p) {
    const std::uint32_t source = p.window->add_endpoint(p.source, p.source_hash, p.source_internal);
    const std::uint32_t destination =
        p.window->add_endpoint(p.destination, p.destination_hash, p.destination_internal);
    p.fits = source != kNoPosition && destination != kNoPosition;
    if (!p.fits) return;
    const bool source_is_low =
        std::pair{source, p.ports.source} <= std::pair{destination, p.ports.destination};
    p.side = source_is_low ? 0 : 1;
    p.key.low = source_is_low ? source : destination;
    p.key.high = source_is_low ? destination : source;
    p.key.low_port = source_is_low ? p.ports.source : p.ports.destination;
    p.key.high_port = source_is_low ? p.ports.destination : p.ports.source;
    if (!source_is_low) std::swap(p.services[0], p.services[1]);
    p.conversation_hash = p.window->conversations().hash(p.key);
    p.window->conversations().prefetch_slot(p.conversation_hash);
  }

  void finish(const Pending& p) {
    if (!p.fits) {
      constexpr auto kFull = static_cast<std::size_t>(FlowDropReason::table_full);
      shared.octets.dropped[kFull] += p.share.octets;
      if (p.share.counts_flow) ++shared.ledger.dropped[kFull];
      return;
    }
    if (shared.conversations >= shared.options.max_conversations &&
        p.window->conversations().find(p.key, p.conversation_hash) == kNoPosition) {
      make_room();
    }
    p.window->add(p.key, p.conversation_hash, p.side, p.share, p.services);
  }

  void make_room() {
    // What is folded adds to the memory that what closes decides by.
    while (go_on_closing(SIZE_MAX)) {
    }
    if (shared.conversations < shared.options.max_conversations) return;
    for (const auto& w : open) {
      const std::uint64_t folded = w->fold();
      counters.folded_early += folded;
      if (folded != 0) return;
    }
  }

  /// \return whether there is more to do.
  bool go_on_closing(std::size_t work) {
    if (!closing && !begin_closing()) return false;
    if (closing->go_on_closing(work)) end_closing();
    return closing || is_one_due();
  }

  [[nodiscard]] bool is_one_due() const noexcept {
    return !open.empty() && open.front()->end() <= due;
  }

  bool begin_closing() {
    if (!is_one_due()) return false;
    recent = nullptr;
    closing = std::move(open.front());
    open.erase(open.begin());
    const bool follows = closed && closed->number() + 1 == closing->number();
    closing->begin_close(follows ? closed.get() : nullptr, being_decided);
    return true;
  }

  void end_closing() {
    for (Redirection& r : being_decided.redirections) r.before_row += decided.rows.size();
    append(decided.rows, being_decided.rows);
    append(decided.redirections, being_decided.redirections);
    append(decided.attempts, being_decided.attempts);
    decided.ledger += being_decided.ledger;
    decided.octets += being_decided.octets;
    being_decided.ledger = {};
    being_decided.octets = {};
    if (closed) {
      closed->clear();
      spare.push_back(std::move(closed));
    }
    closed = std::move(closing);
    ++counters.windows_closed;
  }

  /// Moves all of `from` behind `to`; memory changes hands where it can.
  template <typename T>
  static void append(std::vector<T>& to, std::vector<T>& from) {
    if (to.empty()) {
      to.swap(from);
    } else {
      to.insert(to.end(), from.begin(), from.end());
    }
    from.clear();
  }

  /// Appends what closed windows have said since the last time.
  void tell_decided(std::vector<ConnectionSummary>& out, std::vector<Redirection>* redirections,
                    std::vector<Attempt>* attempts) {
    shared.ledger += decided.ledger;
    shared.octets += decided.octets;
    decided.ledger = {};
    decided.octets = {};
    for (Redirection& r : decided.redirections) r.before_row += out.size();
    if (redirections != nullptr) append(*redirections, decided.redirections);
    decided.redirections.clear();
    if (attempts != nullptr) append(*attempts, decided.attempts);
    decided.attempts.clear();
    append(out, decided.rows);
  }

  void close_all_due(std::vector<ConnectionSummary>& out, std::vector<Redirection>* redirections,
                     std::vector<Attempt>* attempts) {
    due = watermark;
    while (go_on_closing(SIZE_MAX)) {
    }
    tell_decided(out, redirections, attempts);
  }

  void settle() const {
    for (const auto& w : open) w->settle();
  }
};

Aggregator::Aggregator(const AggregatorOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Aggregator::~Aggregator() = default;
Aggregator::Aggregator(Aggregator&&) noexcept = default;
Aggregator& Aggregator::operator=(Aggregator&&) noexcept = default;

void Aggregator::add(std::span<const FlowRecord> flows, std::span<const FlowLabels> labels,
                     Timestamp now) {
  impl_->advance(now);
  for (std::size_t i = 0; i < flows.size(); ++i) impl_->add(flows[i], labels[i]);
  impl_->process();
}

void Aggregator::count_sampled_out(std::uint64_t flows) noexcept {
  impl_->shared.ledger.normalized += flows;
  impl_->shared.ledger.sampled_out += flows;
}

void Aggregator::count_dropped(FlowDropReason why, std::uint64_t flows) noexcept {
  impl_->shared.ledger.normalized += flows;
  impl_->shared.ledger.dropped[static_cast<std::size_t>(why)] += flows;
}

void Aggregator::flush(Timestamp now, std::vector<ConnectionSummary>& out,
                       std::vector<Redirection>* redirections, std::vector<Attempt>* attempts) {
  impl_->advance(now);
  impl_->close_all_due(out, redirections, attempts);
  for (const auto& w : impl_->open) w->report_changed(out);
}

void Aggregator::flush_in_parts(Timestamp now, std::vector<ConnectionSummary>& out,
                                std::vector<Redirection>* redirections,
                                std::vector<Attempt>* attempts) {
  impl_->advance(now);
  impl_->tell_decided(out, redirections, attempts);
  for (const auto& w : impl_->open) w->report_changed(out);
  impl_->due = impl_->watermark;
}

bool Aggregator::go_on_closing(std::size_t work) { return impl_->go_on_closing(work); }

void Aggregator::finish(std::vector<ConnectionSummary>& out, std::vector<Redirection>* redirections,
                        std::vector<Attempt>* attempts) {
  if (!impl_->open.empty()) impl_->move_watermark(impl_->open.back()->end());
  impl_->close_all_due(out, redirections, attempts);
}

TranslationTable& Aggregator::translations() noexcept { return impl_->shared.translations; }

bool Aggregator::list(const Listener& listener) {
  // What closes decides by what was known when it began.
  while (impl_->go_on_closing(SIZE_MAX)) {
  }
  return impl_->shared.declared.list(listener);
}

const FlowLedger& Aggregator::ledger() const noexcept {
  impl_->settle();
  return impl_->shared.ledger;
}

const FlowOctetLedger& Aggregator::octets() const noexcept {
  impl_->settle();
  return impl_->shared.octets;
}

AggregatorCounters Aggregator::counters() const noexcept {
  AggregatorCounters counters = impl_->counters;
  counters.conversations = impl_->shared.conversations;
  counters.observations_refused = impl_->shared.observations_refused;
  counters.remembered_ends = impl_->shared.memory.size();
  counters.forgotten_ends = impl_->shared.memory.evicted();
  counters.redirections = impl_->shared.redirections;
  counters.translations = impl_->shared.translations.counters();
  counters.translator_pairs = impl_->shared.translators.believed();
  counters.translator_pairs_refused = impl_->shared.translators.refused();
  counters.attempts_refused = impl_->shared.attempts_refused;
  counters.translator_comparisons_refused = impl_->shared.comparisons_refused;
  return counters;
}

Timestamp Aggregator::watermark() const noexcept { return impl_->watermark; }

}  // namespace flowlens
