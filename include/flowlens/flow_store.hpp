/// \file
/// store: single flows, kept beside the map for as long as somebody may ask for them.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "flowlens/flow_record.hpp"
#include "flowlens/revision.hpp"
#include "flowlens/store.hpp"

namespace flowlens {

/// Where a flow stands among all that are kept: by the time it came, then as it was written.
struct FlowPosition {
  Timestamp received;
  std::uint64_t id = 0;
  friend constexpr auto operator<=>(const FlowPosition&, const FlowPosition&) noexcept = default;
};

/// Which flows to scan: those that all of this holds for.
struct FlowScan {
  Timestamp from;                     ///< received >= from
  Timestamp to;                       ///< received < to
  std::optional<FlowPosition> after;  ///< where a scan before has stopped
  std::optional<IpPrefix> either;     ///< source or destination lies in it
  std::optional<IpPrefix> source;
  std::optional<IpPrefix> destination;
  std::optional<IpAddress> exporter;
  std::optional<std::uint16_t> port;  ///< of one end or the other
  std::optional<std::uint8_t> protocol;
};

/// What of many flows is told as one.
enum class FlowGrouping : std::uint8_t { none, exporter, protocol, source, destination, port };

/// Sums of the flows of a scan.
struct FlowSums {
  Timestamp start;           ///< of the step; without steps of the scan
  IpAddress address;         ///< grouped by exporter, source or destination
  std::uint32_t number = 0;  ///< grouped by protocol or (destination) port
  std::uint64_t flows = 0;
  std::uint64_t octets = 0;   ///< estimated: with sampling undone
  std::uint64_t packets = 0;  ///< the same
};

/// How to add up.
struct FlowSumming {
  FlowGrouping grouping = FlowGrouping::none;
  std::chrono::seconds step{0};  ///< 0: all of the time is one
  std::size_t most = 1'000;      ///< rows: of each step those with the most octets come first
};

struct FlowRetention {
  std::chrono::days keep{7};     ///< by the time they came; 0: for ever
  std::uint64_t max_octets = 0;  ///< on disk; past it the oldest go early; 0: no bound
};

/// Takes flows. What a FlowBatch tells beside them (translations, VRFs, layers) is not kept.
///
/// Thread-compatible. All members may throw IoError.
class FlowStore {
 public:
  virtual ~FlowStore() = default;

  /// All of them or none.
  /// \param batch  ascending from 1 within the epoch; one that is there already changes nothing, so a
  ///               batch whose commit is in doubt may be given once more.
  /// \throws StaleEpochError if another process keeps this map now.
  virtual void append(std::span<const FlowRecord> flows, std::uint64_t batch) = 0;
  /// One step of removing what is too old, or too much. \return false once there was nothing to do.
  virtual bool expire(const FlowRetention& retention, Timestamp now) = 0;
  /// On disk, with indexes.
  virtual std::uint64_t octets() = 0;
};

/// How long a question to a FlowReader may take, until it throws IoError.
inline constexpr std::chrono::seconds kFlowQuestionTime{20};

/// Reads them through a connection of its own, also while they are written. Thread-compatible.
class FlowReader {
 public:
  virtual ~FlowReader() = default;

  /// Calls `visit` for each flow in the order of their positions; stops when it returns false. `visit` must
  /// not call the reader. \throws IoError
  virtual void scan(const FlowScan& what,
                    const std::function<bool(const FlowPosition&, const FlowRecord&)>& visit) = 0;
  /// \return by step, and in a step those with the most octets first. \throws IoError
  virtual std::vector<FlowSums> sum(const FlowScan& what, const FlowSumming& how) = 0;
};

/// A file of its own, so that the map's is not held up: schema in src/store/sqlite_flows.cpp.
/// \param options  its sites are not looked at.
/// \throws IoError, ConfigError for an empty path
[[nodiscard]] std::unique_ptr<FlowStore> make_sqlite_flow_store(const SqliteStoreOptions& options,
                                                                Epoch epoch);
/// \throws IoError, also if there is no such file.
[[nodiscard]] std::unique_ptr<FlowReader> make_sqlite_flow_reader(
    const SqliteStoreOptions& options);

}  // namespace flowlens
