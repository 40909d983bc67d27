// What the records of conversations mean, as far as is known: best observer, direction, row.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "aggregate/window.hpp"

namespace flowlens::aggregate {

namespace {

constexpr std::uint32_t kNone = kNoPosition;

/// What a conversation gives to its row.
TrafficCounts contribution(const Conversation& c) noexcept {
  TrafficCounts counts;
  const std::size_t client = c.answer.client_side;
  if (!(c.discounted & 1u << client)) {
    const Observation& up = c.half[client];
    counts.flows += up.flows;
    counts.octets_to_server = up.octets;
    counts.packets_to_server = up.packets;
    counts.estimated_octets_to_server = up.estimated_octets;
  }
  if (!(c.discounted & 1u << (1 - client))) {
    const Observation& down = c.half[1 - client];
    counts.flows += down.flows;
    counts.octets_to_client = down.octets;
    counts.packets_to_client = down.packets;
    counts.estimated_octets_to_client = down.estimated_octets;
  }
  return counts;
}

/// Where flows or octets of an outcome are counted.
template <typename Ledger>
std::uint64_t& account(Ledger& ledger, Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::applied:
      return ledger.applied;
    case Outcome::attempt:
      return ledger.attempt;
    case Outcome::dropped:
      return ledger.dropped[static_cast<std::size_t>(FlowDropReason::table_full)];
    case Outcome::none:
    case Outcome::duplicate:
      break;
  }
  return ledger.duplicate;
}

}  // namespace

Window::Given Window::given_by(const Conversation& c) noexcept {
  if (c.answer.outcome == Outcome::none) return {};
  return {contribution(c), c.row, c.answer.outcome};
}

void Window::note(std::uint32_t position, Conversation& c) {
  c.is_noted = true;
  Noted& noted = noted_.emplace_back();
  noted.conversation = position;
  if (c.answer.outcome == Outcome::none) return;
  noted.given = static_cast<std::uint32_t>(given_.size());
  given_.push_back(given_by(c));
}

void Window::settle() {
  const std::span<const Noted> all{noted_};
  for (std::size_t i = 0; i < all.size(); i += kBatch) {
    for (const Noted& n : all.subspan(i).first(std::min(3 * kBatch, all.size() - i))) {
      conversations_.prefetch_at(n.conversation);
    }
    settle(all.subspan(i, std::min(kBatch, all.size() - i)));
  }
  noted_.clear();
  given_.clear();
}

/// Step by step, so that memory is on its way while others are looked at.
void Window::settle(std::span<const Noted> noted) {
  const std::span<Question> questions = std::span{questions_}.first(noted.size());
  std::array<Answer, kBatch> answers;
  std::array<std::uint64_t, kBatch> row_hashes;
  for (const Noted& n : noted) prefetch_ends(n.conversation);
  for (std::size_t i = 0; i < noted.size(); ++i) {
    auto& [key, c] = conversations_[noted[i].conversation];
    for (Observation& half : c.half) {
      if (half.next != kNone) choose_best(half, kNoObserver);
    }
    questions[i].asks_memory = false;
    if (!c.is_unsure) continue;
    questions[i].evidence = evidence(key, c);
    ask_memory(key, questions[i]);
  }
  for (const Question& q : questions) prefetch_memory(q);
  for (std::size_t i = 0; i < noted.size(); ++i) {
    const auto& [key, c] = conversations_[noted[i].conversation];
    answers[i] = c.is_unsure ? answer(questions[i]) : c.answer;
    row_hashes[i] = rows_.hash(row_key(key, answers[i]));
    rows_.prefetch_slot(row_hashes[i]);
    if (c.row != kNone) rows_.prefetch_at(c.row);
  }
  for (std::size_t i = 0; i < noted.size(); ++i) rows_.prefetch_entry(row_hashes[i]);
  for (std::size_t i = 0; i < noted.size(); ++i) {
    auto& [key, c] = conversations_[noted[i].conversation];
    if (c.is_unsure) place(key, c, answers[i], row_hashes[i]);
    c.is_noted = c.is_unsure = false;
    account_for(noted[i].given == kNone ? Given{} : given_[noted[i].given], c);
  }
}

void Window::prefetch_ends(std::uint32_t conversation) const noexcept {
  const ConversationKey& key = conversations_[conversation].key;
  endpoints_.prefetch_at(key.low);
  endpoints_.prefetch_at(key.high);
}

