#include "http/rows.hpp"

#include <cmath>

namespace flowlensd::http {
namespace {

Json endpoint_json(const Endpoint& endpoint, const Id& asset, const SiteTable& sites) {
  const auto group = peer_group(endpoint.address);
  return {{"address", endpoint.address.to_string()},
          {"site", sites.name(endpoint.site)},
          {"asset_id", asset.to_string()},
          {"group", group ? Json(group->to_string()) : Json(nullptr)}};
}

Json reasons_json(const DiagnosticCounts& counts) {
  Json out = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) out[std::string(reason(static_cast<DiagnosticCode>(i)))] = counts[i];
  }
  return out;
}

std::string protocol_text(std::uint8_t protocol) {
  const std::string_view name = protocol_name(protocol);
  return name.empty() ? std::to_string(protocol) : std::string(name);
}

/// The address that stands for an end elsewhere.
Json via_json(const DependencyRow& row, const SiteTable& sites) {
  if (row.via.address.is_unspecified()) return nullptr;
  return {{"address", row.via.address.to_string()},
          {"site", sites.name(row.via.site)},
          {"kind", "nat"}};
}

/// What people say of a row, the same members that they may change.
void add_annotation(Json& out, const std::shared_ptr<const Annotation>& annotation) {
  static const Annotation nothing;
  const Annotation& said = annotation ? *annotation : nothing;
  out["tags"] = said.tags;
  out["notes"] = said.notes;
  out["owner"] = said.owner;
  out["criticality"] = to_string(said.criticality);
  out["declared"] = said.is_declared;
  out["confirmed"] = said.is_confirmed;
  out["updated_by"] = annotation ? Json(said.said_by) : Json(nullptr);
  out["updated_at"] = annotation ? Json(to_string(said.said_at)) : Json(nullptr);
}

/// 0.95, not 0.949999988079071.
double rounded(float value) { return std::round(static_cast<double>(value) * 10'000) / 10'000; }

/// Rows of releases before know their rung only.
Json reasons_json(const DependencyRow& row) {
  if (row.reasons.empty()) return Json::array({describe(row.rung)});
  Json texts = Json::array();
  for (const DirectionReason& r : strongest(row.reasons)) texts.push_back(r.text());
  return texts;
}
float confidence_of(const DependencyRow& row) {
  return row.reasons.empty() ? confidence(row.rung) : confidence(row.reasons);
}

void add_counts(Json& out, const TrafficCounts& counts) {
  out["flows"] = counts.flows;
  out["octets_to_server"] = counts.octets_to_server;
  out["octets_to_client"] = counts.octets_to_client;
  out["packets_to_server"] = counts.packets_to_server;
  out["packets_to_client"] = counts.packets_to_client;
  out["estimated_octets_to_server"] = counts.estimated_octets_to_server;
  out["estimated_octets_to_client"] = counts.estimated_octets_to_client;
}

}  // namespace

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string asset_label(const AssetRow& row) {
  if (!row.name.empty() || row.endpoints.empty()) return row.name;
  const IpAddress& address = row.endpoints.front().endpoint.address;
  const auto group = peer_group(address);
  return group ? group->to_string() : address.to_string();
}

Json asset_json(const AssetRow& row, const SiteTable& sites) {
  Json endpoints = Json::array();
  for (const HeldEndpoint& held : row.endpoints) {
    endpoints.push_back({{"address", held.endpoint.address.to_string()},
                         {"site", sites.name(held.endpoint.site)},
                         {"from", to_string(held.from)},
                         {"until", held.until ? Json(to_string(*held.until)) : Json(nullptr)}});
  }
  Json out{{"id", row.id.to_string()},
           {"name", row.name},
           {"label", asset_label(row)},
           {"asset_type", row.asset_type},
           {"type_source", to_string(row.type_source)},
           {"type_confidence", rounded(row.type_confidence)},
           {"is_internal", row.is_internal},
           {"endpoints", std::move(endpoints)},
           {"first_seen", to_string(row.first_seen)},
           {"last_seen", to_string(row.last_seen)}};
  add_annotation(out, row.annotation);
  return out;
}

