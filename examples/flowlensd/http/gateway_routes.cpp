// Which routers lead where, as the next hops of flows tell.
#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kNetworksInList = 20;
constexpr std::size_t kNetworksOfOne = 1'000;

std::optional<IpAddress> address_in_query(const Request& request, const char* name) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return std::nullopt;
  const auto address = IpAddress::parse(found->second);
  if (!address) {
    throw Problem{400, "Bad query parameter",
                  std::string(name) + ": `" + found->second + "` is no IP address"};
  }
  return address;
}

Response list_gateways(const Request& request, const Service& s) {
  GatewayQuery query;
  query.limit = number_parameter(request, "page_size", s.settings.default_page_size, 1,
                                 s.settings.max_page_size);
  query.after = cursor_parameter(request);
  query.gateway = address_in_query(request, "address");
  query.exporter = address_in_query(request, "exporter");
  query.max_routes = query.gateway ? kNetworksOfOne : kNetworksInList;
  const Page<GatewayRow> page = s.gateways->gateways(query);
  Json items = Json::array();
  for (const GatewayRow& row : page.rows) items.push_back(gateway_json(row, s.graph));
  return fresh({{"items", std::move(items)},
                {"total", page.total},
                {"next_cursor", page.has_more ? Json(std::to_string(page.next)) : Json(nullptr)}});
}

}  // namespace

void add_gateway_routes(Router& router, const Service& s) {
  router.add({"/api/v1/gateways",
              [&s](const Request& r) { return list_gateways(r, s); },
              {"page_size", "cursor", "address", "exporter"}});
}

}  // namespace flowlensd::http
