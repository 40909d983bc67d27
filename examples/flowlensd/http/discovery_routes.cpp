// Scans: which addresses of given networks answer.
#include <algorithm>
#include <utility>

#include "discovery/scans.hpp"
#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "http/parameters.hpp"
#include "http/said_by.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostTargets = 64;

Scans& scans_of(const Service& s) {
  if (s.scans != nullptr) return *s.scans;
  throw Problem{503, "Not available", "this process makes no scans"};
}

Json time_or_null(const std::optional<Timestamp>& t) {
  return t ? Json(to_string(*t)) : Json(nullptr);
}

Json scan_json(const Scan& scan) {
  Json targets = Json::array();
  for (const IpPrefix& target : scan.order.targets) targets.push_back(target.to_string());
  return {{"id", scan.task.id.to_string()},
          {"state", to_string(scan.task.state)},
          {"targets", std::move(targets)},
          {"ports", scan.order.ports},
          {"echo", scan.order.with_echo},
          {"names", scan.order.with_names},
          {"declare", scan.order.is_declaring},
          {"by", scan.order.by},
          {"ordered_at", to_string(scan.task.ordered_at)},
          {"begun_at", time_or_null(scan.task.begun_at)},
          {"ended_at", time_or_null(scan.task.ended_at)},
          {"probes", scan.task.total},
          {"done", scan.task.done},
          {"problem", scan.task.problem.empty() ? Json(nullptr) : Json(scan.task.problem)}};
}

Json detail_json(const Scan& scan, const Service& s) {
  Json json = scan_json(scan);
  Json hosts = Json::array();
  for (const auto& [address, host] : scan.hosts) {
    const auto asset = s.graph.asset_of({SiteId{}, address});
    hosts.push_back({{"address", address.to_string()},
                     {"open_ports", host.open_ports},
                     {"answers_echo", host.answers_echo},
                     {"name", host.name.empty() ? Json(nullptr) : Json(host.name)},
                     {"asset_id", asset ? Json(asset->id.to_string()) : Json(nullptr)}});
  }
  json["hosts"] = std::move(hosts);
  return json;
}

std::vector<IpPrefix> targets_of(const Json& body) {
  const std::string wanted = "targets: give a list of 1 to " + std::to_string(kMostTargets) +
                             " addresses or prefixes, like 10.0.0.0/28";
  if (!body.contains("targets") || !body["targets"].is_array() || body["targets"].empty() ||
      body["targets"].size() > kMostTargets) {
    bad_body(wanted);
  }
  std::vector<IpPrefix> targets;
  for (const Json& item : body["targets"]) {
    const auto prefix =
        item.is_string() ? IpPrefix::parse(item.get<std::string>()) : std::optional<IpPrefix>{};
    if (!prefix) bad_body(wanted);
    const IpAddress& first = prefix->address;
    if (first.is_unspecified() || first.is_multicast() || first.is_limited_broadcast()) {
      bad_body("targets: " + prefix->to_string() + " is no network of machines");
    }
    targets.push_back(*prefix);
  }
  if (!addresses_of(targets)) {
    bad_body("targets: give at most " + std::to_string(kMostScannedAddresses) + " addresses");
  }
  return targets;
}

std::vector<std::uint16_t> ports_of(const Json& body) {
  std::vector<std::uint16_t> ports;
  if (!body.contains("ports")) return ports;
  const std::string wanted = "ports: give a list of at most " + std::to_string(kMostScannedPorts) +
                             " numbers from 1 to 65535";
  if (!body["ports"].is_array() || body["ports"].size() > kMostScannedPorts) bad_body(wanted);
  for (const Json& item : body["ports"]) {
    const std::uint64_t port = item.is_number_unsigned() ? item.get<std::uint64_t>() : 0;
    if (port == 0 || port > 65'535) bad_body(wanted);
    ports.push_back(static_cast<std::uint16_t>(port));
  }
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

Response begin_scan(const Request& request, const Service& s) {
  const Json body = object_of(request, {"targets", "ports", "echo", "names", "declare", "by"});
  ScanOrder order;
  order.targets = targets_of(body);
  order.ports = ports_of(body);
  order.with_echo = flag_member(body, "echo", false);
  order.with_names = flag_member(body, "names", false);
  order.is_declaring = flag_member(body, "declare", false);
  order.by = said_by_anyone(request, body);
  if (order.by.size() > kLongestOwner)
    bad_body("by: give at most " + std::to_string(kLongestOwner) + " octets");
  if (order.ports.empty() && !order.with_echo) {
    bad_body("there is nothing to try: give ports, or \"echo\": true");
  }
  const auto scan = scans_of(s).add(std::move(order));
  if (!scan) {
    throw Problem{429, "Too many scans", "others wait already: let them end, or cancel some"};
  }
  Response r = fresh(detail_json(*scan, s), 202);
  r.headers.emplace_back("Location", "/api/v1/discovery/scans/" + scan->task.id.to_string());
  return r;
}

Scan known_scan(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  auto scan = scans_of(s).find(id);
  if (!scan) throw Problem{404, "Not found", "there is no scan " + id.to_string()};
  return *std::move(scan);
}

Response list_scans(const Service& s) {
  Json items = Json::array();
  for (const Scan& scan : scans_of(s).all()) items.push_back(scan_json(scan));
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

Response cancel_scan(const Request& request, const Service& s) {
  const Scan scan = known_scan(request, s);
  if (!scans_of(s).cancel(scan.task.id)) {
    throw Problem{409, "Conflict", "the scan is over: " + std::string(to_string(scan.task.state))};
  }
  return fresh(detail_json(known_scan(request, s), s));
}

}  // namespace

void add_discovery_routes(Router& router, const Service& s) {
  const auto add = [&](const char* method, const char* pattern, auto handler,
                       Permission permission) {
    router.add({pattern,
                [&s, handler](const Request& r) { return handler(r, s); },
                {},
                method,
                permission});
  };
  // A scan makes the daemon speak to others: that is for those who run it.
  add("POST", "/api/v1/discovery/scans", begin_scan, Permission::admin);
  add(
      "GET", "/api/v1/discovery/scans",
      [](const Request&, const Service& service) { return list_scans(service); },
      Permission::viewer);
  add(
      "GET", "/api/v1/discovery/scans/{id}",
      [](const Request& r, const Service& service) {
        return fresh(detail_json(known_scan(r, service), service));
      },
      Permission::viewer);
  add("DELETE", "/api/v1/discovery/scans/{id}", cancel_scan, Permission::admin);
}

}  // namespace flowlensd::http
