/// \file
/// Events and rules for tests of alerts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "flowlens/alert_engine.hpp"

namespace flowlens::testing {

/// A Monday.
inline const Timestamp kMonday = *parse_timestamp("2026-11-16T00:00:00Z");

inline Id test_id(std::string_view name) { return derive_id(asset_namespace(), name); }

/// About an asset of that name.
inline NotedEvent noted(ChangeType type, const std::string& asset, Timestamp at,
                        Severity severity = Severity::warning) {
  NotedEvent n;
  n.event.type = type;
  n.event.subject = test_id(asset);
  n.event.at = at;
  n.event.id = change_id(type, n.event.subject, {}, at);
  n.event.severity = severity;
  n.event.reason = asset + " did it";
  NotedAsset a;
  a.id = n.event.subject;
  a.label = asset;
  a.environment = asset.starts_with("lab") ? "lab" : "production";
  a.datacenter = "north";
  a.addresses.push_back(*IpAddress::parse("10.0.0.1"));
  n.assets.push_back(std::move(a));
  return n;
}

inline AlertRule rule_of(const std::string& json) { return parse_alert_rule(json, "rule"); }
inline MaintenanceWindow window_of(const std::string& json) {
  return parse_maintenance_window(json, "window");
}

}  // namespace flowlens::testing
