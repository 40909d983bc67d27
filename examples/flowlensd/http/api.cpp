#include "http/api.hpp"

#include "http/analysis.hpp"

namespace flowlensd::http {
namespace {

template <typename... Add>
void add_all(Router& router, const Service& service, std::optional<AnsweredAt> place, Add... add) {
  router.set_place(place);
  (add(router, service), ...);
  router.set_place({});
}

}  // namespace

void add_resolver_routes(Router& router, const Service& service) {
  add_all(router, service, {}, add_exchange_routes, add_edit_routes, add_change_routes);
  add_all(router, service, AnsweredAt::resolver, add_discovery_routes, add_task_routes,
          add_gateway_routes, add_lookup_routes, add_application_routes, add_policy_routes,
          add_classification_routes, add_alert_routes, add_service_routes, add_source_routes,
          add_config_routes);
}

void add_routes(Router& router, const Service& service) {
  const auto analyses =
      std::make_shared<AnalysisCache>(service.graph);  // lives as long as the routes
  analyses->warm_up();
  add_page_routes(router);
  add_openapi_routes(router);
  add_topology_routes(router, service, analyses);
  add_analysis_routes(router, service, analyses);
  add_resolver_routes(router, service);  // with paths that fit patterns of the next ones
  add_all(router, service, {}, add_fact_routes, add_map_routes, add_search_routes,
          add_traffic_routes, add_flow_routes);
  // Users stand in the database, and so does what they did.
  add_all(router, service, AnsweredAt::copy, add_live_routes, add_auth_routes, add_user_routes);
  add_health_routes(router, service);
}

}  // namespace flowlensd::http
