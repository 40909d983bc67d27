#include "parse/sequence.hpp"

#include <algorithm>

namespace flowlens {

SequenceUnit sequence_unit(ExportProtocol protocol) noexcept {
  switch (protocol) {
    case ExportProtocol::netflow_v1:
      return SequenceUnit::none;
    case ExportProtocol::netflow_v5:
    case ExportProtocol::netflow_v7:
    case ExportProtocol::ipfix:
      return SequenceUnit::records;
    default:
      return SequenceUnit::datagrams;
  }
}

namespace parse {
namespace {

// Further ahead, a number is believed only when the next one follows it.
constexpr std::uint32_t kMaxGapDatagrams = 4'096;
constexpr std::uint32_t kMaxGapRecords = 200'000;
// So far back one may be late even where few numbers are remembered.
constexpr std::uint32_t kLateDatagrams = 64;
constexpr std::uint32_t kLateRecords = 2'048;
// Uptimes are read off, and datagrams queue and overtake each other, with so much play.
constexpr std::int64_t kUptimePlayMs = 10'000;

bool counts_datagrams(const SequenceStatus& status) noexcept {
  return status.unit == SequenceUnit::datagrams;
}

}  // namespace

SequenceVerdict SequenceTracker::judge(const Message& message, bool restarted) noexcept {
  if (status_.unit == SequenceUnit::none || !has_begun_) return begin(message);
  if (restarted) {
    ++status_.resets;
    return begin(message);
  }
  const std::uint32_t ahead = message.sequence - next_;
  if (ahead <= slack_) {
    advance(message);
    return SequenceVerdict::in_order;
  }
  if (is_late(message)) return take_late(message);
  const std::uint32_t most = counts_datagrams(status_) ? kMaxGapDatagrams : kMaxGapRecords;
  if (ahead - slack_ > most) return take_astray(message);
  lose(next_ + slack_, message.sequence);
  advance(message);
  return SequenceVerdict::gap;
}

SequenceVerdict SequenceTracker::begin(const Message& message) noexcept {
  const bool is_first = !has_begun_;
  has_begun_ = true;
  forget(message.sequence);
  advance(message);
  return is_first ? SequenceVerdict::first : SequenceVerdict::reset;
}

/// What came before a reset says nothing about what comes now.
void SequenceTracker::forget(std::uint32_t begin) noexcept {
  recent_at_ = recent_count_ = 0;
  holes_.fill({});
  status_.last = begin;  // a reset is no wrap
}

void SequenceTracker::advance(const Message& message) noexcept {
  if (message.sequence < status_.last) ++status_.wraps;
  status_.last = message.sequence;
  status_.received += message.units;
  next_ = message.sequence + message.units;
  slack_ = message.unknown;
  exported_ = message.exported;
  has_candidate_ = false;
  if (message.unknown != 0) ++status_.unknowable;
  // Messages of templates only do not move the sequence: the number is the next one's too.
  if (message.units + message.unknown == 0) return;
  recent_[recent_at_] = message.sequence;
  recent_at_ = static_cast<std::uint8_t>((recent_at_ + 1u) % recent_.size());
  if (recent_count_ < recent_.size()) ++recent_count_;
}

/// Behind, within what is remembered, and not exported after the newest: then it is no restart.
bool SequenceTracker::is_late(const Message& message) const noexcept {
  if (message.exported > exported_) return false;
  std::uint32_t window = counts_datagrams(status_) ? kLateDatagrams : kLateRecords;
  if (recent_count_ == recent_.size()) window = std::max(window, next_ - recent_[recent_at_]);
  return next_ - message.sequence <= window;
}

bool SequenceTracker::was_seen(std::uint32_t sequence) const noexcept {
  const auto end = recent_.begin() + recent_count_;
  return std::find(recent_.begin(), end, sequence) != end;
}

SequenceVerdict SequenceTracker::take_late(const Message& message) noexcept {
  if (was_seen(message.sequence)) {
    ++status_.duplicates;
    return SequenceVerdict::duplicate;
  }
  ++status_.late;
  status_.received += message.units;
  fill_hole(message.sequence, message.units);
  return SequenceVerdict::late;
}

void SequenceTracker::lose(std::uint32_t from, std::uint32_t to) noexcept {
  ++status_.gaps;
  status_.lost += to - from;
  holes_[hole_at_] = {from, to};
  hole_at_ = static_cast<std::uint8_t>((hole_at_ + 1u) % holes_.size());
}

void SequenceTracker::fill_hole(std::uint32_t from, std::uint32_t units) noexcept {
  for (Hole& hole : holes_) {
    if (from - hole.from >= hole.to - hole.from) continue;
    const std::uint32_t filled = std::min(units, hole.to - from);
    status_.lost -= filled;
    const Hole behind{from + filled, hole.to};
    hole.to = from;
    if (hole.from == hole.to) {
      hole = behind;
    } else if (behind.from != behind.to) {
      holes_[hole_at_] = behind;
      hole_at_ = static_cast<std::uint8_t>((hole_at_ + 1u) % holes_.size());
    }
    return;
  }
}

/// One such number may be forged or very late. Two in a row are where the stream is now.
SequenceVerdict SequenceTracker::take_astray(const Message& message) noexcept {
  const std::uint32_t expected = candidate_.sequence + candidate_.units;
  if (!has_candidate_ || message.sequence - expected > candidate_.unknown) {
    ++status_.astray;
    has_candidate_ = true;
    candidate_ = message;
    return SequenceVerdict::astray;
  }
  --status_.astray;
  const Message first = candidate_;
  const bool is_ahead = first.sequence > status_.last && first.sequence - next_ < 0x8000'0000u;
  if (is_ahead) {
    lose(next_ + slack_, first.sequence);
  } else {
    ++status_.resets;
    forget(first.sequence);
  }
  advance(first);
  advance(message);
  return is_ahead ? SequenceVerdict::gap : SequenceVerdict::reset;
}

void SequenceTracker::resolve(std::uint32_t sequence, std::uint32_t units,
                              std::uint32_t octets) noexcept {
  if (!has_begun_) return;
  status_.received += units;
  if (sequence != status_.last || slack_ < octets) return;
  slack_ -= octets;
  next_ += units;
}

bool UptimeTracker::judge(std::uint32_t uptime_ms, Timestamp received) noexcept {
  const bool is_first = !has_begun_;
  const std::int64_t passed_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(received - received_).count();
  // Signed 32-bit differences on purpose: right across a wrap after 49.7 days.
  const auto forward = static_cast<std::int32_t>(uptime_ms - uptime_ms_);
  const auto behind =
      static_cast<std::int32_t>(static_cast<std::uint32_t>(passed_ms) - (uptime_ms - uptime_ms_));
  const bool went_back = forward < -kUptimePlayMs;
  // Booted since: up for less time than has passed. An uptime that never moves says nothing.
  const bool is_younger = forward != 0 && uptime_ms + kUptimePlayMs < passed_ms;
  const bool is_late_one = !went_back && forward < 0;
  if (is_first || !is_late_one) {
    has_begun_ = true;
    uptime_ms_ = uptime_ms;
    received_ = received;
  }
  if (is_first || behind <= kUptimePlayMs + passed_ms / 1'000) return false;
  return went_back || is_younger;
}

}  // namespace parse
}  // namespace flowlens
