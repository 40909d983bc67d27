// Addresses that pods and instances use one after another: the map knows for each hour whose they were.
#include <doctest/doctest.h>

#include <map>
#include <optional>

#include "flowlens/cloud_instances.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/fact_book.hpp"
#include "flowlens/kubernetes_objects.hpp"
#include "support/fact_lines.hpp"
#include "support/summaries.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlens;
using namespace flowlens::test;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// Who is there in which hours, the last not included.
struct Life {
  const char* uid;
  const char* address;
  int from, until;
};

constexpr int kHours = 8;
/// Two addresses of pods, each in three hands; once two hours pass in between.
constexpr Life kPods[] = {
    {"pod-a", "10.244.1.5", 0, 2}, {"pod-b", "10.244.1.5", 4, 6}, {"pod-c", "10.244.1.5", 6, 8},
    {"pod-d", "10.244.1.6", 0, 1}, {"pod-e", "10.244.1.6", 1, 7}, {"pod-f", "10.244.1.6", 7, 8},
    {"pod-g", "10.244.1.7", 0, 3},  // nobody has its address after it
};
constexpr Life kInstances[] = {
    {"i-1", "10.1.0.7", 0, 3}, {"i-2", "10.1.0.7", 3, 8}, {"i-3", "10.1.0.8", 0, 5}};
constexpr const char* kServer = "10.9.9.9";

bool is_there(const Life& life, int hour) { return life.from <= hour && hour < life.until; }
/// Five minutes after the hour begins.
Timestamp start_of(const Life& life) { return kNoon + std::chrono::hours{life.from} + 5min; }

std::string pods_at(int hour) {
  std::string items;
  for (const Life& pod : kPods) {
    if (!is_there(pod, hour)) continue;
    items += (items.empty() ? "" : ", ") +
             std::string(R"({"kind": "Pod", "metadata": {"name": "n-)") + pod.uid +
             R"(", "namespace": "shop", "uid": ")" + pod.uid +
             R"("}, "spec": {}, "status": {"phase": "Running", "podIP": ")" + pod.address +
             R"(", "startTime": ")" + to_string(start_of(pod)) + R"("}})";
  }
  return R"({"kind": "List", "items": [)" + items + "]}";
}

std::string instances_at(int hour) {
  std::string items;
  for (const Life& instance : kInstances) {
    if (!is_there(instance, hour)) continue;
    items += (items.empty() ? "" : ", ") + std::string(R"({"InstanceId": ")") + instance.uid +
             R"(", "LaunchTime": ")" + to_string(start_of(instance)) +
             R"(", "PrivateIpAddress": ")" + instance.address +
             R"(", "Tags": [{"Key": "Name", "Value": "n-)" + instance.uid + R"("}]})";
  }
  return R"({"Reservations": [{"Instances": [)" + items + "]}]}";
}

struct Estate {
  TemporaryFolder folder;
  std::filesystem::path pods = folder.path / "pods.json", instances = folder.path / "ec2.json";
  KubernetesObjects kubernetes{{pods, "", {}}};
  CloudInstances ec2{{instances, {}}};
  FactBook book;
  DependencyGraph graph;

  void traffic(const char* client, Timestamp at) {
    ConnectionSummary s = summary(client, kServer, 443);
    s.window_start = at;
    s.first = at + 1s;
    s.last = at + 2s;
    s.provisional = false;
    graph.apply(std::span{&s, 1});
  }
  /// As the daemon does it: only news go on.
  void say(FactLister& lister, Timestamp now) {
    for (const Fact& fact : book.replace(lister.origin(), lister.list(now), now)) {
      graph.apply(fact);
    }
  }
  void hour(int h) {
    const Timestamp noon = kNoon + std::chrono::hours{h};
    write_file(pods, pods_at(h));
    write_file(instances, instances_at(h));
    for (const Life& life : kPods) {
      if (is_there(life, h)) traffic(life.address, noon + 20min);
    }
    for (const Life& life : kInstances) {
      if (is_there(life, h)) traffic(life.address, noon + 20min);
    }
    say(kubernetes, noon + 30min);
    say(ec2, noon + 30min);
  }
  /// Which asset each of its clients was, by the map as of then.
  std::map<std::string, Id> clients_at(Timestamp at) const {
    std::map<std::string, Id> clients;
    for (const DependencyRow& row : graph.copy(AsOf{at}).dependencies) {
      clients[row.key.client.address.to_string()] = row.client_asset;
    }
    return clients;
  }
};

Id asset_of(const char* front, const Life& life) {
  return derive_id(asset_namespace(), std::string(front) + life.uid);
}

void check_hours(const Estate& estate, const char* front, std::span<const Life> lives) {
  for (int h = 0; h < kHours; ++h) {
    const auto clients = estate.clients_at(kNoon + std::chrono::hours{h} + 40min);
    for (const Life& life : lives) {
      if (!is_there(life, h)) continue;
      CAPTURE(h);
      CAPTURE(life.uid);
      REQUIRE(clients.contains(life.address));
      CHECK(clients.at(life.address) == asset_of(front, life));
    }
  }
}

}  // namespace

