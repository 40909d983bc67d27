#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/classifier.hpp"
#include "flowlens/error.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using flowlens::testing::summary;
using std::chrono::hours;

namespace {

constexpr Timestamp kBegin{hours{480'000}};

/// One use of a service in some hours of a map.
struct Use {
  std::string client;
  std::string server;
  std::uint16_t port = 0;
  std::uint8_t protocol = 6;
  std::uint64_t up = 1'000;  ///< octets an hour
  std::uint64_t down = 4'000;
};

/// A map that is fed hour by hour.
class Map {
 public:
  void hour(const std::vector<Use>& uses, Timestamp at, std::uint64_t flows = 10) {
    std::vector<ConnectionSummary> rows;
    for (const Use& u : uses) {
      ConnectionSummary s = summary(u.client, u.server, u.port);
      s.key.protocol = u.protocol;
      s.window_start = s.first = at;
      s.last = at + std::chrono::minutes{4};
      s.provisional = false;
      s.counts.flows = s.added.flows = flows;
      s.counts.estimated_octets_to_server = s.added.estimated_octets_to_server = u.up;
      s.counts.estimated_octets_to_client = s.added.estimated_octets_to_client = u.down;
      s.client_internal = s.key.client.address.is_private();
      s.server_internal = s.key.server.address.is_private();
      s.rung = DirectionRung::tcp_flags;
      s.reasons.add(DirectionRung::tcp_flags, true);
      rows.push_back(s);
    }
    graph.apply(rows);
  }
  void hours_of(const std::vector<Use>& uses, int count, Timestamp from = kBegin) {
    for (int h = 0; h < count; ++h) hour(uses, from + hours{h});
  }
  void look(Classifier& classifier, Timestamp now) {
    for (const Fact& fact : classifier.look(graph, now)) CHECK(graph.apply(fact));
  }
  [[nodiscard]] AssetRow asset(std::string_view address) const {
    const auto row = graph.asset_of({{}, *IpAddress::parse(address)});
    REQUIRE(row.has_value());
    return *row;
  }
  [[nodiscard]] std::string type(std::string_view address) const {
    return asset(address).asset_type;
  }

  DependencyGraph graph;
};

/// `count` machines that use one service.
std::vector<Use> crowd(int count, const Use& like) {
  std::vector<Use> uses;
  for (int i = 0; i < count; ++i) {
    uses.push_back(like);
    uses.back().client = "10.0.9." + std::to_string(i + 1);
  }
  return uses;
}

void append(std::vector<Use>& to, const std::vector<Use>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

std::vector<Use> database() { return crowd(4, {"", "10.0.0.1", 5432}); }

}  // namespace

TEST_CASE("classifier: machines by what is known of them") {
  struct Case {
    const char* want;
    const char* subject;
    std::vector<Use> uses;
  };
  const std::string x = "10.0.0.1";
  std::vector<Use> controller = crowd(6, {"", x, 53, 17});
  append(controller, crowd(6, {"", x, 389}));
  append(controller, crowd(6, {"", x, 88}));
  append(controller, crowd(6, {"", x, 445}));
  append(controller, crowd(6, {"", x, 123, 17}));
  std::vector<Use> balancer = crowd(5, {"", x, 443});
  for (const char* web : {"10.0.1.1", "10.0.1.2", "10.0.1.3"}) balancer.push_back({x, web, 80});
  std::vector<Use> exporters;
  for (int i = 1; i <= 6; ++i)
    exporters.push_back({x, "10.0.2." + std::to_string(i), 9100, 6, 200, 40'000});
  std::vector<Use> scan;
  for (std::uint16_t i = 0; i < 120; ++i) {
    scan.push_back(
        {x, "10.0.3." + std::to_string(i % 40 + 1), static_cast<std::uint16_t>(100 + i)});
  }
  const std::vector<Case> cases = {
      {"database", "10.0.0.1", database()},
      {"printer", "10.0.0.1", crowd(4, {"", x, 9100, 6, 90'000, 2'000})},
      {"monitoring", "10.0.0.1", exporters},
      {"directory", "10.0.0.1", controller},
      {"load_balancer", "10.0.0.1", balancer},
      {"dns", "10.0.0.1", crowd(6, {"", x, 53, 17})},
      {"scanner", "10.0.0.1", scan},
      {"camera", "10.0.0.1", crowd(1, {"", x, 554, 6, 1'000, 900'000})},
      {"voip", "10.0.0.1", {{x, "10.0.4.1", 5060, 17}}},
      {"workstation",
       "10.0.0.1",
       {{x, "10.0.4.1", 443}, {x, "10.0.4.2", 993}, {x, "10.0.4.3", 53, 17}}},
      {"vpn", "10.0.0.1", crowd(3, {"", x, 51820, 17})},
  };
  for (const Case& c : cases) {
    CAPTURE(c.want);
    Map map;
    map.hours_of(c.uses, 30);
    Classifier classifier;
    map.look(classifier, kBegin + hours{31});
    CHECK(map.type(c.subject) == c.want);
    CHECK(map.asset(c.subject).type_source == FactSource::inferred);
    CHECK(map.asset(c.subject).type_confidence >= 0.7f);
    const auto found = classifier.classification(map.asset(c.subject).id);
    REQUIRE(found.has_value());
    CHECK(found->answer.reasons.size() >= 1);
    CHECK(found->answer.reasons.size() <= 3);
  }
}

TEST_CASE("classifier: TCP 9100 is a printer's where clients send, an agent's where they fetch") {
  CHECK(service_kind(6, 9100, 0.97) == ServiceKind::print);
  CHECK(service_kind(6, 9100, 0.03) == ServiceKind::agent);
  CHECK(service_kind(17, 9100, 0.97) == ServiceKind::other);
  CHECK(service_kind(50, 0, 0.5) == ServiceKind::vpn);
  CHECK(service_kind(6, 5432, 0.5) == ServiceKind::database);
  CHECK(service_kind(6, 33'333, 0.5) == ServiceKind::other);
}

TEST_CASE("classifier: reasons in words, the strongest first") {
  Map map;
  map.hours_of(database(), 30);
  Classifier classifier;
  map.look(classifier, kBegin + hours{31});
  const auto found = classifier.classification(map.asset("10.0.0.1").id);
  REQUIRE(found.has_value());
  REQUIRE(found->answer.reasons.size() == 3);
  CHECK(found->answer.reasons[0] == "serves postgresql (tcp 5432) to 4 assets");
  CHECK(found->answer.reasons[1] == "serves postgresql (tcp 5432) to 4 assets: several use it");
}

TEST_CASE("classifier: without enough evidence nothing is said") {
  Classifier classifier;
  SUBCASE("too short a time") {
    Map map;
    map.hours_of(database(), 20);
    map.look(classifier, kBegin + hours{21});
    CHECK(map.type("10.0.0.1") == "unknown");
    // The rest of the day comes, and is seen an hour later, not a day.
    map.hours_of(database(), 6, kBegin + hours{20});
    map.look(classifier, kBegin + hours{26});
    CHECK(map.type("10.0.0.1") == "database");
  }
  SUBCASE("too few flows") {
    Map map;
    for (const int h : {0, 12, 30}) map.hour(database(), kBegin + hours{h}, 5);
    map.look(classifier, kBegin + hours{31});
    CHECK(map.type("10.0.0.1") == "unknown");
  }
  SUBCASE("nothing but hints") {
    Map map;
    map.hours_of(crowd(1, {"", "10.0.0.1", 33'333}), 30);
    map.look(classifier, kBegin + hours{31});
    CHECK(map.type("10.0.0.1") == "unknown");
  }
}

TEST_CASE("classifier: what people declare wins, until they take it back") {
  Map map;
  map.hours_of(database(), 30);
  const Endpoint subject = map.asset("10.0.0.1").endpoints.front().endpoint;
  Classifier classifier;
  REQUIRE(map.graph.apply({subject, "type", "camera", FactSource::declared, kBegin, {}}));
  map.look(classifier, kBegin + hours{31});
  CHECK(map.type("10.0.0.1") == "camera");
  CHECK(classifier.classification(map.asset("10.0.0.1").id)->answer.type == AssetType::database);
  REQUIRE(
      map.graph.apply({subject, "type", "unknown", FactSource::declared, kBegin + hours{32}, {}}));
  CHECK(map.type("10.0.0.1") == "database");  // what was inferred meanwhile counts again
  map.look(classifier, kBegin + hours{33});
  CHECK(map.type("10.0.0.1") == "database");
  CHECK(map.asset("10.0.0.1").type_source == FactSource::inferred);
}

TEST_CASE("classifier: an answer stays through odd days, and goes when its cause has gone") {
  Map map;
  map.hours_of(database(), 30);
  Classifier classifier;
  map.look(classifier, kBegin + hours{31});
  REQUIRE(map.type("10.0.0.1") == "database");
  map.look(classifier, kBegin + hours{32});
  // A day of printing, of less weight than what it does every hour.
  std::vector<Use> odd = database();
  append(odd, crowd(1, {"", "10.0.0.1", 515, 6, 1'000, 0}));
  map.hours_of(odd, 24, kBegin + hours{31});
  map.look(classifier, kBegin + hours{56});
  CHECK(map.type("10.0.0.1") == "database");
  // The database has moved away; the address is a name server now. Its past drops out after two weeks.
  const auto names = crowd(6, {"", "10.0.0.1", 53, 17});
  Timestamp at = kBegin + hours{60};
  for (int day = 0; day < 20; ++day) {
    map.hours_of(names, 24, at);
    at += hours{24};
    map.look(classifier, at);
  }
  CHECK(map.type("10.0.0.1") == "dns");
  const auto found = classifier.classification(map.asset("10.0.0.1").id);
  REQUIRE(found->history.size() == 1);
  CHECK(found->history[0].type == AssetType::database);
  CHECK(classifier.counters().changes == 1);
  const auto events = map.graph.changes({});
  REQUIRE(events.rows.size() == 1);
  CHECK(events.rows[0].type == ChangeType::asset_type_changed);
  CHECK(events.rows[0].reason == "was database, is dns (inferred)");
}

TEST_CASE("classifier: what is held is bounded, and what went is let go of") {
  ClassifierOptions options;
  options.max_assets = 2;
  Classifier classifier(options);
  Map map;
  map.hours_of(database(), 30);
  map.look(classifier, kBegin + hours{31});
  CHECK(classifier.counters().assets == 2);
  CHECK(classifier.counters().refused == 3);
  map.graph.apply(
      map.graph
          .facts_to_merge(map.asset("10.0.9.1").id, map.asset("10.0.0.1").id, kBegin + hours{32})
          .at(0));
  map.look(classifier, kBegin + hours{33});
  CHECK(classifier.counters().assets == 1);
  map.look(classifier, kBegin + hours{34});
  CHECK(classifier.counters().assets == 2);
  CHECK(classifier.counters().refused == 2);
  CHECK_FALSE(classifier.classification(asset_namespace()).has_value());
  for (auto set : {+[](ClassifierOptions& o) { o.batch_size = 0; },
                   +[](ClassifierOptions& o) { o.update_confidence = 1.5; }}) {
    ClassifierOptions bad;
    set(bad);
    CHECK_THROWS_AS(Classifier{bad}, ConfigError);
  }
}

TEST_CASE("classifier: a network rule says what stands in a network, with its reason") {
  ClassifierOptions options;
  options.networks =
      parse_network_rules("name,cidr,asset_type\nprinters,10.0.0.0/24,printer\n", "t");
  Classifier classifier(options);
  Map map;
  map.hours_of(database(), 2);
  map.look(classifier, kBegin + hours{3});
  CHECK(map.type("10.0.0.1") == "printer");
  CHECK(map.asset("10.0.0.1").type_confidence == 1.0f);
  CHECK(map.type("10.0.9.1") == "unknown");
  CHECK(classifier.classification(map.asset("10.0.0.1").id)->answer.reasons.at(0) ==
        "network rule `printers` (10.0.0.0/24) says so");
}

TEST_CASE(
    "classifier: an accepted intermediary is what it was found to be, a rejected one is not") {
  AssetFeatures f;
  f.is_internal = true;
  const auto rules = parse_classification_rules(default_classification_rules(), "default");
  CHECK(judge(f, rules).type == AssetType::unknown);
  f.intermediary = IntermediaryKind::load_balancer;
  CHECK(judge(f, rules).type == AssetType::load_balancer);
  f.intermediary = IntermediaryKind::source_nat;
  CHECK(judge(f, rules).type == AssetType::network_device);
}

TEST_CASE(
    "classifier: what routers send on to is a network device, as long as it holds the address") {
  Map map;
  map.hours_of(crowd(4, {"", "10.0.0.1", 22}), 30);
  for (const bool is_gateway : {false, true}) {
    ClassifierOptions options;
    if (is_gateway) {
      options.gateways = [] {
        return std::vector<Endpoint>{{{}, *IpAddress::parse("10.9.9.9")},
                                     {{}, *IpAddress::parse("10.0.0.1")}};
      };
    }
    Classifier classifier{options};
    map.look(classifier, kBegin + hours{30});
    CHECK((map.type("10.0.0.1") == "network_device") == is_gateway);
    CHECK(map.type("10.0.9.1") != "network_device");
    AssetFeatures features;
    (void)classifier.judge_now(map.graph, map.asset("10.0.0.1").id, kBegin + hours{30}, &features);
    CHECK(features.is_gateway == is_gateway);
  }
}

TEST_CASE("classifier: probabilities sum to 1, whatever the rules say") {
  const auto rules = parse_classification_rules(
      "web | serves web | | 100 |\ndns | serves web | | -100 |\nmail | | internal | 100 | so it is",
      "t");
  AssetFeatures f;
  f.is_internal = true;
  f.serves.push_back({ServiceKind::web, 6, 443, 1, 3, 10, 5, 5, 1});
  const Verdict v = judge(f, rules);
  double sum = 0;
  for (const double p : v.probability) sum += p;
  CHECK(sum == doctest::Approx(1));
  CHECK(v.confidence() == doctest::Approx(0.5));
  CHECK(v.reasons(AssetType::mail) == std::vector<std::string>{"so it is"});
}
