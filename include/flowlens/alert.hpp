/// \file
/// detect: alerts, and the events that they are made of, with what is known of the assets involved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/change_event.hpp"
#include "flowlens/classification_rules.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/field_table.hpp"
#include "flowlens/id.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

inline constexpr std::size_t kMaxNotedAssets = 4;      ///< of one event
inline constexpr std::size_t kMaxNotedAddresses = 16;  ///< of one asset
inline constexpr std::size_t kMaxTitle = 255;          ///< octets of an alert's title
inline constexpr std::size_t kMaxText = 8'192;

/// An asset that an event is about, as known when the event was noted.
struct NotedAsset {
  Id id;
  std::string label;                 ///< its name, or its first address
  std::vector<IpAddress> addresses;  ///< that it holds; at most kMaxNotedAddresses
  std::string asset_type = "unknown";
  bool is_internal = false;
  std::string environment;  ///< empty, here and below: not known
  std::string datacenter;
  std::string location;
  std::string owner;
};

/// An event with what rules and maintenance windows want to know.
struct NotedEvent {
  ChangeEvent event;
  /// The asset `subject`, or the client and the server of the dependency `subject`, or the front of an
  /// intermediary; then the same of `object`. Each once, at most kMaxNotedAssets; those that the map
  /// does not know are left out, but for who scans.
  std::vector<NotedAsset> assets;
};

/// Looks up what the map and the network rules know of an event's assets now.
[[nodiscard]] NotedEvent note(const ChangeEvent& event, const DependencyGraph& graph,
                              const NetworkRules& networks);

/// All of change_fields(), and those of the assets, of which each may have a value.
[[nodiscard]] const FieldTableOf<NotedEvent>& noted_event_fields();

enum class AlertStatus : std::uint8_t { open, acknowledged, resolved };
inline constexpr std::size_t kAlertStatusCount = 3;
/// `acknowledged`
[[nodiscard]] std::string_view to_string(AlertStatus s) noexcept;
[[nodiscard]] std::optional<AlertStatus> parse_alert_status(std::string_view text) noexcept;

/// What happened to an alert.
enum class AlertStep : std::uint8_t {
  raised,
  escalated,     ///< an event of a higher severity came
  acknowledged,  ///< by somebody
  resolved,      ///< by somebody
  cleared,       ///< by the opposite event
  expired,       ///< its rule's `resolve_after` is over
  crowded_out,   ///< by newer ones: too many were open
  reopened,      ///< by somebody, or the same came again within the rule's cooldown
  released,      ///< the maintenance is over, and it still stands
};
inline constexpr std::size_t kAlertStepCount = 9;
/// `crowded_out`
[[nodiscard]] std::string_view to_string(AlertStep s) noexcept;

/// A line of an alert's history.
struct AlertEntry {
  AlertStep step = AlertStep::raised;
  Timestamp at;
  std::string who;   ///< empty: the engine
  std::string note;  ///< may be empty
  friend bool operator==(const AlertEntry&, const AlertEntry&) = default;
};

/// What an alert is about. Of unresolved ones each has another: what comes again is counted.
struct AlertKey {
  Id subject;
  ChangeType type = ChangeType::dependency_redirected;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  std::string rule;
  friend auto operator<=>(const AlertKey&, const AlertKey&) = default;
  friend bool operator==(const AlertKey&, const AlertKey&) = default;
};

/// Something that somebody should know of.
struct Alert {
  Id id;  ///< derived from the rule and the first event
  AlertKey key;
  AlertStatus status = AlertStatus::open;
  Severity severity = Severity::info;
  std::string title;  ///< of the last event; so is the text
  std::string text;
  std::string asset;        ///< label of the first asset involved; empty: none
  std::string environment;  ///< of that asset; so are the next two
  std::string datacenter;
  std::optional<IpAddress> address{};
  Id first_event;
  Id last_event;
  Timestamp opened_at;      ///< of the first event
  Timestamp last_at;        ///< of the latest event
  Timestamp noted_at;       ///< when the engine was last told of it
  std::uint64_t count = 0;  ///< events
  std::uint32_t reopened = 0;
  std::string maintenance;  ///< the window that suppresses it; empty: none
  std::string acknowledged_by;
  std::optional<Timestamp> acknowledged_at{};
  std::string resolved_by;  ///< empty: by itself
  std::optional<Timestamp> resolved_at{};
  std::vector<AlertEntry> history;  ///< the oldest first; the oldest but one goes first

  [[nodiscard]] bool is_suppressed() const noexcept { return !maintenance.empty(); }
  friend bool operator==(const Alert&, const Alert&) = default;
};

[[nodiscard]] const FieldTableOf<Alert>& alert_fields() noexcept;

}  // namespace flowlens
