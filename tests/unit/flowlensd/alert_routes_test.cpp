// Alerts over HTTP and what feeds them: lists, what people say, rules, maintenance, dry run, restart.
#include "pipeline/alerting.hpp"
#include "service_fixture.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

SqliteStoreOptions store_options(const flowlens::test::TemporaryFolder& folder) {
  SqliteStoreOptions o;
  o.path = folder.path / "flowlens.db";
  return o;
}

struct Fixture : ServiceFixture {
  std::vector<AlertNotice> told;
  std::string failure;
  NetworkRules networks = parse_network_rules("name,cidr,environment\nlab,10.9.0.0/16,lab\n", "n");
  Alerting alerting;

  explicit Fixture(std::unique_ptr<AlertStore> store = nullptr)
      : alerting(
            alert_options(), resolver.graph(), networks, std::move(store),
            [this](const AlertNotice& n) { told.push_back(n); },
            [this](const std::string& why) { failure = why; }) {
    service.alerting = &alerting;
    add_alert_routes(router, service);
    for (const char* host : {"10.0.0.1", "10.0.0.2", "10.9.0.1"}) use(host, "10.0.1.1", 443, 0h);
    writer.finish(kNoon + 1h, 0ms);
  }
  ChangeEvent event(ChangeType type, std::string_view host, Timestamp at) const {
    ChangeEvent e;
    e.type = type;
    e.subject = *Id::parse(id(host));
    e.at = at;
    e.id = change_id(type, e.subject, {}, at);
    e.reason = "so it is";
    e.severity = Severity::warning;
    return e;
  }
  void tell(ChangeType type, std::string_view host, Timestamp at) {
    alerting.submit({event(type, host, at)});
    alerting.look(at);
  }
  std::string first_id() { return get("/api/v1/alerts")["items"].at(0)["id"].get<std::string>(); }
};

}  // namespace

