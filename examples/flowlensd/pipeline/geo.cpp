#include "pipeline/geo.hpp"

#include <string>
#include <utility>

#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

std::optional<GeoDatabase> open(const std::string& path, const char* setting) {
  if (path.empty()) return std::nullopt;
  try {
    GeoDatabase opened{path};
    log::info("geoip", "a database is open",
              {{"file", path}, {"type", opened.type()}, {"built", to_string(opened.built())}});
    return opened;
  } catch (const IoError& e) {
    throw ConfigError(std::string(setting) + ": " + e.what());
  }
}

}  // namespace

Geo::Geo(const Settings& s) {
  if (s.geoip_enabled) {
    places_ = open(s.geoip_database_path, "enrichment.geoip.database_path");
    systems_ = open(s.geoip_asn_database_path, "enrichment.geoip.asn_database_path");
  }
  const auto grouping = parse_peer_grouping(s.external_grouping);
  if (grouping == PeerGrouping::country && !places_) {
    log::warning("geoip",
                 "external peers are grouped by country, but no database tells it: give "
                 "enrichment.geoip.database_path");
  }
}

GeoRecord Geo::find(const IpAddress& address) const {
  GeoRecord record;
  if (places_) record = places_->find(address).record;
  if (!systems_) return record;
  GeoRecord system = systems_->find(address).record;
  if (system.as_number == 0) return record;
  record.as_number = system.as_number;
  record.as_organization = std::move(system.as_organization);
  return record;
}

}  // namespace flowlensd
