#include "flowlens/alert_engine.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "detect/alert_book.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

using Rules = std::map<std::string, AlertRule, std::less<>>;
using Windows = std::map<std::string, MaintenanceWindow, std::less<>>;

AlertKey key_of(const ChangeEvent& e, ChangeType type, std::string rule) {
  return {e.subject, type, e.port, e.protocol, std::move(rule)};
}

void check(const char* limit, std::size_t value, std::size_t least = 1) {
  if (value >= least) return;
  throw ConfigError("alerts: " + std::string(limit) + " is " + std::to_string(value) +
                    ", it must be at least " + std::to_string(least));
}

template <typename Item>
std::vector<Item> values(const std::map<std::string, Item, std::less<>>& items) {
  std::vector<Item> all;
  for (const auto& [name, item] : items) all.push_back(item);
  return all;
}

/// The ids of events taken, the oldest of which go.
class Seen {
 public:
  explicit Seen(std::size_t most) : most_(most) {}

  /// \return false if it was there.
  bool add(const Id& id) {
    if (!ids_.insert(id).second) return false;
    order_.push_back(id);
    fresh_.push_back(id);
    if (order_.size() > most_) {
      ids_.erase(order_.front());
      gone_.push_back(order_.front());
      order_.pop_front();
    }
    return true;
  }
  void load(const std::vector<Id>& ids) {
    for (const Id& id : ids) add(id);
    fresh_.clear();
  }
  void take(std::vector<Id>& fresh, std::vector<Id>& gone) {
    fresh = std::exchange(fresh_, {});
    gone = std::exchange(gone_, {});
  }

 private:
  std::size_t most_;
  std::set<Id> ids_;
  std::deque<Id> order_;
  std::vector<Id> fresh_, gone_;
};

}  // namespace

bool clears(ChangeType later, ChangeType earlier) noexcept {
  switch (later) {
    case ChangeType::asset_online:
      return earlier == ChangeType::asset_offline;
    case ChangeType::dependency_resumed:
      return earlier == ChangeType::dependency_silent;
    case ChangeType::service_appeared:
      return earlier == ChangeType::service_vanished || earlier == ChangeType::replica_lost;
    default:
      return false;
  }
}

bool can_clear(ChangeType type) noexcept {
  for (std::size_t i = 0; i < kChangeTypeCount; ++i) {
    if (clears(static_cast<ChangeType>(i), type)) return true;
  }
  return false;
}

struct AlertEngine::Impl {
  explicit Impl(AlertEngineOptions o);

  void sort_rules();
  [[nodiscard]] const AlertRule* find_rule(std::string_view name) const;
  [[nodiscard]] const AlertRule* match(const NotedEvent& event) const;
  [[nodiscard]] std::string maintenance_of(const NotedEvent& event) const;
  [[nodiscard]] bool still_holds(const std::string& window) const;

  void advance_to(Timestamp time) { now = std::max(now, time); }
  void take(const NotedEvent& event);
  void clear(const ChangeEvent& event);
  void raise(const NotedEvent& event, const AlertRule& rule);
  void count(const Alert& before, const NotedEvent& event, const AlertRule& rule);
  void open_again(const Alert& before, const NotedEvent& event, const AlertRule& rule);
  void open_new(const NotedEvent& event, const AlertRule& rule);
  void expire(const Id& id);
  void release(const Id& id);
  void keep_bounds();
  void tell(AlertStep step, const Alert& alert);
  std::vector<AlertNotice> take_notices() { return std::exchange(notices, {}); }

  AlertEngineOptions options;
  Rules shipped, own;
  Windows windows;
  std::vector<const AlertRule*> order;  ///< enabled ones, as they are asked
  detect::AlertBook book;
  Seen seen;
  AlertCounters counters;
  std::vector<AlertNotice> notices;
  Timestamp now{};
  bool rules_changed = false, windows_changed = false;
};

AlertEngine::Impl::Impl(AlertEngineOptions o)
    : options(std::move(o)),
      book(options.max_open, options.max_resolved, options.max_history),
      seen(options.max_seen) {
  check("max_rules", options.max_rules);
  check("max_windows", options.max_windows);
  check("max_open", options.max_open);
  check("max_resolved", options.max_resolved);
  check("max_seen", options.max_seen);
  check("max_history", options.max_history, 2);
  for (const AlertRule& rule : options.shipped) {
    if (!shipped.emplace(rule.name, rule).second) {
      throw ConfigError("alerts: two rules are named `" + rule.name +
                        "`; give each a name of its own");
    }
  }
  sort_rules();
}

