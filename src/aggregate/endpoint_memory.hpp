/// \file
/// aggregate: what is remembered of endpoints from closed windows: who served where, and to how many.
#pragma once

#include <cstdint>
#include <vector>

#include "aggregate/direction.hpp"
#include "aggregate/distinct_count.hpp"
#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "base/huge_pages.hpp"
#include "flowlens/aggregator.hpp"

namespace flowlens::aggregate {

/// One end of conversations.
struct ServiceKey {
  Endpoint endpoint;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  friend constexpr bool operator==(const ServiceKey&, const ServiceKey&) noexcept = default;
};
struct ServiceKeyHash {
  std::uint64_t operator()(const ServiceKey& k, std::uint64_t seed) const noexcept {
    return base::mix(base::hash_of(k.endpoint, seed), std::uint64_t{k.port} << 8 | k.protocol);
  }
};

/// Keys that came once, told from those that came again, in few bits: the ports that clients draw
/// come once and are not worth an entry. Forgets after two turns(). Errs on the side of "again".
class SeenOnce {
 public:
  explicit SeenOnce(std::size_t entries);
  /// Counts the key.
  void count(std::uint64_t hash) noexcept {
    std::uint8_t& times = times_[index(hash)];
    if ((times & 3) < 2) ++times;
  }
  [[nodiscard]] bool came_again(std::uint64_t hash) const noexcept {
    const unsigned times = times_[index(hash)];
    return (times & 3) >= 2 || ((times & 3) != 0 && times >= 4);
  }
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&times_[index(hash)]); }
  void turn() noexcept;

 private:
  [[nodiscard]] std::size_t index(std::uint64_t hash) const noexcept { return hash & mask_; }
  std::size_t mask_;
  std::vector<std::uint8_t, base::HugePageAllocator<std::uint8_t>>
      times_;  ///< 0, 1, 2: so often, at most; times 4: before the last turn
};

/// Memory of endpoints (D13 to D15 of notes/mapping.md). It changes while a window is closed and at
/// no other time. All updates of one window commute, so no order of arrival shows.
///
/// Evidence fades: scores halve with each half-life, peers and ports are counted anew after four of
/// them, and an end that was silent for four is forgotten. Past the bound the one silent longest of
/// some looked at goes, those that never served first.
///
/// Thread-compatible.
class EndpointMemory {
 public:
  /// \param window  length of a window; ages are counted in windows.
  explicit EndpointMemory(const AggregatorOptions& options);

  struct End {
    DistinctCount<std::uint32_t> peers;
    DistinctCount<std::uint16_t> client_ports;
    std::int64_t last = 0;   ///< window it was met in
    std::int64_t since = 0;  ///< window its peers and ports were first counted in
    std::uint16_t served = 0;
    std::uint16_t used = 0;
    std::int64_t served_in = kNever;  ///< counted for this window already
    std::int64_t used_in = kNever;
    bool alive = true;
  };
  using Ends = base::BoundedTable<ServiceKey, End, ServiceKeyHash>;

  [[nodiscard]] std::uint64_t hash(const ServiceKey& key) const noexcept { return ends_.hash(key); }
  void prefetch_slot(std::uint64_t hash) const noexcept { ends_.prefetch_slot(hash); }
  void prefetch_entry(std::uint64_t hash) const noexcept { ends_.prefetch_entry(hash); }
  [[nodiscard]] bool may_hold(std::uint64_t hash) const noexcept { return ends_.may_hold(hash); }
  [[nodiscard]] Evidence::Past past(const ServiceKey& key, std::uint64_t hash) const noexcept;

  /// The end, met in window `number`. \param make  whether to make an entry if there is none.
  /// \return null if there is none.
  End* meet(const ServiceKey& key, std::uint64_t hash, std::int64_t number, bool make);
  static void add_peer(End& end, std::uint32_t peer, std::uint16_t port) noexcept {
    end.peers.insert(peer);
    end.client_ports.insert(port);
  }
  /// The end served, or was a client's, in window `number`, by strong evidence.
  /// \return whether nothing had shown it as a server before.
  static bool mark_served(End& end, std::int64_t number) noexcept;
  static void mark_used(End& end, std::int64_t number) noexcept;

  /// Lets go of some of what was not met for long. Call at the close of each window.
  void age(std::int64_t number);

  SeenOnce once;
  SeenOnce called;  ///< ends without a known service that somebody called in vain

  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }

 private:
  static constexpr std::int64_t kNever = INT64_MIN;
  [[nodiscard]] std::int64_t halvings(std::int64_t windows) const noexcept;
  void make_room(std::int64_t number);
  void forget(std::uint32_t position);

  Ends ends_;
  std::int64_t half_life_;  ///< windows, at least 1
  std::int64_t last_turn_ = kNever;
  std::int64_t number_ = 0;  ///< the window closed last
  std::uint32_t hand_ = 0;   ///< where the next look for something to forget begins
  std::uint64_t evicted_ = 0;
};

}  // namespace flowlens::aggregate
