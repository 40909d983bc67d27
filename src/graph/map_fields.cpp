#include "flowlens/map_fields.hpp"

#include "flowlens/enricher.hpp"
#include "flowlens/flow_fields.hpp"
#include "query/operands.hpp"

namespace flowlens {

namespace {

const DependencyRow& dependency(const void* row) noexcept {
  return *static_cast<const DependencyRow*>(row);
}
const AssetRow& asset(const void* row) noexcept { return *static_cast<const AssetRow*>(row); }

constexpr std::string_view kDirections[] = {"client_server", "peer", "unknown"};

using query::address, query::number, query::text;

using Said = std::shared_ptr<const Annotation>;

const Annotation& said(const Said& annotation) noexcept {
  static const Annotation nothing;
  return annotation ? *annotation : nothing;
}

bool tag(const Said& annotation, std::size_t i, Operand& out) noexcept {
  return annotation && i < annotation->tags.size() && text(annotation->tags[i], out);
}

constexpr Field kDependencyFields[] = {
    {.name = "client ip",
     .aliases = "client,client net,src ip,src net,src",
     .kind = FieldKind::address,
     .description = "who uses",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return address(dependency(r).key.client.address, out); }},
    {.name = "server ip",
     .aliases = "server,server net,dst ip,dst net,dst",
     .kind = FieldKind::address,
     .description = "who serves",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return address(dependency(r).key.server.address, out); }},
    {.name = "ip",
     .aliases = "net,host,address",
     .kind = FieldKind::address,
     .description = "either end",
     .get =
         [](const void* r, std::size_t i, Operand& out) noexcept {
           const DependencyKey& key = dependency(r).key;
           return address(i == 0 ? key.client.address : key.server.address, out) && i < 2;
         },
     .has_many = true},
    {.name = "client internal",
     .kind = FieldKind::boolean,
     .description = "who uses is in a network of one's own",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(dependency(r).client_internal, out); }},
    {.name = "server internal",
     .kind = FieldKind::boolean,
     .description = "who serves is",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(dependency(r).server_internal, out); }},
    {.name = "port",
     .aliases = "dst port,server port",
     .kind = FieldKind::port,
     .description = "of the service",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(dependency(r).key.port, out); },
     .number_of = port_of_service},
    {.name = "protocol",
     .aliases = "proto",
     .kind = FieldKind::protocol,
     .description = "IANA protocol",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(dependency(r).key.protocol, out); },
     .number_of = number_of_protocol,
     .name_of = name_of_protocol},
    {.name = "service",
     .kind = FieldKind::text,
     .description = "its usual name",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(service_name(dependency(r).service), out); }},
    {.name = "bytes",
     .aliases = "octets",
     .kind = FieldKind::octets,
     .description = "both ways, sampling undone",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           const TrafficCounts& t = dependency(r).totals;
           return number(t.estimated_octets_to_server + t.estimated_octets_to_client, out);
         }},
    {.name = "bytes to server",
     .kind = FieldKind::octets,
     .description = "sampling undone",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(dependency(r).totals.estimated_octets_to_server, out);
         }},
    {.name = "bytes to client",
     .kind = FieldKind::octets,
     .description = "sampling undone",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(dependency(r).totals.estimated_octets_to_client, out);
         }},
    {.name = "packets",
     .kind = FieldKind::count,
     .description = "both ways, as exported",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           const TrafficCounts& t = dependency(r).totals;
           return number(t.packets_to_server + t.packets_to_client, out);
         }},
    {.name = "flows",
     .kind = FieldKind::count,
     .description = "both ways, as exported",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(dependency(r).totals.flows, out); }},
    {.name = "first seen",
     .kind = FieldKind::time,
     .description = "begin of its first traffic",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(field_key::of(dependency(r).first_seen), out);
         }},
    {.name = "last seen",
     .kind = FieldKind::time,
     .description = "end of its last traffic",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(field_key::of(dependency(r).last_seen), out);
         }},
    {.name = "direction",
     .kind = FieldKind::choice,
     .description = "who serves, or that nobody does",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(static_cast<std::uint64_t>(dependency(r).direction), out);
         },
     .choices = kDirections},
    {.name = "evidence",
     .aliases = "rung",
     .kind = FieldKind::text,
     .description = "what decided who serves",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(to_string(dependency(r).rung), out); }},
    {.name = "confidence",
     .aliases = "direction confidence",
     .kind = FieldKind::ratio,
     .description = "0 to 1, that the direction is right",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(field_key::of(double{confidence(dependency(r).reasons)}), out);
         }},
    {.name = "provisional",
     .kind = FieldKind::boolean,
     .description = "no window of it has closed yet",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(dependency(r).provisional, out); }},
    {.name = "flips",
     .kind = FieldKind::count,
     .description = "how often it was turned round",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(dependency(r).flips, out); }},
    {.name = "exporter",
     .aliases = "observer",
     .kind = FieldKind::address,
     .description = "one of those who saw it",
     .get =
         [](const void* r, std::size_t i, Operand& out) noexcept {
           const DependencyRow& d = dependency(r);
           return i < d.observer_count && address(d.observers[i], out);
         },
     .has_many = true},
    {.name = "tag",
     .aliases = "tags",
     .kind = FieldKind::text,
     .description = "one that people have given it",
     .get = [](const void* r, std::size_t i,
               Operand& out) noexcept { return tag(dependency(r).annotation, i, out); },
     .has_many = true},
    {.name = "owner",
     .kind = FieldKind::text,
     .description = "who answers for it",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(said(dependency(r).annotation).owner, out); }},
    {.name = "criticality",
     .kind = FieldKind::text,
     .description = "unknown, low, medium, high or critical",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return text(to_string(said(dependency(r).annotation).criticality), out);
         }},
    {.name = "declared",
     .kind = FieldKind::boolean,
     .description = "somebody has put it there",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(said(dependency(r).annotation).is_declared, out);
         }},
    {.name = "confirmed",
     .kind = FieldKind::boolean,
     .description = "somebody has said that it is right",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(said(dependency(r).annotation).is_confirmed, out);
         }},
};

