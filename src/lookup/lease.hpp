/// \file
/// lookup: one lease, whoever wrote it down.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"
#include "lookup/fact_sheet.hpp"

namespace flowlens::lookup {

struct Lease {
  IpAddress address;
  std::optional<Timestamp> start;  ///< nothing: not written down
  std::optional<Timestamp> end;    ///< nothing: never
  bool is_active = true;           ///< false: given back, expired or refused
  std::string mac;                 ///< as mac_text() has it; empty: not written down
  std::string client;              ///< octets of the client identifier or DUID
  std::string hostname;            ///< as the client says
  std::size_t line = 0;
};
/// Takes leases in the order in which they were written: the last of an address is how it is.
using LeaseSink = std::function<void(const Lease&)>;

void read_isc_leases(std::string_view text, FactSheet& sheet, const LeaseSink& sink);
/// \param file  which the text is of. \return whether it is such a file, by its header.
bool read_kea_leases(std::string_view text, const std::filesystem::path& file, FactSheet& sheet,
                     const LeaseSink& sink);
void read_dnsmasq_leases(std::string_view text, FactSheet& sheet, const LeaseSink& sink);

/// Octets of `01:52:54:00`; empty for what is none.
[[nodiscard]] std::string octets_of(std::string_view hex);
/// The Ethernet address in a client identifier: hardware type 1 (RFC 2132 §9.14), a DUID-LLT or DUID-LL (RFC 8415
/// §11), or such a DUID behind an IAID (RFC 4361 §6.1). Empty where there is none.
[[nodiscard]] std::string mac_of_client(std::string_view client);

}  // namespace flowlens::lookup
