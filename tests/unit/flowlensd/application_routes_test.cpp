// Applications over HTTP and what feeds them: proposals, people's words, events, restart.
#include "flowlens/error.hpp"
#include "pipeline/grouping.hpp"
#include "service_fixture.hpp"
#include "support/summaries.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// Two groups of five hosts, 10.0.1.x and 10.0.2.x, in which everyone uses everyone.
struct Fixture : ServiceFixture {
  std::vector<ChangeEvent> told;
  std::string failure;
  Grouping grouping;

  explicit Fixture(std::unique_ptr<ApplicationStore> store = nullptr)
      : grouping(
            {}, resolver.graph(), std::move(store),
            [this](const std::vector<ChangeEvent>& events) {
              told.insert(told.end(), events.begin(), events.end());
              resolver.graph().apply(events);
            },
            1min, [this](const std::string& why) { failure = why; }) {
    service.grouping = &grouping;
    add_application_routes(router, service);
    add_change_routes(router, service);
    for (const int group : {1, 2}) {
      for (int a = 1; a <= 5; ++a) {
        for (int b = a + 1; b <= 5; ++b) talk(host(group, a), host(group, b), 3);
      }
    }
    talk("10.0.0.9", host(1, 1), 1);
  }
  static std::string host(int group, int i) {
    return "10.0." + std::to_string(group) + "." + std::to_string(i);
  }
  void talk(const std::string& client, const std::string& server, int hours) {
    std::vector<ConnectionSummary> all;
    for (int hour = 0; hour < hours; ++hour) {
      ConnectionSummary& s = all.emplace_back(summary(client, server, 443));
      s.window_start += std::chrono::hours{hour};
      s.first += std::chrono::hours{hour};
      s.last += std::chrono::hours{hour};
      s.rung = DirectionRung::tcp_flags;
      s.provisional = false;
    }
    resolver.graph().apply(all);
  }
  Answer with(const std::string& address, const std::string& query = "") {
    const Answer all = get("/api/v1/applications" + query);
    for (const Answer& item : all["items"]) {
      for (const Answer& member : item["members"]) {
        if (member["label"] == address) return item;
      }
    }
    return nullptr;
  }
  std::string path_of(const std::string& address) {
    return "/api/v1/applications/" + with(address)["id"].get<std::string>();
  }
  Answer patch(const std::string& path, const Answer& body, unsigned status = 200) {
    return ask("PATCH", path, body.dump(), status);
  }
};

SqliteStoreOptions store_options(const flowlens::test::TemporaryFolder& folder) {
  SqliteStoreOptions o;
  o.path = folder.path / "flowlens.db";
  return o;
}

/// A store that does not work at first.
class Stubborn final : public ApplicationStore {
 public:
  explicit Stubborn(int& failures, ApplicationState& kept) : failures_(failures), kept_(kept) {}
  ApplicationState load() override { return {}; }
  void save(const ApplicationChanges& changes) override {
    if (failures_-- > 0) throw IoError("the disk is full");
    kept_.entries.insert(kept_.entries.end(), changes.entries.begin(), changes.entries.end());
    kept_.seats.insert(kept_.seats.end(), changes.seats.begin(), changes.seats.end());
  }

 private:
  int& failures_;
  ApplicationState& kept_;
};

}  // namespace

TEST_CASE("applications: proposed by traffic, edited, confirmed, rejected") {
  Fixture f;
  CHECK(f.get("/api/v1/applications")["total"] == 0);
  f.grouping.look(kNoon + 3h);
  const Answer all = f.get("/api/v1/applications?members=2");
  CHECK(all["total"] == 2);
  CHECK(all["items"][0]["size"] == 6);
  CHECK(all["items"][0]["members"].size() == 2);
  CHECK(all["items"][0]["status"] == "proposed");
  CHECK(all["items"][0]["name"].is_null());
  CHECK(all["items"][0]["updated_at"].is_null());

  const std::string shop = f.path_of("10.0.1.1"), crm = f.path_of("10.0.2.1");
  const Answer edited = f.patch(shop, {{"name", "shop"},
                                       {"description", "sells \"things\""},
                                       {"criticality", "high"},
                                       {"status", "confirmed"},
                                       {"by", "anna"}});
  CHECK(edited["name"] == "shop");
  CHECK(edited["criticality"] == "high");
  CHECK(edited["status"] == "confirmed");
  CHECK(edited["updated_by"] == "anna");
  f.patch(crm, {{"status", "rejected"}, {"by", "anna"}});
  f.grouping.look(kNoon + 4h);
  CHECK(f.get("/api/v1/applications")["total"] == 1);
  CHECK(f.get("/api/v1/applications?status=rejected")["total"] == 1);
  CHECK(f.get("/api/v1/applications?status=proposed")["total"] == 0);
  CHECK(f.get(shop)["description"] == "sells \"things\"");
  CHECK(f.patch(shop, {{"description", nullptr}, {"by", "bert"}})["description"].is_null());
  CHECK(f.get(shop + "?members=0")["size"] == 6);
}

