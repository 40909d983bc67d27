/// \file
/// aggregate: what exporters tell of address translation, kept to attribute traffic seen outside of a
/// translator to who really talks (elements 225 to 228, 281, 282; events of RFC 8158).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "flowlens/endpoint.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// One end of a connection.
struct TransportEnd {
  Endpoint endpoint;
  std::uint16_t port = 0;
  friend constexpr auto operator<=>(const TransportEnd&, const TransportEnd&) noexcept = default;
};

/// Both ends of a connection, in any order.
struct ConnectionEnds {
  std::array<TransportEnd, 2> end;
  std::uint8_t protocol = 0;  ///< IANA protocol number
  friend constexpr bool operator==(const ConnectionEnds&, const ConnectionEnds&) noexcept = default;
};

/// When a translation was in force; both ends belong to it.
struct TranslationTime {
  Timestamp first;
  Timestamp last;
  // False: the time is the furthest to be believed; another use of the same look cuts it short.
  bool is_begin_known = true;
  bool is_end_known = true;
};

struct TranslationTableOptions {
  std::size_t max_entries = 1'000'000;  ///< past it the one told or used longest ago goes
  /// How far the clocks of two exporters may lie apart.
  std::chrono::seconds max_clock_skew{60};
  /// How long a translation is believed of which only the beginning was told.
  std::chrono::seconds max_lifetime{86'400};
  std::uint64_t hash_seed = 0;  ///< against chosen collisions; never changes a result
};

struct TranslationCounters {
  std::uint64_t entries = 0;    ///< held now
  std::uint64_t told = 0;       ///< by flows and events
  std::uint64_t evicted = 0;    ///< at the bound
  std::uint64_t applied = 0;    ///< conversations attributed to who really talks
  std::uint64_t ambiguous = 0;  ///< conversations for which several were told: left as seen
  std::uint64_t refused = 0;    ///< conversations for which the window had no room
};

/// Translations by what they look like, each with the time in which it was in force. Of one look
/// there may be several, one after the other: ports are used again.
///
/// What find() says depends on what was told, not on its order, as long as the bound is not met.
/// Thread-compatible.
class TranslationTable {
 public:
  /// \throws ConfigError if a limit is 0.
  explicit TranslationTable(const TranslationTableOptions& options = {});
  ~TranslationTable();
  TranslationTable(TranslationTable&&) noexcept;
  TranslationTable& operator=(TranslationTable&&) noexcept;

  /// A connection looks like `seen` somewhere and really is `real`: the same order of ends. Told of
  /// the real one itself it says what it passes through.
  /// \param via  the address that stands for an end elsewhere.
  void tell(const ConnectionEnds& seen, const ConnectionEnds& real, const Endpoint& via,
            const TranslationTime& time);
  /// Whatever the other end: `outer` stands for `inner`. \param protocol  0: all.
  void tell_end(const TransportEnd& outer, const TransportEnd& inner, std::uint8_t protocol,
                const TranslationTime& time);
  /// Ports of `outer`, all protocols, stand for `inner` with whatever port; from 0 to 65,535: with
  /// the same.
  void tell_ports(const Endpoint& outer, std::uint16_t first_port, std::uint16_t last_port,
                  const Endpoint& inner, const TranslationTime& time);
  /// A translation of which only the beginning was told.
  [[nodiscard]] TranslationTime from(Timestamp begin) const noexcept;
  /// One of which only the end was told.
  [[nodiscard]] TranslationTime until(Timestamp end) const noexcept;
  // The end of one told before.
  void end(const ConnectionEnds& seen, const ConnectionEnds& real, const Endpoint& via,
           Timestamp at);
  void end_of_end(const TransportEnd& outer, const TransportEnd& inner, std::uint8_t protocol,
                  Timestamp at);
  void end_of_ports(const Endpoint& outer, std::uint16_t first_port, std::uint16_t last_port,
                    const Endpoint& inner, Timestamp at);

  struct Found {
    ConnectionEnds real;
    Endpoint via;
  };
  /// What really is that which is seen at that time.
  /// \return nothing if nothing was told, or several that contradict each other.
  [[nodiscard]] std::optional<Found> find(const ConnectionEnds& seen,
                                          const TranslationTime& time) noexcept;
  /// Whether anything was told of the endpoint: most others need no find().
  [[nodiscard]] bool speaks_of(const Endpoint& endpoint) const noexcept;
  [[nodiscard]] bool empty() const noexcept;

  /// Forgets what ended before; call it as time goes on.
  void forget(Timestamp before);
  // For the owner to count with.
  void count_applied() noexcept;
  void count_refused() noexcept;
  [[nodiscard]] TranslationCounters counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
