// What every store of alerts promises: what was saved is there again, all or nothing, of one epoch only.
#include <doctest/doctest.h>

#include "backend.hpp"
#include "support/alerts.hpp"

using namespace flowlens;
using namespace flowlens::test;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

std::vector<Alert> all_of(const AlertEngine& engine) {
  AlertQuery query;
  query.limit = 1'000;
  return engine.alerts(query).rows;
}

struct Fixture {
  std::unique_ptr<Backend> backend = make_backend();
  std::unique_ptr<Store> map = backend->store();
  StoreOpened term = map->open();
  std::unique_ptr<AlertStore> store = backend->alert_store(term.epoch);
  AlertEngineOptions options;

  AlertEngine again() {
    AlertEngine engine{options};
    engine.restore(backend->alert_store(term.epoch)->load());
    return engine;
  }
};

void tell(AlertEngine& engine, const NotedEvent& event) {
  (void)engine.take({&event, 1}, event.event.at);
}

}  // namespace

TEST_CASE("alert store: alerts, rules, windows and events taken are there after a restart") {
  Fixture f;
  CHECK(f.store->load().rules.empty());
  AlertEngine engine{f.options};
  REQUIRE(engine.put(rule_of(R"({"name":"all","filter":"asset ~ web","cooldown":"1h"})")));
  REQUIRE(engine.put(window_of(R"({"name":"w","environment":"lab","weekly":{"days":["mon"]}})")));
  NotedEvent web = noted(ChangeType::service_vanished, "web'1", kMonday);
  web.event.port = 443;
  web.event.protocol = 6;
  web.event.reason = "\xc3\xa4";
  tell(engine, web);
  tell(engine, noted(ChangeType::asset_offline, "lab-web", kMonday + 1h));
  const Id id = all_of(engine).back().id;
  CHECK(engine.acknowledge(id, "anna", "a note", kMonday + 2h) == AlertAnswer::done);
  f.store->save(engine.take_changes());
  CHECK(engine.take_changes().empty());
  CHECK(engine.resolve(id, "bert", "done", kMonday + 3h) == AlertAnswer::done);
  f.store->save(engine.take_changes());

  AlertEngine other = f.again();
  CHECK(all_of(other) == all_of(engine));
  CHECK(all_of(other).size() == 2);
  CHECK(other.rule("all")->rule.cooldown == 1h);
  CHECK(other.window("w")->weekly->days == 1);
  CHECK(other.counters().suppressed == 1);
  // Taken before, so it does not count again.
  tell(other, web);
  CHECK(other.counters().repeated == 1);
  CHECK(other.take_changes().empty());
}

TEST_CASE("alert store: what goes is gone, and the same changes may be written twice") {
  Fixture f;
  f.options.max_open = f.options.max_resolved = 1;
  f.options.max_seen = 2;
  AlertEngine engine{f.options};
  REQUIRE(engine.put(rule_of(R"({"name":"all"})")));
  for (int i = 0; i < 4; ++i) {
    tell(engine, noted(ChangeType::new_asset, "web" + std::to_string(i), kMonday + i * 1min));
    const AlertChanges changes = engine.take_changes();
    f.store->save(changes);
    f.store->save(changes);
  }
  REQUIRE(engine.remove_rule("all"));
  f.store->save(engine.take_changes());
  const AlertState state = f.store->load();
  CHECK(state.alerts.size() == 2);
  CHECK(state.seen.size() == 2);
  CHECK(state.rules.empty());
  CHECK(state.at == kMonday + 3min);
  CHECK(all_of(f.again()) == all_of(engine));
}

TEST_CASE("alert store: another process has taken over") {
  Fixture f;
  AlertEngine engine{f.options};
  REQUIRE(engine.put(rule_of(R"({"name":"all"})")));
  const auto later = f.backend->store();
  (void)later->open();
  CHECK_THROWS_AS(f.store->save(engine.take_changes()), StaleEpochError);
  CHECK(f.store->load().rules.empty());
}
