// What assets are, over HTTP: the answer with its reasons, what people say, which network rule won.
#include <fstream>

#include "pipeline/classifying.hpp"
#include "service_fixture.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

ClassifierOptions with_networks() {
  ClassifierOptions o;
  o.networks = parse_network_rules(
      "name,cidr,environment,asset_type\nall,10.0.0.0/8,production,\nlab,10.0.9.0/24,lab,printer\n",
      "t");
  return o;
}

struct Fixture : ServiceFixture {
  Classifier classifier{with_networks()};
  Classifying classifying{classifier, resolver.graph(), service.tell, 1h, {}};

  Fixture() {
    service.classifier = &classifier;
    add_map_routes(router, service);
    add_classification_routes(router, service);
    for (int h = 0; h < 30; ++h) {
      for (const char* client : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.9.1"}) {
        use(client, "10.0.0.9", 5432, std::chrono::hours{h});
      }
    }
    writer.finish(kNoon + 30h, 0ms);
  }
  std::string path(const char* of) const { return "/api/v1/assets/" + id(of); }
};

}  // namespace

TEST_CASE("classification routes: what an asset is, how sure, and why") {
  Fixture f;
  CHECK(f.classifying.look(kNoon + 31h) >= 2);
  const Answer asset = f.get(f.path("10.0.0.9"));
  CHECK(asset["asset_type"] == "database");
  CHECK(asset["type_source"] == "inferred");
  CHECK(asset["type_confidence"] > 0.9);
  const Answer a = f.get(f.path("10.0.0.9") + "/classification");
  CHECK(a["asset_type"] == "database");
  CHECK(a["confidence_level"] == "high");
  CHECK(a["inferred"]["reasons"].size() == 3);
  CHECK(a["inferred"]["reasons"][0] == "serves postgresql (tcp 5432) to 4 assets");
  CHECK(a["candidates"][0]["asset_type"] == "database");
  CHECK(a["serves"][0]["kind"] == "database");
  CHECK(a["serves"][0]["peers"] == 4);
  CHECK(a["evidence"]["min_observation_hours"] == 24);
  CHECK(a["evidence"]["flows"] == 240);
  CHECK(a["networks"][0]["value"] == "production");
  CHECK(a["history"].empty());
  f.get("/api/v1/assets/00000000-0000-0000-0000-000000000001/classification", 404);
}

TEST_CASE("classification routes: a network rule decides, and says by what") {
  Fixture f;
  f.classifying.look(kNoon + 31h);
  const Answer a = f.get(f.path("10.0.9.1") + "/classification");
  CHECK(a["asset_type"] == "printer");
  CHECK(a["type_confidence"] == 1.0);
  CHECK(a["inferred"]["reasons"][0] == "network rule `lab` (10.0.9.0/24) says so");
  CHECK(a["networks"][0]["why"] ==
        "rule `lab` (10.0.9.0/24) wins of 2 that speak of it: its prefix is longer than that of "
        "`all` (10.0.0.0/8).");
  const Answer n = f.get("/api/v1/classification/networks?address=10.0.9.7");
  CHECK(n["total"] == 2);
  CHECK(n["decisions"].size() == 2);
  CHECK(f.get("/api/v1/classification/networks")["items"][0]["name"] == "lab");
  f.get("/api/v1/classification/networks?address=x", 400);
  const Answer rules = f.get("/api/v1/classification/rules");
  CHECK(rules["total"] == f.classifier.options().rules.size());
}

TEST_CASE("classification routes: what people say stands until they take it back") {
  Fixture f;
  f.classifying.look(kNoon + 31h);
  const std::string path = f.path("10.0.0.9") + "/classification";
  const Answer said = f.post(path, R"({"asset_type": "storage"})");
  CHECK(said["asset_type"] == "storage");
  CHECK(said["type_source"] == "declared");
  CHECK(said["inferred"]["asset_type"] == "database");
  f.classifying.look(kNoon + 80h);
  CHECK(f.get(path)["asset_type"] == "storage");
  const Answer back = f.post(path, R"({"asset_type": null})");
  CHECK(back["asset_type"] == "database");  // what FlowLens has concluded counts again
  f.classifying.look(kNoon + 81h);
  CHECK(f.get(path)["asset_type"] == "database");
  f.post(path, R"({"asset_type": null})", 409);
  f.post(path, R"({"asset_type": "toaster"})", 400);
  f.post(path, R"({"asset_type": "unknown"})", 400);
  f.post(path, R"({"asset_type": 5})", 400);
  f.post(path, R"({"type": "web"})", 400);
  f.post(path, R"({})", 400);
}

TEST_CASE("classification: files of rules are read, and what is wrong in them is named") {
  const flowlens::test::TemporaryFolder folder;
  const auto write = [&](const char* name, const char* text) {
    const std::string path = (folder.path / name).string();
    std::ofstream(path) << text;
    return path;
  };
  Settings s;
  s.classification_rules_file = write("rules.txt", "web | serves web | | 3 | mine\n");
  s.classification_networks_file = write("networks.csv", "name,cidr\na,10.0.0.0/8\n");
  s.classification_min_flows = 7;
  const ClassifierOptions o = classifier_options(s);
  CHECK(o.rules.size() == 1);
  CHECK(o.networks.rules().size() == 1);
  CHECK(o.min_flows == 7);
  CHECK(o.min_observation == 24h);
  s.classification_rules_file = write("bad.txt", "web\n");
  CHECK_THROWS_AS(classifier_options(s), ConfigError);
  s.classification_rules_file = "/nowhere/rules.txt";
  CHECK_THROWS_AS(classifier_options(s), ConfigError);
}
