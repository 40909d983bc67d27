#include "aggregate/direction.hpp"

#include "flowlens/flow_record.hpp"

namespace flowlens::aggregate {

namespace {

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kDccp = 33, kIcmpV6 = 58, kSctp = 132,
                       kUdpLite = 136;

/// What a rung says: which side is the client, or nothing.
enum class Client : std::uint8_t { side_0, side_1, silent };

/// Evidence for both sides at once is a contradiction, and as good as none.
Client exclusive(bool side_0, bool side_1) noexcept {
  if (side_0 == side_1) return Client::silent;
  return side_0 ? Client::side_0 : Client::side_1;
}

Client stated_initiator(const Evidence& e) noexcept {
  const std::uint8_t a = e.half[0].bits, b = e.half[1].bits;
  return exclusive((a & kSourceBegan) || (b & kDestinationBegan),
                   (b & kSourceBegan) || (a & kDestinationBegan));
}

Client handshake_packet(const Evidence& e) noexcept {
  const std::uint8_t a = e.half[0].bits, b = e.half[1].bits;
  return exclusive((a & kSynPacket) || (b & kSynAckPacket),
                   (b & kSynPacket) || (a & kSynAckPacket));
}

Client multicast(const Evidence& e) noexcept { return exclusive(e.group[1], e.group[0]); }

Client protocol_rule(const Evidence& e) noexcept {
  if (e.protocol == kIcmp || e.protocol == kIcmpV6) {
    return exclusive(e.port[0] == kEchoClientPort, e.port[1] == kEchoClientPort);
  }
  if (e.protocol != kUdp) return Client::silent;
  // DHCP: both of its ports are registered, so the service list would be silent.
  const auto asks = [&e](std::size_t side) {
    return (e.port[side] == 68 && e.port[1 - side] == 67) ||
           (e.port[side] == 546 && e.port[1 - side] == 547);
  };
  return exclusive(asks(0), asks(1));
}

Client tcp_flags(const Evidence& e) noexcept {
  return exclusive(e.half[0].bits & kSynRecord, e.half[1].bits & kSynRecord);
}

Client service_list(const Evidence& e) noexcept {
  if (e.known_service[0] != e.known_service[1]) {
    return e.known_service[1] ? Client::side_0 : Client::side_1;
  }
  if (!e.known_service[0]) return Client::silent;
  return exclusive(e.port[1] < 1024, e.port[0] < 1024);
}

/// A flow cut by an active timeout goes on in a record whose start says nothing: hence one record a
/// half only, for TCP with its SYN, and silence where the service list would object (the last piece
/// of a long UDP flow also is one record).
Client first_start(const Evidence& e) noexcept {
  constexpr std::uint64_t kClearlyUs = 1'000;
  const Evidence::Half &a = e.half[0], &b = e.half[1];
  if (a.flows != 1 || b.flows != 1 || a.rate != 1 || b.rate != 1 || a.exporter != b.exporter) {
    return Client::silent;
  }
  if (e.protocol == kTcp && !(a.tcp_flags & b.tcp_flags & kTcpSyn)) return Client::silent;
  const Client says = a.first_us + kClearlyUs <= b.first_us   ? Client::side_0
                      : b.first_us + kClearlyUs <= a.first_us ? Client::side_1
                                                              : Client::silent;
  const Client list = service_list(e);
  return list == Client::silent || list == says ? says : Client::silent;
}

int range_of(std::uint16_t port) noexcept {
  return port < 1024 ? 0 : port < 32768 ? 1 : port < 49152 ? 2 : 3;
}

Client port_range(const Evidence& e) noexcept {
  const int a = range_of(e.port[0]), b = range_of(e.port[1]);
  return exclusive(b < a, a < b);
}

Client one_way(const Evidence& e) noexcept {
  if (e.protocol != kUdp) return Client::silent;
  const auto alone = [&e](std::size_t side) {
    return e.half[side].seen && e.half[side].rate == 1 && !e.half[1 - side].seen;
  };
  return exclusive(alone(0), alone(1));
}

Client lower_port(const Evidence& e) noexcept {
  return exclusive(e.port[1] < e.port[0], e.port[0] < e.port[1]);
}

struct Rung {
  DirectionRung name;
  Client (*ask)(const Evidence&) noexcept;
};

/// Rungs that look at who did what.
constexpr Rung kConclusive[] = {
    {DirectionRung::stated_initiator, stated_initiator},
    {DirectionRung::handshake_packet, handshake_packet},
    {DirectionRung::multicast, multicast},
    {DirectionRung::protocol_rule, protocol_rule},
    {DirectionRung::tcp_flags, tcp_flags},
};
/// Rungs that guess from ports and times.
constexpr Rung kIndicative[] = {
    {DirectionRung::first_start, first_start}, {DirectionRung::service_list, service_list},
    {DirectionRung::port_range, port_range},   {DirectionRung::one_way, one_way},
    {DirectionRung::lower_port, lower_port},
};

bool take(const Rung& rung, const Evidence& e, Answer& answer) noexcept {
  const Client client = rung.ask(e);
  if (client == Client::silent) return false;
  answer.direction = Direction::client_server;
  answer.rung = rung.name;
  answer.client_side = client == Client::side_0 ? 0 : 1;
  return true;
}

/// Tunnels and routing protocols run between equals.
bool is_symmetric(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case 4:
    case 8:
    case 9:
    case 41:
    case 47:
    case 50:
    case 51:
    case 88:
    case 89:
    case 97:
    case 103:
    case 112:
    case 115:
    case 124:
      return true;
    default:
      return false;
  }
}

/// Both ends on one port, or no ports at all: nobody is pressed into a role (mapping.md D22).
void alike(const Evidence& e, Answer& answer) noexcept {
  answer.client_side = e.lower_side;
  const bool same_service = has_ports(e.protocol) && e.port[0] != 0;
  if (same_service || is_symmetric(e.protocol)) {
    answer.direction = Direction::peer;
    answer.rung = DirectionRung::protocol_rule;
  }
}

Answer direction_of(const Evidence& e) noexcept {
  Answer answer;
  for (const Rung& rung : kConclusive) {
    if (take(rung, e, answer)) return answer;
  }
  if (e.port[0] == e.port[1]) {
    if (e.port[0] != 0 && take({DirectionRung::one_way, one_way}, e, answer)) return answer;
    alike(e, answer);
    return answer;
  }
  for (const Rung& rung : kIndicative) {
    if (take(rung, e, answer)) return answer;
  }
  alike(e, answer);
  return answer;
}

/// A SYN that nobody acknowledged, or that was answered by a reset.
bool is_attempt(const Evidence& e) noexcept {
  if (e.protocol != kTcp) return false;
  for (std::size_t side = 0; side < 2; ++side) {
    const Evidence::Half &asks = e.half[side], &answers = e.half[1 - side];
    if ((asks.bits | answers.bits) & kFlagsMissing) continue;
    if (!(asks.tcp_flags & kTcpSyn) || (asks.tcp_flags & kTcpAck)) continue;
    if (!answers.seen) return true;
    if ((answers.tcp_flags & kTcpRst) && !(answers.tcp_flags & kTcpSyn)) return true;
  }
  return false;
}

}  // namespace

bool has_ports(std::uint8_t protocol) noexcept {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp || protocol == kUdpLite ||
         protocol == kDccp;
}

Answer decide(const Evidence& e) noexcept {
  Answer answer = direction_of(e);
  answer.outcome = is_attempt(e) ? Outcome::attempt : Outcome::applied;
  return answer;
}

}  // namespace flowlens::aggregate
