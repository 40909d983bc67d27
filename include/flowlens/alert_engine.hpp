/// \file
/// detect: events in, alerts out; and what people say of alerts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flowlens/alert.hpp"
#include "flowlens/alert_rules.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/filter.hpp"

namespace flowlens {

struct AlertEngineOptions {
  std::size_t max_rules = 1'000;  ///< own ones; further ones are refused; so for the windows
  std::size_t max_windows = 1'000;
  std::size_t max_open = 10'000;  ///< not resolved; of the least severe, the one longest quiet goes
  std::size_t max_resolved = 10'000;  ///< kept to be asked for; the one resolved first goes
  std::size_t max_seen = 20'000;      ///< ids of events, so that none counts twice; the oldest goes
  std::size_t max_history = 16;       ///< entries of one alert, at least 2
  /// That there are until somebody changes them: parse_alert_rules(default_alert_rules(), …).
  std::vector<AlertRule> shipped{};
};

/// Since the engine was made, but for the first lines. Of events, `repeated`, `unmatched`, `raised`,
/// `counted` and `reopened` add up to `events`.
struct AlertCounters {
  std::uint64_t open = 0;  ///< now; so are the next five
  std::uint64_t acknowledged = 0;
  std::uint64_t suppressed = 0;  ///< of those two
  std::uint64_t resolved = 0;    ///< kept
  std::uint64_t rules = 0;
  std::uint64_t windows = 0;
  std::uint64_t events = 0;
  std::uint64_t repeated = 0;   ///< events taken before
  std::uint64_t unmatched = 0;  ///< by any rule
  std::uint64_t raised = 0;
  std::uint64_t raised_suppressed = 0;  ///< of those
  std::uint64_t counted = 0;            ///< to an alert that was there
  std::uint64_t reopened = 0;           ///< by an event
  std::uint64_t cleared = 0;            ///< alerts; so are the next three
  std::uint64_t expired = 0;
  std::uint64_t crowded_out = 0;  ///< `max_open`
  std::uint64_t forgotten = 0;    ///< `max_resolved`
  friend bool operator==(const AlertCounters&, const AlertCounters&) = default;
};

/// What channels are to be told.
struct AlertNotice {
  AlertStep step = AlertStep::raised;  ///< or escalated, cleared, released
  Alert alert;                         ///< as it was then
  std::vector<std::string> channels;   ///< of its rule; may be empty
};

/// A rule, and whose it is.
struct AlertRuleEntry {
  AlertRule rule;
  bool is_shipped = false;  ///< there is a shipped one of this name
  bool is_own = false;      ///< somebody has written or changed it
};

/// All that an engine must keep to go on later.
struct AlertState {
  std::vector<AlertRule> rules;  ///< own ones
  std::vector<MaintenanceWindow> windows;
  std::vector<Alert> alerts;
  std::vector<Id> seen;  ///< the oldest first
  Timestamp at;
};

/// What is new since the last call: absolute values.
struct AlertChanges {
  std::optional<std::vector<AlertRule>>
      rules;  ///< if one has changed, all own ones; so for windows
  std::optional<std::vector<MaintenanceWindow>> windows;
  std::vector<Alert> alerts;  ///< ascending by id
  std::vector<Id> removed;    ///< alerts
  std::vector<Id> seen;       ///< newly, the oldest first
  std::vector<Id> unseen;     ///< forgotten of those before
  Timestamp at;

