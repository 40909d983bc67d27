#include "aggregate/direction.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

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

Client declared(const Evidence& e) noexcept {
  return exclusive(e.declared[1] > e.declared[0], e.declared[0] > e.declared[1]);
}
Client inventory(const Evidence& e) noexcept { return exclusive(e.listed[1], e.listed[0]); }

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

/// DHCP: both of its ports are registered, so the service list would be silent; and its answers go to
/// a broadcast address, which serves nobody then.
Client dhcp(const Evidence& e) noexcept {
  if (e.protocol != kUdp) return Client::silent;
  const auto asks = [&e](std::size_t side) {
    return (e.port[side] == 68 && e.port[1 - side] == 67) ||
           (e.port[side] == 546 && e.port[1 - side] == 547);
  };
  return exclusive(asks(0), asks(1));
}

Client multicast(const Evidence& e) noexcept {
  if (dhcp(e) != Client::silent) return Client::silent;
  return exclusive(e.group[1], e.group[0]);
}

Client protocol_rule(const Evidence& e) noexcept {
  if (e.protocol == kIcmp || e.protocol == kIcmpV6) {
    return exclusive(e.port[0] == kEchoClientPort, e.port[1] == kEchoClientPort);
  }
  return dhcp(e);
}

Client control_child(const Evidence& e) noexcept {
  if (e.port[0] < 1024 || e.port[1] < 1024) return Client::silent;
  return exclusive(e.control_port[1] != 0, e.control_port[0] != 0);
}

Client tcp_flags(const Evidence& e) noexcept {
  return exclusive(e.half[0].bits & kSynRecord, e.half[1].bits & kSynRecord);
}

Client endpoint_memory(const Evidence& e) noexcept {
  const auto served = [&e](std::size_t side) {
    return e.past[side].served > 2 * e.past[side].used;
  };
  return exclusive(served(1), served(0));
}

/// Peers come with ports of their own: one that asks many from one port meets always the same one.
Client fan_in(const Evidence& e) noexcept {
  const auto serves = [&e](std::size_t side) {
    const Evidence::Past &here = e.past[side], &there = e.past[1 - side];
    return is_met_by_many(here) && here.peers >= 2 * std::max(there.peers, 1u) &&
           here.client_ports > there.client_ports;
  };
  return exclusive(serves(1), serves(0));
}

/// Where few clients meet many servers, a client's port that comes again and again has more peers than
/// the service; but each of them on one port.
Client client_ports(const Evidence& e) noexcept {
  const auto serves = [&e](std::size_t side) {
    const Evidence::Past &here = e.past[side], &there = e.past[1 - side];
    const std::uint64_t by_peer = std::uint64_t{here.client_ports} * there.peers;
    return here.client_ports >= 3 * std::max(there.client_ports, 1u) &&
           (here.peers >= there.peers ||
            by_peer >= 3 * std::uint64_t{there.client_ports} * here.peers);
  };
  return exclusive(serves(1), serves(0));
}

Client service_list(const Evidence& e) noexcept {
  if (e.known_service[0] != e.known_service[1]) {
    return e.known_service[1] ? Client::side_0 : Client::side_1;
  }
  if (!e.known_service[0]) return Client::silent;
  return exclusive(e.port[1] < 1024, e.port[0] < 1024);
}

