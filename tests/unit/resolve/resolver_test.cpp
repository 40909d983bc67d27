#include "flowlens/resolver.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Resolver resolver;
  Timestamp now = kNoon;

  void add(const std::vector<FlowRecord>& flows) { resolver.add(flows, now); }
  ~Fixture() {
    const FlowLedger ledger = resolver.ledger();
    CHECK(ledger.balanced());
    CHECK(ledger.applied == resolver.graph().counters().totals.flows);
  }
};

}  // namespace

TEST_CASE("resolver: two halves become one dependency, provisional first and then final") {
  Fixture f;
  f.resolver.begin(Epoch{3}, 41);
  f.add({tcp("10.0.0.1", 40000, "10.0.0.2", 5432).octets(500).packets(5),
         tcp("10.0.0.2", 5432, "10.0.0.1", 40000).octets(9000).packets(7)});

  const Revision shown = f.resolver.flush(f.now);
  CHECK(shown.number == 42);
  CHECK(shown.epoch == Epoch{3});
  CHECK(shown.at == f.now);
  CHECK(shown.assets.size() == 2);
  REQUIRE(shown.dependencies.size() == 1);
  const DependencyRow& row = shown.dependencies[0];
  CHECK(row.provisional);
  CHECK(row.key.client.address.to_string() == "10.0.0.1");
  CHECK(row.key.server.address.to_string() == "10.0.0.2");
  CHECK(row.key.port == 5432);
  CHECK(service_name(row.service) == "postgresql");
  CHECK(row.totals.flows == 2);
  CHECK(row.totals.octets_to_server == 500);
  CHECK(row.totals.octets_to_client == 9000);
  REQUIRE(shown.windows.size() == 1);
  CHECK(shown.windows[0].dependency == row.id);
  CHECK(shown.windows[0].counts == row.totals);

  const Revision nothing = f.resolver.flush(f.now + 1s);
  CHECK(nothing.empty());
  CHECK(nothing.number == 42);

  const Revision closed = f.resolver.flush(f.now + 10min);
  CHECK(closed.number == 43);
  REQUIRE(closed.dependencies.size() == 1);
  CHECK_FALSE(closed.dependencies[0].provisional);
  CHECK(closed.dependencies[0].totals == row.totals);
  CHECK(closed.windows.empty());
}

TEST_CASE("resolver: a revision says how far its input was taken, even if nothing came of it") {
  Fixture f;
  f.resolver.begin(Epoch{1}, 10);
  f.add({tcp("10.0.0.1", 40000, "10.0.0.2", 5432)});
  f.resolver.note_input(5);
  const Revision first = f.resolver.flush(f.now);
  CHECK(first.number == 11);
  CHECK(first.input_position == 5);

  FlushedSummaries summaries;
  f.resolver.note_input(7);
  f.resolver.summarize(f.now, summaries);
  f.resolver.note_input(9);  // while the second half runs: not of this revision
  const Revision moved = f.resolver.apply(summaries);
  CHECK(moved.empty());
  CHECK(moved.number == 12);
  CHECK(moved.input_position == 7);
  CHECK(moved.flows.normalized == 1);
  CHECK(f.resolver.graph().counters().revision == 12);

  CHECK(f.resolver.flush(f.now).number == 13);
  const Revision nothing = f.resolver.flush(f.now);
  CHECK(nothing.number == 13);
  CHECK(nothing.input_position == 9);
}

TEST_CASE("resolver: a dependency that turns out to be the other way round is replaced") {
  Fixture f;
  // No port is known: the lower one stands as the service, until a handshake says otherwise.
  f.add({tcp("10.0.0.1", 21000, "10.0.0.2", 21001).flags(kTcpAck)});
  const Revision before = f.resolver.flush(f.now);
  REQUIRE(before.dependencies.size() == 1);
  CHECK(before.dependencies[0].key.port == 21000);

  f.add({tcp("10.0.0.1", 21000, "10.0.0.2", 21001).flags(kTcpSyn).packets(1),
         tcp("10.0.0.2", 21001, "10.0.0.1", 21000).flags(kTcpSyn | kTcpAck).packets(1)});
  const Revision after = f.resolver.flush(f.now + 5s);
  REQUIRE(after.dependencies.size() == 1);
  CHECK(after.dependencies[0].key.port == 21001);
  CHECK(after.dependencies[0].rung == DirectionRung::handshake_packet);
  CHECK(after.dependencies[0].totals.flows == 3);
  REQUIRE(after.removed_dependencies.size() == 1);
  CHECK(after.removed_dependencies[0] == before.dependencies[0].id);
  CHECK(after.removed_assets.empty());
  // The window of the old one is set to nothing.
  REQUIRE(after.windows.size() == 2);
  CHECK((after.windows[0].counts.is_zero() || after.windows[1].counts.is_zero()));
}

TEST_CASE("resolver: what does not fit into the map moves from applied to dropped") {
  ResolverOptions options;
  options.graph.max_dependencies = 1;
  Resolver resolver{options};
  std::vector<FlowRecord> flows{tcp("10.0.0.1", 40000, "10.0.0.2", 80),
                                tcp("10.0.0.1", 40000, "10.0.0.2", 443),
                                tcp("10.0.0.1", 40001, "10.0.0.2", 443)};
  resolver.add(flows, kNoon);
  (void)resolver.flush(kNoon);
  const FlowLedger ledger = resolver.ledger();
  CHECK(ledger.normalized == 3);
  CHECK(ledger.applied == resolver.graph().counters().totals.flows);
  CHECK(ledger.applied + ledger.dropped[static_cast<std::size_t>(FlowDropReason::table_full)] == 3);
  CHECK(resolver.graph().counters().dependencies == 1);
  CHECK(ledger.balanced());
}

TEST_CASE("resolver: finish closes every window") {
  Fixture f;
  f.add({udp("10.0.0.1", 40000, "10.0.0.2", 53)});
  const Revision last = f.resolver.finish(f.now);
  REQUIRE(last.dependencies.size() == 1);
  CHECK_FALSE(last.dependencies[0].provisional);
  CHECK(last.windows.size() == 1);
  CHECK(last.flows.applied == 1);
}