  [[nodiscard]] bool empty() const noexcept {
    return !rules && !windows && alerts.empty() && removed.empty() && seen.empty() &&
           unseen.empty();
  }
};

enum class AlertOrder : std::uint8_t { last, opened, severity, count };  ///< each the most first

struct AlertQuery {
  Filter<Alert> filter{};  ///< empty: all
  AlertOrder order = AlertOrder::last;
  std::uint32_t after = 0;  ///< `next` of the page before
  std::size_t limit = 50;
};

/// What came of what somebody said.
enum class AlertAnswer : std::uint8_t { done, unknown_alert, not_now };

/// Whether `later` ends what `earlier` began, if both are of one subject and service: an asset is back
/// that was offline.
[[nodiscard]] bool clears(ChangeType later, ChangeType earlier) noexcept;
/// Whether something clears it: such alerts tell of a state, the others of a moment.
[[nodiscard]] bool can_clear(ChangeType type) noexcept;

/// For each event the rule that fits and has the highest priority (of equal ones, the name that comes
/// first) raises an alert. While one of the same rule, type, subject and service is not resolved, the
/// event is counted there; was it resolved within the rule's cooldown, it opens again.
///
/// The opposite event resolves an alert. An alert raised by an event at a time that a maintenance window
/// holds is suppressed: kept and listed, but no channel is told. If it still stands when the window is
/// over, and tells of a state, it is released, and channels are told then. Windows and schedules go by
/// the time of the event; cooldown and `resolve_after` by when the engine was told.
///
/// The same calls give the same alerts, also if the engine is made anew from its state in between.
///
/// Thread-compatible.
class AlertEngine {
 public:
  /// \throws ConfigError if a limit is 0, or two shipped rules have one name.
  explicit AlertEngine(AlertEngineOptions options = {});
  ~AlertEngine();
  AlertEngine(AlertEngine&&) noexcept;
  AlertEngine& operator=(AlertEngine&&) noexcept;

  /// Goes on where a state was taken. For an engine that has not been told anything yet.
  /// \throws ConfigError for more rules or windows than there is room for.
  void restore(AlertState state);
  /// What is new since the last call, for a store.
  [[nodiscard]] AlertChanges take_changes();

  /// \param now  never goes back. \return what channels are to be told, in order.
  [[nodiscard]] std::vector<AlertNotice> take(std::span<const NotedEvent> events, Timestamp now);
  /// What time alone brings: alerts expire, maintenance ends.
  [[nodiscard]] std::vector<AlertNotice> advance(Timestamp now);

  // What people say. \param who  not empty. \param note  may be.
  AlertAnswer acknowledge(const Id& alert, const std::string& who, const std::string& note,
                          Timestamp now);
  AlertAnswer resolve(const Id& alert, const std::string& who, const std::string& note,
                      Timestamp now);
  AlertAnswer reopen(const Id& alert, const std::string& who, const std::string& note,
                     Timestamp now);

  /// Adds a rule, or takes the place of the one of its name. \return false if there is no room.
  bool put(AlertRule rule);
  /// Takes back what somebody has written; a shipped rule of that name holds again.
  /// \return false if there is none of his own.
  bool remove_rule(std::string_view name);
  bool put(MaintenanceWindow window);
  bool remove_window(std::string_view name);

  /// In the order in which they are asked.
  [[nodiscard]] std::vector<AlertRuleEntry> rules() const;
  [[nodiscard]] std::optional<AlertRuleEntry> rule(std::string_view name) const;
  /// By name.
  [[nodiscard]] std::vector<MaintenanceWindow> windows() const;
  [[nodiscard]] std::optional<MaintenanceWindow> window(std::string_view name) const;
  [[nodiscard]] std::optional<Alert> alert(const Id& id) const;
  [[nodiscard]] Page<Alert> alerts(const AlertQuery& query) const;
  [[nodiscard]] AlertCounters counters() const;
  [[nodiscard]] const AlertEngineOptions& options() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What rules would have raised.
struct AlertDryRun {
  std::vector<Alert> alerts;  ///< as they stand at the end, the oldest first
  AlertCounters counters;
  std::uint64_t notices = 0;  ///< that channels would have got
};
/// Gives the events, in the order of their times, to an engine that has these rules and windows alone.
/// Nothing else changes. \param options  the limits; its shipped rules do not count.
/// \throws ConfigError as the engine does.
[[nodiscard]] AlertDryRun dry_run(AlertEngineOptions options, std::span<const AlertRule> rules,
                                  std::span<const MaintenanceWindow> windows,
                                  std::vector<NotedEvent> events);

}  // namespace flowlens
