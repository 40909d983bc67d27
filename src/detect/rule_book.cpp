#include "detect/rule_book.hpp"

#include <algorithm>
#include <utility>

#include "flowlens/error.hpp"

namespace flowlens::detect {

namespace {

template <typename Item>
std::vector<Item> values(const std::map<std::string, Item, std::less<>>& items) {
  std::vector<Item> all;
  for (const auto& [name, item] : items) all.push_back(item);
  return all;
}

/// \return false if there is no room for one more.
template <typename Item>
bool put_in(std::map<std::string, Item, std::less<>>& items, std::size_t most, Item item) {
  if (!items.contains(item.name) && items.size() >= most) return false;
  std::string name = item.name;
  items.insert_or_assign(std::move(name), std::move(item));
  return true;
}

template <typename Item>
bool remove_from(std::map<std::string, Item, std::less<>>& items, std::string_view name) {
  const auto found = items.find(name);
  if (found == items.end()) return false;
  items.erase(found);
  return true;
}

}  // namespace

RuleBook::RuleBook(const AlertEngineOptions& options)
    : max_rules_(options.max_rules), max_windows_(options.max_windows) {
  for (const AlertRule& rule : options.shipped) {
    if (!shipped_.emplace(rule.name, rule).second) {
      throw ConfigError("alerts: two rules are named `" + rule.name +
                        "`; give each a name of its own");
    }
  }
  sort();
}

void RuleBook::sort() {
  order_.clear();
  for (const auto& [name, rule] : own_) order_.push_back(&rule);
  for (const auto& [name, rule] : shipped_) {
    if (!own_.contains(name)) order_.push_back(&rule);
  }
  std::sort(order_.begin(), order_.end(), [](const AlertRule* a, const AlertRule* b) {
    return a->priority != b->priority ? a->priority > b->priority : a->name < b->name;
  });
}

const AlertRule* RuleBook::match(const NotedEvent& event) const {
  for (const AlertRule* rule : order_) {
    const auto& types = rule->events;
    if (!rule->is_enabled) continue;
    if (!types.empty() && !std::binary_search(types.begin(), types.end(), event.event.type))
      continue;
    if (rule->schedule && !rule->schedule->holds(event.event.at)) continue;
    if (!rule->filter || rule->filter.matches(event)) return rule;
  }
  return nullptr;
}

std::string RuleBook::maintenance_of(const NotedEvent& event) const {
  for (const auto& [name, window] : windows_) {
    if (window.holds(event.event.at) && window.is_about(event)) return name;
  }
  return {};
}

bool RuleBook::holds(std::string_view window, Timestamp at) const {
  const auto found = windows_.find(window);
  return found != windows_.end() && found->second.holds(at);
}

bool RuleBook::put(AlertRule rule) {
  if (!put_in(own_, max_rules_, std::move(rule))) return false;
  sort();
  return rules_changed_ = true;
}

bool RuleBook::put(MaintenanceWindow window) {
  if (!put_in(windows_, max_windows_, std::move(window))) return false;
  return windows_changed_ = true;
}

bool RuleBook::remove_rule(std::string_view name) {
  if (!remove_from(own_, name)) return false;
  sort();
  return rules_changed_ = true;
}

bool RuleBook::remove_window(std::string_view name) {
  if (!remove_from(windows_, name)) return false;
  return windows_changed_ = true;
}

const AlertRule* RuleBook::find(std::string_view rule) const {
  if (const auto found = own_.find(rule); found != own_.end()) return &found->second;
  const auto found = shipped_.find(rule);
  return found == shipped_.end() ? nullptr : &found->second;
}

std::optional<AlertRuleEntry> RuleBook::entry(std::string_view rule) const {
  const AlertRule* found = find(rule);
  if (found == nullptr) return std::nullopt;
  return AlertRuleEntry{*found, shipped_.contains(rule), own_.contains(rule)};
}

std::vector<AlertRuleEntry> RuleBook::entries() const {
  std::vector<AlertRuleEntry> all;
  for (const AlertRule* rule : order_) all.push_back(*entry(rule->name));
  return all;
}

std::vector<MaintenanceWindow> RuleBook::windows() const { return values(windows_); }

std::optional<MaintenanceWindow> RuleBook::window(std::string_view name) const {
  const auto found = windows_.find(name);
  if (found == windows_.end()) return std::nullopt;
  return found->second;
}

void RuleBook::take(AlertChanges& changes) {
  if (std::exchange(rules_changed_, false)) changes.rules = values(own_);
  if (std::exchange(windows_changed_, false)) changes.windows = values(windows_);
}

}  // namespace flowlens::detect
