// Titles and texts of alerts, made of templates.
#include <algorithm>
#include <iterator>

#include "detect/alert_template.hpp"
#include "flowlens/alert_rules.hpp"

namespace flowlens {

namespace {

/// The first of the assets involved, and the one after it.
const NotedAsset* asset_at(const NotedEvent& e, std::size_t i) noexcept {
  return i < e.assets.size() ? &e.assets[i] : nullptr;
}
template <std::string NotedAsset::*member>
std::string of_asset(const NotedEvent& e, const AlertRule&) {
  const NotedAsset* asset = asset_at(e, 0);
  return asset ? asset->*member : std::string{};
}
std::string address_of(const NotedAsset* asset) {
  return asset && !asset->addresses.empty() ? asset->addresses.front().to_string() : std::string{};
}

std::string service_text(const NotedEvent& e, const AlertRule&) {
  if (e.event.protocol == 0 && e.event.port == 0) return {};
  const std::string_view protocol = protocol_name(e.event.protocol);
  const std::string name =
      protocol.empty() ? std::to_string(e.event.protocol) : std::string(protocol);
  return name + "/" + std::to_string(e.event.port);
}

struct Placeholder {
  std::string_view name;
  std::string (*text)(const NotedEvent&, const AlertRule&);
};
constexpr Placeholder kPlaceholders[] = {
    {"after", [](const NotedEvent& e, const AlertRule&) { return e.event.after; }},
    {"asset", of_asset<&NotedAsset::label>},
    {"asset_type", of_asset<&NotedAsset::asset_type>},
    {"at", [](const NotedEvent& e, const AlertRule&) { return to_string(e.event.at); }},
    {"before", [](const NotedEvent& e, const AlertRule&) { return e.event.before; }},
    {"datacenter", of_asset<&NotedAsset::datacenter>},
    {"environment", of_asset<&NotedAsset::environment>},
    {"ip", [](const NotedEvent& e, const AlertRule&) { return address_of(asset_at(e, 0)); }},
    {"location", of_asset<&NotedAsset::location>},
    {"owner", of_asset<&NotedAsset::owner>},
    {"peer",
     [](const NotedEvent& e, const AlertRule&) {
       const NotedAsset* peer = asset_at(e, 1);
       return peer ? peer->label : std::string{};
     }},
    {"peer_ip", [](const NotedEvent& e, const AlertRule&) { return address_of(asset_at(e, 1)); }},
    {"reason", [](const NotedEvent& e, const AlertRule&) { return e.event.reason; }},
    {"rule", [](const NotedEvent&, const AlertRule& r) { return r.name; }},
    {"service", service_text},
    {"severity",
     [](const NotedEvent& e, const AlertRule& r) {
       return std::string(to_string(r.severity.value_or(e.event.severity)));
     }},
    {"type",
     [](const NotedEvent& e, const AlertRule&) { return std::string(to_string(e.event.type)); }},
};

constexpr std::size_t kCount = std::size(kPlaceholders);
constexpr std::array<std::string_view, kCount> names() noexcept {
  std::array<std::string_view, kCount> all{};
  for (std::size_t i = 0; i < kCount; ++i) all[i] = kPlaceholders[i].name;
  return all;
}
constexpr std::array<std::string_view, kCount> kNames = names();

const Placeholder* find(std::string_view name) noexcept {
  const auto found = std::find_if(std::begin(kPlaceholders), std::end(kPlaceholders),
                                  [&](const Placeholder& p) { return p.name == name; });
  return found == std::end(kPlaceholders) ? nullptr : &*found;
}

/// Calls `literal` with text to be taken as it is and `named` with what stands in braces.
/// \return the octet of a brace that is wrong, or nothing.
template <typename Literal, typename Named>
std::optional<std::size_t> walk(std::string_view text, const Literal& literal, const Named& named) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t brace = std::min(text.find_first_of("{}", i), text.size());
    literal(text.substr(i, brace - i));
    if (brace == text.size()) break;
    if (text.substr(brace, 2) == "{{" || text.substr(brace, 2) == "}}") {
      literal(text.substr(brace, 1));
      i = brace + 2;
      continue;
    }
    const std::size_t end = text.find_first_of("{}", brace + 1);
    const bool is_closed = text[brace] == '{' && end < text.size() && text[end] == '}';
    if (!is_closed || !named(text.substr(brace + 1, end - brace - 1))) return brace;
    i = end + 1;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> detect::wrong_brace(std::string_view text) {
  return walk(
      text, [](std::string_view) {}, [](std::string_view name) { return find(name) != nullptr; });
}

std::span<const std::string_view> alert_placeholders() noexcept { return kNames; }

std::string fill_in(std::string_view text, const NotedEvent& event, const AlertRule& rule) {
  std::string out;
  walk(
      text, [&](std::string_view part) { out += part; },
      [&](std::string_view name) {
        const Placeholder* placeholder = find(name);
        if (placeholder) out += placeholder->text(event, rule);
        return placeholder != nullptr;
      });
  return out;
}

}  // namespace flowlens
