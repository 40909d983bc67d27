// What the next windows will know of this one.
#include <algorithm>
#include <tuple>

#include "aggregate/window.hpp"

namespace flowlens::aggregate {

namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::size_t kAhead = 8;  ///< things whose memory is asked for ahead

std::uint32_t word_of(const Endpoint& peer) noexcept {
  return static_cast<std::uint32_t>(base::hash_of(peer, 0) >> 32);
}

/// Whether the conversation's own evidence decided.
bool is_sure(const Answer& answer) noexcept {
  return is_conclusive(answer) && answer.direction == Direction::client_server;
}

}  // namespace

/// Whether there was an answer (D16): both ends spoke, or what the one sent shows that the other has.
/// Where one packet in many is seen, silence shows nothing.
bool Window::teaches(const ConversationKey& key, const Conversation& c) const noexcept {
  if (!has_ports(key.protocol) || key.low_port == 0 || key.high_port == 0) return false;
  if (key.low_port == key.high_port || !c.is_seen()) return false;
  if (endpoints_[key.low].value.is_group || endpoints_[key.high].value.is_group) return false;
  if (c.half[0].seen() && c.half[1].seen()) return c.answer.outcome != Outcome::attempt;
  const std::size_t side = c.half[0].seen() ? 0 : 1;
  const Observation& half = c.half[side];
  if (key.protocol == kTcp) return (half.bits & (kEstablished | kFlagsMissing)) != 0;
  // Syslog, flow export and the like are never answered, and known by their ports.
  return half.rate != 1 || c.service[1 - side].value != 0;
}

// All ends are counted before any is remembered, and all that deserve it are remembered before what
// only adds to them is looked up: so it does not show in which order conversations came.

void Window::begin_learning(std::uint32_t, std::uint32_t) {
  controls_.clear();
  lessons_.clear();
  lessons_.reserve(2 * conversations_.size());
}

void Window::collect_lessons(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    if (i + kAhead < to) prefetch_ends(i + kAhead);
    const auto& [key, c] = conversations_[i];
    if (!teaches(key, c)) continue;
    if (is_control_port(key.protocol, key.low_port) ||
        is_control_port(key.protocol, key.high_port)) {
      controls_.push_back(i);
    }
    const bool sure = is_sure(c.answer);
    for (std::uint8_t side = 0; side < 2; ++side) {
      const ServiceKey end = end_of(key, side);
      Lesson& l = lessons_.emplace_back();
      l.hash = shared_.memory.hash(end);
      l.conversation = i;
      l.side = side;
      l.is_sure = sure;
      l.serves = sure && side != c.answer.client_side;
    }
  }
}

void Window::count_lessons(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    const Lesson& l = lessons_[i];
    if (i + kAhead < lessons_.size()) shared_.memory.once.prefetch(lessons_[i + kAhead].hash);
    if (!l.is_sure) shared_.memory.once.count(l.hash);
  }
}

void Window::weigh_lessons(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    Lesson& l = lessons_[i];
    if (i + kAhead < lessons_.size()) shared_.memory.once.prefetch(lessons_[i + kAhead].hash);
    l.deserves = l.is_sure ? l.serves : shared_.memory.once.came_again(l.hash);
  }
}

/// \param deserving  whether it is the turn of the ends that deserve an entry, or of the others.
void Window::learn_ends(bool deserving, std::uint32_t from, std::uint32_t to) {
  for (std::size_t i = from; i < to; ++i) {
    if (i + 2 * kAhead < lessons_.size()) {
      shared_.memory.prefetch_slot(lessons_[i + 2 * kAhead].hash);
    }
    if (i + kAhead < lessons_.size()) shared_.memory.prefetch_entry(lessons_[i + kAhead].hash);
    const Lesson& l = lessons_[i];
    if (l.deserves != deserving) continue;
    if (!deserving && !shared_.memory.may_hold(l.hash)) continue;
    const auto& [key, c] = conversations_[l.conversation];
    const ServiceKey end = end_of(key, l.side);
    EndpointMemory::End* remembered = shared_.memory.meet(end, l.hash, number_, deserving);
    if (remembered != nullptr) learn_end(end, *remembered, key, l.side, c);
  }
}

void Window::learn_end(const ServiceKey& key, EndpointMemory::End& end,
                       const ConversationKey& conversation, std::size_t side,
                       const Conversation& c) {
  EndpointMemory::add_peer(end, word_of(endpoints_[conversation.end(1 - side)].key),
                           conversation.port(1 - side));
  if (!is_sure(c.answer)) return;
  if (side == c.answer.client_side) {
    EndpointMemory::mark_used(end, number_);
  } else if (EndpointMemory::mark_served(end, number_)) {
    proven_.push_back(key);
  }
}

void Window::learn_controls(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    const auto& [key, c] = conversations_[controls_[i]];
    learn_control(key, c);
  }
}

