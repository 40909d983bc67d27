// Octets as a stream of IPFIX messages, in pieces of any size: the messages are the stream, in order and whole.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "collect/message_frames.hpp"

using flowlens::collect::MessageFrames;

namespace {

constexpr std::size_t kMostHeld = 128u << 10;

/// Compares a message with where it stood. \return its octets.
std::size_t check(std::span<const std::byte> message, std::span<const std::byte> stream) {
  if (message.size() < 16 || message.size() > stream.size()) __builtin_trap();
  if (std::memcmp(message.data(), stream.data(), message.size()) != 0) __builtin_trap();
  if (std::to_integer<int>(message[0]) != 0 || std::to_integer<int>(message[1]) != 10) {
    __builtin_trap();
  }
  return message.size();
}

}  // namespace

/// The first octet says how large the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] == 255 ? kMostHeld : std::size_t{1} + data[0] * 5u;
  const auto stream = std::as_bytes(std::span{data + 1, size - 1});
  MessageFrames frames;
  std::size_t come = 0;
  std::size_t given = 0;
  auto found = MessageFrames::Found::none;
  while (found == MessageFrames::Found::none && come < stream.size()) {
    const auto room = frames.room();
    if (room.empty() || room.size() > kMostHeld) __builtin_trap();
    const std::size_t octets = std::min({piece, room.size(), stream.size() - come});
    std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(come), octets, room.begin());
    frames.filled(octets);
    come += octets;
    std::span<const std::byte> message;
    while ((found = frames.next(message)) == MessageFrames::Found::message) {
      given += check(message, stream.subspan(given));
    }
    if (frames.pending() != come - given) __builtin_trap();
  }
  return 0;
}
