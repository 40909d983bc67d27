// What the conditions of rules can ask.
#include "flowlens/asset_features.hpp"
#include "query/operands.hpp"

namespace flowlens {

namespace {

const RuleSubject& subject(const void* row) noexcept {
  return *static_cast<const RuleSubject*>(row);
}
const AssetFeatures& asset(const void* row) noexcept { return *subject(row).asset; }
const ServiceUse* service(const void* row) noexcept { return subject(row).service; }

using query::number;

/// \return false for a share of nothing.
bool ratio(double part, double whole, Operand& out) noexcept {
  out.number = field_key::of(whole > 0 ? part / whole : 0.0);
  return whole > 0;
}
double real(std::uint64_t n) noexcept { return static_cast<double>(n); }

bool kind_at(const std::vector<ServiceUse>& uses, std::size_t i, Operand& out) noexcept {
  if (i >= uses.size()) return false;
  out.text = to_string(uses[i].kind);
  return true;
}
bool type_at(AssetTypes types, std::size_t i, Operand& out) noexcept {
  for (std::size_t t = 0; t < kAssetTypeCount; ++t) {
    if (!types.has(static_cast<AssetType>(t)) || i-- > 0) continue;
    out.text = to_string(static_cast<AssetType>(t));
    return true;
  }
  return false;
}

constexpr Field kFields[] = {
    // Of the service that the rule names.
    {.name = "peers",
     .kind = FieldKind::count,
     .description = "assets at the other end of the service",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return service(r) != nullptr && number(service(r)->peers, out);
         }},
    {.name = "port",
     .kind = FieldKind::port,
     .description = "the port of the service with most flows",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return service(r) != nullptr && number(service(r)->port, out);
         }},
    {.name = "ports",
     .kind = FieldKind::count,
     .description = "different ports of the service",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return service(r) != nullptr && number(service(r)->ports, out);
         }},
    {.name = "to server",
     .kind = FieldKind::ratio,
     .description = "share of the service's octets that go to the server",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           const ServiceUse* s = service(r);
           return s != nullptr && ratio(real(s->octets_to_server),
                                        real(s->octets_to_server) + real(s->octets_to_client), out);
         }},
    {.name = "flow octets",
     .kind = FieldKind::octets,
     .description = "octets of a flow of the service, on average",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           const ServiceUse* s = service(r);
           return s != nullptr && s->flows > 0 &&
                  number((s->octets_to_server + s->octets_to_client) / s->flows, out);
         }},
    {.name = "flow share",
     .kind = FieldKind::ratio,
     .description = "share of the asset's flows that are of the service",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return service(r) != nullptr &&
                  ratio(real(service(r)->flows), real(asset(r).flows), out);
         }},
    {.name = "octet share",
     .kind = FieldKind::ratio,
     .description = "share of the asset's octets that are of the service",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           const ServiceUse* s = service(r);
           return s != nullptr &&
                  ratio(real(s->octets_to_server) + real(s->octets_to_client),
                        real(asset(r).octets_sent) + real(asset(r).octets_received), out);
         }},
    {.name = "service hours",
     .kind = FieldKind::ratio,
     .description = "share of the hours observed in which the service was used",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return service(r) != nullptr &&
                  ratio(service(r)->active_hours, asset(r).observed_hours, out);
         }},
    // Of the asset.
    {.name = "clients",
     .kind = FieldKind::count,
     .description = "assets that use it",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).clients, out); }},
    {.name = "servers",
     .kind = FieldKind::count,
     .description = "assets that it uses",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).servers, out); }},
    {.name = "external clients",
     .kind = FieldKind::count,
     .description = "of the clients, outside the private networks",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).external_clients, out); }},
    {.name = "external servers",
     .kind = FieldKind::count,
     .description = "of the servers, outside the private networks",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).external_servers, out); }},
    {.name = "served ports",
     .kind = FieldKind::count,
     .description = "different ports on which it serves",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).served_ports, out); }},
    {.name = "used ports",
     .kind = FieldKind::count,
     .description = "different ports that it uses",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).used_ports, out); }},
    {.name = "serves",
     .kind = FieldKind::text,
     .description = "a kind of service that it gives",
     .get = [](const void* r, std::size_t i,
               Operand& out) noexcept { return kind_at(asset(r).serves, i, out); },
     .has_many = true},
    {.name = "uses",
     .kind = FieldKind::text,
     .description = "a kind of service that it takes",
     .get = [](const void* r, std::size_t i,
               Operand& out) noexcept { return kind_at(asset(r).uses, i, out); },
     .has_many = true},
    {.name = "client type",
     .kind = FieldKind::text,
     .description = "the type of one of its clients, as known before",
     .get = [](const void* r, std::size_t i,
               Operand& out) noexcept { return type_at(asset(r).client_types, i, out); },
     .has_many = true},
    {.name = "server type",
     .kind = FieldKind::text,
     .description = "the type of one of its servers, as known before",
     .get = [](const void* r, std::size_t i,
               Operand& out) noexcept { return type_at(asset(r).server_types, i, out); },
     .has_many = true},
    {.name = "people",
     .kind = FieldKind::ratio,
     .description = "share of its clients of known type that people or devices are, not servers",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return ratio(asset(r).people_clients, asset(r).known_clients, out);
         }},
    {.name = "sent",
     .kind = FieldKind::ratio,
     .description = "share of its octets that it sent",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return ratio(real(asset(r).octets_sent),
                        real(asset(r).octets_sent) + real(asset(r).octets_received), out);
         }},
    {.name = "flows",
     .kind = FieldKind::count,
     .description = "of all its dependencies",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).flows, out); }},
    {.name = "mean octets",
     .kind = FieldKind::octets,
     .description = "octets of a flow of all its dependencies, on average",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           const AssetFeatures& a = asset(r);
           return a.flows > 0 && number((a.octets_sent + a.octets_received) / a.flows, out);
         }},
    {.name = "group flows",
     .kind = FieldKind::count,
     .description = "flows to multicast and broadcast addresses",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).group_flows, out); }},
    {.name = "active",
     .kind = FieldKind::ratio,
     .description = "share of the hours observed in which it had traffic",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return ratio(asset(r).active_hours, asset(r).observed_hours, out);
         }},
    {.name = "internal",
     .kind = FieldKind::boolean,
     .description = "in a network of one's own",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).is_internal, out); }},
    {.name = "intermediary",
     .kind = FieldKind::text,
     .description = "load_balancer or source_nat, where one was found",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           if (!asset(r).intermediary) return false;
           out.text = to_string(*asset(r).intermediary);
           return true;
         }},
    {.name = "gateway",
     .kind = FieldKind::boolean,
     .description = "routers send on to it, as next hops tell",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).is_gateway, out); }},
};
constexpr FieldTableOf<RuleSubject> kTable{kFields};

}  // namespace

const FieldTableOf<RuleSubject>& rule_fields() noexcept { return kTable; }

}  // namespace flowlens
