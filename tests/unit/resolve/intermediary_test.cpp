// Load balancers on the way through the Resolver: proposed, judged, and the two views of the map.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "flowlens/application_view.hpp"
#include "flowlens/resolver.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* kFront = "10.0.0.100";
const std::vector<std::string> kServers = {"10.0.1.1", "10.0.1.2", "10.0.1.3"};

struct Fixture {
  Resolver resolver;
  Timestamp now = kNoon;

  /// One window: four clients ask the front, it asks its servers for as much. One asks by itself.
  void window(int number) {
    const auto later = number * 5min;
    std::vector<FlowRecord> flows;
    const auto talk = [&](const std::string& client, std::uint16_t port, const std::string& server,
                          std::uint16_t server_port, std::uint64_t octets, auto after) {
      for (const bool up : {true, false}) {
        Flow f =
            up ? tcp(client, port, server, server_port) : tcp(server, server_port, client, port);
        f.octets(up ? octets : 10 * octets).packets(8);
        f.begun_by(up ? Initiator::source : Initiator::destination);
        f.at(kNoon + later + 60s + after, kNoon + later + 90s - after).came(kNoon + later + 100s);
        flows.push_back(f);
      }
    };
    for (std::uint16_t i = 0; i < 12; ++i) {
      const std::string client = "10.0.5." + std::to_string(i % 4 + 1);
      const auto port = static_cast<std::uint16_t>(40'000 + i);
      const std::uint64_t octets = 5'000 + 100u * i + static_cast<unsigned>(number);
      talk(client, port, kFront, 443, octets, 0s);
      talk(kFront, port, kServers[i % 3], 8'080, octets - 20, 1s);
    }
    talk("10.0.5.9", 50'000, kServers[0], 8'080, 777, 0s);
    now = kNoon + later + 100s;
    resolver.add(flows, now);
    (void)resolver.flush(now);
  }
  Revision close() { return resolver.flush(now + 10min); }
  /// Three windows, which are enough.
  Revision proposed() {
    for (int i = 0; i < 3; ++i) window(i);
    return close();
  }
  bool judge(const IntermediaryRow& row, const char* state) {
    Fact fact;
    fact.subject = row.front;
    fact.attribute = "intermediary";
    fact.value = row.id.to_string() + " " + state;
    fact.source = FactSource::declared;
    fact.at = now;
    return resolver.graph().apply(fact);
  }
  [[nodiscard]] std::vector<ApplicationRow> applications() const {
    const DependencyGraph& graph = resolver.graph();
    const ApplicationView view{graph};
    std::vector<ApplicationRow> rows;
    const auto all = graph.copy().dependencies;
    for (const DependencyRow& row : all) view.append(row, rows);
    CHECK(rows.size() == view.total(all.size()));
    return rows;
  }
};

TrafficCounts sum_of(const std::vector<DependencyRow>& rows, bool only_asked) {
  TrafficCounts sum;
  for (const DependencyRow& row : rows) {
    if (!only_asked || row.key.client.address != address(kFront)) sum += row.totals;
  }
  return sum;
}

}  // namespace

TEST_CASE("intermediary: what passes on is proposed once, with an event, and kept") {
  Fixture f;
  f.window(0);
  f.window(1);
  CHECK(f.resolver.graph().intermediaries().empty());
  f.window(2);
  const Revision revision = f.close();
  REQUIRE(revision.intermediaries.size() == 1);
  const IntermediaryRow& row = revision.intermediaries[0];
  CHECK(row.kind == IntermediaryKind::load_balancer);
  CHECK(row.state == IntermediaryState::proposed);
  CHECK(row.front.address == address(kFront));
  CHECK(row.front_port == 443);
  CHECK(row.backend_port == 8'080);
  CHECK(row.members.size() == 3);
  CHECK(row.clients == 4);
  CHECK(row.windows == 3);
  REQUIRE(revision.events.size() == 1);
  CHECK(revision.events[0].type == ChangeType::intermediary_proposed);
  CHECK(revision.events[0].subject == row.id);
  CHECK(revision.events[0].object == f.resolver.graph().asset_of(row.front)->id);

  // A follower, or a graph loaded from a store, knows it; a proposal of fewer windows takes nothing away.
  DependencyGraph follower;
  follower.apply(f.resolver.graph().copy());
  REQUIRE(follower.intermediaries().size() == 1);
  CHECK(follower.intermediaries()[0] == row);
  IntermediaryProposal again;
  again.front = row.front;
  again.front_port = 443;
  again.backend_port = 8'080;
  again.protocol = 6;
  again.backends = {{{}, address("10.0.1.9")}};
  again.windows = 1;
  follower.apply(std::vector{again}, f.now);
  CHECK(follower.intermediary(row.id)->members.size() == 4);
  CHECK(follower.intermediary(row.id)->windows == 3);
  CHECK(follower.take_revision(9, Epoch{1}, f.now).events.empty());
}

TEST_CASE("intermediary: the application view goes from the client to the servers, octets once") {
  Fixture f;
  (void)f.proposed();
  const auto network = f.resolver.graph().copy().dependencies;
  CHECK(network.size() == 4 + 3 + 1);
  const auto rows = f.applications();
  CHECK(rows.size() == 4 * 3 + 1);
  TrafficCounts sum;
  std::map<IpAddress, std::size_t> by_client;
  for (const ApplicationRow& r : rows) {
    sum += r.row.totals;
    ++by_client[r.row.key.client.address];
    CHECK(r.row.key.client.address != address(kFront));
    CHECK(r.row.key.server.address != address(kFront));
    CHECK(r.row.key.port == 8'080);
    const bool is_direct = r.row.key.client.address == address("10.0.5.9");
    CHECK(r.intermediary.has_value() != is_direct);
    CHECK((r.row.id == r.dependency) == is_direct);
    CHECK(f.resolver.graph().dependency(r.dependency).has_value());
    CHECK(r.row.server_asset == f.resolver.graph().asset_of(r.row.key.server)->id);
    if (!is_direct) CHECK(r.row.totals.octets_to_server > 4'000);
  }
  CHECK(by_client[address("10.0.5.1")] == 3);
  CHECK(sum == sum_of(network, true));
}

TEST_CASE("intermediary: what people say of it counts, and survives new proposals") {
  Fixture f;
  const IntermediaryRow row = f.proposed().intermediaries.at(0);
  CHECK_FALSE(f.judge(row, "perhaps"));
  IntermediaryRow other = row;
  other.front.address = address("10.0.0.101");
  CHECK_FALSE(f.judge(other, "rejected"));
  CHECK(f.judge(row, "rejected"));
  f.window(5);
  const Revision revision = f.close();
  REQUIRE(revision.intermediaries.size() == 1);
  CHECK(revision.intermediaries[0].state == IntermediaryState::rejected);
  CHECK(revision.intermediaries[0].windows == 4);
  CHECK(f.resolver.graph().changes({}).rows.at(0).type == ChangeType::intermediary_judged);
  const auto rows = f.applications();
  CHECK(rows.size() == f.resolver.graph().counters().dependencies);
  CHECK_FALSE(rows[0].intermediary.has_value());
}