void AlertEngine::Impl::sort_rules() {
  order.clear();
  for (const auto& [name, rule] : own) order.push_back(&rule);
  for (const auto& [name, rule] : shipped) {
    if (!own.contains(name)) order.push_back(&rule);
  }
  std::sort(order.begin(), order.end(), [](const AlertRule* a, const AlertRule* b) {
    return a->priority != b->priority ? a->priority > b->priority : a->name < b->name;
  });
}

const AlertRule* AlertEngine::Impl::find_rule(std::string_view name) const {
  if (const auto found = own.find(name); found != own.end()) return &found->second;
  const auto found = shipped.find(name);
  return found == shipped.end() ? nullptr : &found->second;
}

const AlertRule* AlertEngine::Impl::match(const NotedEvent& event) const {
  for (const AlertRule* rule : order) {
    const auto& types = rule->events;
    if (!rule->is_enabled) continue;
    if (!types.empty() && !std::binary_search(types.begin(), types.end(), event.event.type))
      continue;
    if (rule->schedule && !rule->schedule->holds(event.event.at)) continue;
    if (!rule->filter || rule->filter.matches(event)) return rule;
  }
  return nullptr;
}

std::string AlertEngine::Impl::maintenance_of(const NotedEvent& event) const {
  for (const auto& [name, window] : windows) {
    if (window.holds(event.event.at) && window.is_about(event)) return name;
  }
  return {};
}

bool AlertEngine::Impl::still_holds(const std::string& window) const {
  const auto found = windows.find(window);
  return found != windows.end() && found->second.holds(now);
}

void AlertEngine::Impl::tell(AlertStep step, const Alert& alert) {
  const AlertRule* rule = find_rule(alert.key.rule);
  notices.push_back({step, alert, rule ? rule->channels : std::vector<std::string>{}});
}

void AlertEngine::Impl::take(const NotedEvent& event) {
  ++counters.events;
  if (!seen.add(event.event.id)) {
    ++counters.repeated;
    return;
  }
  clear(event.event);
  if (const AlertRule* rule = match(event)) {
    raise(event, *rule);
  } else {
    ++counters.unmatched;
  }
  keep_bounds();
}

/// What it ends is resolved, unless the same was seen later again.
void AlertEngine::Impl::clear(const ChangeEvent& event) {
  for (std::size_t i = 0; i < kChangeTypeCount; ++i) {
    const auto type = static_cast<ChangeType>(i);
    if (!clears(event.type, type)) continue;
    for (const Id& id : book.unresolved(key_of(event, type, {}))) {
      if (book.find(id)->last_at > event.at) continue;
      const bool was_told = !book.find(id)->is_suppressed();
      const Alert& a = book.update(id, {AlertStep::cleared, now, {}, event.reason}, [&](Alert& to) {
        to.status = AlertStatus::resolved;
        to.resolved_at = now;
        to.resolved_by.clear();
      });
      ++counters.cleared;
      if (was_told) tell(AlertStep::cleared, a);
    }
  }
}

void AlertEngine::Impl::raise(const NotedEvent& event, const AlertRule& rule) {
  const Alert* last = book.find(key_of(event.event, event.event.type, rule.name));
  if (last != nullptr && last->status != AlertStatus::resolved) {
    count(*last, event, rule);
  } else if (last != nullptr && now - *last->resolved_at < rule.cooldown) {
    open_again(*last, event, rule);
  } else {
    open_new(event, rule);
  }
}

namespace {

/// The first `most` octets, without cutting a character in two.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
  return text;
}

/// What an alert shows of its latest event.
void show(const NotedEvent& event, const AlertRule& rule, Timestamp now, Alert& in) {
  in.last_event = event.event.id;
  in.last_at = std::max(in.last_at, event.event.at);
  in.noted_at = now;
  ++in.count;
  in.title = cut(fill_in(rule.title, event, rule), kMaxTitle);
  in.text = cut(fill_in(rule.text, event, rule), kMaxText);
  if (event.assets.empty()) return;
  const NotedAsset& asset = event.assets.front();
  in.asset = asset.label;
  in.environment = asset.environment;
  in.datacenter = asset.datacenter;
  if (!asset.addresses.empty()) in.address = asset.addresses.front();
}

