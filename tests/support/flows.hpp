/// \file
/// Flows made by hand, so that a test states only what matters to it.
#pragma once

#include <string_view>

#include "flowlens/flow_record.hpp"

namespace flowlens::testing {

/// 2026-11-21 12:00:00 UTC, the start of a window of five minutes.
inline constexpr Timestamp kNoon = from_unix_ns(1'795'262'400'000'000'000);

inline IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

struct Flow : FlowRecord {
  Flow& octets(std::uint64_t n) { return octet_count = n, *this; }
  Flow& packets(std::uint64_t n) { return packet_count = n, *this; }
  Flow& flags(unsigned f) {
    tcp_flags = static_cast<std::uint8_t>(f);
    present |= static_cast<std::uint32_t>(FlowField::tcp_flags);
    return *this;
  }
  Flow& at(Timestamp from, Timestamp to) { return start = from, end = to, *this; }
  Flow& came(Timestamp t) { return received = t, *this; }
  Flow& by(std::string_view exporter_address, std::uint32_t domain = 0,
           std::uint8_t direction = 0) {
    exporter = address(exporter_address);
    observation_domain = domain;
    flow_direction = direction;
    return *this;
  }
  Flow& sampled(std::uint32_t rate) { return sampling_rate = rate, *this; }
  Flow& of_kind(FlowKind k) { return kind = k, *this; }
  Flow& begun_by(Initiator i) { return initiator = i, *this; }
};

/// Ten packets of 100 octets in the ten seconds before kNoon + 30 s.
inline Flow flow(std::uint8_t protocol, std::string_view source, std::string_view destination) {
  Flow f;
  f.source_address = address(source);
  f.destination_address = address(destination);
  f.exporter = address("192.0.2.1");
  f.protocol = protocol;
  f.start = kNoon + std::chrono::seconds{20};
  f.end = kNoon + std::chrono::seconds{30};
  f.received = kNoon + std::chrono::seconds{31};
  f.octet_count = 1'000;
  f.packet_count = 10;
  f.present = static_cast<std::uint32_t>(FlowField::source_address) |
              static_cast<std::uint32_t>(FlowField::destination_address) |
              static_cast<std::uint32_t>(FlowField::protocol) |
              static_cast<std::uint32_t>(FlowField::octet_count) |
              static_cast<std::uint32_t>(FlowField::packet_count) |
              static_cast<std::uint32_t>(FlowField::start) |
              static_cast<std::uint32_t>(FlowField::end);
  return f;
}
inline Flow with_ports(std::uint8_t protocol, std::string_view source, std::uint16_t source_port,
                       std::string_view destination, std::uint16_t destination_port) {
  Flow f = flow(protocol, source, destination);
  f.source_port = source_port;
  f.destination_port = destination_port;
  f.present |= static_cast<std::uint32_t>(FlowField::source_port) |
               static_cast<std::uint32_t>(FlowField::destination_port);
  return f;
}
/// A whole connection's flags, which say nothing of who began.
inline Flow tcp(std::string_view source, std::uint16_t source_port, std::string_view destination,
                std::uint16_t destination_port) {
  return with_ports(6, source, source_port, destination, destination_port)
      .flags(kTcpSyn | kTcpAck | kTcpPsh | kTcpFin);
}
inline Flow udp(std::string_view source, std::uint16_t source_port, std::string_view destination,
                std::uint16_t destination_port) {
  return with_ports(17, source, source_port, destination, destination_port);
}
inline Flow icmp(std::string_view source, std::string_view destination, std::uint8_t type,
                 std::uint8_t code = 0) {
  Flow f = flow(1, source, destination);
  f.icmp_type_code = static_cast<std::uint16_t>(type << 8 | code);
  f.present |= static_cast<std::uint32_t>(FlowField::icmp_type_code);
  return f;
}

}  // namespace flowlens::testing
