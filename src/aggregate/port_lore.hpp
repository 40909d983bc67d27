/// \file
/// aggregate: ports that mean nothing by their number: those handed out by a control port, those that
/// an address draws for its clients, those that a scan tries.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "aggregate/distinct_count.hpp"
#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "flowlens/time.hpp"

namespace flowlens::aggregate {

/// Ports whose servers tell their clients to go on at another port.
[[nodiscard]] constexpr bool is_control_port(std::uint8_t protocol, std::uint16_t port) noexcept {
  constexpr std::uint8_t kTcp = 6, kUdp = 17;
  switch (port) {
    case 69:  // TFTP answers from a port of its own
      return protocol == kUdp;
    case 111:  // ONC RPC
      return protocol == kTcp || protocol == kUdp;
    case 21:    // FTP
    case 135:   // MS-RPC
    case 554:   // RTSP
    case 1099:  // Java RMI
    case 1521:  // Oracle redirect
    case 1720:  // H.323
      return protocol == kTcp;
    default:
      return false;
  }
}

/// Who has lately asked whom at a control port. Past the bound, what ended longest ago of some
/// looked at goes. Thread-compatible.
class ControlFlows {
 public:
  explicit ControlFlows(std::size_t max_pairs, std::uint64_t seed) : pairs_(max_pairs, seed) {}

  void add(const Endpoint& client, const Endpoint& server, std::uint16_t port, Timestamp first,
           Timestamp last) {
    if (pairs_.full()) forget_one();
    const auto [position, is_new] = pairs_.insert({client, server});
    if (position == pairs_.kNone) return;
    Span& span = pairs_[position].value;
    if (is_new) span = {first, last, port, true};
    // A pair silent for long begins anew; of two control ports the lower stands.
    if (!is_new && first > span.last + kMemory) span.first = first;
    span.first = std::min(span.first, first);
    span.last = std::max(span.last, last);
    span.port = std::min(span.port, port);
  }

  /// \return the control port that a flow which began at `first` may come from; 0: none.
  [[nodiscard]] std::uint16_t parent(const Endpoint& client, const Endpoint& server,
                                     Timestamp first) const noexcept {
    if (pairs_.size() == 0) return 0;
    const std::uint32_t position = pairs_.find({client, server});
    if (position == pairs_.kNone) return 0;
    const Span& span = pairs_[position].value;
    return first >= span.first - kSkew && first <= span.last + kChildWithin ? span.port
                                                                            : std::uint16_t{0};
  }
  [[nodiscard]] bool empty() const noexcept { return pairs_.size() == 0; }

 private:
  static constexpr std::chrono::seconds kSkew{5};
  static constexpr std::chrono::seconds kChildWithin{60};
  static constexpr std::chrono::seconds kMemory{3'600};

  struct Pair {
    Endpoint client;
    Endpoint server;
    friend constexpr bool operator==(const Pair&, const Pair&) noexcept = default;
  };
  struct PairHash {
    std::uint64_t operator()(const Pair& p, std::uint64_t seed) const noexcept {
      return base::mix(base::hash_of(p.client, seed), base::hash_of(p.server, ~seed));
    }
  };
  struct Span {
    Timestamp first;
    Timestamp last;
    std::uint16_t port = 0;
    bool alive = false;
  };

  void forget_one() {
    std::uint32_t oldest = pairs_.kNone;
    for (int i = 0; i < 16; ++i) {
      hand_ = hand_ + 1 < pairs_.positions() ? hand_ + 1 : 0;
      const Span& span = pairs_[hand_].value;
      if (span.alive && (oldest == pairs_.kNone || span.last < pairs_[oldest].value.last)) {
        oldest = hand_;
      }
    }
    if (oldest == pairs_.kNone) return;
    pairs_[oldest].value.alive = false;
    pairs_.erase(oldest);
  }

  base::BoundedTable<Pair, Span, PairHash> pairs_;
  std::uint32_t hand_ = 0;
};

/// From which ports below the usual range an address draws for its clients, as learned from
/// conversations whose server is sure: an old system's 1025 to 5000, a NAT's 1024 to 65535. Past the
/// bound no further address is learned. Thread-compatible.
class ClientPortRanges {
 public:
  static constexpr std::uint16_t kUsual = 32'768;  ///< from here on all know it

  explicit ClientPortRanges(std::size_t max_addresses, std::uint64_t seed)
      : addresses_(max_addresses, seed) {}

  void add(const Endpoint& endpoint, std::uint16_t port) {
    if (port < 1024 || port >= kUsual) return;
    const std::uint32_t position = addresses_.insert(endpoint).first;
    if (position == addresses_.kNone) return;
    Range& range = addresses_[position].value;
    range.low = std::min(range.low, port);
    range.high = std::max(range.high, port);
    range.ports.insert(port);
  }
  /// Whether the address is known to draw from about there: from eight ports on.
  [[nodiscard]] bool contains(const Endpoint& endpoint, std::uint16_t port) const noexcept {
    if (addresses_.size() == 0 || port < 1024 || port >= kUsual) return false;
    const std::uint32_t position = addresses_.find(endpoint);
    if (position == addresses_.kNone) return false;
    const Range& range = addresses_[position].value;
    return range.ports.count() >= 8 && port >= range.low && port <= range.high;
  }

 private:
  struct Range {
    DistinctCount<std::uint16_t> ports;
    std::uint16_t low = 0xffff;
    std::uint16_t high = 0;
  };
  struct Hash {
    std::uint64_t operator()(const Endpoint& e, std::uint64_t seed) const noexcept {
      return base::hash_of(e, seed);
    }
  };
  base::BoundedTable<Endpoint, Range, Hash> addresses_;
};

/// Who calls how many that stay silent, in one window. Past the bound further callers are not looked
/// at. Thread-compatible.
class Silence {
 public:
  /// So many addresses and ports make a scan.
  static constexpr std::uint32_t kScan = 25;

  explicit Silence(std::size_t max_callers, std::uint64_t seed) : callers_(max_callers, seed) {}

  /// \param caller  position of the endpoint in the window. \param called  the silent one.
  void add(std::uint32_t caller, std::uint8_t protocol, const Endpoint& called,
           std::uint16_t port) {
    const std::uint32_t position = callers_.insert({caller, protocol}).first;
    if (position == callers_.kNone) return;
    const std::uint64_t hash = base::mix(base::hash_of(called, 0), port);
    callers_[position].value.insert(static_cast<std::uint32_t>(hash >> 32));
  }
  [[nodiscard]] bool scans(std::uint32_t caller, std::uint8_t protocol) const noexcept {
    if (callers_.size() == 0) return false;
    const std::uint32_t position = callers_.find({caller, protocol});
    return position != callers_.kNone && callers_[position].value.count() >= kScan;
  }
  void clear() noexcept { callers_.clear(); }

 private:
  struct Caller {
    std::uint32_t endpoint = 0;
    std::uint8_t protocol = 0;
    friend constexpr bool operator==(const Caller&, const Caller&) noexcept = default;
  };
  struct Hash {
    std::uint64_t operator()(const Caller& c, std::uint64_t seed) const noexcept {
      return base::mix(c.endpoint ^ seed, c.protocol);
    }
  };
  base::BoundedTable<Caller, DistinctCount<std::uint32_t>, Hash> callers_;
};

}  // namespace flowlens::aggregate