Severity severity_of(const NotedEvent& event, const AlertRule& rule) noexcept {
  return rule.severity.value_or(event.event.severity);
}

}  // namespace

void AlertEngine::Impl::count(const Alert& before, const NotedEvent& event, const AlertRule& rule) {
  ++counters.counted;
  const Id id = before.id;
  const bool was_suppressed = before.is_suppressed();
  const bool is_worse = severity_of(event, rule) > before.severity;
  const bool is_released = was_suppressed && maintenance_of(event).empty();
  const auto change = [&](Alert& a) { show(event, rule, now, a); };
  if (is_worse) {
    book.update(id, {AlertStep::escalated, now, {}, {}}, [&](Alert& a) {
      change(a);
      a.severity = severity_of(event, rule);
      a.status = AlertStatus::open;
    });
  } else {
    book.update(id, change);
  }
  if (is_released) release(id);
  if (is_worse && !was_suppressed) tell(AlertStep::escalated, *book.find(id));
}

void AlertEngine::Impl::open_again(const Alert& before, const NotedEvent& event,
                                   const AlertRule& rule) {
  ++counters.reopened;
  book.update(before.id, {AlertStep::reopened, now, {}, "the same came again"}, [&](Alert& a) {
    show(event, rule, now, a);
    a.severity = severity_of(event, rule);
    a.status = AlertStatus::open;
    a.resolved_at.reset();
    a.resolved_by.clear();
    a.maintenance = maintenance_of(event);
    ++a.reopened;
  });
}

void AlertEngine::Impl::open_new(const NotedEvent& event, const AlertRule& rule) {
  const ChangeEvent& e = event.event;
  Alert a;
  a.id = derive_id(event_namespace(), "alert/" + rule.name + "/" + e.id.to_string());
  // An event so old that it was forgotten, but not what it led to.
  if (book.find(a.id) != nullptr) {
    ++counters.repeated;
    return;
  }
  a.key = key_of(e, e.type, rule.name);
  a.severity = severity_of(event, rule);
  a.first_event = e.id;
  a.opened_at = e.at;
  a.last_at = e.at;
  a.maintenance = maintenance_of(event);
  show(event, rule, now, a);
  ++counters.raised;
  if (a.is_suppressed()) ++counters.raised_suppressed;
  const Id id = a.id;
  const bool is_told = !a.is_suppressed();
  book.add(std::move(a), {AlertStep::raised, now, {}, {}});
  if (is_told) tell(AlertStep::raised, *book.find(id));
}

void AlertEngine::Impl::release(const Id& id) {
  const std::string window = book.find(id)->maintenance;
  const Alert& a =
      book.update(id, {AlertStep::released, now, {}, "maintenance `" + window + "` is over"},
                  [](Alert& to) { to.maintenance.clear(); });
  tell(AlertStep::released, a);
}

void AlertEngine::Impl::expire(const Id& id) {
  book.update(id, {AlertStep::expired, now, {}, {}}, [&](Alert& a) {
    a.status = AlertStatus::resolved;
    a.resolved_at = now;
  });
  ++counters.expired;
}

void AlertEngine::Impl::keep_bounds() {
  counters.crowded_out += book.crowd_out(now);
  counters.forgotten += book.forget();
}

