// What filters can ask of alerts and of noted events, and the words of alerts.
#include <algorithm>
#include <iterator>
#include <type_traits>

#include "flowlens/alert.hpp"
#include "flowlens/map_fields.hpp"
#include "query/operands.hpp"

namespace flowlens {

namespace {

constexpr std::string_view kStatuses[] = {"open", "acknowledged", "resolved"};
static_assert(std::size(kStatuses) == kAlertStatusCount);
constexpr std::string_view kSteps[] = {"raised",      "escalated", "acknowledged",
                                       "resolved",    "cleared",   "expired",
                                       "crowded_out", "reopened",  "released"};
static_assert(std::size(kSteps) == kAlertStepCount);

using query::number, query::text;

// The fields of an event read an event where one of a noted event is meant.
static_assert(std::is_standard_layout_v<NotedEvent>);

const NotedEvent& noted(const void* row) noexcept { return *static_cast<const NotedEvent*>(row); }

template <std::string NotedAsset::*member>
bool asset_text(const void* row, std::size_t i, Operand& out) noexcept {
  for (const NotedAsset& asset : noted(row).assets) {
    const std::string& value = asset.*member;
    if (!value.empty() && i-- == 0) return text(value, out);
  }
  return false;
}

bool asset_address(const void* row, std::size_t i, Operand& out) noexcept {
  for (const NotedAsset& asset : noted(row).assets) {
    if (i < asset.addresses.size()) {
      out.address = asset.addresses[i];
      return true;
    }
    i -= asset.addresses.size();
  }
  return false;
}

constexpr Field kAssetFields[] = {
    {.name = "asset",
     .aliases = "asset name",
     .kind = FieldKind::text,
     .description = "name, or first address, of an asset that it is about",
     .get = asset_text<&NotedAsset::label>,
     .has_many = true},
    {.name = "asset ip",
     .aliases = "asset net,asset address",
     .kind = FieldKind::address,
     .description = "one that such an asset holds",
     .get = asset_address,
     .has_many = true},
    {.name = "asset type",
     .kind = FieldKind::text,
     .description = "what kind of machine it is",
     .get = asset_text<&NotedAsset::asset_type>,
     .has_many = true},
    {.name = "environment",
     .kind = FieldKind::text,
     .description = "of such an asset, by the network rules",
     .get = asset_text<&NotedAsset::environment>,
     .has_many = true},
    {.name = "datacenter",
     .kind = FieldKind::text,
     .description = "the same",
     .get = asset_text<&NotedAsset::datacenter>,
     .has_many = true},
    {.name = "location",
     .kind = FieldKind::text,
     .description = "the same",
     .get = asset_text<&NotedAsset::location>,
     .has_many = true},
    {.name = "owner",
     .kind = FieldKind::text,
     .description = "the same",
     .get = asset_text<&NotedAsset::owner>,
     .has_many = true},
};

std::vector<Field> all_fields() {
  const auto of_events = change_fields().fields();
  std::vector<Field> all(of_events.begin(), of_events.end());
  all.insert(all.end(), std::begin(kAssetFields), std::end(kAssetFields));
  return all;
}

const Alert& alert(const void* row) noexcept { return *static_cast<const Alert*>(row); }

constexpr Field kAlertFields[] = {
    {.name = "status",
     .kind = FieldKind::choice,
     .description = "where it stands",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(static_cast<std::uint64_t>(alert(r).status), out);
         },
     .choices = kStatuses},
    {.name = "severity",
     .kind = FieldKind::choice,
     .description = "how soon somebody should look",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(static_cast<std::uint64_t>(alert(r).severity), out);
         },
     .choices = kSeverityNames},
    {.name = "suppressed",
     .kind = FieldKind::boolean,
     .description = "raised in a maintenance window",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(alert(r).is_suppressed(), out); }},
    {.name = "rule",
     .kind = FieldKind::text,
     .description = "that raised it",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(alert(r).key.rule, out); }},
    {.name = "type",
     .aliases = "event type",
     .kind = FieldKind::text,
     .description = "of its events",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(to_string(alert(r).key.type), out); }},
    {.name = "title",
     .kind = FieldKind::text,
     .description = "one line",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(alert(r).title, out); }},
    {.name = "asset",
     .aliases = "asset name",
     .kind = FieldKind::text,
     .description = "name, or first address, of the asset that it is about",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(alert(r).asset, out); }},
    {.name = "asset ip",
     .aliases = "ip,net,host,address",
     .kind = FieldKind::address,
     .description = "the first that this asset holds",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           if (!alert(r).address) return false;
           out.address = *alert(r).address;
           return true;
         }},
    {.name = "environment",
     .kind = FieldKind::text,
     .description = "of this asset",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(alert(r).environment, out); }},
    {.name = "datacenter",
     .kind = FieldKind::text,
     .description = "of this asset",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(alert(r).datacenter, out); }},
    {.name = "count",
     .kind = FieldKind::count,
     .description = "of its events",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(alert(r).count, out); }},
    {.name = "reopened",
     .kind = FieldKind::count,
     .description = "how often",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(alert(r).reopened, out); }},
    {.name = "opened",
     .aliases = "opened at",
     .kind = FieldKind::time,
     .description = "when its first event was",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(field_key::of(alert(r).opened_at), out); }},
    {.name = "last",
     .aliases = "last at",
     .kind = FieldKind::time,
     .description = "when its latest event was",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(field_key::of(alert(r).last_at), out); }},
    {.name = "resolved",
     .aliases = "resolved at",
     .kind = FieldKind::time,
     .description = "when it was",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           const auto& at = alert(r).resolved_at;
           return at && number(field_key::of(*at), out);
         }},
    {.name = "acknowledged by",
     .kind = FieldKind::text,
     .description = "who",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(alert(r).acknowledged_by, out); }},
    {.name = "resolved by",
     .kind = FieldKind::text,
     .description = "who",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return text(alert(r).resolved_by, out); }},
};
constexpr FieldTableOf<Alert> kAlerts{kAlertFields};

}  // namespace

std::string_view to_string(AlertStatus s) noexcept {
  return kStatuses[static_cast<std::size_t>(s)];
}
std::string_view to_string(AlertStep s) noexcept { return kSteps[static_cast<std::size_t>(s)]; }
std::optional<AlertStatus> parse_alert_status(std::string_view text) noexcept {
  const auto found = std::find(std::begin(kStatuses), std::end(kStatuses), text);
  if (found == std::end(kStatuses)) return std::nullopt;
  return static_cast<AlertStatus>(found - std::begin(kStatuses));
}

const FieldTableOf<NotedEvent>& noted_event_fields() {
  static const std::vector<Field> fields = all_fields();
  static const FieldTableOf<NotedEvent> table{fields};
  return table;
}

const FieldTableOf<Alert>& alert_fields() noexcept { return kAlerts; }

}  // namespace flowlens
