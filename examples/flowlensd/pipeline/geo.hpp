/// \file
/// pipeline: what GeoIP files tell of external addresses.
#pragma once

#include <optional>

#include "config/settings.hpp"
#include "flowlens/geoip.hpp"
#include "library.hpp"

namespace flowlensd {

/// Thread-safe: immutable.
class Geo {
 public:
  Geo() = default;  ///< tells nothing
  /// Opens the files that the settings name. \throws ConfigError naming the setting and why.
  explicit Geo(const Settings& settings);

  [[nodiscard]] bool empty() const noexcept { return !places_ && !systems_; }
  /// What both files tell together; empty where they tell nothing.
  [[nodiscard]] GeoRecord find(const IpAddress& address) const;

 private:
  std::optional<GeoDatabase> places_;
  std::optional<GeoDatabase> systems_;
};

}  // namespace flowlensd