Json origin_json(const AssetRow& row, const Geo* geo) {
  if (geo == nullptr || row.is_internal || row.endpoints.empty()) return nullptr;
  const IpAddress& address = row.endpoints.back().endpoint.address;
  if (peer_group(address)) return nullptr;
  const GeoRecord found = geo->find(address);
  if (found == GeoRecord{}) return nullptr;
  const auto text = [](const std::string& s) { return s.empty() ? Json(nullptr) : Json(s); };
  const auto degrees = [](const std::optional<double>& d) { return d ? Json(*d) : Json(nullptr); };
  return {{"country", text(found.country)},
          {"country_name", text(found.country_name)},
          {"region", text(found.region)},
          {"city", text(found.city)},
          {"latitude", degrees(found.latitude)},
          {"longitude", degrees(found.longitude)},
          {"as_number", found.as_number != 0 ? Json(found.as_number) : Json(nullptr)},
          {"as_organization", text(found.as_organization)}};
}

Json dependency_json(const DependencyRow& row, const SiteTable& sites) {
  Json observers = Json::array();
  for (std::size_t i = 0; i < row.observer_count; ++i) {
    observers.push_back(row.observers[i].to_string());
  }
  Json out{{"id", row.id.to_string()},
           {"client", endpoint_json(row.key.client, row.client_asset, sites)},
           {"server", endpoint_json(row.key.server, row.server_asset, sites)},
           {"protocol", protocol_text(row.key.protocol)},
           {"protocol_number", row.key.protocol},
           {"port", row.key.port},
           {"service", service_name(row.service)},
           {"direction", to_string(row.direction)},
           {"direction_rung", to_string(row.rung)},
           {"direction_reasons", reasons_json(row)},
           {"direction_confidence", rounded(confidence_of(row))},
           {"provisional", row.provisional}};
  add_counts(out, row.totals);
  out["first_seen"] = to_string(row.first_seen);
  out["last_seen"] = to_string(row.last_seen);
  out["observers"] = std::move(observers);
  out["active_hours"] = row.hours.count();
  out["flips"] = row.flips;
  out["client_count"] = row.client_count;
  out["via"] = via_json(row, sites);
  add_annotation(out, row.annotation);
  return out;
}

Json traffic_json(const WindowRow& row) {
  Json out{{"start", to_string(row.window_start)}};
  add_counts(out, row.counts);
  return out;
}

namespace {

Json asset_at_json(const Endpoint& endpoint, const DependencyGraph& graph) {
  const auto asset = graph.asset_of(endpoint);
  if (!asset) return nullptr;
  return {{"id", asset->id.to_string()}, {"label", asset_label(*asset)}};
}

Json next_hop_json(const NextHopRow& hop) {
  const bool is_attached = hop.address.is_unspecified();
  return {{"next_hop", is_attached ? Json(nullptr) : Json(hop.address.to_string())},
          {"directly_attached", is_attached},
          {"is_used", hop.is_used},
          {"share", rounded(hop.share)},
          {"egress_interface", hop.egress_interface},
          {"flows", hop.flows},
          {"estimated_octets", hop.octets},
          {"first_seen", to_string(hop.first_seen)},
          {"last_seen", to_string(hop.last_seen)}};
}

}  // namespace

Json gateway_json(const GatewayRow& row, const DependencyGraph& graph) {
  Json networks = Json::array();
  for (const GatewayRoute& r : row.routes) {
    Json network{{"network", r.route.destination.to_string()},
                 {"exporter", r.route.exporter.to_string()}};
    network.update(next_hop_json(r.next_hop));
    networks.push_back(std::move(network));
  }
  return {{"address", row.gateway.address.to_string()},
          {"site", graph.sites().name(row.gateway.site)},
          {"asset", asset_at_json(row.gateway, graph)},
          {"is_used", row.is_used},
          {"flows", row.flows},
          {"estimated_octets", row.octets},
          {"first_seen", to_string(row.first_seen)},
          {"last_seen", to_string(row.last_seen)},
          {"networks", std::move(networks)},
          {"total_networks", row.route_count}};
}

Json ways_json(const DependencyRow& row, const DependencyGraph& graph, const Gateways& gateways) {
  Json ways = Json::array();
  for (std::size_t i = 0; i < row.observer_count; ++i) {
    for (const bool to_server : {true, false}) {
      const Endpoint& end = to_server ? row.key.server : row.key.client;
      const auto asset = graph.asset_of(end);
      const auto route = gateways.route(row.observers[i], end,
                                        asset ? asset->is_internal : end.address.is_private());
      if (!route) continue;
      Json hops = Json::array();
      for (const NextHopRow& hop : route->next_hops) hops.push_back(next_hop_json(hop));
      ways.push_back({{"exporter", row.observers[i].to_string()},
                      {"to", to_server ? "server" : "client"},
                      {"network", route->route.destination.to_string()},
                      {"next_hops", std::move(hops)}});
    }
  }
  return ways;
}

