/// \file
/// detect: what an AlertEngine keeps, and what events do to alerts.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "detect/alert_book.hpp"
#include "detect/rule_book.hpp"
#include "detect/seen_events.hpp"
#include "flowlens/alert_engine.hpp"

namespace flowlens {

struct AlertEngine::Impl {
  explicit Impl(AlertEngineOptions o);

  void advance_to(Timestamp time) { now = std::max(now, time); }
  void keep_bounds();
  std::vector<AlertNotice> take_notices() { return std::exchange(notices, {}); }

  // alert_events.cpp
  void take(const NotedEvent& event);
  void clear(const ChangeEvent& event);
  void follow_merge(const NotedEvent& event);
  void raise(const NotedEvent& event, const AlertRule& rule);
  void count(const Alert& before, const NotedEvent& event, const AlertRule& rule);
  void open_again(const Alert& before, const NotedEvent& event, const AlertRule& rule);
  void open_new(const NotedEvent& event, const AlertRule& rule);
  void expire(const Id& id);
  void release(const Id& id);
  void tell(AlertStep step, const Alert& alert);

  AlertEngineOptions options;
  detect::RuleBook rules;
  detect::AlertBook book;
  detect::SeenEvents seen;
  AlertCounters counters;
  std::vector<AlertNotice> notices;
  Timestamp now{};
};

}  // namespace flowlens
