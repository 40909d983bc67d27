/// \file
/// base: endpoints, the ends between which traffic is recorded (DESIGN section 2).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/ip_address.hpp"

namespace flowlens {

/// A place with an address space of its own; valid with the SiteTable that gave it. 0 is `default`.
struct SiteId {
  std::uint16_t value = 0;
  friend constexpr auto operator<=>(SiteId, SiteId) noexcept = default;
};

/// Names of sites. Immutable once shared between threads; add() only while setting up.
class SiteTable {
 public:
  SiteTable();  ///< holds `default`
  /// \return the id of `name`, new or known. \throws ConfigError past 65,536 sites or for an empty name.
  SiteId add(std::string_view name);
  /// Valid until the next add(). An id this table did not give reads as `default`.
  [[nodiscard]] std::string_view name(SiteId id) const noexcept;

 private:
  std::vector<std::string> names_;
};

/// One address at one site.
struct Endpoint {
  SiteId site;
  IpAddress address;
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;
};

}  // namespace flowlens
