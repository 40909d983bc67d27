// What an event does to alerts, and what time does.
#include <algorithm>
#include <utility>

#include "detect/alert_engine_impl.hpp"

namespace flowlens {

namespace {

AlertKey key_of(const ChangeEvent& e, ChangeType type, std::string rule) {
  return {e.subject, type, e.port, e.protocol, std::move(rule)};
}

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

bool clears(ChangeType later, ChangeType earlier) noexcept {
  switch (later) {
    case ChangeType::asset_online:
      return earlier == ChangeType::asset_offline;
    case ChangeType::dependency_resumed:
      return earlier == ChangeType::dependency_silent;
    case ChangeType::service_appeared:
      return earlier == ChangeType::service_vanished || earlier == ChangeType::replica_lost;
    case ChangeType::traffic_normal:
      return earlier == ChangeType::traffic_spike || earlier == ChangeType::traffic_drop;
    case ChangeType::baseline_restored:
      return earlier == ChangeType::baseline_drift;
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

void AlertEngine::Impl::tell(AlertStep step, const Alert& alert) {
  const AlertRule* rule = rules.find(alert.key.rule);
  notices.push_back({step, alert, rule ? rule->channels : std::vector<std::string>{}});
}

void AlertEngine::Impl::take(const NotedEvent& event) {
  ++counters.events;
  if (!seen.add(event.event.id)) {
    ++counters.repeated;
    return;
  }
  clear(event.event);
  if (event.event.type == ChangeType::asset_merged) follow_merge(event);
  if (const AlertRule* rule = rules.match(event)) {
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

/// Alerts about an asset that has gone into another are about that one now.
void AlertEngine::Impl::follow_merge(const NotedEvent& event) {
  const ChangeEvent& e = event.event;
  for (const Id& id : book.unresolved_about(e.subject)) {
    AlertKey key = book.find(id)->key;
    key.subject = e.object;
    const Alert* there = book.find(key);
    if (there != nullptr && there->status != AlertStatus::resolved) {
      book.update(id, {AlertStep::cleared, now, {}, "the asset went into one with the same alert"},
                  [&](Alert& to) {
                    to.status = AlertStatus::resolved;
                    to.resolved_at = now;
                  });
      ++counters.cleared;
      continue;
    }
    book.move(id, std::move(key));
    if (event.assets.empty()) continue;
    book.update(id, [&](Alert& to) { to.asset = event.assets.front().label; });
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

void AlertEngine::Impl::count(const Alert& before, const NotedEvent& event, const AlertRule& rule) {
  ++counters.counted;
  const Id id = before.id;
  const bool was_suppressed = before.is_suppressed();
  const bool is_worse = severity_of(event, rule) > before.severity;
  const bool is_released = was_suppressed && rules.maintenance_of(event).empty();
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
    a.maintenance = rules.maintenance_of(event);
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
  a.maintenance = rules.maintenance_of(event);
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

}  // namespace flowlens
