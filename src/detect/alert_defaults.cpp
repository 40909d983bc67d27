// The rules that FlowLens comes with. docs/alerts.md says what each is for. An event's own severity
// counts, but what merely rests longer than it did is never more than a note; what is part of another
// event raises nothing.
#include "flowlens/alert_rules.hpp"

namespace flowlens {

namespace {

constexpr std::string_view kRules = R"json([
  {
    "name": "visibility-lost",
    "events": ["visibility_lost"],
    "title": "Much fell silent at once: look at the exporters first",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "1d"
  },
  {
    "name": "gateway-changed",
    "events": ["gateway_changed"], "filter": "part = no",
    "title": "Traffic goes over another gateway",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "1d"
  },
  {
    "name": "scan",
    "events": ["scan"], "filter": "part = no",
    "title": "{asset} tries many addresses or ports",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "1d"
  },
  {
    "name": "asset-offline",
    "events": ["asset_offline"], "filter": "part = no and severity in (warning, critical)",
    "title": "{asset} is silent",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "7d"
  },
  {
    "name": "service-vanished",
    "events": ["service_vanished"], "filter": "part = no",
    "title": "{service} of {asset} answers nobody any more",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "7d"
  },
  {
    "name": "replica-lost",
    "events": ["replica_lost"], "filter": "part = no",
    "title": "{service} of {asset} has fallen out; others go on serving its clients",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "7d"
  },
  {
    "name": "new-client",
    "events": ["new_dependency", "new_external_connection"],
    "filter": "part = no and severity in (warning, critical)",
    "title": "{asset} uses {service} of {peer}, which it never did",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "traffic-unusual",
    "events": ["traffic_spike", "traffic_drop"],
    "filter": "part = no and severity in (warning, critical)",
    "title": "Unusual traffic of {asset}",
    "text": "{reason}",
    "cooldown": "1h", "resolve_after": "2h"
  },
  {
    "name": "dependency-silent",
    "events": ["dependency_silent"],
    "filter": "part = no and severity in (warning, critical)",
    "severity": "info",
    "title": "{asset} no longer asks {peer} for {service}",
    "text": "{reason}",
    "cooldown": "1d", "resolve_after": "7d"
  },
  {
    "name": "single-point-of-failure",
    "events": ["new_single_point_of_failure"], "filter": "part = no",
    "title": "More than before depends on {asset} alone",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "type-changed",
    "events": ["asset_type_changed"], "filter": "part = no",
    "title": "{asset} is another kind of machine than before",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "baseline-drift",
    "events": ["baseline_drift"],
    "title": "A baseline is true no more",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "new-service", "enabled": false,
    "events": ["service_appeared"], "filter": "part = no",
    "title": "{asset} serves {service}, which it did not before",
    "text": "{reason}",
    "resolve_after": "7d"
  },
  {
    "name": "new-asset", "enabled": false,
    "events": ["new_asset"], "filter": "part = no",
    "title": "{asset} is new",
    "text": "{reason}",
    "resolve_after": "7d"
  }
])json";

}  // namespace

std::string_view default_alert_rules() noexcept { return kRules; }

}  // namespace flowlens