/// If what is remembered may change the answer, works out where it lies, and has it come.
void Window::ask_memory(const ConversationKey& key, Question& q) const noexcept {
  q.asks_memory = needs_memory(q.evidence);
  if (!q.asks_memory) return;
  q.ends = ends_of(key);
  for (const std::uint64_t hash : q.ends.hash) shared_.memory.prefetch_slot(hash);
}

void Window::prefetch_memory(const Question& q) const noexcept {
  if (!q.asks_memory) return;
  for (const std::uint64_t hash : q.ends.hash) shared_.memory.prefetch_entry(hash);
}

Answer Window::answer(Question& q) const noexcept {
  if (q.asks_memory) recall(q.ends, q.evidence);
  return decide(q.evidence);
}

/// Takes back what the conversation had given, and gives what it is now.
void Window::account_for(const Given& given, const Conversation& c) {
  const TrafficCounts gives = contribution(c);
  const auto octets = [](const TrafficCounts& t) {
    return t.octets_to_server + t.octets_to_client;
  };
  FlowLedger& ledger = decided_ ? decided_->ledger : shared_.ledger;
  FlowOctetLedger& octet_ledger = decided_ ? decided_->octets : shared_.octets;
  ledger.duplicate -= gives.flows;
  octet_ledger.duplicate -= octets(gives);
  account(ledger, c.answer.outcome) += gives.flows;
  account(octet_ledger, c.answer.outcome) += octets(gives);
  if (c.answer.outcome == Outcome::applied) {
    rows_[c.row].value.counts += gives;
    widen(rows_[c.row].value, c);
    touch(c.row);
  }
  if (given.outcome != Outcome::none) take_back(given, c);
}

void Window::take_back(const Given& given, const Conversation& c) {
  const std::uint64_t octets = given.counts.octets_to_server + given.counts.octets_to_client;
  FlowLedger& ledger = decided_ ? decided_->ledger : shared_.ledger;
  FlowOctetLedger& octet_ledger = decided_ ? decided_->octets : shared_.octets;
  account(ledger, given.outcome) -= given.counts.flows;
  account(octet_ledger, given.outcome) -= octets;
  ledger.duplicate += given.counts.flows;
  octet_ledger.duplicate += octets;
  if (given.outcome != Outcome::applied) return;
  Row& row = rows_[given.row].value;
  row.counts -= given.counts;
  touch(given.row);
  // What else the row says cannot be taken back one by one; at the close it is said anew.
  if (given.row == c.row || !row.counts.is_zero()) return;
  Row empty;
  empty.reported = row.reported;
  empty.service = row.service;
  empty.dirty = row.dirty;
  row = empty;
}

/// Puts the best observation of the half first.
void Window::choose_best(Observation& half, ObserverIndex preferred) {
  std::uint32_t best = kNone;
  for (std::uint32_t i = half.next; i != kNone; i = pool_[i].next) {
    if (better(pool_[i], best == kNone ? half : pool_[best], preferred)) best = i;
  }
  if (best == kNone) return;
  Observation& from = pool_[best];
  std::swap(half, from);
  std::swap(half.next, from.next);
  std::swap(half.bits, from.bits);
  std::swap(half.tcp_flags, from.tcp_flags);
}

/// Unsampled, then the lowest rate, then who was it before, then the most packets; ties by address, so
/// that no order of arrival decides.
bool Window::better(const Observation& a, const Observation& b,
                    ObserverIndex preferred) const noexcept {
  if (a.rate != b.rate) return a.rate < b.rate;
  if ((a.observer == preferred) != (b.observer == preferred)) return a.observer == preferred;
  if (a.packets != b.packets) return a.packets > b.packets;
  return shared_.observers[a.observer] < shared_.observers[b.observer];
}

Window::Ends Window::ends_of(const ConversationKey& key) const noexcept {
  Ends ends;
  for (std::size_t side = 0; side < 2; ++side) {
    ends.key[side] = end_of(key, side);
    ends.hash[side] = shared_.memory.hash(ends.key[side]);
  }
  return ends;
}

