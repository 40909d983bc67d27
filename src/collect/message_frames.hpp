/// \file
/// collect: a stream of octets cut into IPFIX messages by their length field (RFC 7011 §10.4.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace flowlens::collect {

/// Holds what has come of a stream and was not yet given out, 128 KiB at the most.
class MessageFrames {
 public:
  /// `none`: more octets are needed. After one of the last two the stream cannot be followed.
  enum class Found : std::uint8_t { message, none, bad_version, bad_length };

  /// Where the next octets of the stream go; never empty. Views given out by next() end.
  [[nodiscard]] std::span<std::byte> room();
  /// So many were written there.
  void filled(std::size_t octets) noexcept { end_ += octets; }

  /// The next message, valid until room() is called.
  [[nodiscard]] Found next(std::span<const std::byte>& message) noexcept;

  /// Octets behind the last message given out.
  [[nodiscard]] std::size_t pending() const noexcept { return end_ - begin_; }

 private:
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace flowlens::collect
