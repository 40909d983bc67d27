// The rules that FlowLens comes with. docs/alerts.md says what each is for. What merely rests longer than
// it did is never more than a note; only events that do not belong to another become alerts.
#include "flowlens/alert_rules.hpp"

namespace flowlens {

namespace {

constexpr std::string_view kRules = R"json([
  {
    "name": "visibility-lost",
    "events": ["visibility_lost"],
    "severity": "warning",
    "title": "Much fell silent at once: {reason}",
    "text": "Look at the exporters first; what they no longer tell of may run as ever.",
    "cooldown": "1h", "resolve_after": "1d"
  },
  {
    "name": "scan",
    "events": ["scan"], "filter": "part = no",
    "severity": "warning",
    "title": "{asset} tries many addresses or ports",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "1d"
  },
  {
    "name": "asset-offline",
    "events": ["asset_offline"], "filter": "part = no",
    "severity": "warning",
    "title": "{asset} is silent",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "7d"
  },
  {
    "name": "service-vanished",
    "events": ["service_vanished"], "filter": "part = no",
    "severity": "warning",
    "title": "{service} of {asset} is used no more",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "7d"
  },
  {
    "name": "replica-lost",
    "events": ["replica_lost"], "filter": "part = no",
    "severity": "warning",
    "title": "{service} of {asset} has fallen out; others go on serving its clients",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "7d"
  },
  {
    "name": "database-client", "priority": 10,
    "events": ["new_dependency", "new_external_connection"],
    "filter": "part = no and port in (1433, 1521, 3306, 5432, 9042, 27017, 50000)",
    "severity": "warning",
    "title": "{asset} asks a database that it never asked: {peer}",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "external-connection",
    "events": ["new_external_connection"], "filter": "part = no",
    "severity": "info",
    "title": "{asset} talks to {peer} outside",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "traffic-unusual",
    "events": ["traffic_spike", "traffic_drop"], "filter": "part = no",
    "severity": "info",
    "title": "{reason}",
    "text": "Expected {before}, seen {after}.",
    "cooldown": "1h", "resolve_after": "2h"
  },
  {
    "name": "dependency-silent",
    "events": ["dependency_silent"], "filter": "part = no",
    "severity": "info",
    "title": "{asset} no longer asks {peer} for {service}",
    "text": "{reason}",
    "cooldown": "1d", "resolve_after": "7d"
  },
  {
    "name": "single-point-of-failure",
    "events": ["new_single_point_of_failure"], "filter": "part = no",
    "severity": "warning",
    "title": "More than before depends on {asset} alone",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "type-changed",
    "events": ["asset_type_changed"], "filter": "part = no",
    "severity": "info",
    "title": "{asset} is another kind of machine than before",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "baseline-drift",
    "events": ["baseline_drift"],
    "severity": "warning",
    "title": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "new-service", "enabled": false,
    "events": ["service_appeared"], "filter": "part = no",
    "severity": "info",
    "title": "{asset} serves {service}, which it did not before",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "new-asset", "enabled": false,
    "events": ["new_asset"], "filter": "part = no",
    "severity": "info",
    "title": "{asset} is new",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "new-dependency", "enabled": false,
    "events": ["new_dependency"], "filter": "part = no",
    "severity": "info",
    "title": "{asset} uses {service} of {peer}, which it did not before",
    "text": "{reason}",
    "resolve_after": "7d"
  }
])json";

}  // namespace

std::string_view default_alert_rules() noexcept { return kRules; }

}  // namespace flowlens