Json history_json(const DependencyRow& row) {
  Json intervals = Json::array();
  for (const HourSpan& run : row.hours.runs()) {
    intervals.push_back(
        {{"from", to_string(begin_of(run.first))}, {"until", to_string(begin_of(run.last + 1))}});
  }
  return {{"resolution_seconds", 3'600},
          {"known_from", to_string(begin_of(row.hours.oldest()))},
          {"active_hours", row.hours.count()},
          {"intervals", std::move(intervals)}};
}

Json intermediary_json(const IntermediaryRow& row, const DependencyGraph& graph) {
  const auto endpoint = [&](const Endpoint& e) {
    const auto asset = graph.asset_of(e);
    return endpoint_json(e, asset ? asset->id : Id{}, graph.sites());
  };
  Json members = Json::array();
  for (const Endpoint& member : row.members) members.push_back(endpoint(member));
  return {{"id", row.id.to_string()},
          {"kind", to_string(row.kind)},
          {"state", to_string(row.state)},
          {"front", endpoint(row.front)},
          {"front_port", row.front_port},
          {"backend_port", row.backend_port},
          {"protocol", protocol_text(row.protocol)},
          {"members", std::move(members)},
          {"clients", row.clients},
          {"windows", row.windows},
          {"confidence", rounded(row.confidence)},
          {"first_seen", to_string(row.first_seen)},
          {"last_seen", to_string(row.last_seen)}};
}

Json application_json(const ApplicationRow& row, const DependencyGraph& graph) {
  Json json = dependency_json(row.row, graph.sites());
  json["dependency_id"] = row.dependency.to_string();
  json["intermediary"] = nullptr;
  const auto through = row.intermediary ? graph.intermediary(*row.intermediary) : std::nullopt;
  if (!through) return json;
  json["intermediary"] = {
      {"id", through->id.to_string()},      {"kind", to_string(through->kind)},
      {"state", to_string(through->state)}, {"address", through->front.address.to_string()},
      {"port", through->front_port},        {"confidence", rounded(through->confidence)}};
  return json;
}

Json change_json(const ChangeEvent& event, const SiteTable& sites) {
  const auto end = [&](const Endpoint& e) {
    return e.address.is_unspecified()
               ? Json(nullptr)
               : Json{{"address", e.address.to_string()}, {"site", sites.name(e.site)}};
  };
  const auto count = [](const auto& n) { return n ? Json(*n) : Json(nullptr); };
  const auto id = [](const Id& i) { return i.is_none() ? Json(nullptr) : Json(i.to_string()); };
  const bool has_service = event.protocol != 0;
  return {{"id", event.id.to_string()},
          {"type", to_string(event.type)},
          {"severity", to_string(event.severity)},
          {"subject_kind", subject_kind(event)},
          {"subject", event.subject.to_string()},
          {"object", event.object.to_string()},
          {"cause", id(event.cause)},
          {"at", to_string(event.at)},
          {"reason", event.reason},
          {"before", event.before},
          {"after", event.after},
          {"expected", count(event.expected)},
          {"seen", count(event.seen)},
          {"endpoint", end(event.endpoint)},
          {"client", end(event.client)},
          {"protocol", has_service ? Json(protocol_text(event.protocol)) : Json(nullptr)},
          {"port", has_service ? Json(event.port) : Json(nullptr)}};
}

Json flow_ledger_json(const FlowLedger& l) {
  Json dropped = Json::object();
  for (std::size_t i = 0; i < l.dropped.size(); ++i) {
    if (l.dropped[i] > 0)
      dropped[std::string(reason(static_cast<FlowDropReason>(i)))] = l.dropped[i];
  }
  return {{"normalized", l.normalized}, {"applied", l.applied},
          {"duplicate", l.duplicate},   {"attempt", l.attempt},
          {"control", l.control},       {"sampled_out", l.sampled_out},
          {"dropped", dropped},         {"late_carried", l.late_carried}};
}

Json datagram_ledger_json(const DatagramLedger& l, std::uint64_t kernel_dropped) {
  return {{"received", l.received},
          {"accepted", l.accepted},
          {"refused", reasons_json(l.refused)},
          {"kernel_dropped", kernel_dropped}};
}

Json octet_ledger_json(const OctetLedger& l) {
  return {{"accepted", l.accepted},
          {"header", l.header},
          {"template", l.templates},
          {"options", l.options},
          {"decoded", l.decoded},
          {"waiting", l.waiting},
          {"skipped", reasons_json(l.skipped)},
          {"padding", l.padding}};
}

}  // namespace flowlensd::http
