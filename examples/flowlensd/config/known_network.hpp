/// \file
/// config: what the administrator knows of the network and flows do not show: sites, internal
/// networks, who serves where.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "library.hpp"

namespace flowlensd {

struct KnownNetwork {
  EnricherOptions enricher;
  std::vector<DeclaredService> services;
  std::vector<Listener> listeners;
};

/// Reads a CSV table with the columns `kind`, `addresses`, `exporters`, `vrf`, `site`, `port`,
/// `protocol` and `expires`, in any order; empty where nothing is to be said. Kinds:
/// - `site`: addresses, all that these exporters see, what they see in a VRF (its id, or its name as
///   they tell it), or these together, are at this site;
/// - `internal`: addresses that are internal besides the private ranges;
/// - `service`: these addresses serve at this port, whatever flows seem to show;
/// - `listener`: this one address does, until it expires, as an inventory says.
/// \param name  of the table, for messages. \throws ConfigError naming the line and what would be right.
[[nodiscard]] KnownNetwork parse_known_network(std::string_view csv, const std::string& name);
/// \throws ConfigError also if the file cannot be read. An empty path is an empty network.
[[nodiscard]] KnownNetwork read_known_network(const std::string& path);

}  // namespace flowlensd
