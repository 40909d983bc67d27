/// \file
/// What really happened, as CSV.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <vector>

#include "traffic.hpp"
#include "world.hpp"

namespace simnet {

/// What one conversation, as exported, adds to the truth.
struct Exported {
  std::uint64_t flows = 0;  ///< records of the best observer: flow records or flow samples
  unsigned protocols = 0;   ///< one bit for each Protocol that saw it
};

/// Adds up. Thread-compatible.
class Truth {
 public:
  /// \param world  outlives this.
  explicit Truth(const World& world);

  void add(const Conversation& conversation, const Exported& exported);

  /// One row a dependency that was used.
  void write_dependencies(std::ostream& out) const;
  /// One row an attempt that was made.
  void write_attempts(std::ostream& out) const;

  [[nodiscard]] std::size_t dependencies_used() const;

 private:
  struct Totals {
    std::uint64_t conversations = 0;
    std::uint64_t flows = 0;
    HalfTotals to_server;
    HalfTotals to_client;
    unsigned protocols = 0;
  };

  const World& world_;
  std::vector<Totals> dependencies_;
  std::vector<Totals> attempts_;
};

}  // namespace simnet