/// A flow cut by an active timeout goes on in a record whose start says nothing: hence one record a
/// half only, nothing in the window before, for TCP with its SYN, and silence where the service list
/// would object.
Client first_start(const Evidence& e) noexcept {
  constexpr std::uint64_t kClearlyUs = 1'000;
  if (e.continues) return Client::silent;
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

Client dynamic_range(const Evidence& e) noexcept {
  return exclusive(e.dynamic_port[0], e.dynamic_port[1]);
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
    {DirectionRung::declared, declared},
    {DirectionRung::stated_initiator, stated_initiator},
    {DirectionRung::inventory, inventory},
    {DirectionRung::handshake_packet, handshake_packet},
    {DirectionRung::multicast, multicast},
    {DirectionRung::protocol_rule, protocol_rule},
    {DirectionRung::control_child, control_child},
    {DirectionRung::tcp_flags, tcp_flags},
};
/// Rungs that conclude from what others did, from times and from ports.
constexpr Rung kIndicative[] = {
    {DirectionRung::endpoint_memory, endpoint_memory},
    {DirectionRung::fan_in, fan_in},
    {DirectionRung::client_ports, client_ports},
    {DirectionRung::first_start, first_start},
    {DirectionRung::service_list, service_list},
    {DirectionRung::dynamic_range, dynamic_range},
    {DirectionRung::port_range, port_range},
    {DirectionRung::one_way, one_way},
    {DirectionRung::lower_port, lower_port},
};

/// Rungs that tell ends apart which use the same port, as an NTP server from its clients.
constexpr Rung kBetweenEqualPorts[] = {
    {DirectionRung::fan_in, fan_in},
    {DirectionRung::one_way, one_way},
};

/// Gives `hear` what each rung of a table says, until it has heard enough: unrolled, as each flow comes
/// by here several times.
template <const auto& kRungs, typename Hear>
bool ask(const Evidence& e, Hear hear) noexcept {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (hear(kRungs[I].name, kRungs[I].ask(e)) || ...);
  }
  (std::make_index_sequence<std::size(kRungs)>{});
}

/// The first rung of a table that speaks.
struct Word {
  Client client = Client::silent;
  DirectionRung rung = DirectionRung::none;
};
template <const auto& kRungs>
Word first_word(const Evidence& e) noexcept {
  Word word;
  ask<kRungs>(e, [&word](DirectionRung rung, Client says) {
    if (says == Client::silent) return false;
    word = {says, rung};
    return true;
  });
  return word;
}

/// What a rung that is not conclusive must not claim (the guard of mapping.md): a port that clients
/// draw is no service because of one client. What has served before has passed the guard, or was
/// shown to serve by more than it guards.
bool is_guarded(const Evidence& e, DirectionRung rung, std::size_t server) noexcept {
  if (rung == DirectionRung::endpoint_memory) return false;
  return looks_ephemeral(e, server) && !is_fit_to_serve(e.past[server]) && !e.group[server];
}

void take(DirectionRung rung, Client client, const Evidence& e, Answer& answer) noexcept {
  answer.direction = Direction::client_server;
  answer.rung = rung;
  answer.client_side = client == Client::side_0 ? 0 : 1;
  const std::size_t server = 1u - answer.client_side;
  if (has_ports(e.protocol)) answer.port = e.port[server];
  // Ports that were handed out belong to who handed them out, unless one is known by itself.
  if (rung == DirectionRung::control_child && !is_fit_to_serve(e.past[server])) {
    answer.port = e.control_port[server];
  }
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
  if (same_service) answer.port = e.port[0];
  if (same_service || is_symmetric(e.protocol)) {
    answer.direction = Direction::peer;
    answer.rung = DirectionRung::protocol_rule;
  }
}

/// Neither port is fit to be a service. The one that was met from several ports stands as one, so
/// that the traffic lies together; else no port does.
void unknown(const Evidence& e, Answer& answer) noexcept {
  answer.client_side = e.lower_side;
  const std::uint32_t met_0 = e.past[0].client_ports, met_1 = e.past[1].client_ports;
  if (met_0 == met_1 || std::max(met_0, met_1) < 3) return;
  answer.client_side = met_0 < met_1 ? 0 : 1;
  answer.port = e.port[1u - answer.client_side];
}

Answer direction_of(const Evidence& e) noexcept {
  Answer answer;
  Word word = first_word<kConclusive>(e);
  const bool is_conclusive = word.client != Client::silent;
  if (!is_conclusive) {
    const bool same_port = e.port[0] == e.port[1];
    if (!same_port) {
      word = first_word<kIndicative>(e);
    } else if (e.port[0] != 0) {
      word = first_word<kBetweenEqualPorts>(e);
    }
    if (word.client == Client::silent) {
      alike(e, answer);
      return answer;
    }
    // A weaker rung must not say the contrary of one that only the guard has silenced.
    if (!same_port && is_guarded(e, word.rung, word.client == Client::side_0 ? 1 : 0)) {
      unknown(e, answer);
      return answer;
    }
  }
  take(word.rung, word.client, e, answer);
  return answer;
}

