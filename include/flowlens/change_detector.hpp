/// \file
/// detect: what became otherwise, against each asset's, service's and dependency's own rhythm.
/// docs/changes.md says for people when each event is raised.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flowlens/attempt.hpp"
#include "flowlens/change_event.hpp"
#include "flowlens/connection_summary.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/diagnostic.hpp"

namespace flowlens {

struct ChangeDetectorOptions {
  bool is_on = true;                                          ///< off: look() does nothing
  std::chrono::nanoseconds window = std::chrono::minutes{5};  ///< the Aggregator's
  /// Until then nothing but discovery is said; also how long each thing is watched before it is judged.
  std::chrono::hours learning{7 * 24};
  std::chrono::nanoseconds check_every = std::chrono::minutes{5};  ///< looks for what fell silent
  std::chrono::hours forget_after{
      28 * 24};  ///< of silence beyond what its rhythm allows; twice that without one
  std::uint32_t quiet_windows = 3;     ///< the shortest pause that can be a silence
  std::uint64_t min_octets = 1 << 20;  ///< of a window: spikes and drops below it are passed over
  /// Addresses on one port, or ports of one address, that one client had never called, in a window.
  std::uint32_t scan_ends = 25;
  std::uint32_t critical_clients = 10;  ///< that lose a service nobody else gives
  std::size_t max_assets = 1'000'000;   ///< watched; past it new ones are not, and counted
  std::size_t max_services = 1'000'000;
  std::size_t max_dependencies = 1'000'000;
  std::size_t max_baselines =
      50'000;  ///< past it the one not used for longest goes, and is counted
  std::size_t max_attempts =
      200'000;                     ///< remembered; past it the one made longest ago of some goes
  std::size_t max_events = 1'000;  ///< of one look(); the gravest are kept, the rest counted
  std::size_t max_parts = 50;      ///< events beneath one cause; the rest counted
  std::uint64_t hash_seed = 0;
};

struct ChangeDetectorCounters {
  std::uint64_t assets = 0;  ///< watched
  std::uint64_t services = 0;
  std::uint64_t dependencies = 0;
  std::uint64_t baselines = 0;
  std::uint64_t attempts = 0;                            ///< remembered
  std::uint64_t forgotten_attempts = 0;                  ///< at the bounds
  std::uint64_t unwatched = 0;                           ///< found no room
  std::uint64_t evicted_baselines = 0;                   ///< to make room
  std::uint64_t left_out = 0;                            ///< events past max_events and max_parts
  std::array<std::uint64_t, kChangeTypeCount> events{};  ///< raised, by ChangeType
};

/// Watches closed windows. State is bounded: some 110 octets a dependency watched, 90 a service or
/// asset, 380 a baseline (hour of the week: 168 × 2 octets), 40 an attempt remembered.
///
/// Time is that of the windows seen: while no window with traffic closes at all, time stands still,
/// so a pause of FlowLens itself is nobody's silence.
///
/// Thread-compatible.
class ChangeDetector {
 public:
  /// \throws ConfigError for a window, a limit or a threshold of 0.
  explicit ChangeDetector(const ChangeDetectorOptions& options = {});
  ~ChangeDetector();
  ChangeDetector(ChangeDetector&&) noexcept;
  ChangeDetector& operator=(ChangeDetector&&) noexcept;

  /// Takes up what the graph holds and load() did not tell: rhythms from hour bitmaps, no baselines.
  void begin(const DependencyGraph& graph);

  /// Looks at the rows of closed windows; provisional ones are passed over. A window's rows may come
  /// in several calls.
  /// \param graph  has applied the rows.
  /// \param ids  the dependency of each row; none for one that the graph had no room for.
  /// \param out  overwritten: causes before their parts.
  /// \param attempts  of closed windows, too.
  void look(const DependencyGraph& graph, std::span<const ConnectionSummary> rows,
            std::span<const Id> ids, std::vector<ChangeEvent>& out,
            std::span<const Attempt> attempts = {});

  /// All that was learned. Begins with `FLch`; format of this release; a CRC-32 guards it.
  [[nodiscard]] std::vector<std::byte> save() const;
  /// Replaces all that was learned. \return `none`, or what is wrong; then nothing has changed.
  [[nodiscard]] Diagnostic load(std::span<const std::byte> state);

  [[nodiscard]] ChangeDetectorCounters counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
