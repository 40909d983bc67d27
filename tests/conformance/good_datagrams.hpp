/// \file
/// Datagrams without fault, by which a decoder shows that it still works.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "flowlens/transport_session.hpp"

namespace flowlens::conformance {

/// One datagram that brings its own template and gives exactly one flow: TCP from 10.1.2.3:40000 to
/// 10.4.5.6:443.
struct GoodDatagram {
  std::string protocol;
  std::vector<std::byte> octets;
};

/// One of NetFlow v5, NetFlow v9, IPFIX and sFlow v5 each.
[[nodiscard]] const std::vector<GoodDatagram>& good_datagrams();
/// Another exporter than that of the hostile datagrams.
[[nodiscard]] TransportSession good_session();

}  // namespace flowlens::conformance