constexpr Field kAssetFields[] = {
    {.name = "name",
     .kind = FieldKind::text,
     .description = "as somebody has named it",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(asset(r).name, out); }},
    {.name = "ip",
     .aliases = "net,host,address",
     .kind = FieldKind::address,
     .description = "one that it holds or has held",
     .get =
         [](const void* r, std::size_t i, Operand& out) noexcept {
           const auto& held = asset(r).endpoints;
           return i < held.size() && address(held[i].endpoint.address, out);
         },
     .has_many = true},
    {.name = "type",
     .aliases = "asset type",
     .kind = FieldKind::text,
     .description = "what kind of machine it is",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(asset(r).asset_type, out); }},
    {.name = "type source",
     .kind = FieldKind::text,
     .description = "who says so: inferred, inventory, declared",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(to_string(asset(r).type_source), out); }},
    {.name = "type confidence",
     .kind = FieldKind::ratio,
     .description = "how sure that is",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(field_key::of(double{asset(r).type_confidence}), out);
         }},
    {.name = "internal",
     .kind = FieldKind::boolean,
     .description = "in a network of one's own",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(asset(r).is_internal, out); }},
    {.name = "first seen",
     .kind = FieldKind::time,
     .description = "begin of its first traffic",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(field_key::of(asset(r).first_seen), out); }},
    {.name = "last seen",
     .kind = FieldKind::time,
     .description = "end of its last traffic",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(field_key::of(asset(r).last_seen), out); }},
    {.name = "tag",
     .aliases = "tags",
     .kind = FieldKind::text,
     .description = "one that people have given it",
     .get = [](const void* r, std::size_t i,
               Operand& out) noexcept { return tag(asset(r).annotation, i, out); },
     .has_many = true},
    {.name = "owner",
     .kind = FieldKind::text,
     .description = "who answers for it",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(said(asset(r).annotation).owner, out); }},
    {.name = "criticality",
     .kind = FieldKind::text,
     .description = "unknown, low, medium, high or critical",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return text(to_string(said(asset(r).annotation).criticality), out);
         }},
    {.name = "declared",
     .kind = FieldKind::boolean,
     .description = "somebody has put it there",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(said(asset(r).annotation).is_declared, out);
         }},
    {.name = "confirmed",
     .kind = FieldKind::boolean,
     .description = "somebody has said that it is right",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(said(asset(r).annotation).is_confirmed, out);
         }},
};

constexpr FieldTableOf<DependencyRow> kDependencies{kDependencyFields};
constexpr FieldTableOf<AssetRow> kAssets{kAssetFields};

}  // namespace

const FieldTableOf<DependencyRow>& dependency_fields() noexcept { return kDependencies; }
const FieldTableOf<AssetRow>& asset_fields() noexcept { return kAssets; }

}  // namespace flowlens
