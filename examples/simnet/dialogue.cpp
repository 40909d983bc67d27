#include "dialogue.hpp"

#include <algorithm>
#include <array>

namespace simnet {
namespace {

constexpr std::uint32_t kMtu = 1500;
constexpr std::uint32_t kTcpHeader = 32;     // with timestamps
constexpr std::uint32_t kTcpSynHeader = 40;  // with MSS, SACK, timestamps, window scale
constexpr std::uint32_t kTcpRstHeader = 20;
constexpr std::uint32_t kUdpHeader = 8;
constexpr std::uint64_t kOpening = 3;  // SYN, SYN+ACK, ACK
constexpr std::uint64_t kClosing = 3;  // FIN+ACK, FIN+ACK, ACK

}  // namespace

Dialogue::Dialogue(const Shape& shape) noexcept
    : shape_(shape), request_(message(shape.request_octets)), reply_(message(shape.reply_octets)) {
  if (shape_.outcome == Outcome::one_way) reply_ = {};
}

Dialogue::Message Dialogue::message(std::uint64_t payload) const noexcept {
  if (shape_.protocol == kUdp) return {payload, 1, 0};
  const std::uint64_t mss = kMtu - ip_header() - kTcpHeader;
  const std::uint64_t segments = std::max<std::uint64_t>(1, (payload + mss - 1) / mss);
  return {payload, segments, segments / 2};
}

std::uint64_t Dialogue::packet_count() const noexcept {
  if (shape_.outcome == Outcome::unanswered) return shape_.rounds;
  if (shape_.outcome == Outcome::refused) return shape_.rounds * 2;
  const std::uint64_t round = request_.segments + request_.acks + reply_.segments + reply_.acks;
  const std::uint64_t frame = shape_.protocol == kTcp ? kOpening + kClosing : 0;
  return frame + shape_.rounds * round;
}

Packet Dialogue::packet_of(const Message& message, std::uint64_t index,
                           bool to_server) const noexcept {
  if (shape_.protocol == kUdp) {
    return {to_server, ip_header() + kUdpHeader + static_cast<std::uint32_t>(message.payload), 0};
  }
  const std::uint32_t headers = ip_header() + kTcpHeader;
  if (index >= message.segments) return {!to_server, headers, kAck};
  const std::uint64_t mss = kMtu - headers;
  if (index + 1 < message.segments) return {to_server, kMtu, kAck};
  const std::uint64_t last = message.payload - (message.segments - 1) * mss;
  return {to_server, headers + static_cast<std::uint32_t>(last), kPsh | kAck};
}

Packet Dialogue::packet(std::uint64_t index) const noexcept {
  const std::uint32_t bare = ip_header() + kTcpHeader;
  const std::uint32_t syn = ip_header() + kTcpSynHeader;
  if (shape_.outcome == Outcome::unanswered) return {true, syn, kSyn};
  if (shape_.outcome == Outcome::refused) {
    if (index % 2 == 0) return {true, syn, kSyn};
    return {false, ip_header() + kTcpRstHeader, kRst | kAck};
  }
  if (shape_.protocol == kTcp) {
    const std::array<Packet, kOpening> opening = {
        Packet{true, syn, kSyn}, Packet{false, syn, kSyn | kAck}, Packet{true, bare, kAck}};
    const std::array<Packet, kClosing> closing = {Packet{true, bare, kFin | kAck},
                                                  Packet{false, bare, kFin | kAck},
                                                  Packet{true, bare, kAck}};
    if (index < kOpening) return opening[index];
    const std::uint64_t close_at = packet_count() - kClosing;
    if (index >= close_at) return closing[index - close_at];
    index -= kOpening;
  }
  const std::uint64_t request = request_.segments + request_.acks;
  index %= request + reply_.segments + reply_.acks;
  return index < request ? packet_of(request_, index, true)
                         : packet_of(reply_, index - request, false);
}

HalfTotals Dialogue::totals(bool to_server) const noexcept {
  HalfTotals totals;
  const auto add = [&](const Packet& packet, std::uint64_t times) {
    if (packet.to_server != to_server || times == 0) return;
    totals.octets += times * packet.ip_octets;
    totals.packets += times;
    totals.tcp_flags |= packet.tcp_flags;
  };
  if (shape_.outcome == Outcome::unanswered || shape_.outcome == Outcome::refused) {
    for (std::uint64_t i = 0; i < packet_count(); ++i) add(packet(i), 1);
    return totals;
  }
  if (shape_.protocol == kTcp) {
    for (std::uint64_t i = 0; i < kOpening; ++i) add(packet(i), 1);
    for (std::uint64_t i = packet_count() - kClosing; i < packet_count(); ++i) add(packet(i), 1);
  }
  const auto add_message = [&](const Message& message, bool direction) {
    if (message.segments == 0) return;
    add(packet_of(message, 0, direction),
        message.segments > 1 ? shape_.rounds * (message.segments - 1) : 0);
    add(packet_of(message, message.segments - 1, direction), shape_.rounds);
    add(packet_of(message, message.segments, direction), shape_.rounds * message.acks);
  };
  add_message(request_, true);
  add_message(reply_, false);
  return totals;
}

}  // namespace simnet
