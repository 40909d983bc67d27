#include "flowlens/alert_engine.hpp"

#include <algorithm>
#include <utility>

#include "detect/alert_engine_impl.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

void check(const char* limit, std::size_t value, std::size_t least = 1) {
  if (value >= least) return;
  throw ConfigError("alerts: " + std::string(limit) + " is " + std::to_string(value) +
                    ", it must be at least " + std::to_string(least));
}

}  // namespace

AlertEngine::Impl::Impl(AlertEngineOptions o)
    : options(std::move(o)),
      rules(options),
      book(options.max_open, options.max_resolved, options.max_history),
      seen(options.max_seen) {
  check("max_rules", options.max_rules);
  check("max_windows", options.max_windows);
  check("max_open", options.max_open);
  check("max_resolved", options.max_resolved);
  check("max_seen", options.max_seen);
  check("max_history", options.max_history, 2);
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
    const AlertRule* rule = i.rules.find(a.key.rule);
    const bool has_end = rule != nullptr && rule->resolve_after > std::chrono::seconds{0};
    if (has_end && i.now - a.noted_at >= rule->resolve_after) {
      i.expire(id);
    } else if (a.is_suppressed() && can_clear(a.key.type) && !i.rules.holds(a.maintenance, i.now)) {
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

bool AlertEngine::put(AlertRule rule) { return impl_->rules.put(std::move(rule)); }
bool AlertEngine::remove_rule(std::string_view name) { return impl_->rules.remove_rule(name); }
bool AlertEngine::put(MaintenanceWindow window) { return impl_->rules.put(std::move(window)); }
bool AlertEngine::remove_window(std::string_view name) { return impl_->rules.remove_window(name); }

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
  impl_->rules.forget_changes();
  impl_->keep_bounds();
}

AlertChanges AlertEngine::take_changes() {
  AlertChanges changes;
  impl_->rules.take(changes);
  impl_->book.take(changes.alerts, changes.removed);
  impl_->seen.take(changes.seen, changes.unseen);
  changes.at = impl_->now;
  return changes;
}

AlertCounters AlertEngine::counters() const {
  AlertCounters counters = impl_->counters;
  impl_->book.count(counters);
  counters.rules = impl_->rules.rule_count();
  counters.windows = impl_->rules.window_count();
  return counters;
}

const AlertEngineOptions& AlertEngine::options() const noexcept { return impl_->options; }

std::vector<AlertRuleEntry> AlertEngine::rules() const { return impl_->rules.entries(); }

std::optional<AlertRuleEntry> AlertEngine::rule(std::string_view name) const {
  return impl_->rules.entry(name);
}

std::vector<MaintenanceWindow> AlertEngine::windows() const { return impl_->rules.windows(); }

std::optional<MaintenanceWindow> AlertEngine::window(std::string_view name) const {
  return impl_->rules.window(name);
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

}  // namespace flowlens
