#include "detect/alert_book.hpp"

#include <algorithm>

namespace flowlens::detect {

namespace {

bool is_resolved(const Alert& a) noexcept { return a.status == AlertStatus::resolved; }

}  // namespace

const Alert* AlertBook::find(const Id& id) const {
  const auto found = alerts_.find(id);
  return found == alerts_.end() ? nullptr : &found->second;
}

const Alert* AlertBook::find(const AlertKey& key) const {
  const auto found = current_.find(key);
  return found == current_.end() ? nullptr : find(found->second);
}

std::vector<Id> AlertBook::unresolved(const AlertKey& key) const {
  AlertKey from = key;
  from.rule.clear();
  std::vector<Id> ids;
  for (auto i = current_.lower_bound(from); i != current_.end(); ++i) {
    from.rule = i->first.rule;
    if (i->first != from) break;
    if (!is_resolved(*find(i->second))) ids.push_back(i->second);
  }
  return ids;
}

std::vector<Id> AlertBook::unresolved_about(const Id& subject) const {
  std::vector<Id> ids;
  for (auto i = current_.lower_bound({subject, {}, 0, 0, {}}); i != current_.end(); ++i) {
    if (i->first.subject != subject) break;
    if (!is_resolved(*find(i->second))) ids.push_back(i->second);
  }
  return ids;
}

void AlertBook::move(const Id& id, AlertKey key) {
  Alert& a = begin_change(id);
  current_.erase(a.key);
  a.key = std::move(key);
  end_change(a);
}

std::vector<Id> AlertBook::unresolved() const {
  std::vector<Id> ids;
  ids.reserve(unresolved_.size());
  for (const Unresolved& u : unresolved_) ids.push_back(std::get<Id>(u));
  std::sort(ids.begin(), ids.end());
  return ids;
}

void AlertBook::load(Alert alert) {
  const Alert& a = alerts_.insert_or_assign(alert.id, std::move(alert)).first->second;
  enter(a);
  const Alert* other = find(a.key);
  const auto recency = [](const Alert& x) {
    return std::tuple{!is_resolved(x), x.resolved_at.value_or(Timestamp::min()), x.id};
  };
  if (other == nullptr || recency(*other) < recency(a)) current_[a.key] = a.id;
}

void AlertBook::add(Alert alert, AlertEntry entry) {
  Alert& a = alerts_.insert_or_assign(alert.id, std::move(alert)).first->second;
  write(a, std::move(entry));
  current_[a.key] = a.id;
  enter(a);
  changed_.insert(a.id);
}

void AlertBook::enter(const Alert& a) {
  if (is_resolved(a)) {
    resolved_.emplace(a.resolved_at.value_or(Timestamp::min()), a.id);
  } else {
    unresolved_.insert(unresolved_place(a));
  }
}

Alert& AlertBook::begin_change(const Id& id) {
  Alert& a = alerts_.at(id);
  unresolved_.erase(unresolved_place(a));
  resolved_.erase({a.resolved_at.value_or(Timestamp::min()), a.id});
  return a;
}

const Alert& AlertBook::end_change(const Alert& a) {
  enter(a);
  if (!is_resolved(a)) current_[a.key] = a.id;
  changed_.insert(a.id);
  return a;
}

void AlertBook::write(Alert& a, AlertEntry entry) const {
  // How it began is kept.
  if (a.history.size() >= max_history_) a.history.erase(a.history.begin() + 1);
  a.history.push_back(std::move(entry));
}

std::uint64_t AlertBook::crowd_out(Timestamp now) {
  std::uint64_t resolved = 0;
  for (; unresolved_.size() > max_open_; ++resolved) {
    const Id id = std::get<Id>(*unresolved_.begin());
    update(id, {AlertStep::crowded_out, now, {}, {}}, [&](Alert& a) {
      a.status = AlertStatus::resolved;
      a.resolved_at = now;
    });
  }
  return resolved;
}

std::uint64_t AlertBook::forget() {
  std::uint64_t gone = 0;
  for (; resolved_.size() > max_resolved_; ++gone) {
    const Id id = resolved_.begin()->second;
    resolved_.erase(resolved_.begin());
    const auto current = current_.find(alerts_.at(id).key);
    if (current != current_.end() && current->second == id) current_.erase(current);
    alerts_.erase(id);
    changed_.erase(id);
    removed_.push_back(id);
  }
  return gone;
}

void AlertBook::take(std::vector<Alert>& changed, std::vector<Id>& removed) {
  for (const Id& id : changed_) changed.push_back(alerts_.at(id));
  changed_.clear();
  removed = std::exchange(removed_, {});
}

void AlertBook::count(AlertCounters& to) const {
  to.resolved = resolved_.size();
  for (const Unresolved& u : unresolved_) {
    const Alert& a = alerts_.at(std::get<Id>(u));
    ++(a.status == AlertStatus::open ? to.open : to.acknowledged);
    if (a.is_suppressed()) ++to.suppressed;
  }
}

}  // namespace flowlens::detect
