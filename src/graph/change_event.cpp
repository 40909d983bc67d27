// What became otherwise: names, ids, and what a filter can ask of it.
#include "flowlens/change_event.hpp"

#include <iterator>

#include "flowlens/flow_fields.hpp"
#include "flowlens/map_fields.hpp"
#include "query/operands.hpp"

namespace flowlens {

namespace {

constexpr std::string_view kTypes[] = {"dependency_redirected",
                                       "asset_merged",
                                       "asset_split",
                                       "endpoint_moved",
                                       "intermediary_proposed",
                                       "intermediary_judged",
                                       "asset_type_changed",
                                       "new_asset",
                                       "new_dependency",
                                       "new_external_connection",
                                       "service_appeared",
                                       "service_vanished",
                                       "replica_lost",
                                       "dependency_silent",
                                       "dependency_resumed",
                                       "asset_offline",
                                       "asset_online",
                                       "traffic_spike",
                                       "traffic_drop",
                                       "scan",
                                       "asset_changed",
                                       "dependency_changed",
                                       "removed_asset",
                                       "removed_dependency",
                                       "new_single_point_of_failure",
                                       "application_changed",
                                       "baseline_drift",
                                       "visibility_lost",
                                       "gateway_changed",
                                       "traffic_normal",
                                       "baseline_restored"};
static_assert(std::size(kTypes) == kChangeTypeCount);

constexpr std::string_view kSubjects[] = {"asset",    "dependency", "intermediary",
                                          "baseline", "map",        "exporter"};
enum Subject : std::size_t { kAsset, kDependency, kIntermediary, kBaseline, kMap, kExporter };

Subject subject_of(const ChangeEvent& event) noexcept {
  switch (event.type) {
    case ChangeType::dependency_redirected:
    case ChangeType::new_dependency:
    case ChangeType::new_external_connection:
    case ChangeType::dependency_silent:
    case ChangeType::dependency_resumed:
    case ChangeType::dependency_changed:
    case ChangeType::removed_dependency:
      return kDependency;
    case ChangeType::traffic_spike:
    case ChangeType::traffic_drop:
    case ChangeType::traffic_normal:
      return event.client.address.is_unspecified() ? kAsset : kDependency;
    case ChangeType::intermediary_proposed:
    case ChangeType::intermediary_judged:
      return kIntermediary;
    case ChangeType::baseline_drift:
    case ChangeType::baseline_restored:
      return kBaseline;
    case ChangeType::visibility_lost:
      return kMap;
    case ChangeType::gateway_changed:
      return kExporter;
    default:
      return kAsset;
  }
}

const ChangeEvent& change(const void* row) noexcept {
  return *static_cast<const ChangeEvent*>(row);
}
using query::number, query::text;
bool number(const std::optional<std::uint64_t>& value, Operand& out) noexcept {
  out.number = value.value_or(0);
  return value.has_value();
}
bool address(const Endpoint& value, Operand& out) noexcept {
  out.address = value.address;
  return !value.address.is_unspecified();
}
bool is_about_service(const ChangeEvent& event) noexcept { return event.protocol != 0; }

constexpr Field kFields[] = {
    {.name = "type",
     .kind = FieldKind::choice,
     .description = "what happened",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(static_cast<std::uint64_t>(change(r).type), out);
         },
     .choices = kTypes},
    {.name = "severity",
     .kind = FieldKind::choice,
     .description = "how grave it is",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(static_cast<std::uint64_t>(change(r).severity), out);
         },
     .choices = kSeverityNames},
    {.name = "subject",
     .kind = FieldKind::choice,
     .description = "what kind of thing it happened to",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(std::uint64_t{subject_of(change(r))}, out); },
     .choices = kSubjects},
    {.name = "at",
     .aliases = "time",
     .kind = FieldKind::time,
     .description = "when",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(field_key::of(change(r).at), out); }},
    {.name = "ip",
     .aliases = "net,host,address",
     .kind = FieldKind::address,
     .description = "either end, or the asset",
     .get =
         [](const void* r, std::size_t i, Operand& out) noexcept {
           const ChangeEvent& c = change(r);
           const bool has_client = !c.client.address.is_unspecified();
           if (i >= (has_client ? 2u : 1u)) return false;
           return address(i == 0 ? c.endpoint : c.client, out);
         },
     .has_many = true},
    {.name = "server ip",
     .aliases = "server,server net,dst ip,dst net,dst",
     .kind = FieldKind::address,
     .description = "of a service or dependency who serves, else the asset",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return address(change(r).endpoint, out); }},
    {.name = "client ip",
     .aliases = "client,client net,src ip,src net,src",
     .kind = FieldKind::address,
     .description = "of a dependency who uses it",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return address(change(r).client, out); }},
    {.name = "port",
     .aliases = "dst port,server port",
     .kind = FieldKind::port,
     .description = "of the service or dependency",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(change(r).port, out) && is_about_service(change(r));
         },
     .number_of = port_of_service},
    {.name = "protocol",
     .aliases = "proto",
     .kind = FieldKind::protocol,
     .description = "IANA protocol",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(change(r).protocol, out) && is_about_service(change(r));
         },
     .number_of = number_of_protocol,
     .name_of = name_of_protocol},
    {.name = "expected",
     .kind = FieldKind::octets,
     .description = "the number before, where it is about one",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(change(r).expected, out); }},
    {.name = "seen",
     .kind = FieldKind::octets,
     .description = "the number now",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(change(r).seen, out); }},
    {.name = "part",
     .kind = FieldKind::boolean,
     .description = "it is part of another change, its cause",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(!change(r).cause.is_none(), out); }},
    {.name = "before",
     .kind = FieldKind::text,
     .description = "what was there",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(change(r).before, out); }},
    {.name = "after",
     .kind = FieldKind::text,
     .description = "what is there",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(change(r).after, out); }},
    {.name = "reason",
     .kind = FieldKind::text,
     .description = "one sentence",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(change(r).reason, out); }},
};

constexpr FieldTableOf<ChangeEvent> kTable{kFields};

}  // namespace

std::string_view to_string(ChangeType t) noexcept { return kTypes[static_cast<std::size_t>(t)]; }
std::string_view to_string(Severity s) noexcept {
  return kSeverityNames[static_cast<std::size_t>(s)];
}
std::string_view subject_kind(const ChangeEvent& event) noexcept {
  return kSubjects[subject_of(event)];
}

Id change_id(ChangeType type, const Id& subject, const Id& object, Timestamp at) {
  return derive_id(event_namespace(), std::string(to_string(type)) + "/" + subject.to_string() +
                                          "/" + object.to_string() + "/" + to_string(at));
}

const FieldTableOf<ChangeEvent>& change_fields() noexcept { return kTable; }

}  // namespace flowlens
