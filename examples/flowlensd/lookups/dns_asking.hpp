/// \file
/// lookups: names of the map's addresses, asked of DNS and kept up to date.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "config/settings.hpp"
#include "flowlens/dns_lookup.hpp"
#include "library.hpp"
#include "lookups/lookup_source.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/keyed_hash.hpp"
#include "pipeline/periodic.hpp"

namespace flowlensd {

struct DnsAskingOptions {
  DnsOptions dns;
  bool external = true;                 ///< whether external peers are asked about, too
  std::size_t max_endpoints = 100'000;  ///< past it, further ones wait until others have gone
  std::uint64_t hash_key = 0;           ///< so that nobody can choose collisions
};
/// \throws ConfigError naming the setting, for servers that are none.
[[nodiscard]] DnsAskingOptions dns_asking_options(const Settings& settings);

/// Whether there is a name to be asked for: not for multicast, loopback, groups of peers and the like.
[[nodiscard]] bool can_have_name(const IpAddress& address) noexcept;

struct DnsAskingView {
  DnsCounters dns;
  std::string last_problem;    ///< empty: none yet
  std::size_t endpoints = 0;   ///< whose names are kept up to date
  std::size_t facts = 0;       ///< said of them now
  std::uint64_t left_out = 0;  ///< endpoints past max_endpoints, each time that they were seen
};

/// Asks for each endpoint of the map, and again before its name expires, as long as it is in the map.
class DnsAsking {
 public:
  /// Takes what is found of one endpoint: what is so, and with an empty value what is so no more.
  using Tell = std::function<void(std::span<const Fact>)>;

  /// \param tell  called by the thread of the look-up. `graph` outlives this.
  DnsAsking(const DnsAskingOptions& options, const DependencyGraph& graph, Tell tell,
            FatalHandler fatal);
  ~DnsAsking() { stop(); }

  /// Begins with what is in the map already.
  void start() { thread_.start(); }
  void stop();
  /// Takes note of endpoints that are new. Any thread; waits for nobody but for a moment.
  void follow(const Revision& revision);
  [[nodiscard]] DnsAskingView view() const;
  /// The same as look-ups in general say of themselves. It fails if the last address found no server.
  [[nodiscard]] LookupStatus status() const;

 private:
  struct EndpointHash {
    std::uint64_t key;
    std::size_t operator()(const Endpoint& e) const noexcept {
      return keyed_hash(e.address, key + e.site.value);
    }
  };
  struct Kept {
    Timestamp due;
    std::string attribute;  ///< of what was told of it last; empty: nothing
  };

  void look(Timestamp now);
  void take_all(Timestamp now);
  void take(const AssetRow& row, Timestamp now);
  void ask_due(Timestamp now);
  [[nodiscard]] bool is_in_map(const Endpoint& endpoint) const;
  void hear(const DnsAnswer& answer);
  void put_off(const Endpoint& endpoint, Timestamp due);
  void forget(const Endpoint& endpoint);

  const DnsAskingOptions options_;
  const DependencyGraph& graph_;
  const Tell tell_;
  mutable std::mutex mutex_;  ///< of the next four; held for moments
  std::unordered_map<Endpoint, Kept, EndpointHash> kept_;
  std::set<std::pair<Timestamp, Endpoint>> due_;  ///< each of `kept_` once
  std::uint64_t left_out_ = 0;
  std::size_t facts_ = 0;
  bool has_taken_all_ = false;
  DnsLookup lookup_;
  Periodic thread_;
};

}  // namespace flowlensd
