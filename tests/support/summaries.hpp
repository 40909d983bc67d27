/// \file
/// Summaries made by hand.
#pragma once

#include <string_view>

#include "flowlens/connection_summary.hpp"
#include "support/flows.hpp"

namespace flowlens::testing {

/// Two flows, first reported, provisional: 1 packet of 100 octets there, 2 back.
inline ConnectionSummary summary(std::string_view client, std::string_view server,
                                 std::uint16_t port) {
  ConnectionSummary s;
  s.key.client.address = address(client);
  s.key.server.address = address(server);
  s.key.port = port;
  s.key.protocol = 6;
  s.window_start = kNoon;
  s.first = kNoon + std::chrono::seconds{1};
  s.last = kNoon + std::chrono::seconds{2};
  s.counts.flows = 2;
  s.counts.octets_to_server = s.counts.estimated_octets_to_server = 100;
  s.counts.octets_to_client = s.counts.estimated_octets_to_client = 200;
  s.counts.packets_to_server = 1;
  s.counts.packets_to_client = 2;
  s.added = s.counts;
  s.observers[0] = address("192.0.2.1");
  s.observer_count = 1;
  s.rung = DirectionRung::port_range;
  return s;
}

}  // namespace flowlens::testing
