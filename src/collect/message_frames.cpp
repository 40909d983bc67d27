#include "collect/message_frames.hpp"

#include <algorithm>
#include <cstring>

#include "wire/byte_reader.hpp"

namespace flowlens::collect {
namespace {

constexpr std::size_t kHeader = 16;
constexpr std::uint16_t kVersion = 10;
// Most exporters fill 1,400 octets; a thousand quiet connections are to cost little.
constexpr std::size_t kSmallest = 8u << 10;
constexpr std::size_t kLargest = 128u << 10;  // twice the longest message

}  // namespace

std::span<std::byte> MessageFrames::room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // Half full and more: a long message is on its way, or the exporter is faster than we are.
  if (buffer_.size() < kLargest && end_ * 2 >= buffer_.size()) {
    buffer_.resize(std::clamp(buffer_.size() * 2, kSmallest, kLargest));
  }
  return std::span{buffer_}.subspan(end_);
}

MessageFrames::Found MessageFrames::next(std::span<const std::byte>& message) noexcept {
  const auto come = std::span{buffer_}.subspan(begin_, end_ - begin_);
  wire::ByteReader in{come};
  // What is no IPFIX is found out by its first octets, before a length is believed.
  if (come.size() >= 2 && in.u16() != kVersion) return Found::bad_version;
  if (come.size() < 4) return Found::none;
  const std::uint16_t length = in.u16();
  if (length < kHeader) return Found::bad_length;
  if (length > come.size()) return Found::none;
  message = come.first(length);
  begin_ += length;
  return Found::message;
}

}  // namespace flowlens::collect