TEST_CASE("applications: members put in and taken out, made, merged, deleted") {
  Fixture f;
  f.grouping.look(kNoon + 3h);
  const std::string shop = f.path_of("10.0.1.1"), crm = f.path_of("10.0.2.1");
  const Answer changed = f.patch(
      shop + "/members",
      {{"add", {f.id("10.0.2.3")}}, {"remove", {f.id("10.0.1.2"), f.id("10.0.1.2")}}, {"by", "a"}});
  CHECK(changed["size"] == 6);
  CHECK(changed["removed"].size() == 1);
  CHECK(changed["removed"][0]["label"] == "10.0.1.2");
  f.grouping.look(kNoon + 9h);
  CHECK(f.path_of("10.0.2.3") == shop);
  CHECK(f.with("10.0.1.2").is_null());
  CHECK(f.get(crm)["size"] == 4);

  const Response made = f.send("POST", "/api/v1/applications",
                               Answer{{"name", "pay"},
                                      {"criticality", "critical"},
                                      {"asset_ids", {f.id("10.0.1.2")}},
                                      {"by", "anna"}}
                                   .dump());
  REQUIRE(made.status == 201);
  const std::string pay =
      "/api/v1/applications/" + Answer::parse(made.body)["id"].get<std::string>();
  CHECK(std::find(made.headers.begin(), made.headers.end(),
                  std::pair<std::string, std::string>{"Location", pay}) != made.headers.end());
  CHECK(f.with("10.0.1.2")["members"][0]["by_hand"] == true);

  const Answer merged =
      f.post(shop + "/merge", Answer{{"from", pay.substr(21)}, {"by", "anna"}}.dump(), 200);
  CHECK(merged["size"] == 7);  // whom somebody put there stays, though once taken out of the other
  CHECK(merged["removed"].empty());
  CHECK(f.get(pay)["id"] == merged["id"]);
  CHECK(f.send("DELETE", shop).status == 204);
  f.get(shop, 404);
  f.get(pay, 404);
  f.grouping.look(kNoon + 10h);
  CHECK(f.with("10.0.1.2")["status"] == "proposed");
}

TEST_CASE("applications: what does not fit is refused, with what would be right") {
  Fixture f;
  f.grouping.look(kNoon + 3h);
  const std::string shop = f.path_of("10.0.1.1"), crm = f.path_of("10.0.2.1");
  const std::string nobody = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
  const std::string base = "/api/v1/applications";
  f.patch(shop, {{"name", "shop"}, {"by", "anna"}});
  struct Case {
    const char* method;
    std::string path;
    Answer body;
    unsigned status;
    const char* what;
  };
  const Case cases[] = {
      {"PATCH", shop, {{"name", "x"}}, 400, "by: give a text"},
      {"PATCH", shop, {{"name", "x"}, {"by", ""}}, 400, "by: is empty"},
      {"PATCH", shop, {{"by", "a"}}, 400, "at least one of"},
      {"PATCH", shop, {{"name", std::string(201, 'x')}, {"by", "a"}}, 400, "at most 200"},
      {"PATCH", shop, {{"name", "a\nb"}, {"by", "a"}}, 400, "control character"},
      {"PATCH", shop, {{"status", "merged"}, {"by", "a"}}, 400, "confirmed or rejected"},
      {"PATCH", shop, {{"criticality", "utter"}, {"by", "a"}}, 400, "low, medium"},
      {"PATCH", shop, {{"owner", "x"}, {"by", "a"}}, 400, "`owner` is no member"},
      {"PATCH", crm, {{"name", "shop"}, {"by", "a"}}, 409, "is that of application"},
      {"PATCH", base + "/" + nobody, {{"name", "x"}, {"by", "a"}}, 404, "no application"},
      {"PATCH", shop + "/members", {{"by", "a"}}, 400, "to add or to remove"},
      {"PATCH", shop + "/members", {{"add", {nobody}}, {"by", "a"}}, 404, "no asset"},
      {"PATCH", shop + "/members", {{"add", {"x"}}, {"by", "a"}}, 400, "is no id"},
      {"PATCH",
       shop + "/members",
       {{"add", {f.id("10.0.1.1")}}, {"remove", {f.id("10.0.1.1")}}, {"by", "a"}},
       400,
       "is to be added"},
      {"POST", base, {{"by", "a"}}, 400, "name: is missing"},
      {"POST", shop + "/merge", {{"from", shop.substr(21)}, {"by", "a"}}, 409, "itself"},
      {"DELETE", crm, Answer::object(), 409, "reject it"},
      {"DELETE", base + "/" + nobody, Answer::object(), 404, "no application"},
      {"GET", base + "?status=merged", Answer::object(), 400, "proposed, confirmed or rejected"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.path);
    CAPTURE(c.body.dump());
    const Answer answer = f.ask(c.method, c.path, c.body.dump(), c.status);
    CHECK(answer["detail"].get<std::string>().find(c.what) != std::string::npos);
  }
  CHECK(f.get(shop)["name"] == "shop");
  CHECK(f.get(crm)["name"].is_null());
  f.service.grouping = nullptr;
  f.get(base, 503);
}