TEST_CASE("re-used addresses belong to the right pod and instance in each hour") {
  Estate estate;
  for (int h = 0; h < kHours; ++h) estate.hour(h);
  check_hours(estate, "kubernetes:", kPods);
  check_hours(estate, "aws:", kInstances);

  SUBCASE("each has the name of its own, also when it has gone") {
    for (const auto& [front, lives] : {std::pair{"kubernetes:", std::span<const Life>(kPods)},
                                       std::pair{"aws:", std::span<const Life>(kInstances)}}) {
      for (const Life& life : lives) {
        CAPTURE(life.uid);
        const auto row = estate.graph.asset(asset_of(front, life));
        REQUIRE(row);
        CHECK(row->name == "n-" + std::string(life.uid));
        REQUIRE(row->endpoints.size() == 1);
        CHECK(row->endpoints[0].endpoint.address.to_string() == life.address);
      }
    }
  }
  SUBCASE("nothing more is known of the past when a listing is read once more") {
    const auto before = estate.clients_at(kNoon + 1h);
    estate.say(estate.kubernetes, kNoon + 9h);
    estate.say(estate.ec2, kNoon + 9h);
    CHECK(estate.clients_at(kNoon + 1h) == before);
  }
  SUBCASE("and a map made of the revision answers the same") {
    DependencyGraph other;
    other.apply(estate.graph.take_revision(1, Epoch{1}, kNoon + 10h));
    for (int h = 0; h < kHours; ++h) {
      const AsOf at{kNoon + std::chrono::hours{h} + 40min};
      const auto mine = estate.graph.copy(at).dependencies, copy = other.copy(at).dependencies;
      REQUIRE(mine.size() == copy.size());
      for (std::size_t i = 0; i < mine.size(); ++i) {
        CHECK(mine[i].client_asset == copy[i].client_asset);
      }
    }
  }
}

TEST_CASE("who has gone keeps its name until somebody as strong gives it another") {
  Estate estate;
  estate.hour(0);
  const Id pod = asset_of("kubernetes:", kPods[0]);
  const auto name = [&] { return estate.graph.asset(pod)->name; };
  REQUIRE(name() == "n-pod-a");
  const auto say = [&](FactSource source, const char* origin, const char* value, Timestamp at) {
    Fact fact;
    fact.subject = {{}, address("10.244.1.5")};
    fact.attribute = "name";
    fact.value = value;
    fact.source = source;
    fact.origin = origin;
    fact.at = at;
    estate.graph.apply(fact);
  };
  say(FactSource::dns, "dns", "ip-10-244-1-5", kNoon + 35min);
  CHECK(name() == "n-pod-a");
  write_file(estate.pods, R"({"items": []})");
  estate.say(estate.kubernetes, kNoon + 40min);
  CHECK(name() == "n-pod-a");
  say(FactSource::dns, "dns", "", kNoon + 41min);
  CHECK(name() == "n-pod-a");
  say(FactSource::declared, "", "ours", kNoon + 42min);
  CHECK(name() == "ours");
  say(FactSource::declared, "", "", kNoon + 43min);
  CHECK(name() == "");
  say(FactSource::inventory, "hosts:x", "of-the-file", kNoon + 44min);
  CHECK(name() == "of-the-file");
}

TEST_CASE("a holder of whom nothing was seen is known since it holds its address") {
  Estate estate;
  estate.traffic("10.244.1.5", kNoon);
  write_file(estate.pods, R"({"items": [
    {"kind": "Pod", "metadata": {"name": "web", "uid": "one"},
     "status": {"phase": "Running", "podIP": "10.244.1.5", "startTime": ")" +
                              to_string(kNoon + 1h) + R"("}}]})");
  estate.say(estate.kubernetes, kNoon + 2h);
  const auto row = estate.graph.asset(derive_id(asset_namespace(), "kubernetes:one"));
  REQUIRE(row);
  CHECK(row->first_seen == kNoon + 1h);
  CHECK(row->last_seen == kNoon + 1h);
  estate.traffic("10.244.1.5", kNoon + 3h);
  CHECK(estate.graph.asset(row->id)->last_seen == kNoon + 3h + 2s);
}

TEST_CASE("a pod that came and went between two listings is known from its end") {
  // Its last state is still listed: that it has ended, and when it began.
  Estate estate;
  estate.traffic("10.244.1.5", kNoon + 20min);
  estate.traffic("10.244.1.5", kNoon + 80min);
  write_file(estate.pods, R"({"items": [
    {"kind": "Pod", "metadata": {"name": "job", "uid": "one"},
     "status": {"phase": "Succeeded", "podIP": "10.244.1.5", "startTime": ")" +
                              to_string(kNoon) + R"("}},
    {"kind": "Pod", "metadata": {"name": "web", "uid": "two"},
     "status": {"phase": "Running", "podIP": "10.244.1.5", "startTime": ")" +
                              to_string(kNoon + 1h) + R"("}}]})");
  estate.say(estate.kubernetes, kNoon + 2h);
  CHECK(estate.clients_at(kNoon + 30min).at("10.244.1.5") ==
        derive_id(asset_namespace(), "kubernetes:one"));
  CHECK(estate.clients_at(kNoon + 90min).at("10.244.1.5") ==
        derive_id(asset_namespace(), "kubernetes:two"));
  CHECK(estate.graph.asset_of({{}, address("10.244.1.5")})->name == "web");
}
