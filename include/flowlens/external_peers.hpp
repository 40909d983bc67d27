/// \file
/// aggregate: clients and servers outside of the network, which may be the whole Internet: past a
/// bound they are shown together, counted by a sketch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/connection_summary.hpp"
#include "flowlens/redirection.hpp"

namespace flowlens {

/// What external peers have in common that are shown together.
enum class PeerGrouping : std::uint8_t {
  all,        ///< nothing but being external
  prefix,     ///< the first bits of their addresses
  as_number,  ///< the autonomous system, as flows or facts tell it, or else a table
  country,    ///< as facts tell it, or else a table
};
/// `as_number`
[[nodiscard]] std::string_view to_string(PeerGrouping g) noexcept;
[[nodiscard]] std::optional<PeerGrouping> parse_peer_grouping(std::string_view text) noexcept;

/// External peers shown together. On the map it has an address that no host can have, of the
/// discard-only prefix 100::/64 (RFC 6666).
struct PeerGroup {
  PeerGrouping by = PeerGrouping::all;
  /// AS number; two letters of a country; the first octets of a prefix. 0: not known.
  std::uint64_t value = 0;
  std::uint8_t length = 0;  ///< of a prefix, as of IpPrefix: 96 and more are IPv4's
  friend constexpr auto operator<=>(const PeerGroup&, const PeerGroup&) noexcept = default;

  [[nodiscard]] IpAddress address() const noexcept;
  /// `external`, `203.0.113.0/24`, `AS64500`, `DE`; `AS unknown`, `country unknown`.
  [[nodiscard]] std::string to_string() const;
};
/// The group that an address of the map stands for; nothing for addresses of hosts.
[[nodiscard]] std::optional<PeerGroup> peer_group(const IpAddress& address) noexcept;

/// Where an address belongs, as a table that is looked up says.
struct PeerOrigin {
  std::uint32_t as_number = 0;  ///< 0: not known
  std::string country;          ///< two letters, or empty
};

struct ExternalPeersOptions {
  /// External clients of one service, and external servers that one client uses at one port, that are
  /// shown each by itself; with one more, all are shown in groups. 0: always in groups.
  std::size_t max_peers = 5'000;
  PeerGrouping grouping = PeerGrouping::all;
  std::uint8_t prefix_v4 = 24;     ///< length of `prefix` groups, at most 32
  std::uint8_t prefix_v6 = 48;     ///< at most 48
  std::size_t max_groups = 1'000;  ///< of one service; with one more, all are one
  /// Remembered of all services together while each is shown; at the bound a service that has one more
  /// is shown in groups.
  std::size_t max_known_peers = 2'000'000;
  std::size_t max_services = 200'000;   ///< looked at; peers of further ones are one at once
  std::size_t max_origins = 1'000'000;  ///< addresses whose AS or country is known
  /// Asked for what neither flows nor facts tell, once of each address while there is room for its
  /// origin. Called in collapse(); always answers the same. May be empty.
  std::function<PeerOrigin(const IpAddress&)> origin_of{};
  std::uint64_t hash_seed = 0;  ///< against chosen collisions; never changes a result
};

struct ExternalPeersCounters {
  std::uint64_t services = 0;            ///< looked at, with their external peers
  std::uint64_t services_collapsed = 0;  ///< of these, shown in groups
  std::uint64_t known_peers = 0;         ///< remembered, of services that show each by itself
  std::uint64_t services_refused = 0;    ///< rows of services past the bound
  std::uint64_t origins_refused = 0;     ///< what was told of addresses past the bound
};

/// Puts rows of external peers together, on their way from the Aggregator to the map.
///
/// How a window is shown is decided when it closes, by the peers of that window and of those before, so
/// the order of arrival does not show. What was shown of it until then is taken back where it comes
/// out otherwise. A service once in groups stays so; rows of windows closed before stay as they are.
///
/// Thread-compatible.
class ExternalPeers {
 public:
  /// \throws ConfigError for a limit of 0 or a length too long.
  explicit ExternalPeers(const ExternalPeersOptions& options = {});
  ~ExternalPeers();
  ExternalPeers(ExternalPeers&&) noexcept;
  ExternalPeers& operator=(ExternalPeers&&) noexcept;

  /// Where an address belongs. Of two AS numbers the lower is believed, whoever came first.
  void tell_as(const IpAddress& address, std::uint32_t as_number);
  /// \param country  two letters. The last one told is believed.
  void tell_country(const IpAddress& address, std::string_view country);
  /// A row of the map as it was before a restart: what it shows in groups stays so.
  void remember(const DependencyKey& key);

  /// Rows of one flush; those of a window that closes are all in it. Rows are put in place of others,
  /// redirections keep their place among them.
  void collapse(std::vector<ConnectionSummary>& rows, std::vector<Redirection>& redirections);

  [[nodiscard]] bool wants_as() const noexcept;
  [[nodiscard]] ExternalPeersCounters counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
