/// \file
/// lookup: what DHCP servers write down of their leases.
#pragma once

#include <map>
#include <string_view>

#include "flowlens/fact_file.hpp"
#include "flowlens/id.hpp"

namespace flowlens {

/// The leases of ISC dhcpd (dhcpd.leases, dhcpd6.leases), Kea (CSV, v4 and v6; with what its clean-up keeps
/// beside it in `.completed`, `.2` and `.1`) or dnsmasq (dnsmasq.leases), told apart by themselves. Of a lease
/// that holds now, until it ends:
/// * `asset`: derived from the MAC address, else from the client identifier, so that a machine is the same at
///   each address it gets; `since` the time from which it held the address without a break. dnsmasq does not
///   write that down: there it is when this object first saw the lease. Source `inventory`.
/// * `mac`. Source `inventory`.
/// * `dhcp.hostname`, and the same as `name`: what the client says of itself. Source `observed`.
/// Of leases that ended only `asset` is told, and only where another machine has the address after it.
///
/// Thread-compatible.
class DhcpLeases final : public FactFile {
 public:
  /// \throws ConfigError as FactFile does.
  explicit DhcpLeases(const FactFileOptions& options) : FactFile("dhcp", options) {}

 private:
  /// Since when a machine has held an address, as far as files said so far.
  struct Tenure {
    Id asset;
    Timestamp since, until;
  };

  void read(std::string_view text, lookup::FactSheet& sheet) override;

  std::map<IpAddress, Tenure> tenures_;  ///< of the last list(); files forget renewals
};

}  // namespace flowlens
