/// \file
/// Datagrams in memory, by protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/template.hpp"
#include "flowlens/time.hpp"
#include "flowlens/transport_session.hpp"
#include "options.hpp"

namespace flowlens::bench {

struct Datagram {
  std::size_t offset = 0;  ///< into Workload::octets
  std::size_t size = 0;
  TransportSession session;
  Timestamp received;
};

/// All datagrams of one protocol, in the order of the files.
struct Workload {
  ExportProtocol protocol = ExportProtocol::netflow_v5;
  std::vector<std::byte> octets;
  std::vector<Datagram> datagrams;

  [[nodiscard]] std::span<const std::byte> payload(const Datagram& d) const noexcept {
    return std::span{octets}.subspan(d.offset, d.size);
  }
};

/// `NetFlow v9`
[[nodiscard]] std::string_view name_of(ExportProtocol protocol) noexcept;

/// Reads all files. Datagrams of no known protocol are left out.
/// \throws IoError naming the file, and what is wrong with it.
[[nodiscard]] std::vector<Workload> load(const Options& options);

}  // namespace flowlens::bench
