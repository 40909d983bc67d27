// What exporters tell of address translation: traffic is attributed to who really talks, once.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "flowlens/error.hpp"
#include "flowlens/resolver.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* kClient = "10.0.0.7";
constexpr const char* kOther = "10.0.0.8";
constexpr const char* kOuter = "198.51.100.1";
constexpr const char* kServer = "203.0.113.80";

Translation post(std::uint32_t flow, const FlowRecord& f) {
  return {flow, f.source_address, f.destination_address, f.source_port, f.destination_port};
}

struct Fixture {
  Resolver resolver;
  Timestamp now = kNoon + 35s;

  explicit Fixture(const ResolverOptions& options = {}) : resolver(options) {}
  ~Fixture() {
    const FlowLedger ledger = resolver.ledger();
    CHECK(ledger.balanced());
    CHECK(ledger.applied == resolver.graph().counters().totals.flows);
    CHECK(resolver.octets().balanced());
  }
  void add(const std::vector<FlowRecord>& flows) { resolver.add(flows, now); }
  /// Both halves of a connection, as one exporter sees it.
  void add(const char* client, std::uint16_t port, const char* exporter,
           const char* server = kServer, std::uint16_t server_port = 443) {
    add({tcp(client, port, server, server_port).octets(700).packets(7).by(exporter),
         tcp(server, server_port, client, port).octets(9'000).packets(9).by(exporter)});
  }
  void event(std::uint8_t number, const char* inner, std::uint16_t inner_port, const char* outer,
             std::uint16_t outer_port, Timestamp at) {
    FlowBatch batch;
    NatEvent& e = batch.nat_events.emplace_back();
    e.exporter = address("192.0.2.9");
    e.event = number;
    e.source_address = address(inner);
    e.source_port = inner_port;
    e.post_source_address = address(outer);
    e.post_source_port = outer_port;
    e.destination_address = e.post_destination_address = address(kServer);
    e.destination_port = e.post_destination_port = 443;
    e.protocol = 6;
    e.time = at;
    e.present = 0x1ff;
    resolver.add(batch, now);
  }
  void ports(std::uint8_t number, const char* inner, const char* outer, std::uint16_t first,
             std::uint16_t last, Timestamp at) {
    FlowBatch batch;
    NatEvent& e = batch.nat_events.emplace_back();
    e.exporter = address("192.0.2.9");
    e.event = number;
    e.source_address = address(inner);
    e.post_source_address = address(outer);
    e.port_block_start = first;
    e.port_block_end = last;
    e.time = at;
    e.present = static_cast<std::uint16_t>(NatField::source_address) |
                static_cast<std::uint16_t>(NatField::post_source_address) |
                static_cast<std::uint16_t>(NatField::port_block);
    resolver.add(batch, now);
  }
  std::vector<DependencyRow> rows() {
    (void)resolver.finish(now);
    auto rows = resolver.graph().copy().dependencies;
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return rows;
  }
  TranslationCounters counters() { return resolver.aggregator_counters().translations; }
};

}  // namespace

TEST_CASE("translation: both sides of a source NAT count once, as the real client's") {
  // The translator tells it with its flow; or with an event; or ahead of the flows, or behind them.
  for (const bool by_flow : {true, false}) {
    for (const bool told_last : {true, false}) {
      CAPTURE(by_flow);
      CAPTURE(told_last);
      Fixture f;
      const auto tell = [&] {
        if (!by_flow) return f.event(4, kClient, 40'000, kOuter, 61'000, kNoon + 20s);
        FlowBatch batch;
        batch.flows = {tcp(kClient, 40'000, kServer, 443).octets(700).packets(7)};
        batch.translations = {post(0, tcp(kOuter, 61'000, kServer, 443))};
        f.resolver.add(batch, f.now);
      };
      if (!told_last) tell();
      f.add(kClient, 40'000, "192.0.2.1");
      f.add(kOuter, 61'000, "192.0.2.2");
      (void)f.resolver.flush(f.now);
      if (told_last) tell();
      const auto rows = f.rows();
      REQUIRE(rows.size() == 1);
      CHECK(rows[0].key.client.address == address(kClient));
      CHECK(rows[0].key.server.address == address(kServer));
      CHECK(rows[0].totals.octets_to_server == (by_flow ? 1'400 : 700));
      CHECK(rows[0].totals.octets_to_client == 9'000);
      CHECK(rows[0].observer_count == 2);
      CHECK(rows[0].via.address == address(kOuter));
      CHECK(f.counters().applied == 1);
    }
  }
}

TEST_CASE("translation: seen outside alone, it is the real client's all the same") {
  Fixture f;
  f.event(4, kClient, 40'000, kOuter, 61'000, kNoon + 20s);
  f.add(kOuter, 61'000, "192.0.2.2");
  f.add(kOuter, 61'001, "192.0.2.2");  // of this nothing was told
  const auto rows = f.rows();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].key.client.address == address(kClient));
  CHECK(rows[0].via.address == address(kOuter));
  CHECK(rows[1].key.client.address == address(kOuter));
  CHECK(rows[1].via.address.is_unspecified());
}

TEST_CASE("translation: a service behind a destination NAT is the real server's") {
  Fixture f;
  FlowBatch batch;
  batch.flows = {tcp("203.0.113.5", 50'000, kOuter, 443).octets(700).packets(7)};
  batch.translations = {post(0, tcp("203.0.113.5", 50'000, "10.0.9.9", 8'443))};
  f.resolver.add(batch, f.now);
  f.add("203.0.113.5", 50'000, "192.0.2.2", "10.0.9.9", 8'443);  // behind it
  const auto rows = f.rows();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.client.address == address("203.0.113.5"));
  CHECK(rows[0].key.server.address == address("10.0.9.9"));
  CHECK(rows[0].key.port == 8'443);
  CHECK(rows[0].totals.octets_to_server == 700);
  CHECK(rows[0].via.address == address(kOuter));
}

TEST_CASE("translation: between private networks, the client is real before, the server behind") {
  struct Case {
    const char* name;
    FlowRecord before, after;
    const char* client;
    const char* server;
  };
  const Case cases[] = {
      {"source of a request", tcp("10.0.0.7", 40'000, "10.9.0.1", 443),
       tcp("172.16.0.1", 61'000, "10.9.0.1", 443), "10.0.0.7", "10.9.0.1"},
      {"the same, one way only", tcp("10.0.0.7", 40'000, "10.9.0.1", 443),
       tcp("10.0.0.7", 40'000, "172.16.0.9", 8'443), "10.0.0.7", "172.16.0.9"},
      {"an answer of a biflow",
       tcp("10.9.0.1", 443, "10.0.0.7", 40'000).begun_by(Initiator::destination),
       tcp("10.9.0.1", 443, "172.16.0.1", 61'000), "10.0.0.7", "10.9.0.1"},
      {"both ends", tcp("10.0.0.7", 40'000, "10.9.0.1", 443),
       tcp("172.16.0.1", 61'000, "172.16.0.9", 8'443), "10.0.0.7", "172.16.0.9"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fixture f;
    FlowBatch batch;
    batch.flows = {c.before, c.after};
    batch.translations = {post(0, c.after)};
    f.resolver.add(batch, f.now);
    const auto rows = f.rows();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].key.client.address == address(c.client));
    CHECK(rows[0].key.server.address == address(c.server));
  }
}

TEST_CASE("translation: blocks of ports and whole addresses") {
  Fixture f;
  f.ports(16, kClient, kOuter, 1'024, 2'047, kNoon - 1h);
  f.ports(16, kOther, kOuter, 2'048, 3'071, kNoon - 1h);
  f.add(kOuter, 2'047, "192.0.2.2");
  f.add(kOuter, 2'048, "192.0.2.2");
  f.add(kOuter, 5'000, "192.0.2.2");
  const auto rows = f.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].key.client.address == address(kClient));
  CHECK(rows[1].key.client.address == address(kOther));
  CHECK(rows[2].key.client.address == address(kOuter));
}

TEST_CASE("translation: what one address is told to stand for is bounded, the first told goes") {
  TranslationTable table;
  const Endpoint outer{{}, address(kOuter)};
  const auto inner = [](std::uint32_t i) { return Endpoint{{}, IpAddress::v4(0x0a00'0000u + i)}; };
  const auto port = [](std::uint32_t i) { return static_cast<std::uint16_t>(i); };
  for (std::uint32_t i = 1; i <= 3'000; ++i) {
    table.tell_ports(outer, port(i), port(i), inner(i), {kNoon, kNoon + 1h});
  }
  CHECK(table.counters().entries == 1'024);
  CHECK(table.counters().evicted == 3'000 - 1'024);
  const auto client_of = [&](std::uint32_t i) {
    const Endpoint server{{}, address("192.0.2.2")};
    return table.find({{TransportEnd{outer, port(i)}, TransportEnd{server, 443}}, 6},
                      {kNoon, kNoon + 1min});
  };
  REQUIRE(client_of(3'000));
  CHECK(client_of(3'000)->real.end[0].endpoint == inner(3'000));
  CHECK_FALSE(client_of(1));
}

TEST_CASE("translation: a port that is used again is who used it at that time") {
  Fixture f;
  f.event(4, kClient, 40'000, kOuter, 61'000, kNoon - 600s);
  f.event(5, kClient, 40'000, kOuter, 61'000, kNoon - 300s);
  f.event(5, kOther, 41'000, kOuter, 61'000, kNoon + 120s);  // its beginning was lost
  f.add(kOuter, 61'000, "192.0.2.2");
  const auto rows = f.rows();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.client.address == address(kOther));
  CHECK(f.counters().ambiguous == 0);
}

TEST_CASE("translation: where two contradict each other nothing is guessed") {
  Fixture f;
  f.event(4, kClient, 40'000, kOuter, 61'000, kNoon + 10s);
  f.event(5, kClient, 40'000, kOuter, 61'000, kNoon + 25s);
  f.event(4, kOther, 41'000, kOuter, 61'000, kNoon + 25s);
  f.add(kOuter, 61'000, "192.0.2.2");
  const auto rows = f.rows();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.client.address == address(kOuter));
  CHECK(f.counters().ambiguous == 1);
  CHECK(f.counters().applied == 0);
}

TEST_CASE("translation: what the row before had is taken back, and its asset goes") {
  Fixture f;
  f.add(kOuter, 61'000, "192.0.2.2");
  const Revision shown = f.resolver.flush(f.now);
  REQUIRE(shown.dependencies.size() == 1);
  f.event(4, kClient, 40'000, kOuter, 61'000, kNoon + 20s);
  const Revision closed = f.resolver.flush(f.now + 10min);
  REQUIRE(closed.dependencies.size() == 1);
  CHECK(closed.dependencies[0].key.client.address == address(kClient));
  REQUIRE(closed.removed_dependencies.size() == 1);
  CHECK(closed.removed_dependencies[0] == shown.dependencies[0].id);
  CHECK(closed.removed_assets.size() == 1);
}

TEST_CASE("translation: the inner address is of the site of the translator") {
  ResolverOptions options;
  options.enricher.sites = {{"branch", {address("192.0.2.9"), 128}, {}}};
  Fixture f{options};
  f.event(4, kClient, 40'000, kOuter, 61'000, kNoon + 20s);
  f.add(kOuter, 61'000, "192.0.2.2");
  const auto rows = f.rows();
  REQUIRE(rows.size() == 1);
  CHECK(f.resolver.graph().sites().name(rows[0].key.client.site) == "branch");
}

TEST_CASE(
    "translation table: at the bound the one used longest ago goes; what ended is forgotten") {
  CHECK_THROWS_AS(TranslationTable({0, 60s, 1h, 0}), ConfigError);
  TranslationTable table({3, 0s, 1h, 0});
  const auto end = [](const char* text, std::uint16_t port) {
    return TransportEnd{{{}, address(text)}, port};
  };
  const auto inner_of = [&](std::uint16_t port) {
    const auto found = table.find({{end(kOuter, port), end(kServer, 443)}, 6}, {kNoon, kNoon});
    return found ? found->real.end[0].port : 0;
  };
  for (std::uint16_t port = 1; port <= 3; ++port) {
    table.tell_end(end(kOuter, port), end(kClient, static_cast<std::uint16_t>(port + 100)), 6,
                   {kNoon - 1s * port, kNoon});
  }
  CHECK(inner_of(1) == 101);
  table.tell_end(end(kOuter, 1), end(kClient, 101), 6, {kNoon, kNoon + 60s});
  table.tell_end(end(kOuter, 4), end(kClient, 104), 6, {kNoon, kNoon});
  CHECK(inner_of(1) == 101);
  CHECK(inner_of(2) == 0);
  CHECK(inner_of(3) == 103);
  CHECK(inner_of(4) == 104);
  CHECK(table.counters().entries == 3);
  CHECK(table.counters().evicted == 1);
  table.forget(kNoon + 1s);
  CHECK(table.counters().entries == 1);
  CHECK(inner_of(1) == 101);
  CHECK(table.speaks_of(end(kOuter, 0).endpoint));
  table.forget(kNoon + 1h);
  CHECK(table.empty());
  CHECK_FALSE(table.speaks_of(end(kOuter, 0).endpoint));
}
