/// \file
/// What really happened, as told by whoever made the traffic: the dependencies of a truth CSV.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>

#include "flowlens/connection_summary.hpp"

namespace truth {

using flowlens::DependencyKey;

/// One dependency that exists.
struct TrueDependency {
  bool is_peer = false;  ///< both ends alike: no side serves, the lower address stands as client
  /// A leg outside a translator: a map may show it, or instead the dependency that it is part of.
  bool is_wire_only = false;
  bool is_network_only = false;      ///< a leg of what a proxy passes on: no application's
  bool is_application_only = false;  ///< the whole of it: nothing on the wire bears both ends
  bool has_octets = false;
  std::uint64_t octets_to_server = 0;
  std::uint64_t octets_to_client = 0;
};

/// All of them, without sites. Peers are held with the lower address as client.
using TrueMap = std::map<DependencyKey, TrueDependency>;

/// Reads CSV with a header line. Columns, in any order: client, server, protocol (`tcp`, `udp` or a
/// number), port; of choice: octets_to_server, octets_to_client (at the IP layer, counted once) and
/// direction (`client_server`, the default, or `peer`), view (`wire`, `network` or
/// `balanced`, for the ones above, in their order). Others are passed over. Rows with one key
/// add up.
/// \param name  of the file, for messages.
/// \throws flowlens::IoError naming file, line and column, and what would be right.
[[nodiscard]] TrueMap read_true_map(std::istream& in, const std::string& name);
[[nodiscard]] TrueMap read_true_map(const std::string& path);

/// What a map of addresses shows, and what one of applications.
[[nodiscard]] TrueMap network_view(const TrueMap& map);
[[nodiscard]] TrueMap application_view(const TrueMap& map);

}  // namespace truth
