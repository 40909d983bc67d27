/// \file
/// detect: which events become alerts, and when they are kept quiet: rules and maintenance windows, as
/// JSON that people read and write.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/alert.hpp"
#include "flowlens/filter.hpp"
#include "flowlens/id.hpp"
#include "flowlens/revision.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Times that come again every week, on clocks that are a fixed time ahead of UTC.
struct WeeklyHours {
  std::uint8_t days = 0x7f;                ///< on which they begin; bit 0: Monday
  std::chrono::minutes from{0};            ///< after midnight, less than a day
  std::chrono::minutes duration{24 * 60};  ///< at most seven days; it may reach into days after
  std::chrono::minutes ahead_of_utc{0};    ///< -14 to 14 hours

  [[nodiscard]] bool holds(Timestamp at) const noexcept;
  friend bool operator==(const WeeklyHours&, const WeeklyHours&) = default;
};

/// Longer names are refused; they are of a-z, 0-9, `_` and `-`.
inline constexpr std::size_t kMaxRuleName = 64;
inline constexpr std::size_t kMaxTitleTemplate = 255;
inline constexpr std::size_t kMaxTextTemplate = 4'096;
inline constexpr std::size_t kMaxChannels = 16;  ///< of one rule

/// Which events become alerts, and what these look like.
struct AlertRule {
  std::string name;
  bool is_enabled = true;
  std::int32_t priority = 0;         ///< of the rules that fit an event, the highest alone raises
  std::vector<ChangeType> events;    ///< ascending; empty: all
  Filter<NotedEvent> filter{};       ///< empty: all. Ages in it count back from 1970, so give none
  std::optional<Severity> severity;  ///< nothing: the event's own
  std::string title = "{reason}";    ///< templates: see alert_placeholders()
  std::string text{};
  /// What comes again so soon after its alert was resolved opens that one again, and no channel is told.
  std::chrono::seconds cooldown{0};
  std::chrono::seconds resolve_after{0};  ///< without a further event; 0: never
  std::optional<WeeklyHours> schedule{};  ///< outside of it the rule fits nothing
  std::vector<std::string> channels{"log"};
};

/// When alerts are raised all the same, but suppressed: no channel is told.
struct MaintenanceWindow {
  std::string name;
  // What it is about; all that is given must fit one asset of the event, the filter the event.
  std::optional<Id> asset{};
  std::string environment{};  ///< empty: any; so for the datacenter
  std::string datacenter{};
  Filter<NotedEvent> filter{};
  // When: from `from` until before `until`, if it comes again each week, only in those hours.
  std::optional<Timestamp> from{};   ///< nothing: always has
  std::optional<Timestamp> until{};  ///< nothing: for good; then `weekly` is given
  std::optional<WeeklyHours> weekly{};
  std::string note{};

  [[nodiscard]] bool holds(Timestamp at) const noexcept;
  [[nodiscard]] bool is_about(const NotedEvent& event) const noexcept;
};

// JSON. A rule and a window are an object each, a list of them an array; docs/alerts.md shows the
// members. What is printed is canonical: reading it gives the same, and the same text again.
// `name` is the file, or whatever else messages shall begin with.
/// \throws ConfigError saying where (`rules[2].schedule.days[0]`), what is wrong, what would be right.
[[nodiscard]] AlertRule parse_alert_rule(std::string_view json, const std::string& name);
[[nodiscard]] std::vector<AlertRule> parse_alert_rules(std::string_view json,
                                                       const std::string& name);
[[nodiscard]] MaintenanceWindow parse_maintenance_window(std::string_view json,
                                                         const std::string& name);
[[nodiscard]] std::vector<MaintenanceWindow> parse_maintenance_windows(std::string_view json,
                                                                       const std::string& name);
[[nodiscard]] std::string to_json(const AlertRule& rule);
[[nodiscard]] std::string to_json(const MaintenanceWindow& window);

/// The rules that FlowLens comes with, as JSON. Static text.
[[nodiscard]] std::string_view default_alert_rules() noexcept;

/// What may stand in the templates of title and text, as `{asset}`; a brace itself is written twice.
[[nodiscard]] std::span<const std::string_view> alert_placeholders() noexcept;
/// \param text  a template that parse_alert_rule() has accepted.
[[nodiscard]] std::string fill_in(std::string_view text, const NotedEvent& event,
                                  const AlertRule& rule);

}  // namespace flowlens
