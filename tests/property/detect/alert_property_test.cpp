// Random events, rules, windows and people: what holds of alerts whatever happens.
#include <doctest/doctest.h>

#include <map>
#include <numeric>
#include <set>

#include "support/alerts.hpp"
#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

AlertEngineOptions small_options() {
  AlertEngineOptions o;
  o.max_open = 12;
  o.max_resolved = 8;
  o.max_seen = 64;
  o.max_history = 4;
  return o;
}

const char* const kRules[] = {
    R"({"name":"all","priority":-1,"cooldown":"20m"})",
    R"({"name":"down","events":["asset_offline"],"resolve_after":"3h","cooldown":"1h"})",
    R"({"name":"lab","filter":"environment = lab","severity":"info","priority":3,"enabled":false})",
    R"({"name":"night","schedule":{"from":"20:00","duration":"12h"},"priority":1})"};
const char* const kWindows[] = {
    R"({"name":"lab","environment":"lab","weekly":{"from":"01:00","duration":"3h"}})",
    R"({"name":"once","filter":"asset a","from":"2026-11-16T05:00:00Z","until":"2026-11-16T09:00:00Z"})"};
constexpr ChangeType kTypes[] = {ChangeType::asset_offline, ChangeType::asset_online,
                                 ChangeType::new_asset, ChangeType::service_vanished,
                                 ChangeType::service_appeared};
constexpr const char* kAssets[] = {"a", "b", "c", "lab1", "lab2"};
constexpr Severity kSeverities[] = {Severity::info, Severity::warning, Severity::critical};

/// What is kept of an engine, as a store would keep it.
struct Kept {
  AlertState state;
  std::map<Id, Alert> alerts;

  void take(const AlertChanges& c) {
    if (c.rules) state.rules = *c.rules;
    if (c.windows) state.windows = *c.windows;
    for (const Id& id : c.removed) alerts.erase(id);
    for (const Alert& a : c.alerts) alerts[a.id] = a;
    state.seen.insert(state.seen.end(), c.seen.begin(), c.seen.end());
    for (const Id& id : c.unseen)
      state.seen.erase(std::find(state.seen.begin(), state.seen.end(), id));
    state.at = c.at;
  }
  AlertEngine engine() const {
    AlertState s = state;
    for (const auto& [id, a] : alerts) s.alerts.push_back(a);
    AlertEngine made{small_options()};
    made.restore(std::move(s));
    return made;
  }
};

std::vector<Alert> all_of(const AlertEngine& engine) {
  AlertQuery query;
  query.limit = 1'000;
  return engine.alerts(query).rows;
}

/// One thing that happens, the same for whichever engine.
struct Step {
  std::uint64_t kind, which;
  NotedEvent event;
  Timestamp now;
};

Step draw(Dice& dice, Timestamp& now, std::vector<NotedEvent>& past) {
  now += std::chrono::minutes(dice.below(25));
  Step s{dice.below(20), dice.below(1'000), {}, now};
  const auto late = std::chrono::minutes(dice.one_in(4) ? dice.below(120) : 0);
  s.event = noted(dice.of(kTypes), dice.of(kAssets), now - late, dice.of(kSeverities));
  if (!past.empty() && dice.one_in(8)) s.event = past[dice.below(past.size())];
  past.push_back(s.event);
  return s;
}

std::size_t do_step(AlertEngine& engine, const Step& s) {
  const auto alerts = all_of(engine);
  const Id id = alerts.empty() ? Id{} : alerts[s.which % alerts.size()].id;
  switch (s.kind) {
    case 0:
      return static_cast<std::size_t>(engine.acknowledge(id, "anna", "", s.now));
    case 1:
      return static_cast<std::size_t>(engine.resolve(id, "bert", "x", s.now));
    case 2:
      return static_cast<std::size_t>(engine.reopen(id, "anna", "", s.now));
    case 3:
      return engine.put(rule_of(kRules[s.which % std::size(kRules)]));
    case 4:
      return engine.put(window_of(kWindows[s.which % std::size(kWindows)]));
    case 5:
      return s.which % 8 == 0 ? engine.remove_rule("night") : engine.remove_window("once");
    default:
      break;
  }
  const std::size_t told = engine.advance(s.now).size();
  return told + engine.take({&s.event, 1}, s.now).size();
}

void check(const AlertEngine& engine) {
  const AlertCounters c = engine.counters();
  CHECK(c.events == c.repeated + c.unmatched + c.raised + c.counted + c.reopened);
  CHECK(c.open + c.acknowledged <= engine.options().max_open);
  CHECK(c.resolved <= engine.options().max_resolved);
  std::set<AlertKey> unresolved;
  std::uint64_t events = 0;
  for (const Alert& a : all_of(engine)) {
    events += a.count;
    CHECK(a.history.size() <= engine.options().max_history);
    CHECK((a.status == AlertStatus::resolved) == a.resolved_at.has_value());
    CHECK(a.opened_at <= a.last_at);
    if (a.status == AlertStatus::resolved) continue;
    CAPTURE(a.key.rule);
    CHECK(unresolved.insert(a.key).second);
  }
  if (c.forgotten == 0) CHECK(events == c.raised + c.counted + c.reopened);
}

}  // namespace

TEST_CASE(
    "alerts: one unresolved for each key, counts add up, bounds hold, going on from what is kept") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    Timestamp now = kMonday;
    std::vector<NotedEvent> past;
    AlertEngine engine{small_options()};
    for (const char* rule : kRules) engine.put(rule_of(rule));
    Kept kept;
    AlertEngine other{small_options()};
    for (int i = 0; i < 400; ++i) {
      CAPTURE(i);
      if (i % 97 == 0) {
        kept.take(engine.take_changes());
        other = kept.engine();
      }
      const Step step = draw(dice, now, past);
      REQUIRE(do_step(engine, step) == do_step(other, step));
      if (i % 20 == 0) {
        check(engine);
        REQUIRE(all_of(engine) == all_of(other));
      }
    }
  }
}
