#include "http/api.hpp"

#include "http/analysis.hpp"

namespace flowlensd::http {

void add_routes(Router& router, const Service& service) {
  const auto analyses =
      std::make_shared<AnalysisCache>(service.graph);  // lives as long as the routes
  analyses->warm_up();
  add_page_routes(router);
  add_openapi_routes(router);
  add_exchange_routes(router, service);
  add_map_routes(router, service);
  add_topology_routes(router, service, analyses);
  add_edit_routes(router, service);
  add_search_routes(router, service);
  add_discovery_routes(router, service);
  add_task_routes(router, service);
  add_traffic_routes(router, service);
  add_flow_routes(router, service);
  add_change_routes(router, service);
  add_gateway_routes(router, service);
  add_analysis_routes(router, service, analyses);
  add_application_routes(router, service);
  add_policy_routes(router, service);
  add_classification_routes(router, service);
  add_alert_routes(router, service);
  add_live_routes(router, service);
  add_auth_routes(router, service);
  add_user_routes(router, service);
  add_service_routes(router, service);
  add_health_routes(router, service);
  add_config_routes(router, service);
}

}  // namespace flowlensd::http
