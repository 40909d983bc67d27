/// \file
/// store: flows on their way from processes that decode to the one that keeps the map: written in parcels,
/// read by position, gone once a revision that contains them is written.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "flowlens/id.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Flows that one process hands on at once.
struct StoredParcel {
  std::uint64_t position = 0;     ///< given by append(): ascending by one over all writers
  Timestamp made_at;              ///< by the writer's clock
  Timestamp first_received;       ///< of the oldest flow in it
  std::uint64_t flows = 0;        ///< in `octets`
  std::uint64_t sampled_out = 0;  ///< flows left out since the writer's parcel before
  std::vector<std::byte> octets;  ///< see encode_flows()
};

/// How the channel fares.
struct ParcelState {
  std::uint64_t last_position = 0;   ///< written
  std::uint64_t taken_position = 0;  ///< up to here revisions contain them
  std::uint64_t flows = 0;           ///< ever written, those left out included
  std::uint64_t octets = 0;          ///< that wait
};

/// Thread-compatible, as is the next. All members may throw IoError with the statement, the reason, and what
/// would help.
class ParcelWriter {
 public:
  virtual ~ParcelWriter() = default;

  /// All of them, in their order, or none. Whoever has read a position has seen all lower ones: writers take
  /// turns until their transactions are through.
  /// \param batch  ascending from 1; one that is there already changes nothing, so a batch whose commit is
  ///               in doubt may be given once more.
  /// \return false if there is no room: more octets than the bound would wait.
  virtual bool append(std::span<const StoredParcel> parcels, std::uint64_t batch) = 0;
  virtual ParcelState state() = 0;
};

class ParcelReader {
 public:
  virtual ~ParcelReader() = default;

  /// The next ones behind position `after`, ascending. Their positions follow on each other unless somebody
  /// has removed some.
  /// \param max_flows  fewer, but at least one parcel if there is one.
  virtual std::vector<StoredParcel> read(std::uint64_t after, std::uint64_t max_flows) = 0;
  /// Removes those that revisions contain, and forgets writers that have been silent for a day.
  virtual void remove_taken() = 0;
  virtual ParcelState state() = 0;
};

}  // namespace flowlens
