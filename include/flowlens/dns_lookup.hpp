/// \file
/// lookup: names of addresses, asked of DNS servers.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/endpoint.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// \throws ConfigError if one is not as in DnsOptions::servers.
void check_dns_servers(const std::vector<std::string>& servers);

struct DnsOptions {
  /// Addresses, each with a port or without: `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:5353`. They
  /// are asked in this order. Empty: those of /etc/resolv.conf, which is read again every minute.
  std::vector<std::string> servers;
  std::chrono::milliseconds timeout{2'000};  ///< of the first try; a later one waits twice as long
  int tries = 2;                             ///< of each server
  /// What a server says is kept as long as the server says, within these bounds.
  std::chrono::seconds shortest_ttl{60};
  std::chrono::seconds longest_ttl{3'600};
  std::chrono::seconds longest_negative_ttl{300};  ///< of answers without a name, and of failures
  std::size_t cache_size = 10'000;   ///< answers; past it the one used longest ago goes
  std::size_t max_concurrent = 100;  ///< addresses asked about at a time
  std::size_t max_waiting = 10'000;  ///< endpoints without an answer yet
};

enum class DnsResult : std::uint8_t {
  confirmed,      ///< the name has the address that was asked about
  unconfirmed,    ///< it has others, or none: whoever holds the address can have made it up
  no_name,        ///< the address has none
  bad_name,       ///< what the server calls it is no host name
  timed_out,      ///< no server answered in time
  unreachable,    ///< no server can be reached: nobody listens there, or there is no way to it
  server_failed,  ///< SERVFAIL, REFUSED and the like from all servers
  bad_answer      ///< an answer that cannot be read, or not to the question
};
inline constexpr std::size_t kDnsResults = 8;
/// `timed_out`
[[nodiscard]] std::string_view to_string(DnsResult r) noexcept;
/// Whether this says nothing of the address, but of the servers.
[[nodiscard]] constexpr bool is_failure(DnsResult r) noexcept { return r >= DnsResult::timed_out; }

struct DnsAnswer {
  Endpoint subject;
  DnsResult result = DnsResult::no_name;
  std::string name;     ///< lower case, no point at the end; empty unless confirmed or unconfirmed
  Timestamp at;         ///< when the server said so
  Timestamp expires;    ///< until when that may be believed
  Timestamp ask_again;  ///< before it, the answer comes from memory
};

/// `name` if confirmed, else `dns.unconfirmed_name`; source and origin `dns`. Nothing without a name.
[[nodiscard]] std::vector<Fact> dns_facts(const DnsAnswer& answer);

/// A host name as RFC 1123 §2.1 has it: labels of letters, digits and `-`, not at their ends, at most 63
/// octets each and 253 together, the last not of digits alone. `_` is allowed, too: many machines have it.
[[nodiscard]] bool is_host_name(std::string_view text) noexcept;

struct DnsCounters {
  std::uint64_t asked = 0;       ///< endpoints taken by ask()
  std::uint64_t refused = 0;     ///< endpoints not taken, as too many were waiting
  std::uint64_t from_cache = 0;  ///< answered without asking anybody
  std::uint64_t shared = 0;      ///< answered with another endpoint of the same address
  std::uint64_t queries = 0;     ///< questions handed to servers; tries count as one
  std::uint64_t evicted = 0;     ///< answers forgotten early for want of room
  std::array<std::uint64_t, kDnsResults> results{};  ///< of addresses asked about
  std::uint64_t failures_in_a_row = 0;               ///< since a server last said anything
  std::optional<Timestamp> last_answer;              ///< of a server, and no failure
  std::optional<Timestamp> last_failure;
  std::size_t waiting = 0;
  std::size_t under_way = 0;  ///< addresses
  std::size_t cached = 0;
};

/// Asks who an address is (PTR), and whether the name it gets has that address (A, AAAA). Of several
/// names the first that has it counts, in the order of the alphabet. Only records that belong to the
/// question are read: whatever else a server sends along is not kept. Zones delegated by CNAME (RFC 2317)
/// are followed for 8 steps.
///
/// Thread-safe; has one thread of its own.
class DnsLookup {
 public:
  /// Called by the thread of its own; must neither throw nor wait for long.
  using Tell = std::function<void(const DnsAnswer&)>;

  /// \throws ConfigError if a server is not an address or a bound is 0; IoError if there is no thread.
  DnsLookup(const DnsOptions& options, Tell tell);
  ~DnsLookup();

  /// Never waits. \return false if too many wait already, or after stop(): ask again later.
  bool ask(const Endpoint& endpoint);
  /// Ends at once; whoever still waits is not told.
  void stop() noexcept;

  [[nodiscard]] DnsCounters counters() const;
  /// The last failure, with the servers asked. Empty: none yet.
  [[nodiscard]] std::string last_problem() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