TEST_CASE("applications: who joins a confirmed one is told of once, and the map lists it") {
  Fixture f;
  f.grouping.look(kNoon + 3h);
  f.patch(f.path_of("10.0.1.1"), {{"name", "shop"}, {"status", "confirmed"}, {"by", "anna"}});
  f.patch(f.path_of("10.0.2.1"), {{"name", "crm"}, {"by", "anna"}});
  for (int i = 1; i <= 5; ++i) f.talk("10.0.0.9", Fixture::host(2, i), 20);
  f.grouping.look(kNoon + 21h);
  f.grouping.look(kNoon + 21h + 30min);
  CHECK(f.told.empty());
  f.grouping.look(kNoon + 22h);
  f.grouping.look(kNoon + 30h);
  REQUIRE(f.told.size() == 1);
  const Answer events = f.get("/api/v1/changes?filter=type%20=%20application_changed");
  REQUIRE(events["items"].size() == 1);
  CHECK(events["items"][0]["before"] == "shop");
  CHECK(events["items"][0]["after"] == "crm");
  CHECK(f.with("10.0.0.9")["name"] == "crm");
}

TEST_CASE("applications: what is said of an asset holds when that is merged into another") {
  Fixture f;
  f.grouping.look(kNoon + 3h);
  const std::string crm = f.path_of("10.0.2.1");
  f.patch(crm + "/members", {{"add", {f.id("10.0.0.9")}}, {"by", "anna"}});
  const Id into = *Id::parse(f.id("10.0.1.1")), from = *Id::parse(f.id("10.0.0.9"));
  for (const Fact& fact : f.resolver.graph().facts_to_merge(into, from, kNoon + 4h)) {
    REQUIRE(f.resolver.graph().apply(fact));
  }
  f.grouping.look(kNoon + 5h);
  CHECK(f.path_of("10.0.1.1") == crm);
  const Id id = *Id::parse(crm.substr(21));
  f.grouping.ask([&](const ApplicationBook& b) {
    CHECK(b.entries().at(id).added == std::vector<Id>{into});
    CHECK(b.beyond({}).size() == 10);
    return true;
  });
}

TEST_CASE("applications: ids, words and what waits survive a restart") {
  const flowlens::test::TemporaryFolder folder;
  const auto map = make_sqlite_store(store_options(folder));
  const auto store = [&, epoch = map->open().epoch] {
    return make_sqlite_application_store(store_options(folder), epoch);
  };
  std::string shop, crm;
  {
    Fixture f{store()};
    f.grouping.look(kNoon + 3h);
    shop = f.path_of("10.0.1.1");
    crm = f.path_of("10.0.2.1");
    f.patch(shop, {{"name", "shop"}, {"status", "confirmed"}, {"by", "anna"}});
    f.patch(shop + "/members", {{"remove", {f.id("10.0.1.2")}}, {"by", "anna"}});
    for (int i = 1; i <= 5; ++i) f.talk("10.0.0.9", Fixture::host(2, i), 20);
    f.grouping.look(kNoon + 21h);
    CHECK(f.told.empty());
  }
  Fixture f{store()};
  CHECK(f.get("/api/v1/applications")["total"] == 2);  // before anything is looked at
  for (int i = 1; i <= 5; ++i) f.talk("10.0.0.9", Fixture::host(2, i), 20);
  f.grouping.look(kNoon + 22h);
  CHECK(f.path_of("10.0.1.1") == shop);
  CHECK(f.path_of("10.0.2.1") == crm);
  CHECK(f.get(shop)["name"] == "shop");
  CHECK(f.with("10.0.1.2").is_null());
  REQUIRE(f.told.size() == 1);
  CHECK(f.told[0].at == kNoon + 21h);
  CHECK(f.failure.empty());

  (void)map->open();  // another process takes over
  f.patch(shop, {{"name", "other"}, {"by", "anna"}});
  CHECK(f.failure.find("another flowlensd") != std::string::npos);
}

TEST_CASE("applications: what cannot be saved is tried again") {
  int failures = 2;
  ApplicationState kept;
  Fixture f{std::make_unique<Stubborn>(failures, kept)};
  f.grouping.look(kNoon + 3h);
  CHECK(f.grouping.view().problem == "the disk is full");
  f.grouping.look(kNoon + 4h);
  CHECK(f.grouping.view().failures == 2);
  f.grouping.look(kNoon + 5h);
  CHECK(f.grouping.view().problem.empty());
  CHECK(kept.entries.size() == 2);
  CHECK(kept.seats.size() == 11);
}
