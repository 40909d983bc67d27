/// \file
/// http: rows of the map as JSON; the shapes that clients rely on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "library.hpp"
#include "pipeline/geo.hpp"

namespace flowlensd::http {

using Json = nlohmann::ordered_json;

/// Bad UTF-8 from outside becomes U+FFFD.
[[nodiscard]] std::string text_of(const Json& json);

[[nodiscard]] Json asset_json(const AssetRow& row, const SiteTable& sites);
/// Where an external asset is and whom it belongs to, as GeoIP files tell of its latest address; null
/// for internal ones, for groups, and where nothing is told.
[[nodiscard]] Json origin_json(const AssetRow& row, const Geo* geo);
/// Its name, or its first address.
[[nodiscard]] std::string asset_label(const AssetRow& row);
[[nodiscard]] Json dependency_json(const DependencyRow& row, const SiteTable& sites);
/// One window, hour or day of it.
[[nodiscard]] Json traffic_json(const WindowRow& row);
[[nodiscard]] Json gateway_json(const GatewayRow& row, const DependencyGraph& graph);
/// How those who see a dependency reach its ends: the next hops of each observer.
[[nodiscard]] Json ways_json(const DependencyRow& row, const DependencyGraph& graph,
                             const Gateways& gateways);
/// When it had traffic: runs of hours.
[[nodiscard]] Json history_json(const DependencyRow& row);
[[nodiscard]] Json intermediary_json(const IntermediaryRow& row, const DependencyGraph& graph);
/// `proposed`, `confidence` and the like of a dependency's way; null where nothing is known.
[[nodiscard]] Json application_json(const ApplicationRow& row, const DependencyGraph& graph);
[[nodiscard]] Json change_json(const ChangeEvent& event, const SiteTable& sites);
[[nodiscard]] Json flow_ledger_json(const FlowLedger& ledger);
[[nodiscard]] Json datagram_ledger_json(const DatagramLedger& ledger, std::uint64_t kernel_dropped);
[[nodiscard]] Json octet_ledger_json(const OctetLedger& ledger);

}  // namespace flowlensd::http
