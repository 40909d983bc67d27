#include "arrow/map_columns.hpp"

#include <memory>

#include "flowlens/annotation.hpp"
#include "flowlens/enricher.hpp"

namespace flowlens::arrow {

namespace {

using enum CellType;

using Said = std::shared_ptr<const Annotation>;

void address(const IpAddress& value, Cells& out) {
  value.is_unspecified() ? out.null() : out.text(value.to_string());
}
void site(const Endpoint& endpoint, const SiteTable& sites, Cells& out) {
  endpoint.address.is_unspecified() ? out.null() : out.text(sites.name(endpoint.site));
}
void id(const Id& value, Cells& out) { value.is_none() ? out.null() : out.text(value.to_string()); }

void tags(const Said& said, Cells& out) {
  if (said) {
    for (const std::string& tag : said->tags) out.item(tag);
  }
  out.end_list();
}
void owner(const Said& said, Cells& out) { said ? out.text_or_null(said->owner) : out.null(); }
void notes(const Said& said, Cells& out) { said ? out.text_or_null(said->notes) : out.null(); }
void criticality(const Said& said, Cells& out) {
  out.text(to_string(said ? said->criticality : Criticality::unknown));
}
void declared(const Said& said, Cells& out) { out.boolean(said && said->is_declared); }
void confirmed(const Said& said, Cells& out) { out.boolean(said && said->is_confirmed); }

// A function of one expression, to keep a column on a line or two.
#define FLOWLENS_FILL(Row, expression) \
  [](const Row& r, [[maybe_unused]] const SiteTable& sites, Cells& out) { expression; }
#define FLOWLENS_DEPENDENCY(expression) FLOWLENS_FILL(DependencyRow, expression)
#define FLOWLENS_ASSET(expression) FLOWLENS_FILL(AssetRow, expression)
#define FLOWLENS_CHANGE(expression) FLOWLENS_FILL(ChangeEvent, expression)

void exporters(const DependencyRow& row, Cells& out) {
  for (std::size_t i = 0; i < row.observer_count; ++i) out.item(row.observers[i].to_string());
  out.end_list();
}

constexpr RowColumn<DependencyRow> kDependencyColumns[] = {
    {"id", text, false, FLOWLENS_DEPENDENCY(out.text(r.id.to_string()))},
    {"client_asset", text, false, FLOWLENS_DEPENDENCY(out.text(r.client_asset.to_string()))},
    {"server_asset", text, false, FLOWLENS_DEPENDENCY(out.text(r.server_asset.to_string()))},
    {"client_ip", text, false, FLOWLENS_DEPENDENCY(out.text(r.key.client.address.to_string()))},
    {"client_site", text, false, FLOWLENS_DEPENDENCY(out.text(sites.name(r.key.client.site)))},
    {"client_internal", boolean, false, FLOWLENS_DEPENDENCY(out.boolean(r.client_internal))},
    {"client_count", number32, false, FLOWLENS_DEPENDENCY(out.number(r.client_count))},
    {"server_ip", text, false, FLOWLENS_DEPENDENCY(out.text(r.key.server.address.to_string()))},
    {"server_site", text, false, FLOWLENS_DEPENDENCY(out.text(sites.name(r.key.server.site)))},
    {"server_internal", boolean, false, FLOWLENS_DEPENDENCY(out.boolean(r.server_internal))},
    {"protocol", number8, false, FLOWLENS_DEPENDENCY(out.number(r.key.protocol))},
    {"port", number16, false, FLOWLENS_DEPENDENCY(out.number(r.key.port))},
    {"service", text, true, FLOWLENS_DEPENDENCY(out.text_or_null(service_name(r.service)))},
    {"direction", text, false, FLOWLENS_DEPENDENCY(out.text(to_string(r.direction)))},
    {"evidence", text, false, FLOWLENS_DEPENDENCY(out.text(to_string(r.rung)))},
    {"direction_confidence", real, false, FLOWLENS_DEPENDENCY(out.real(confidence(r.reasons)))},
    {"flips", number16, false, FLOWLENS_DEPENDENCY(out.number(r.flips))},
    {"provisional", boolean, false, FLOWLENS_DEPENDENCY(out.boolean(r.provisional))},
    {"first_seen", time, false, FLOWLENS_DEPENDENCY(out.time(r.first_seen))},
    {"last_seen", time, false, FLOWLENS_DEPENDENCY(out.time(r.last_seen))},
    {"active_hours", number16, false, FLOWLENS_DEPENDENCY(out.number(r.hours.count()))},
    {"flows", number64, false, FLOWLENS_DEPENDENCY(out.number(r.totals.flows))},
    {"octets_to_server", number64, false,
     FLOWLENS_DEPENDENCY(out.number(r.totals.octets_to_server))},
    {"octets_to_client", number64, false,
     FLOWLENS_DEPENDENCY(out.number(r.totals.octets_to_client))},
    {"packets_to_server", number64, false,
     FLOWLENS_DEPENDENCY(out.number(r.totals.packets_to_server))},
    {"packets_to_client", number64, false,
     FLOWLENS_DEPENDENCY(out.number(r.totals.packets_to_client))},
    {"estimated_octets_to_server", number64, false,
     FLOWLENS_DEPENDENCY(out.number(r.totals.estimated_octets_to_server))},
    {"estimated_octets_to_client", number64, false,
     FLOWLENS_DEPENDENCY(out.number(r.totals.estimated_octets_to_client))},
    {"exporters", texts, false, FLOWLENS_DEPENDENCY(exporters(r, out))},
    {"via_ip", text, true, FLOWLENS_DEPENDENCY(address(r.via.address, out))},
    {"tags", texts, false, FLOWLENS_DEPENDENCY(tags(r.annotation, out))},
    {"owner", text, true, FLOWLENS_DEPENDENCY(owner(r.annotation, out))},
    {"notes", text, true, FLOWLENS_DEPENDENCY(notes(r.annotation, out))},
    {"criticality", text, false, FLOWLENS_DEPENDENCY(criticality(r.annotation, out))},
    {"declared", boolean, false, FLOWLENS_DEPENDENCY(declared(r.annotation, out))},
    {"confirmed", boolean, false, FLOWLENS_DEPENDENCY(confirmed(r.annotation, out))},
};

/// \param is_held  those that it holds still, or those that it held once.
void addresses(const AssetRow& row, bool is_held, Cells& out) {
  for (const HeldEndpoint& held : row.endpoints) {
    if (held.until.has_value() != is_held) out.item(held.endpoint.address.to_string());
  }
  out.end_list();
}

constexpr RowColumn<AssetRow> kAssetColumns[] = {
    {"id", text, false, FLOWLENS_ASSET(out.text(r.id.to_string()))},
    {"name", text, true, FLOWLENS_ASSET(out.text_or_null(r.name))},
    {"name_source", text, true,
     FLOWLENS_ASSET(r.name.empty() ? out.null() : out.text(to_string(r.name_source)))},
    {"addresses", texts, false, FLOWLENS_ASSET(addresses(r, true, out))},
    {"former_addresses", texts, false, FLOWLENS_ASSET(addresses(r, false, out))},
    {"site", text, true,
     FLOWLENS_ASSET(r.endpoints.empty() ? out.null()
                                        : out.text(sites.name(r.endpoints[0].endpoint.site)))},
    {"internal", boolean, false, FLOWLENS_ASSET(out.boolean(r.is_internal))},
    {"asset_type", text, false, FLOWLENS_ASSET(out.text(r.asset_type))},
    {"type_source", text, false, FLOWLENS_ASSET(out.text(to_string(r.type_source)))},
    {"type_confidence", real, false, FLOWLENS_ASSET(out.real(r.type_confidence))},
    {"first_seen", time, false, FLOWLENS_ASSET(out.time(r.first_seen))},
    {"last_seen", time, false, FLOWLENS_ASSET(out.time(r.last_seen))},
    {"tags", texts, false, FLOWLENS_ASSET(tags(r.annotation, out))},
    {"owner", text, true, FLOWLENS_ASSET(owner(r.annotation, out))},
    {"notes", text, true, FLOWLENS_ASSET(notes(r.annotation, out))},
    {"criticality", text, false, FLOWLENS_ASSET(criticality(r.annotation, out))},
    {"declared", boolean, false, FLOWLENS_ASSET(declared(r.annotation, out))},
    {"confirmed", boolean, false, FLOWLENS_ASSET(confirmed(r.annotation, out))},
};

void number_or_null(const std::optional<std::uint64_t>& value, Cells& out) {
  value ? out.number(*value) : out.null();
}

constexpr RowColumn<ChangeEvent> kChangeColumns[] = {
    {"id", text, false, FLOWLENS_CHANGE(out.text(r.id.to_string()))},
    {"type", text, false, FLOWLENS_CHANGE(out.text(to_string(r.type)))},
    {"severity", text, false, FLOWLENS_CHANGE(out.text(to_string(r.severity)))},
    {"at", time, false, FLOWLENS_CHANGE(out.time(r.at))},
    {"subject", text, false, FLOWLENS_CHANGE(out.text(subject_kind(r)))},
    {"subject_id", text, true, FLOWLENS_CHANGE(id(r.subject, out))},
    {"object_id", text, true, FLOWLENS_CHANGE(id(r.object, out))},
    {"cause_id", text, true, FLOWLENS_CHANGE(id(r.cause, out))},
    {"reason", text, false, FLOWLENS_CHANGE(out.text(r.reason))},
    {"before", text, true, FLOWLENS_CHANGE(out.text_or_null(r.before))},
    {"after", text, true, FLOWLENS_CHANGE(out.text_or_null(r.after))},
    {"expected", number64, true, FLOWLENS_CHANGE(number_or_null(r.expected, out))},
    {"seen", number64, true, FLOWLENS_CHANGE(number_or_null(r.seen, out))},
    {"ip", text, true, FLOWLENS_CHANGE(address(r.endpoint.address, out))},
    {"site", text, true, FLOWLENS_CHANGE(site(r.endpoint, sites, out))},
    {"client_ip", text, true, FLOWLENS_CHANGE(address(r.client.address, out))},
    {"client_site", text, true, FLOWLENS_CHANGE(site(r.client, sites, out))},
    {"port", number16, false, FLOWLENS_CHANGE(out.number(r.port))},
    {"protocol", number8, false, FLOWLENS_CHANGE(out.number(r.protocol))},
};

#undef FLOWLENS_FILL
#undef FLOWLENS_DEPENDENCY
#undef FLOWLENS_ASSET
#undef FLOWLENS_CHANGE

}  // namespace

std::span<const RowColumn<DependencyRow>> dependency_columns() noexcept {
  return kDependencyColumns;
}
std::span<const RowColumn<AssetRow>> asset_columns() noexcept { return kAssetColumns; }
std::span<const RowColumn<ChangeEvent>> change_columns() noexcept { return kChangeColumns; }

}  // namespace flowlens::arrow
