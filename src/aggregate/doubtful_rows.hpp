/// \file
/// aggregate: rows of closed windows whose direction weak evidence decided: what to turn round when
/// the other end proves to be the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aggregate/endpoint_memory.hpp"
#include "base/bounded_table.hpp"
#include "flowlens/connection_summary.hpp"

namespace flowlens::aggregate {

/// Past the bound the one noted longest ago goes. Thread-compatible.
class DoubtfulRows {
 public:
  DoubtfulRows(std::size_t max_rows, std::uint64_t seed)
      : max_rows_(max_rows < 0xffff'fffeu ? max_rows : 0xffff'fffeu), by_end_(max_rows_, seed) {}

  /// \param other  the end that would serve if `row` is wrong.
  void add(const ServiceKey& other, const DependencyKey& row);
  /// Takes out the rows noted under `other`, in any order.
  void take(const ServiceKey& other, std::vector<DependencyKey>& out);
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffffu;
  struct Doubt {
    ServiceKey other;
    DependencyKey row;
    std::uint32_t next = kNone;  ///< of the same end
    bool alive = false;
  };
  void remove(std::uint32_t position);

  std::size_t max_rows_;
  base::BoundedTable<ServiceKey, std::uint32_t, ServiceKeyHash> by_end_;  ///< the first doubt
  std::vector<Doubt> doubts_;  ///< a ring once it is full
  std::uint32_t oldest_ = 0;
  std::size_t size_ = 0;
};

}  // namespace flowlens::aggregate
