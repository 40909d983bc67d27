/// \file
/// parse: the sequence numbers of one stream: gap, reorder, duplicate, wrap and reset told apart.
#pragma once

#include <array>
#include <cstdint>

#include "flowlens/exporter_status.hpp"

namespace flowlens::parse {

/// What the number of one message says, held against those before it.
enum class SequenceVerdict : std::uint8_t { first, in_order, gap, late, duplicate, reset, astray };

/// Follows one sequence of numbers modulo 2^32, in constant time and memory.
class SequenceTracker {
 public:
  struct Message {
    std::uint32_t sequence = 0;
    std::uint32_t units = 0;    ///< that this message adds to the sequence
    std::uint32_t unknown = 0;  ///< and at most so many more, which could not be counted
    Timestamp exported;         ///< of the exporter's clock, or the time of receipt
  };

  explicit SequenceTracker(SequenceUnit unit) noexcept { status_.unit = unit; }

  /// \param restarted  the exporter is known to have restarted before this message.
  SequenceVerdict judge(const Message& message, bool restarted) noexcept;

  /// Records of an earlier message, uncounted then, turned out to be `units` in `octets`.
  void resolve(std::uint32_t sequence, std::uint32_t units, std::uint32_t octets) noexcept;

  /// Whether a message with that number would be the very next.
  [[nodiscard]] bool is_next(std::uint32_t sequence) const noexcept {
    return has_begun_ && sequence == next_ && slack_ == 0;
  }
  [[nodiscard]] const SequenceStatus& status() const noexcept { return status_; }

 private:
  struct Hole {
    std::uint32_t from = 0;
    std::uint32_t to = 0;  ///< the first number behind it
  };

  void advance(const Message& message) noexcept;
  void forget(std::uint32_t begin) noexcept;
  SequenceVerdict begin(const Message& message) noexcept;
  SequenceVerdict take_late(const Message& message) noexcept;
  SequenceVerdict take_astray(const Message& message) noexcept;
  void lose(std::uint32_t from, std::uint32_t to) noexcept;
  [[nodiscard]] bool is_late(const Message& message) const noexcept;
  [[nodiscard]] bool was_seen(std::uint32_t sequence) const noexcept;
  void fill_hole(std::uint32_t from, std::uint32_t units) noexcept;

  SequenceStatus status_;
  std::uint32_t next_ = 0;
  std::uint32_t slack_ = 0;  ///< the next number may be that much higher
  Timestamp exported_;
  bool has_begun_ = false;
  bool has_candidate_ = false;  ///< a number that fitted nothing; if another follows it, it counts
  Message candidate_;
  std::array<std::uint32_t, 16> recent_{};  ///< a ring of the last numbers
  std::uint8_t recent_at_ = 0;
  std::uint8_t recent_count_ = 0;
  std::uint8_t hole_at_ = 0;
  std::array<Hole, 4> holes_{};
};

/// Notices by its uptime that an exporter has restarted.
class UptimeTracker {
 public:
  /// \return whether it has, since the call before.
  bool judge(std::uint32_t uptime_ms, Timestamp received) noexcept;
  [[nodiscard]] bool has_begun() const noexcept { return has_begun_; }
  [[nodiscard]] Timestamp boot() const noexcept {
    return received_ - std::chrono::milliseconds{uptime_ms_};
  }

 private:
  std::uint32_t uptime_ms_ = 0;
  Timestamp received_;
  bool has_begun_ = false;
};

}  // namespace flowlens::parse
