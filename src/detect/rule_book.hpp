/// \file
/// detect: the rules and maintenance windows in force.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/alert_engine.hpp"

namespace flowlens::detect {

class RuleBook {
 public:
  /// \throws ConfigError if two shipped rules have one name.
  explicit RuleBook(const AlertEngineOptions& options);

  /// The rule that an event raises an alert by; null: none fits.
  [[nodiscard]] const AlertRule* match(const NotedEvent& event) const;
  /// The name of a window that the event is in; empty: none.
  [[nodiscard]] std::string maintenance_of(const NotedEvent& event) const;
  [[nodiscard]] bool holds(std::string_view window, Timestamp at) const;

  bool put(AlertRule rule);
  bool put(MaintenanceWindow window);
  bool remove_rule(std::string_view name);
  bool remove_window(std::string_view name);

  [[nodiscard]] const AlertRule* find(std::string_view rule) const;
  [[nodiscard]] std::optional<AlertRuleEntry> entry(std::string_view rule) const;
  /// As they are asked.
  [[nodiscard]] std::vector<AlertRuleEntry> entries() const;
  [[nodiscard]] std::vector<MaintenanceWindow> windows() const;
  [[nodiscard]] std::optional<MaintenanceWindow> window(std::string_view name) const;
  [[nodiscard]] std::size_t rule_count() const noexcept { return order_.size(); }
  [[nodiscard]] std::size_t window_count() const noexcept { return windows_.size(); }

  /// If some have changed since the last call, or since forget_changes().
  void take(AlertChanges& changes);
  void forget_changes() noexcept { rules_changed_ = windows_changed_ = false; }

 private:
  void sort();

  std::size_t max_rules_, max_windows_;
  std::map<std::string, AlertRule, std::less<>> shipped_, own_;
  std::map<std::string, MaintenanceWindow, std::less<>> windows_;
  std::vector<const AlertRule*> order_;
  bool rules_changed_ = false, windows_changed_ = false;
};

}  // namespace flowlens::detect