/// A client may draw the number of a control port, so it must be the server's.
void Window::learn_control(const ConversationKey& key, const Conversation& c) {
  Question q;
  q.evidence = evidence(key, c);
  ask_memory(key, q);
  const Answer found = answer(q);
  if (found.direction != Direction::client_server) return;
  const std::size_t client = found.client_side, server = 1 - client;
  if (!is_control_port(key.protocol, key.port(server))) return;
  WindowTime last = 0;
  for (const Observation& half : c.half) {
    if (half.seen()) last = std::max(last, half.last);
  }
  shared_.controls.add(endpoints_[key.end(client)].key, endpoints_[key.end(server)].key,
                       key.port(server), utc(first_of(c)), utc(last));
}

ServiceKey Window::end_of(const ConversationKey& key, std::size_t side) const noexcept {
  return {endpoints_[key.end(side)].key, key.port(side), key.protocol};
}

DependencyKey Window::dependency_key(std::uint32_t row) const noexcept {
  const RowKey& key = rows_[row].key;
  return {endpoints_[key.client].key, endpoints_[key.server].key, key.port, key.protocol};
}

/// Whose answers are to be looked at once more when all is decided.
void Window::note_answer(std::uint32_t position, const ConversationKey& key,
                         const Conversation& c) {
  const DirectionRung rung = c.answer.rung;
  const bool shows_client_port = rung <= DirectionRung::service_list &&
                                 c.answer.direction == Direction::client_server &&
                                 key.port(c.answer.client_side) < ClientPortRanges::kUsual;
  if (shows_client_port || rung == DirectionRung::fan_in || rung == DirectionRung::client_ports) {
    teachers_.push_back(position);
  }
  if (rung >= DirectionRung::service_list) doubtful_.push_back(position);
}

/// Once all is decided: what the answers themselves teach.
void Window::learn_answers(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    const auto& [key, c] = conversations_[teachers_[i]];
    const DirectionRung rung = c.answer.rung;
    const std::size_t client = c.answer.client_side;
    if (rung <= DirectionRung::service_list && c.answer.direction == Direction::client_server) {
      shared_.client_ports.add(endpoints_[key.end(client)].key, key.port(client));
    }
    if (rung != DirectionRung::fan_in && rung != DirectionRung::client_ports) continue;
    const ServiceKey server = end_of(key, 1 - client);
    EndpointMemory::End* end =
        shared_.memory.meet(server, shared_.memory.hash(server), number_, false);
    if (end != nullptr && EndpointMemory::mark_served(*end, number_)) proven_.push_back(server);
  }
}

bool Window::has_served(const ServiceKey& end) const noexcept {
  const Evidence::Past past = shared_.memory.past(end, shared_.memory.hash(end));
  return past.served > 2 * past.used;
}

/// Turns round rows of earlier windows whose other end has proved to be the server.
void Window::redirect(std::uint32_t from, std::uint32_t to) {
  std::vector<DependencyKey> rows;
  for (std::uint32_t i = from; i < to; ++i) {
    const ServiceKey& server = proven_[i];
    rows.clear();
    shared_.doubtful.take(server, rows);
    for (const DependencyKey& row : rows) {
      if (has_served({row.server, row.port, row.protocol})) continue;
      Redirection r;
      r.from = row;
      const bool same_way = row.server == server.endpoint;
      r.to = {same_way ? row.client : row.server, server.endpoint, server.port, server.protocol};
      if (r.to == r.from) continue;
      r.at = start();
      r.why = DirectionRung::endpoint_memory;
      r.before_row = decided_->rows.size();
      decided_->redirections.push_back(r);
    }
  }
}

void Window::order_redirections(std::uint32_t, std::uint32_t) {
  auto& redirections = decided_->redirections;
  std::sort(redirections.begin() + static_cast<std::ptrdiff_t>(first_redirection_),
            redirections.end(), [](const Redirection& a, const Redirection& b) {
              return std::tie(a.from, a.to) < std::tie(b.from, b.to);
            });
  for (std::size_t i = first_redirection_; i < redirections.size(); ++i) {
    ++shared_.redirections;
    const DependencyKey& to = redirections[i].to;
    const std::uint32_t client = endpoints_.find(to.client), server = endpoints_.find(to.server);
    const std::uint32_t row = rows_.find({client, server, to.port, to.protocol});
    if (row != kNoPosition && rows_[row].value.flips < 0xffff) ++rows_[row].value.flips;
  }
}

/// Notes which rows of this window may yet be turned round.
void Window::note_doubts(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    const auto& [key, c] = conversations_[doubtful_[i]];
    note_doubt(key, c);
  }
}

/// The list of services says little of a port that some client may have drawn: as long as the row is
/// this conversation and no other, it may be turned round.
void Window::note_doubt(const ConversationKey& key, const Conversation& c) {
  const std::size_t client = c.answer.client_side;
  if (c.answer.rung == DirectionRung::service_list &&
      (c.discounted != 0 || given_by(c).counts != rows_[c.row].value.counts)) {
    return;
  }
  shared_.doubtful.add(end_of(key, client), dependency_key(c.row));
  if (c.answer.direction == Direction::unknown) {
    shared_.doubtful.add(end_of(key, 1 - client), dependency_key(c.row));
  }
}

}  // namespace flowlens::aggregate
