/// \file
/// aggregate: services that people declare and inventories list (D6 of notes/mapping.md).
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aggregate/endpoint_memory.hpp"
#include "base/bounded_table.hpp"
#include "flowlens/aggregator.hpp"

namespace flowlens::aggregate {

/// Thread-compatible.
class DeclaredServices {
 public:
  explicit DeclaredServices(const AggregatorOptions& options);

  [[nodiscard]] bool empty() const noexcept { return services_.empty() && listeners_.size() == 0; }
  /// \return 0 if no user has declared it, else more the more specific the declaration is.
  [[nodiscard]] std::uint8_t declared(const ServiceKey& end) const noexcept;
  /// Whether an inventory lists it for the time `at`.
  [[nodiscard]] bool listed(const ServiceKey& end, Timestamp at) const noexcept;
  /// \return false at the bound.
  bool list(const Listener& listener);

 private:
  using Ports = std::bitset<65'536>;
  std::vector<DeclaredService> services_;  ///< by port; of one port the longest prefix first
  std::unique_ptr<Ports> declared_ports_;  ///< most flows are of none: one bit tells
  std::unique_ptr<Ports> listed_ports_;
  base::BoundedTable<ServiceKey, Timestamp, ServiceKeyHash> listeners_;
};

}  // namespace flowlens::aggregate