/// What the conversation itself shows, and what people say of its ends.
Evidence Window::evidence(const ConversationKey& key, const Conversation& c) const noexcept {
  Evidence e;
  for (std::size_t side = 0; side < 2; ++side) {
    const auto& [endpoint, state] = endpoints_[key.end(side)];
    e.group[side] = state.is_group;
    e.port[side] = key.port(side);
    e.known_service[side] = c.service[side].value != 0;
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
  e.protocol = key.protocol;
  if (!has_ports(key.protocol) || shared_.declared.empty()) return e;
  for (std::size_t side = 0; side < 2; ++side) {
    const ServiceKey end = end_of(key, side);
    e.declared[side] = shared_.declared.declared(end);
    e.listed[side] = shared_.declared.listed(end, start());
  }
  return e;
}

/// What is remembered of the ends, and which is lower.
void Window::recall(const Ends& ends, Evidence& e) const noexcept {
  e.lower_side = ends.key[0].endpoint < ends.key[1].endpoint ? 0 : 1;
  if (!has_ports(e.protocol)) return;
  for (std::size_t side = 0; side < 2; ++side) {
    const ServiceKey& end = ends.key[side];
    if (end.port == 0) continue;
    e.past[side] = shared_.memory.past(end, ends.hash[side]);
    e.dynamic_port[side] = shared_.client_ports.contains(end.endpoint, end.port);
  }
}

RowKey Window::row_key(const ConversationKey& key, const Answer& answer) noexcept {
  const std::size_t client = answer.client_side;
  return {key.end(client), key.end(1 - client), answer.port, key.protocol};
}

/// Takes over `answer` and finds the row that goes with it.
/// \param row_hash  of the row that goes with the answer.
void Window::place(const ConversationKey& key, Conversation& c, const Answer& answer,
                   std::uint64_t row_hash) {
  if (c.answer.client_side != answer.client_side || c.answer.port != answer.port) c.row = kNone;
  c.answer = answer;
  if (answer.outcome != Outcome::applied) return;
  if (c.row == kNone) {
    const RowKey row = row_key(key, answer);
    c.row = rows_.find(row, row_hash);
    if (c.row == kNone) c.row = add_row(row, row_hash, key, c);
  }
  if (c.row == kNone) c.answer.outcome = Outcome::dropped;
}

std::uint32_t Window::add_row(const RowKey& row, std::uint64_t hash, const ConversationKey& key,
                              const Conversation& c) {
  if (!take_room_for_row()) return kNone;
  const std::uint32_t position = rows_.insert(row, hash).first;
  const std::size_t server = 1u - c.answer.client_side;
  if (row.port == key.port(server)) {
    rows_[position].value.service = c.service[server];
  } else if (row.port != 0) {
    rows_[position].value.service = find_service(key.protocol, row.port);
  }
  return position;
}

/// \return whether there may be one more. While the window closes others do not take its room.
bool Window::take_room_for_row() noexcept {
  if (decided_ != nullptr) {
    if (room_for_rows_ == 0) return false;
    --room_for_rows_;
    return true;
  }
  if (shared_.rows >= shared_.options.max_conversations) return false;
  ++shared_.rows;
  return true;
}

/// Widens what a row says of its conversations by this one.
void Window::widen(Row& row, const Conversation& c) {
  for (std::size_t side = 0; side < 2; ++side) {
    const Observation& half = c.half[side];
    if (!half.seen() || (c.discounted & 1u << side)) continue;
    row.first = std::min(row.first, half.first);
    row.last = std::max(row.last, half.last);
    add_observer(row, half.observer);
    for (std::uint32_t i = half.next; i != kNone; i = pool_[i].next) {
      add_observer(row, pool_[i].observer);
    }
  }
  if (std::pair{c.answer.rung, c.answer.direction} < std::pair{row.rung, row.direction}) {
    row.rung = c.answer.rung;
    row.direction = c.answer.direction;
  }
}

/// Keeps the exporters with the lowest addresses, ascending, each once.
void Window::add_observer(Row& row, ObserverIndex observer) const noexcept {
  for (std::size_t i = 0; i < row.observer_count; ++i) {
    if (row.observers[i] == observer) return;
  }
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

void Window::touch(std::uint32_t row) {
  if (rows_[row].value.dirty) return;
  rows_[row].value.dirty = true;
  dirty_.push_back(row);
}

}  // namespace flowlens::aggregate
