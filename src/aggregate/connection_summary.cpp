#include "flowlens/connection_summary.hpp"

#include <array>

namespace flowlens {

namespace {

/// What a rung looks at. Rungs that look at the same thing are not evidence of their own.
enum class Basis : std::uint8_t {
  people,
  exporter,
  packets,
  nature,
  history,
  time,
  ports,
  nothing
};
constexpr std::size_t kBasisCount = 8;

struct RungText {
  std::string_view name;
  std::string_view sentence;
  float confidence;
  Basis basis;
};

constexpr std::array<RungText, kDirectionRungCount> kRungs{{
    {"declared", "A user has declared this address and port to be a service.", 1.0f, Basis::people},
    {"stated_initiator", "The exporter says which end began the conversation.", 0.99f,
     Basis::exporter},
    {"inventory", "An inventory lists this listener.", 0.97f, Basis::people},
    {"handshake_packet", "A single packet of the TCP handshake was seen.", 0.99f, Basis::packets},
    {"multicast", "It is sent to a multicast or broadcast address, which stands for the service.",
     0.99f, Basis::nature},
    {"protocol_rule",
     "The protocol itself says who asks and who answers, or that both ends are alike.", 0.97f,
     Basis::nature},
    {"control_child", "It followed a flow to a port of the server that hands out other ports.",
     0.95f, Basis::nature},
    {"tcp_flags", "One side sent a SYN without ACK, as only the side that begins does.", 0.98f,
     Basis::packets},
    {"endpoint_memory", "This address and port has served before.", 0.97f, Basis::history},
    {"fan_in", "One end has many peers there, the other few.", 0.95f, Basis::history},
    {"client_ports", "The same end was met from many ports, the other from few.", 0.93f,
     Basis::history},
    {"first_start", "One half began clearly before the other, at the same exporter.", 0.90f,
     Basis::time},
    {"service_list", "One port belongs to a known service and the other does not.", 0.90f,
     Basis::ports},
    {"dynamic_range", "One port lies where its address draws its client ports from.", 0.85f,
     Basis::ports},
    {"port_range",
     "One port lies in the range of services, the other among those drawn for clients.", 0.75f,
     Basis::ports},
    {"one_way", "Only one side sent anything; it stands as the client.", 0.60f, Basis::time},
    {"lower_port", "The lower port is more often the service.", 0.55f, Basis::ports},
    {"none", "Nothing tells who serves.", 0.0f, Basis::nothing},
}};

const RungText& text(DirectionRung r) noexcept {
  const auto n = static_cast<std::size_t>(r);
  return kRungs[n < kRungs.size() ? n : kRungs.size() - 1];
}

/// 1 − Π(1 − evidence) of the rungs that `counts` picks; of each basis the strongest.
template <typename Counts>
float together(Counts&& counts) noexcept {
  std::array<bool, kBasisCount> heard{};
  float doubt = 1.0f;
  for (std::size_t i = 0; i < kRungs.size(); ++i) {
    bool& is_heard = heard[static_cast<std::size_t>(kRungs[i].basis)];
    if (is_heard || !counts(static_cast<DirectionRung>(i))) continue;
    is_heard = true;
    doubt *= 1.0f - kRungs[i].confidence;
  }
  return 1.0f - doubt;
}

}  // namespace

float confidence(const DirectionReasons& reasons) noexcept {
  const float good = together([&](DirectionRung r) { return reasons.agrees(r); });
  const float bad = together([&](DirectionRung r) { return reasons.disagrees(r); });
  const float sum = good * (1.0f - bad) + bad * (1.0f - good);
  return sum > 0.0f ? good * (1.0f - bad) / sum : good;
}

std::string DirectionReason::text() const {
  return (agrees ? "For: " : "Against: ") + std::string(describe(rung));
}

std::vector<DirectionReason> strongest(const DirectionReasons& reasons) {
  std::vector<DirectionReason> list;
  for (std::size_t i = 0; i < kRungs.size() && list.size() < kMaxReasons; ++i) {
    const auto rung = static_cast<DirectionRung>(i);
    if (reasons.agrees(rung)) list.push_back({rung, true});
    if (reasons.disagrees(rung) && list.size() < kMaxReasons) list.push_back({rung, false});
  }
  return list;
}

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
