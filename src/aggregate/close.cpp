// What is decided for good when a window closes.
#include <algorithm>
#include <array>
#include <utility>

#include "aggregate/window.hpp"

namespace flowlens::aggregate {

namespace {

constexpr std::uint32_t kNone = kNoPosition;
constexpr std::uint8_t kTcp = 6;

/// A conversation that was silent so long began anew: exporters end a flow after less.
constexpr std::chrono::seconds kInactive{60};

}  // namespace

const Window::Step Window::kSteps[kAllSteps] = {
    {&Window::all_endpoints, &Window::mark_translated},
    {&Window::all_endpoints, &Window::name_endpoints},
    {&Window::all_conversations, &Window::collect_looks},
    {&Window::all_looks, &Window::compare_looks},
    {&Window::all_looks, &Window::count_twins},
    {&Window::once, &Window::conclude_translators},
    {&Window::all_endpoints, &Window::mark_parts},
    {&Window::all_conversations, &Window::collect_translated},
    {&Window::all_groups, &Window::pair_alike},
    {&Window::all_items, &Window::collect_cut},
    {&Window::all_groups, &Window::pair_cut},
    {&Window::all_items, &Window::discount_shifted},
    {&Window::once, &Window::end_pairing},
    {&Window::all_conversations, &Window::translate},
    {&Window::once, &Window::end_translation},
    {&Window::once, &Window::begin_learning},
    {&Window::all_conversations, &Window::collect_lessons},
    {&Window::all_lessons, &Window::count_lessons},
    {&Window::all_lessons, &Window::weigh_lessons},
    {&Window::all_lessons, &Window::learn_deserving_ends},
    {&Window::all_lessons, &Window::learn_other_ends},
    {&Window::all_controls, &Window::learn_controls},  // the last of kLearningSteps
    {&Window::all_conversations, &Window::note_silence},
    {&Window::all_rows, &Window::begin_deciding},
    {&Window::all_conversations, &Window::decide_for_good},
    {&Window::once, &Window::note_vias},
    {&Window::all_seen_by_many, &Window::collect_hop_times},
    {&Window::all_hop_times, &Window::order_hops},
    {&Window::all_teachers, &Window::learn_answers},
    {&Window::all_proven, &Window::redirect},
    {&Window::once, &Window::order_redirections},
    {&Window::all_doubtful, &Window::note_doubts},
    {&Window::all_rows, &Window::report_all},
    {&Window::all_attempts, &Window::report_attempts},
    {&Window::once, &Window::end_close},
};

void Window::begin_close(const Window* before, Decided& out) {
  settle();
  shared_.silence.clear();
  before_ = before;
  decided_ = &out;
  first_redirection_ = out.redirections.size();
  step_ = next_ = 0;
  // From here on others have the room of what is being closed.
  room_for_rows_ = shared_.options.max_conversations - shared_.rows;
  shared_.conversations -= conversations_.size();
  shared_.rows -= rows_.size();
}

bool Window::go_on_closing(std::size_t work) {
  go_on(kAllSteps, work);
  return step_ == kAllSteps;
}

void Window::go_on(std::size_t last_step, std::size_t work) {
  while (step_ < last_step) {
    const Step& step = kSteps[step_];
    const auto size = static_cast<std::uint32_t>((this->*step.size)());
    const auto end = static_cast<std::uint32_t>(std::min<std::size_t>(size - next_, work) + next_);
    if (next_ < end) (this->*step.go)(next_, end);
    work -= end - next_;
    next_ = end;
    if (next_ < size) return;
    next_ = 0;
    ++step_;
  }
}

void Window::end_close(std::uint32_t, std::uint32_t) {
  shared_.memory.age(number_);
  dirty_.clear();
  seen_by_many_.clear();
  hop_times_.clear();
  proven_.clear();
  teachers_.clear();
  doubtful_.clear();
  closed_ = true;
  decided_ = nullptr;
}

void Window::note_silence(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    const auto& [key, c] = conversations_[i];
    if (!is_vain(key, c)) continue;
    const std::size_t side = c.half[0].seen() ? 0 : 1;
    shared_.silence.add(key.end(side), key.protocol, endpoints_[key.end(1 - side)].key,
                        key.port(1 - side));
    if (has_ports(key.protocol) && c.service[1 - side].value == 0) {
      shared_.memory.called.count(ServiceKeyHash{}(end_of(key, 1 - side), 0));
    }
  }
}

/// A few packets to somebody who did not answer. More than a few are a stream that needs no answer.
bool Window::is_vain(const ConversationKey& key, const Conversation& c) const noexcept {
  if (key.protocol == kTcp || c.half[0].seen() == c.half[1].seen()) return false;
  const std::size_t side = c.half[0].seen() ? 0 : 1;
  const Observation& half = c.half[side];
  const std::uint64_t few_packets = half.rate == 1 ? 10 : 1;
  return half.packets <= few_packets && !endpoints_[key.end(1 - side)].value.is_group;
}