/// A SYN that nobody acknowledged, or that was answered by a reset. Where one packet in many is
/// seen, a SYN alone may well have been answered: that the other end has answered others decides.
bool is_unanswered_syn(const Evidence& e) noexcept {
  for (std::size_t side = 0; side < 2; ++side) {
    const Evidence::Half &asks = e.half[side], &answers = e.half[1 - side];
    if ((asks.bits | answers.bits) & kFlagsMissing) continue;
    if (!(asks.tcp_flags & kTcpSyn) || (asks.tcp_flags & kTcpAck)) continue;
    if (!answers.seen) return asks.rate == 1 || e.past[1 - side].peers == 0;
    if ((answers.tcp_flags & kTcpRst) && !(answers.tcp_flags & kTcpSyn)) return true;
  }
  return false;
}

/// All that was seen is that somebody refused.
bool is_mere_refusal(const Evidence& e) noexcept {
  if (e.half[0].seen == e.half[1].seen) return false;
  const Evidence::Half& half = e.half[e.half[0].seen ? 0 : 1];
  return (half.tcp_flags & kTcpRst) && !(half.tcp_flags & ~unsigned{kTcpRst | kTcpAck}) &&
         !(half.bits & (kEstablished | kFlagsMissing));
}

/// One of many that somebody called on this port and that did not answer, or one that nobody has
/// called before or since. Where one packet in many is seen it takes both.
bool is_scan(const Evidence& e) noexcept {
  for (std::size_t side = 0; side < 2; ++side) {
    const Evidence::Half& asks = e.half[side];
    if (!asks.seen || e.half[1 - side].seen) continue;
    if (asks.rate == 1 ? e.scans[side] || e.tries[side] : e.scans[side] && e.tries[side]) {
      return true;
    }
  }
  return false;
}

bool is_attempt(const Evidence& e) noexcept {
  return e.protocol == kTcp ? is_unanswered_syn(e) || is_mere_refusal(e) : is_scan(e);
}

}  // namespace

bool has_ports(std::uint8_t protocol) noexcept {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp || protocol == kUdpLite ||
         protocol == kDccp;
}

bool looks_ephemeral(const Evidence& e, std::size_t side) noexcept {
  if (!has_ports(e.protocol)) return false;
  const std::uint16_t port = e.port[side];
  const bool is_reserved = port >= 512 && port < 1024 && !e.known_service[side];
  return port >= 32768 || e.dynamic_port[side] || is_reserved;
}

bool is_met_by_many(const Evidence::Past& past) noexcept {
  return past.peers >= 2 && past.client_ports >= 3;
}

bool is_fit_to_serve(const Evidence::Past& past) noexcept {
  return is_met_by_many(past) || past.client_ports >= 5;
}

bool needs_memory(const Evidence& e) noexcept {
  const Word word = first_word<kConclusive>(e);
  if (word.client == Client::silent || word.rung == DirectionRung::control_child) return true;
  const bool is_sampled = e.half[0].rate != 1 || e.half[1].rate != 1;
  return is_sampled && is_attempt(e);
}

Answer decide(const Evidence& e) noexcept {
  Answer answer = direction_of(e);
  answer.outcome = is_attempt(e) ? Outcome::attempt : Outcome::applied;
  return answer;
}

DirectionReasons reasons(const Evidence& e, const Answer& answer) noexcept {
  DirectionReasons found;
  if (answer.direction == Direction::peer) found.add(answer.rung, true);
  if (answer.direction != Direction::client_server) return found;
  const Client client = answer.client_side == 0 ? Client::side_0 : Client::side_1;
  const auto hear = [&](DirectionRung rung, Client says) {
    if (says != Client::silent) found.add(rung, says == client);
    return false;
  };
  ask<kConclusive>(e, hear);
  if (e.port[0] == e.port[1]) {
    found.add(answer.rung, true);
    return found;
  }
  ask<kIndicative>(e, hear);
  return found;
}

}  // namespace flowlens::aggregate
