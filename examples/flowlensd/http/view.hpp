/// \file
/// http: what settings keep out of views, and what they mark. The map keeps all of it.
#pragma once

#include <cstdint>
#include <string>

#include "config/settings.hpp"
#include "library.hpp"

namespace flowlensd::http {

/// Which dependencies views show, in the filter language; empty: all. What somebody has declared is
/// shown unless it is external.
[[nodiscard]] std::string shown_dependencies(const Settings& settings);
[[nodiscard]] std::string shown_assets(const Settings& settings);
/// AssetQuery::min_flows; one flow is what every asset has that traffic has shown.
[[nodiscard]] std::uint64_t least_asset_flows(const Settings& settings);

/// What has had no traffic for longer than the settings allow, counted in whole hours, so that answers
/// stay the same for one.
class Staleness {
 public:
  Staleness(const Settings& settings, Timestamp now);
  [[nodiscard]] bool is_stale(Timestamp last_seen) const noexcept { return last_seen < before_; }

 private:
  Timestamp before_ = Timestamp::min();
};

/// Changes with what views show or mark: part of the ETag of a list.
[[nodiscard]] std::string view_tag(const Settings& settings, Timestamp now);

}  // namespace flowlensd::http