AlertEngine::AlertEngine(AlertEngineOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
AlertEngine::~AlertEngine() = default;
AlertEngine::AlertEngine(AlertEngine&&) noexcept = default;
AlertEngine& AlertEngine::operator=(AlertEngine&&) noexcept = default;

std::vector<AlertNotice> AlertEngine::take(std::span<const NotedEvent> events, Timestamp now) {
  impl_->advance_to(now);
  for (const NotedEvent& event : events) impl_->take(event);
  return impl_->take_notices();
}

std::vector<AlertNotice> AlertEngine::advance(Timestamp now) {
  Impl& i = *impl_;
  i.advance_to(now);
  for (const Id& id : i.book.unresolved()) {
    const Alert& a = *i.book.find(id);
    const AlertRule* rule = i.find_rule(a.key.rule);
    const bool has_end = rule != nullptr && rule->resolve_after > std::chrono::seconds{0};
    if (has_end && i.now - a.noted_at >= rule->resolve_after) {
      i.expire(id);
    } else if (a.is_suppressed() && can_clear(a.key.type) && !i.still_holds(a.maintenance)) {
      i.release(id);
    }
  }
  i.keep_bounds();
  return i.take_notices();
}

AlertAnswer AlertEngine::acknowledge(const Id& alert, const std::string& who,
                                     const std::string& note, Timestamp now) {
  impl_->advance_to(now);
  const Alert* a = impl_->book.find(alert);
  if (a == nullptr) return AlertAnswer::unknown_alert;
  if (a->status != AlertStatus::open) return AlertAnswer::not_now;
  impl_->book.update(alert, {AlertStep::acknowledged, impl_->now, who, note}, [&](Alert& to) {
    to.status = AlertStatus::acknowledged;
    to.acknowledged_by = who;
    to.acknowledged_at = impl_->now;
  });
  return AlertAnswer::done;
}

AlertAnswer AlertEngine::resolve(const Id& alert, const std::string& who, const std::string& note,
                                 Timestamp now) {
  impl_->advance_to(now);
  const Alert* a = impl_->book.find(alert);
  if (a == nullptr) return AlertAnswer::unknown_alert;
  if (a->status == AlertStatus::resolved) return AlertAnswer::not_now;
  impl_->book.update(alert, {AlertStep::resolved, impl_->now, who, note}, [&](Alert& to) {
    to.status = AlertStatus::resolved;
    to.resolved_by = who;
    to.resolved_at = impl_->now;
  });
  impl_->keep_bounds();
  return AlertAnswer::done;
}

AlertAnswer AlertEngine::reopen(const Id& alert, const std::string& who, const std::string& note,
                                Timestamp now) {
  impl_->advance_to(now);
  const Alert* a = impl_->book.find(alert);
  if (a == nullptr) return AlertAnswer::unknown_alert;
  if (a->status == AlertStatus::open) return AlertAnswer::not_now;
  const Alert* current = impl_->book.find(a->key);
  const bool is_followed =
      current != nullptr && current->id != alert && current->status != AlertStatus::resolved;
  if (is_followed) return AlertAnswer::not_now;
  impl_->book.update(alert, {AlertStep::reopened, impl_->now, who, note}, [&](Alert& to) {
    if (to.status == AlertStatus::resolved) ++to.reopened;
    to.status = AlertStatus::open;
    to.noted_at = impl_->now;
    to.resolved_at.reset();
    to.resolved_by.clear();
  });
  impl_->keep_bounds();
  return AlertAnswer::done;
}

bool AlertEngine::put(AlertRule rule) {
  if (!impl_->own.contains(rule.name) && impl_->own.size() >= impl_->options.max_rules)
    return false;
  std::string name = rule.name;
  impl_->own.insert_or_assign(std::move(name), std::move(rule));
  impl_->sort_rules();
  impl_->rules_changed = true;
  return true;
}

bool AlertEngine::remove_rule(std::string_view name) {
  const auto found = impl_->own.find(name);
  if (found == impl_->own.end()) return false;
  impl_->own.erase(found);
  impl_->sort_rules();
  impl_->rules_changed = true;
  return true;
}

bool AlertEngine::put(MaintenanceWindow window) {
  Windows& all = impl_->windows;
  if (!all.contains(window.name) && all.size() >= impl_->options.max_windows) return false;
  std::string name = window.name;
  all.insert_or_assign(std::move(name), std::move(window));
  impl_->windows_changed = true;
  return true;
}

bool AlertEngine::remove_window(std::string_view name) {
  const auto found = impl_->windows.find(name);
  if (found == impl_->windows.end()) return false;
  impl_->windows.erase(found);
  impl_->windows_changed = true;
  return true;
}

void AlertEngine::restore(AlertState state) {
  if (state.rules.size() > impl_->options.max_rules ||
      state.windows.size() > impl_->options.max_windows) {
    throw ConfigError("alerts: " + std::to_string(state.rules.size()) + " rules and " +
                      std::to_string(state.windows.size()) +
                      " maintenance windows are stored, and there is less room; raise the limits");
  }
  for (AlertRule& rule : state.rules) put(std::move(rule));
  for (MaintenanceWindow& window : state.windows) put(std::move(window));
  for (Alert& alert : state.alerts) impl_->book.load(std::move(alert));
  impl_->seen.load(state.seen);
  impl_->now = state.at;
  impl_->rules_changed = impl_->windows_changed = false;
  impl_->keep_bounds();
}

AlertChanges AlertEngine::take_changes() {
  AlertChanges changes;
  if (std::exchange(impl_->rules_changed, false)) changes.rules = values(impl_->own);
  if (std::exchange(impl_->windows_changed, false)) changes.windows = values(impl_->windows);
  impl_->book.take(changes.alerts, changes.removed);
  impl_->seen.take(changes.seen, changes.unseen);
  changes.at = impl_->now;
  return changes;
}

AlertCounters AlertEngine::counters() const {
  AlertCounters counters = impl_->counters;
  impl_->book.count(counters);
  counters.rules = impl_->order.size();
  counters.windows = impl_->windows.size();
  return counters;
}

const AlertEngineOptions& AlertEngine::options() const noexcept { return impl_->options; }

std::vector<AlertRuleEntry> AlertEngine::rules() const {
  std::vector<AlertRuleEntry> all;
  for (const AlertRule* r : impl_->order) all.push_back(*rule(r->name));
  return all;
}

std::optional<AlertRuleEntry> AlertEngine::rule(std::string_view name) const {
  const AlertRule* found = impl_->find_rule(name);
  if (found == nullptr) return std::nullopt;
  return AlertRuleEntry{*found, impl_->shipped.contains(name), impl_->own.contains(name)};
}

std::vector<MaintenanceWindow> AlertEngine::windows() const { return values(impl_->windows); }

std::optional<MaintenanceWindow> AlertEngine::window(std::string_view name) const {
  const auto found = impl_->windows.find(name);
  if (found == impl_->windows.end()) return std::nullopt;
  return found->second;
}

std::optional<Alert> AlertEngine::alert(const Id& id) const {
  const Alert* found = impl_->book.find(id);
  if (found == nullptr) return std::nullopt;
  return *found;
}

namespace {

/// Whether `a` comes first.
bool is_before(AlertOrder order, const Alert& a, const Alert& b) noexcept {
  const auto rank = [&](const Alert& x) -> std::int64_t {
    switch (order) {
      case AlertOrder::opened:
        return to_unix_ns(x.opened_at);
      case AlertOrder::severity:
        return static_cast<std::int64_t>(x.severity);
      case AlertOrder::count:
        return static_cast<std::int64_t>(x.count);
      case AlertOrder::last:
        break;
    }
    return to_unix_ns(x.last_at);
  };
  if (rank(a) != rank(b)) return rank(a) > rank(b);
  return a.last_at != b.last_at ? a.last_at > b.last_at : a.id < b.id;
}

}  // namespace

Page<Alert> AlertEngine::alerts(const AlertQuery& query) const {
  std::vector<const Alert*> found;
  for (const auto& [id, alert] : impl_->book.all()) {
    if (!query.filter || query.filter.matches(alert)) found.push_back(&alert);
  }
  std::sort(found.begin(), found.end(),
            [&](const Alert* a, const Alert* b) { return is_before(query.order, *a, *b); });
  Page<Alert> page;
  page.total = found.size();
  const std::size_t first = std::min<std::size_t>(query.after, found.size());
  const std::size_t last = first + std::min(query.limit, found.size() - first);
  for (std::size_t i = first; i < last; ++i) page.rows.push_back(*found[i]);
  page.next = static_cast<std::uint32_t>(last);
  page.has_more = last < found.size();
  return page;
}

AlertDryRun dry_run(AlertEngineOptions options, std::span<const AlertRule> rules,
                    std::span<const MaintenanceWindow> windows, std::vector<NotedEvent> events) {
  options.shipped.assign(rules.begin(), rules.end());
  AlertEngine engine{std::move(options)};
  for (const MaintenanceWindow& window : windows) engine.put(window);
  std::stable_sort(events.begin(), events.end(), [](const NotedEvent& a, const NotedEvent& b) {
    return a.event.at < b.event.at;
  });
  AlertDryRun result;
  for (const NotedEvent& event : events) {
    result.notices += engine.advance(event.event.at).size();
    result.notices += engine.take({&event, 1}, event.event.at).size();
  }
  result.counters = engine.counters();
  result.alerts = engine.alerts({{}, AlertOrder::opened, 0, result.counters.raised}).rows;
  std::reverse(result.alerts.begin(), result.alerts.end());
  return result;
}

}  // namespace flowlens