void Window::begin_deciding(std::uint32_t from, std::uint32_t to) {
  // After a fold not all conversations of a row are there; then it keeps what it says.
  for (std::uint32_t p = from; p < to && !folded_; ++p) {
    Row& row = rows_[p].value;
    row.first = Row{}.first;
    row.last = 0;
    row.observer_count = 0;
    row.rung = DirectionRung::none;
    row.direction = Direction::unknown;
  }
}

void Window::decide_for_good(std::uint32_t from, std::uint32_t to) {
  std::array<Question, kBatch>& questions = questions_;
  for (std::uint32_t first = from; first < to; first += kBatch) {
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(kBatch, to - first));
    for (std::uint32_t i = 0; i < count; ++i) {
      rows_.prefetch_at(conversations_[first + i].value.row);
      prefetch_ends(first + i);
    }
    for (std::uint32_t i = 0; i < count; ++i) look_at(first + i, questions[i]);
    for (std::uint32_t i = 0; i < count; ++i) prefetch_memory(questions[i]);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (conversations_[first + i].value.is_seen()) close_one(first + i, questions[i]);
    }
  }
}

/// Gathers all that the answer depends on, but for memory.
void Window::look_at(std::uint32_t position, Question& q) {
  auto& [key, c] = conversations_[position];
  q.asks_memory = false;
  if (!c.is_seen()) return;
  q.is_given_as_is = true;
  q.evidence = evidence(key, c);
  if (before_ != nullptr) {
    const Before then = find_before(*before_, key, c);
    if (then.conversation != nullptr) {
      q.given = given_by(c);
      q.is_given_as_is = false;
      follow_on(*before_, then, c, q.evidence);
    }
  }
  look_at_others(key, c, q.evidence);
  ask_memory(key, q);
}

void Window::close_one(std::uint32_t position, Question& q) {
  auto& [key, c] = conversations_[position];
  Answer found = answer(q);
  const bool all_discounted =
      (!c.half[0].seen() || (c.discounted & 1u)) && (!c.half[1].seen() || (c.discounted & 2u));
  if (all_discounted && found.outcome == Outcome::applied) found.outcome = Outcome::duplicate;
  if (q.is_given_as_is && found == c.answer) {
    if (found.outcome == Outcome::applied) widen(rows_[c.row].value, c);
  } else {
    if (q.is_given_as_is) q.given = given_by(c);
    place(key, c, found, rows_.hash(row_key(key, found)));
    account_for(q.given, c);
  }
  if (c.answer.outcome == Outcome::attempt) note_attempt(key, c);
  if (c.answer.outcome != Outcome::applied) return;
  rows_[c.row].value.reasons |= reasons(q.evidence, c.answer);
  if (c.half[0].next != kNone && c.half[1].next != kNone) seen_by_many_.push_back(position);
  if (has_ports(key.protocol)) note_answer(position, key, c);
}

/// What other conversations show: those of the same two ends, those of the same sender.
void Window::look_at_others(const ConversationKey& key, const Conversation& c,
                            Evidence& e) const noexcept {
  if (is_vain(key, c)) {
    const std::size_t side = c.half[0].seen() ? 0 : 1;
    e.scans[side] = shared_.silence.scans(key.end(side), key.protocol);
    e.tries[side] = has_ports(key.protocol) && c.service[0].value == 0 && c.service[1].value == 0 &&
                    !shared_.memory.called.came_again(ServiceKeyHash{}(end_of(key, 1 - side), 0));
  }
  if (!has_ports(key.protocol) || shared_.controls.empty()) return;
  if (e.port[0] < 1024 || e.port[1] < 1024) return;
  for (std::size_t side = 0; side < 2; ++side) {
    e.control_port[side] = shared_.controls.parent(endpoints_[key.end(1 - side)].key,
                                                   endpoints_[key.end(side)].key, utc(first_of(c)));
  }
}

WindowTime Window::first_of(const Conversation& c) noexcept {
  if (!c.half[0].seen()) return c.half[1].first;
  if (!c.half[1].seen()) return c.half[0].first;
  return std::min(c.half[0].first, c.half[1].first);
}

WindowTime Window::last_of(const Conversation& c) noexcept {
  return std::max(c.half[0].seen() ? c.half[0].last : 0, c.half[1].seen() ? c.half[1].last : 0);
}

