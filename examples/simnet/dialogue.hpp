/// \file
/// What the packets of one conversation look like, without storing them: packet i is worked out
/// when asked for, and the totals are those of all packets together.
#pragma once

#include <cstdint>

namespace simnet {

inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;

enum class Outcome : std::uint8_t {
  answered,    ///< a conversation
  one_way,     ///< messages that nobody answers, and none is expected (syslog)
  unanswered,  ///< an attempt: SYN packets into the void
  refused,     ///< an attempt: SYN, then RST+ACK
};

struct Packet {
  bool to_server = true;
  std::uint32_t ip_octets = 0;  ///< IP header, transport header and payload
  std::uint8_t tcp_flags = 0;
};

/// One direction, summed up as an exporter sees it.
struct HalfTotals {
  std::uint64_t octets = 0;  ///< at the IP layer
  std::uint64_t packets = 0;
  std::uint8_t tcp_flags = 0;  ///< OR over all packets
};

/// Immutable. A TCP dialogue is handshake, `rounds` of request and reply with an ACK for each
/// second segment, and a close from both sides.
class Dialogue {
 public:
  struct Shape {
    std::uint8_t protocol = kTcp;
    bool is_ipv6 = false;
    Outcome outcome = Outcome::answered;
    std::uint64_t rounds = 1;          ///< of requests; of SYN packets for an attempt
    std::uint64_t request_octets = 0;  ///< payload of one request
    std::uint64_t reply_octets = 0;    ///< payload of one reply
  };

  explicit Dialogue(const Shape& shape) noexcept;

  [[nodiscard]] std::uint64_t packet_count() const noexcept;
  /// \param index  0 … packet_count() - 1, in the order on the wire.
  [[nodiscard]] Packet packet(std::uint64_t index) const noexcept;
  [[nodiscard]] HalfTotals to_server() const noexcept { return totals(true); }
  [[nodiscard]] HalfTotals to_client() const noexcept { return totals(false); }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }

 private:
  /// A message of one side: data packets, then the other side's bare ACKs.
  struct Message {
    std::uint64_t payload = 0;
    std::uint64_t segments = 0;
    std::uint64_t acks = 0;
  };

  [[nodiscard]] Message message(std::uint64_t payload) const noexcept;
  [[nodiscard]] Packet packet_of(const Message& message, std::uint64_t index,
                                 bool to_server) const noexcept;
  [[nodiscard]] HalfTotals totals(bool to_server) const noexcept;
  [[nodiscard]] std::uint32_t ip_header() const noexcept { return shape_.is_ipv6 ? 40 : 20; }

  Shape shape_;
  Message request_;
  Message reply_;
};

}  // namespace simnet
