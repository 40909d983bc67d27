#include "flowlens/connection_summary.hpp"

namespace flowlens {

namespace {

struct RungText {
  std::string_view name;
  std::string_view sentence;
  float confidence;
};

constexpr std::array<RungText, kDirectionRungCount> kRungs{{
    {"stated_initiator", "The exporter says which end began the conversation.", 0.99f},
    {"handshake_packet", "A single packet of the TCP handshake was seen.", 0.99f},
    {"multicast", "It is sent to a multicast or broadcast address, which stands for the service.",
     0.99f},
    {"protocol_rule",
     "The protocol itself says who asks and who answers, or that both ends are alike.", 0.97f},
    {"tcp_flags", "One side sent a SYN without ACK, as only the side that begins does.", 0.98f},
    {"first_start", "One half began clearly before the other, at the same exporter.", 0.85f},
    {"service_list", "One port belongs to a known service and the other does not.", 0.90f},
    {"port_range",
     "One port lies in the range of services, the other among those drawn for clients.", 0.75f},
    {"one_way", "Only one side sent anything; it stands as the client.", 0.60f},
    {"lower_port", "The lower port is more often the service.", 0.55f},
    {"none", "Nothing tells who serves.", 0.0f},
}};

const RungText& text(DirectionRung r) noexcept {
  const auto n = static_cast<std::size_t>(r);
  return kRungs[n < kRungs.size() ? n : kRungs.size() - 1];
}

}  // namespace

std::string_view to_string(Direction d) noexcept {
  switch (d) {
    case Direction::client_server:
      return "client_server";
    case Direction::peer:
      return "peer";
    case Direction::unknown:
      break;
  }
  return "unknown";
}

std::string_view to_string(DirectionRung r) noexcept { return text(r).name; }
std::string_view describe(DirectionRung r) noexcept { return text(r).sentence; }
float confidence(DirectionRung r) noexcept { return text(r).confidence; }

TrafficCounts& TrafficCounts::operator+=(const TrafficCounts& o) noexcept {
  flows += o.flows;
  octets_to_server += o.octets_to_server;
  octets_to_client += o.octets_to_client;
  packets_to_server += o.packets_to_server;
  packets_to_client += o.packets_to_client;
  estimated_octets_to_server += o.estimated_octets_to_server;
  estimated_octets_to_client += o.estimated_octets_to_client;
  return *this;
}

TrafficCounts& TrafficCounts::operator-=(const TrafficCounts& o) noexcept {
  flows -= o.flows;
  octets_to_server -= o.octets_to_server;
  octets_to_client -= o.octets_to_client;
  packets_to_server -= o.packets_to_server;
  packets_to_client -= o.packets_to_client;
  estimated_octets_to_server -= o.estimated_octets_to_server;
  estimated_octets_to_client -= o.estimated_octets_to_client;
  return *this;
}

}  // namespace flowlens