TEST_CASE("alert routes: lists by filter, order and page, and one with its history") {
  Fixture f;
  f.tell(ChangeType::asset_offline, "10.0.0.1", kNoon + 2h);
  f.tell(ChangeType::asset_offline, "10.0.0.2", kNoon + 3h);
  f.tell(ChangeType::scan, "10.9.0.1", kNoon + 3h);
  f.tell(ChangeType::asset_online, "10.0.0.1", kNoon + 4h);
  REQUIRE(f.told.size() == 4);
  CHECK(f.told[3].step == AlertStep::cleared);
  const Answer all = f.get("/api/v1/alerts");
  CHECK(all["total"] == 3);
  CHECK(all["items"][2]["asset"] == "10.0.0.1");
  CHECK(all["items"][2]["title"] == "10.0.0.1 is silent");
  CHECK(all["items"][2]["description"] == "so it is");
  CHECK(all["items"][2]["status"] == "resolved");
  CHECK(all["items"][2]["created_at"] == "2026-11-21T14:00:00Z");
  CHECK(f.get("/api/v1/alerts?filter=status%20open")["total"] == 2);
  CHECK(f.get("/api/v1/alerts?filter=environment%20lab")["items"][0]["type"] == "scan");
  const Answer page = f.get("/api/v1/alerts?sort=created&page_size=2");
  CHECK(page["next_cursor"] == "2");
  CHECK(f.get("/api/v1/alerts?sort=created&page_size=2&cursor=2")["items"].size() == 1);
  const Answer one = f.get("/api/v1/alerts/" + all["items"][2]["id"].get<std::string>());
  REQUIRE(one["history"].size() == 2);
  CHECK(one["history"][1]["step"] == "cleared");
  f.get("/api/v1/alerts/f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 404);
  f.get("/api/v1/alerts/first", 400);
  f.get("/api/v1/alerts?sort=name", 400);
  CHECK(f.get("/api/v1/alerts?filter=colour%20red", 400)["title"] == "Bad filter");
}

TEST_CASE("alert routes: people acknowledge, resolve and reopen, one and many") {
  Fixture f;
  f.tell(ChangeType::asset_offline, "10.0.0.1", kNoon + 2h);
  const std::string path = "/api/v1/alerts/" + f.first_id();
  const Answer taken =
      f.ask("PATCH", path, R"({"status":"acknowledged","by":"anna","note":"on it"})");
  CHECK(taken["acknowledged_by"] == "anna");
  CHECK(taken["history"][1]["note"] == "on it");
  f.ask("PATCH", path, R"({"status":"acknowledged","by":"anna"})", 409);
  for (const char* body : {R"({"status":"gone","by":"anna"})", R"({"status":"resolved"})", "[]",
                           R"({"status":"resolved","by":""})", R"({"status":"resolved","by":7})",
                           R"({"status":"resolved","by":"anna","who":"bert"})"}) {
    CAPTURE(body);
    f.ask("PATCH", path, body, 400);
  }
  f.ask("PATCH", "/api/v1/alerts/f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        R"({"status":"resolved","by":"anna"})", 404);
  CHECK(f.send("PATCH", path, "{}", "text/plain").status == 415);
  f.tell(ChangeType::asset_offline, "10.0.0.2", kNoon + 2h);
  const Answer many = f.ask("PATCH", "/api/v1/alerts",
                            R"({"filter":"type asset_offline","status":"resolved","by":"bert"})");
  CHECK(many["changed"] == 2);
  CHECK(f.get("/api/v1/alerts?filter=resolved%20by%20bert")["total"] == 2);
  const std::string ids = R"({"ids":[")" + f.first_id() +
                          R"(","f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],"by":"bert","status":)";
  const Answer again = f.ask("PATCH", "/api/v1/alerts", ids + R"("open"})");
  CHECK(again["changed"] == 1);
  CHECK(again["unknown"] == 1);
  CHECK(f.ask("PATCH", "/api/v1/alerts", ids + R"("open"})")["unchanged"] == 1);
  f.ask("PATCH", "/api/v1/alerts", R"({"status":"resolved","by":"bert"})", 400);
  f.ask("PATCH", "/api/v1/alerts", R"({"ids":["x"],"status":"resolved","by":"bert"})", 400);
}

TEST_CASE("alert routes: rules are changed, added and taken back") {
  Fixture f;
  const Answer shipped = f.get("/api/v1/alerts/rules");
  CHECK(shipped["total"].get<std::size_t>() == alert_options().shipped.size());
  Answer rule = f.get("/api/v1/alerts/rules/asset-offline");
  CHECK(rule["origin"] == "shipped");
  rule["severity"] = "critical";
  CHECK(f.ask("PUT", "/api/v1/alerts/rules/asset-offline", rule.dump())["origin"] == "changed");
  f.tell(ChangeType::asset_offline, "10.0.0.1", kNoon + 2h);
  CHECK(f.get("/api/v1/alerts")["items"][0]["severity"] == "critical");
  CHECK(f.ask("DELETE", "/api/v1/alerts/rules/asset-offline", "")["origin"] == "shipped");
  f.ask("DELETE", "/api/v1/alerts/rules/asset-offline", "", 409);
  CHECK(f.ask("PUT", "/api/v1/alerts/rules/mine", R"({"events":["new_asset"]})")["origin"] ==
        "own");
  f.ask("DELETE", "/api/v1/alerts/rules/mine", "");
  f.get("/api/v1/alerts/rules/mine", 404);
  f.ask("PUT", "/api/v1/alerts/rules/mine", R"({"name":"other"})", 400);
  CHECK(f.ask("PUT", "/api/v1/alerts/rules/mine", R"({"channels":["log","pager"]})",
              400)["detail"] == "rule.channels: there is no channel `pager`; there is log");
  CHECK(f.ask("PUT", "/api/v1/alerts/rules/mine", R"({"events":["asset_gone"]})", 400)["detail"]
            .get<std::string>()
            .starts_with("rule.events[0]: `asset_gone` is no type"));
}

TEST_CASE("alert routes: maintenance silences, and a dry run changes nothing") {
  Fixture f;
  f.ask("PUT", "/api/v1/maintenance/patch",
        R"({"environment":"lab","from":"2026-11-21T13:00:00Z","until":"2026-11-21T15:00:00Z"})");
  f.tell(ChangeType::asset_offline, "10.9.0.1", kNoon + 2h);
  CHECK(f.told.empty());
  CHECK(f.get("/api/v1/alerts?filter=suppressed")["items"][0]["maintenance"] == "patch");
  CHECK(f.get("/api/v1/maintenance")["items"][0]["active"] == false);
  f.alerting.look(kNoon + 3h);
  CHECK(f.told.size() == 1);
  f.ask("DELETE", "/api/v1/maintenance/patch", "");
  f.ask("DELETE", "/api/v1/maintenance/patch", "", 404);
  f.get("/api/v1/maintenance/patch", 404);
  f.ask("PUT", "/api/v1/maintenance/patch", R"({"environment":"lab"})", 400);

  // Merging assets is an event that the map keeps.
  for (const Fact& fact : f.resolver.graph().facts_to_merge(
           *Id::parse(f.id("10.0.0.1")), *Id::parse(f.id("10.0.0.2")), kNoon + 2h)) {
    f.resolver.graph().apply(fact);
  }
  const auto dry_run = [&](const char* body) { return f.post("/api/v1/alerts/dry-run", body); };
  const Answer run = dry_run(R"({"rules":[{"name":"merges","events":["asset_merged"]}]})");
  CHECK(run["raised"] == 1);
  CHECK(run["items"][0]["rule"] == "merges");
  CHECK(dry_run("{}")["raised"] == 0);
  CHECK(dry_run(R"({"rules":[{"name":"m"}],"from":"2026-11-21T15:00:00Z"})")["events"] == 0);
  CHECK(f.get("/api/v1/alerts")["total"] == 1);
  f.post("/api/v1/alerts/dry-run", R"({"rules":[]})", 400);
  f.post("/api/v1/alerts/dry-run", R"({"rules":[{"name":"m"},{"name":"m"}]})", 400);
}

TEST_CASE("alerts: kept over a restart, and what the map learned meanwhile is taken up") {
  const flowlens::test::TemporaryFolder folder;
  const auto map = make_sqlite_store(store_options(folder));
  const Epoch epoch = map->open().epoch;
  const auto alert_store = [&] { return make_sqlite_alert_store(store_options(folder), epoch); };
  {
    Fixture f{alert_store()};
    f.tell(ChangeType::asset_offline, "10.0.0.1", kNoon + 2h);
    f.ask("PATCH", "/api/v1/alerts/" + f.first_id(), R"({"status":"acknowledged","by":"anna"})");
    f.ask("PUT", "/api/v1/alerts/rules/merges", R"({"events":["asset_merged"]})");
  }
  Fixture f{alert_store()};
  CHECK(f.get("/api/v1/alerts?filter=acknowledged%20by%20anna")["total"] == 1);
  CHECK(f.get("/api/v1/alerts/rules/merges")["origin"] == "own");
  f.tell(ChangeType::asset_offline, "10.0.0.1", kNoon + 2h);
  CHECK(f.alerting.view().engine.repeated == 1);
  for (const Fact& fact : f.resolver.graph().facts_to_merge(
           *Id::parse(f.id("10.0.0.1")), *Id::parse(f.id("10.0.0.2")), kNoon + 5h)) {
    f.resolver.graph().apply(fact);
  }
  Alerting later{alert_options(), f.resolver.graph(), f.networks, alert_store(), {}, {}};
  later.look(kNoon + 6h);
  CHECK(later.view().engine.raised == 1);

  // Another process takes over: nothing is written, and this one is told to stop.
  (void)make_sqlite_store(store_options(folder))->open();
  f.tell(ChangeType::scan, "10.0.1.1", kNoon + 7h);
  CHECK(f.failure.find("another process keeps the alerts") != std::string::npos);
}

TEST_CASE("alerts: a store that refuses is tried again with all that came meanwhile") {
  struct Refusing final : AlertStore {
    bool refuses = true;
    std::vector<Alert> alerts;
    AlertState load() override { return {}; }
    void save(const AlertChanges& changes) override {
      if (refuses) throw IoError("the disk is full");
      alerts.insert(alerts.end(), changes.alerts.begin(), changes.alerts.end());
    }
  };
  auto store = std::make_unique<Refusing>();
  Refusing& kept = *store;
  Fixture f{std::move(store)};
  f.tell(ChangeType::asset_offline, "10.0.0.1", kNoon + 2h);
  f.tell(ChangeType::asset_offline, "10.0.0.2", kNoon + 2h);
  CHECK(f.alerting.view().problem == "the disk is full");
  CHECK(f.alerting.view().failures == 2);
  CHECK(f.told.size() == 2);
  kept.refuses = false;
  f.alerting.look(kNoon + 3h);
  CHECK(kept.alerts.size() == 2);
  CHECK(f.alerting.view().problem.empty());
}
