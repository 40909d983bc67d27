// A month of traffic with restarts in mid-window, a merge, an address in new hands and a dependency
// that turns out to be the other way round: totals and history stay right, and the map as of any hour
// is the map that the hour's traffic alone makes.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../../unit/store/store_fixture.hpp"
#include "flowlens/resolver.hpp"
#include "support/flows.hpp"
#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::test;
using namespace std::chrono_literals;
using testing::address;
using testing::Dice;
using testing::kNoon;

namespace {

constexpr int kHours = 28 * 24;

struct Conversation {
  int hour = 0;
  std::vector<FlowRecord> flows;  ///< both halves
};

/// Clients .1 to .9 use servers .101 to .104; nobody's direction is in doubt, each lies in its hour.
std::vector<Conversation> draw_month(Dice& dice) {
  std::vector<Conversation> month;
  constexpr std::uint16_t kPorts[] = {443, 5432, 8080};
  for (int hour = 0; hour < kHours; ++hour) {
    std::vector<std::chrono::seconds> begins;
    for (std::uint64_t n = dice.below(7); n > 0; --n)
      begins.push_back(10s + dice.below(3'400) * 1s);
    std::sort(begins.begin(), begins.end());
    for (const auto begin : begins) {
      const std::string client = "10.0.0." + std::to_string(1 + dice.below(9));
      const std::string server = "10.0.0." + std::to_string(101 + dice.below(4));
      const std::uint16_t port = dice.of(kPorts);
      const auto client_port = static_cast<std::uint16_t>(40'000 + dice.below(9'000));
      const Timestamp from = kNoon + std::chrono::hours{hour} + begin;
      const Timestamp to = from + dice.below(120) * 1s;
      Conversation c{hour, {}};
      c.flows.push_back(testing::tcp(client, client_port, server, port)
                            .at(from, to)
                            .came(to)
                            .begun_by(Initiator::source));
      c.flows.push_back(testing::tcp(server, port, client, client_port)
                            .at(from, to)
                            .came(to)
                            .begun_by(Initiator::destination));
      month.push_back(std::move(c));
    }
  }
  return month;
}

DependencyKey key(std::string_view client, std::string_view server, std::uint16_t port) {
  return {{{}, address(client)}, {{}, address(server)}, port, 6};
}

const DependencyKey kMistaken = key("10.0.0.1", "10.0.0.101", 443);
const DependencyKey kRight = key("10.0.0.101", "10.0.0.1", 40'000);
const Timestamp kTurned = kNoon + 240h;
const Timestamp kReused = kNoon + 360h;

/// The resolver with its store; a restart forgets all but the file.
struct Service {
  TemporaryFolder folder;
  std::unique_ptr<Store> store;
  std::unique_ptr<Resolver> resolver;
  FlushedSummaries summaries;

  Service() { start(); }
  void start() {
    resolver = std::make_unique<Resolver>();
    store = make_sqlite_store(options_for(folder.file()));
    const StoreOpened opened = store->open();
    store->load(resolver->graph());
    resolver->begin(opened.epoch, opened.last_revision);
  }
  void flush(Timestamp now, const std::vector<Redirection>& redirections = {}) {
    resolver->summarize(now, summaries);
    for (const Redirection& r : redirections) summaries.redirections.push_back(r);
    store->apply(resolver->apply(summaries));
  }
  void finish(Timestamp now) { store->apply(resolver->finish(now)); }
  const DependencyGraph& graph() const { return resolver->graph(); }
};

void tell(Service& s, const std::vector<Fact>& facts) {
  REQUIRE_FALSE(facts.empty());
  s.resolver->add(facts);
}

Id id_of(const DependencyGraph& graph, std::string_view host) {
  return graph.asset_of({{}, address(host)})->id;
}

void run(Service& s, Dice& dice, const std::vector<Conversation>& month, bool restarts) {
  bool is_turned = false, is_merged = false, is_reused = false;
  for (const Conversation& c : month) {
    const Timestamp now = c.flows.front().end;
    s.resolver->add(c.flows, now);
    if (dice.one_in(3)) s.flush(now);
    if (restarts && dice.one_in(60)) {
      s.flush(now);
      s.start();
    }
    if (!is_turned && now > kTurned + 10min) {
      s.flush(now, {{kMistaken, kRight, kTurned, DirectionRung::handshake_packet, 0}});
      is_turned = true;
    }
    if (!is_merged && c.hour > 300) {
      tell(s, s.graph().facts_to_merge(id_of(s.graph(), "10.0.0.102"),
                                       id_of(s.graph(), "10.0.0.103"), now));
      is_merged = true;
    }
    if (!is_reused && now > kReused + 1h) {
      tell(s, s.graph().facts_to_split(id_of(s.graph(), "10.0.0.5"),
                                       std::vector<Endpoint>{{{}, address("10.0.0.5")}}, now,
                                       kReused));
      is_reused = true;
    }
  }
  s.finish(kNoon + std::chrono::hours{kHours});
  REQUIRE(is_reused);
}

/// What the map should say of a host at a time.
Id expected_asset(const IpAddress& host, Timestamp at) {
  const std::string text = host.to_string();
  if (text == "10.0.0.103") return derive_id(asset_namespace(), "default/10.0.0.102/0");
  if (text == "10.0.0.5" && at >= kReused)
    return derive_id(asset_namespace(), "default/10.0.0.5/1");
  return derive_id(asset_namespace(), "default/" + text + "/0");
}

using Edges = std::set<std::array<Id, 3>>;  ///< dependency, client asset, server asset

/// Small tables: there is one for each hour.
ResolverOptions small_resolver() {
  ResolverOptions o;
  o.aggregator.max_conversations = 1'000;
  o.aggregator.max_remembered_ends = 1'000;
  o.aggregator.max_listeners = 1'000;
  return o;
}

/// The map of this hour's traffic alone, with what is known today.
Edges rebuilt(const std::vector<Conversation>& month, int hour) {
  Resolver resolver{small_resolver()};
  Timestamp now = kNoon + std::chrono::hours{hour};
  for (const Conversation& c : month) {
    if (c.hour != hour) continue;
    now = c.flows.front().end;
    resolver.add(c.flows, now);
  }
  (void)resolver.finish(now);
  Edges edges;
  for (const DependencyRow& d : resolver.graph().copy().dependencies) {
    DependencyKey k = d.key;
    Id id = d.id;
    if (k == kMistaken && begin_of(hour_of(now)) < kTurned) {
      k = kRight;
      id = derive_id(dependency_namespace(), "default/10.0.0.101|default/10.0.0.1|6|40000");
    }
    edges.insert(
        {id, expected_asset(k.client.address, now), expected_asset(k.server.address, now)});
  }
  return edges;
}

/// Totals by dependency, as the windows in the store add up.
std::map<Id, TrafficCounts> in_windows(Store& store) {
  std::map<Id, TrafficCounts> sums;
  store.scan({kNoon - 24h, kNoon + 24h * 60, {}}, [&](const WindowRow& row) {
    sums[row.dependency] += row.counts;
    return true;
  });
  return sums;
}

}  // namespace

TEST_CASE("a month: as of any hour, with restarts, a merge, a split and a re-direction") {
  for (std::uint64_t seed = 1; seed <= 1; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    const std::vector<Conversation> month = draw_month(dice);
    Service whole, restarted;
    run(whole, dice, month, false);
    run(restarted, dice, month, true);
    REQUIRE(restarted.store->ledger().applied == 2 * month.size());
    CHECK(whole.graph().counters().totals.flows == 2 * month.size());

    // A restart changes nothing of what is known.
    for (const DependencyRow& want : whole.graph().copy().dependencies) {
      CAPTURE(want.id.to_string());
      const auto got = restarted.graph().dependency(want.id);
      REQUIRE(got);
      CHECK(got->totals == want.totals);
      CHECK(got->first_seen == want.first_seen);
      CHECK(got->last_seen == want.last_seen);
      CHECK(got->hours == want.hours);
      CHECK(got->client_asset == want.client_asset);
      CHECK(got->server_asset == want.server_asset);
      CHECK(got->flips == want.flips);
    }
    CHECK(restarted.graph().counters().dependencies == whole.graph().counters().dependencies);
    CHECK(restarted.graph().counters().assets == whole.graph().counters().assets);

    // The windows add up to the totals, though they stand under the ids of their time.
    for (Service* s : {&whole, &restarted}) {
      const auto sums = in_windows(*s->store);
      CHECK(sums.size() == s->graph().counters().dependencies);
      for (const auto& [id, counts] : sums) CHECK(s->graph().dependency(id)->totals == counts);
    }
    const auto of_one = [&](const Id& id) {
      TrafficCounts sum;
      restarted.store->scan({kNoon - 24h, kNoon + 24h * 60, id}, [&](const WindowRow& row) {
        sum += row.counts;
        return true;
      });
      return sum;
    };
    const Id right =
        derive_id(dependency_namespace(), "default/10.0.0.101|default/10.0.0.1|6|40000");
    CHECK(of_one(right) == restarted.graph().dependency(right)->totals);
    CHECK_FALSE(of_one(right).is_zero());

    for (int hour = 0; hour < kHours; ++hour) {
      CAPTURE(hour);
      const AsOf as_of{kNoon + std::chrono::hours{hour} + 59min};
      const Edges alone = rebuilt(month, hour);
      for (const Service* s : {&whole, &restarted}) {
        const Revision map = s->graph().copy(as_of);
        Edges edges;
        std::set<Id> ends, assets;
        for (const DependencyRow& d : map.dependencies) {
          edges.insert({d.id, d.client_asset, d.server_asset});
          ends.insert({d.client_asset, d.server_asset});
        }
        for (const AssetRow& a : map.assets) assets.insert(a.id);
        REQUIRE(edges == alone);
        REQUIRE(assets == ends);
      }
    }
  }
}