/// The same conversation in the window before, if it may go on here.
Window::Before Window::find_before(const Window& before, const ConversationKey& key,
                                   const Conversation& c) const noexcept {
  if (utc(first_of(c)) >= start() + kInactive) return {};
  std::array<std::uint32_t, 2> end{};
  for (std::size_t side = 0; side < 2; ++side) {
    end[side] = before.endpoints_.find(endpoints_[key.end(side)].key);
    if (end[side] == kNone) return {};
  }
  const bool same_way = std::pair{end[0], key.low_port} <= std::pair{end[1], key.high_port};
  const ConversationKey then_key{end[same_way ? 0 : 1], end[same_way ? 1 : 0],
                                 key.port(same_way ? 0 : 1), key.port(same_way ? 1 : 0),
                                 key.protocol};
  const std::uint32_t position = before.conversations_.find(then_key);
  if (position == kNone) return {};
  return {&before.conversations_[position].value, same_way};
}

/// A conversation that was there in the window before keeps its observer, so that no two clocks count
/// the same packets on both sides of the border; and what only goes on for as long as clocks may lie
/// apart is what another clock has counted already.
void Window::follow_on(const Window& before, const Before& then, Conversation& c, Evidence& e) {
  e.continues = true;
  for (std::size_t side = 0; side < 2; ++side) {
    const Observation& was = then.conversation->half[then.same_way ? side : 1 - side];
    Observation& is = c.half[side];
    if (!was.seen() || !is.seen()) continue;
    choose_best(is, was.observer);
    if (is_tail(before, was, is)) c.discounted = (c.discounted | 1u << side) & 3u;
    e.half[side].flows = is.flows;
    e.half[side].rate = is.rate;
    e.half[side].exporter = shared_.observers[is.observer].exporter;
  }
}

/// \param then  what was counted of a half in the window before. \param now  what would be in this one.
bool Window::is_tail(const Window& before, const Observation& then,
                     const Observation& now) const noexcept {
  if (then.rate != 1) return false;
  const Timestamp until = before.utc(then.last) + shared_.options.max_clock_skew;
  if (now.observer == then.observer || utc(now.last) > until) return false;
  for (std::uint32_t i = now.next; i != kNone; i = pool_[i].next) {
    if (pool_[i].observer == then.observer || utc(pool_[i].last) > until) return false;
  }
  return true;
}

/// An observer near the client sees the request early and the answer late, one near the server the
/// other way round. The difference of the two is free of the observer's clock.
void Window::collect_hop_times(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    const Conversation& c = conversations_[seen_by_many_[i]].value;
    if (c.answer.outcome == Outcome::applied) add_hop_times(c);
  }
}

void Window::order_hops(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    const auto& [position, times] = hop_times_[i];
    Row& row = rows_[position].value;
    std::array<std::int64_t, kMaxObservers> means{};  // of those in row.hops
    row.hop_count = 0;
    for (std::uint8_t observer = 0; observer < kMaxObservers; ++observer) {
      if (times.count[observer] == 0) continue;
      const std::int64_t mean = times.ticks[observer] / times.count[observer];
      std::size_t at = row.hop_count++;
      for (; at > 0 && means[at - 1] > mean; --at) {
        means[at] = means[at - 1];
        row.hops[at] = row.hops[at - 1];
      }
      means[at] = mean;
      row.hops[at] = observer;
    }
    // Those that time does not tell apart have no order.
    for (std::size_t n = 1; n < row.hop_count; ++n) {
      if (means[n] == means[n - 1]) row.hop_count = 0;
    }
  }
}

void Window::add_hop_times(const Conversation& c) {
  const Row& row = rows_[c.row].value;
  const auto first_by = [this](const Observation& half, const IpAddress& exporter) {
    WindowTime first = 0xffff'ffffu;
    const auto look = [&](const Observation& o) {
      if (shared_.observers[o.observer].exporter == exporter) first = std::min(first, o.first);
    };
    look(half);
    for (std::uint32_t i = half.next; i != kNone; i = pool_[i].next) look(pool_[i]);
    return first;
  };
  HopTimes found;
  std::size_t count = 0;
  for (std::size_t n = 0; n < row.observer_count; ++n) {
    const IpAddress& exporter = shared_.observers[row.observers[n]].exporter;
    const WindowTime asked = first_by(c.half[c.answer.client_side], exporter);
    const WindowTime answered = first_by(c.half[1 - c.answer.client_side], exporter);
    if (asked == 0xffff'ffffu || answered == 0xffff'ffffu) continue;
    found.ticks[n] = static_cast<std::int64_t>(asked) - answered;
    found.count[n] = 1;
    ++count;
  }
  if (count < 2) return;
  const std::uint32_t position = hop_times_.insert(c.row).first;
  HopTimes& times = hop_times_[position].value;
  for (std::size_t n = 0; n < kMaxObservers; ++n) {
    times.ticks[n] += found.ticks[n];
    times.count[n] += found.count[n];
  }
}

void Window::report_all(std::uint32_t from, std::uint32_t to) {
  if (from == 0) decided_->rows.reserve(decided_->rows.size() + rows_.size());
  for (std::uint32_t row = from; row < to; ++row) report(row, true, decided_->rows);
}

}  // namespace flowlens::aggregate
