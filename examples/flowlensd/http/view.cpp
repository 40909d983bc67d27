#include "http/view.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include "config/settings.hpp"

namespace flowlensd::http {
namespace {

void add(std::string& to, const std::string& part) { to += (to.empty() ? "" : " and ") + part; }

std::string decimal(double n) {
  std::string text = std::to_string(n);
  return text.substr(0, text.find_last_not_of('0') + 1) + (text.ends_with(".000000") ? "0" : "");
}

}  // namespace

std::string shown_dependencies(const Settings& s) {
  std::string shown;
  if (s.exclude_external_ips || s.exclude_external_sources) add(shown, "client internal");
  if (s.exclude_external_ips || s.exclude_external_targets) add(shown, "server internal");
  std::string evident;
  if (s.min_dependency_flows > 1) {
    add(evident, "flows >= " + std::to_string(s.min_dependency_flows));
  }
  if (s.min_dependency_confidence > 0) {
    add(evident, "confidence >= " + decimal(s.min_dependency_confidence));
  }
  if (!evident.empty()) add(shown, "(declared or " + evident + ")");
  return shown;
}

std::string shown_assets(const Settings& s) { return s.exclude_external_ips ? "internal" : ""; }

std::uint64_t least_asset_flows(const Settings& s) {
  return s.min_asset_flows > 1 ? s.min_asset_flows : 0;
}

Staleness::Staleness(const Settings& s, Timestamp now) {
  if (s.stale_hours == 0) return;
  before_ = std::chrono::floor<std::chrono::hours>(now) - std::chrono::hours(s.stale_hours);
}

std::string view_tag(const Settings& s, Timestamp now) {
  const auto hour = std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count();
  const std::string shown = shown_dependencies(s) + "/" + shown_assets(s) + "/" +
                            std::to_string(least_asset_flows(s)) + "/" +
                            std::to_string(s.stale_hours);
  return std::to_string(hour) + "-" + std::to_string(std::hash<std::string>{}(shown));
}

}  // namespace flowlensd::http
