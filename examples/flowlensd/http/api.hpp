/// \file
/// http: the routes of the service.
#pragma once

#include <memory>

#include "http/router.hpp"
#include "service.hpp"

namespace flowlensd::http {

class AnalysisCache;

/// The map: assets and dependencies.
void add_map_routes(Router& router, const Service& service);
/// Assets out and in again, as files. Before the map's: the paths look like ids.
void add_exchange_routes(Router& router, const Service& service);
/// What runs in the background.
void add_task_routes(Router& router, const Service& service);
/// The map as a drawing: nodes and edges, groups, differences, exports.
void add_topology_routes(Router& router, const Service& service,
                         const std::shared_ptr<AnalysisCache>& analyses);
/// What people put into the map, take out of it, and write on it.
void add_edit_routes(Router& router, const Service& service);
/// One field to type into.
void add_search_routes(Router& router, const Service& service);
/// Scans of networks.
void add_discovery_routes(Router& router, const Service& service);
/// Traffic over time.
void add_traffic_routes(Router& router, const Service& service);
/// Single flows.
void add_flow_routes(Router& router, const Service& service);
/// What changed, and what people change: events, merging and splitting assets.
void add_change_routes(Router& router, const Service& service);
/// What is said of an asset otherwise than by flows, and counts.
void add_fact_routes(Router& router, const Service& service);
/// How those do who say it.
void add_lookup_routes(Router& router, const Service& service);
/// Which routers lead where.
void add_gateway_routes(Router& router, const Service& service);
/// Questions to the map: what breaks, over which ways, what stands alone.
void add_analysis_routes(Router& router, const Service& service,
                         const std::shared_ptr<AnalysisCache>& analyses);
/// Which assets belong together, and what people say of that.
void add_application_routes(Router& router, const Service& service);
/// What should be allowed, and what has drifted.
void add_policy_routes(Router& router, const Service& service);
/// What assets are, and why; what people say of it; rules.
void add_classification_routes(Router& router, const Service& service);
/// Alerts, the rules that make them, maintenance.
void add_alert_routes(Router& router, const Service& service);
/// What revisions change, pushed to clients: WebSocket and server-sent events.
void add_live_routes(Router& router, const Service& service);
/// Log-in, and what belongs to those who have: sessions, API tokens, their password.
void add_auth_routes(Router& router, const Service& service);
/// Users and the audit, for administrators.
void add_user_routes(Router& router, const Service& service);
/// The service itself: exporters, ledgers.
void add_service_routes(Router& router, const Service& service);
void add_source_routes(Router& router, const Service& service);
/// What probes ask.
void add_health_routes(Router& router, const Service& service);
/// Settings: what is in effect, and changing it.
void add_config_routes(Router& router, const Service& service);
/// The pages at `/` and `/docs`.
void add_page_routes(Router& router);
/// What describes all of these, at `/openapi.json`.
void add_openapi_routes(Router& router);

/// Those that a process which follows has answered at the Resolver's.
void add_resolver_routes(Router& router, const Service& service);
/// All of them; metrics have their own.
void add_routes(Router& router, const Service& service);

}  // namespace flowlensd::http
