// External clients and servers are bounded: past the bound they are one row, or one a group.
#include "flowlens/external_peers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "flowlens/error.hpp"
#include "flowlens/resolver.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Resolver resolver;

  explicit Fixture(const ExternalPeersOptions& options) : resolver(with(options)) {}
  ~Fixture() {
    const FlowLedger ledger = resolver.ledger();
    CHECK(ledger.balanced());
    CHECK(ledger.applied == resolver.graph().counters().totals.flows);
  }
  static ResolverOptions with(const ExternalPeersOptions& o) {
    ResolverOptions options;
    options.external_peers = o;
    return options;
  }
  /// `count` clients from outside ask a service, from 198.51.(100 + i/256).(i%256) on.
  static std::vector<FlowRecord> clients(std::uint32_t first, std::uint32_t count,
                                         std::chrono::seconds later = 0s) {
    std::vector<FlowRecord> flows;
    for (std::uint32_t i = first; i < first + count; ++i) {
      Flow f = tcp("198.51.100.0", 40'000, "10.0.0.1", 443);
      f.source_address = IpAddress::v4(0xc633'6400u + i);
      f.source_as = 64'500 + i % 3;
      f.present |= static_cast<std::uint32_t>(FlowField::source_as);
      f.begun_by(Initiator::source).octets(100 + i);
      f.at(f.start + later, f.end + later).came(f.received + later);
      flows.push_back(f);
    }
    return flows;
  }
  void add(const std::vector<FlowRecord>& flows, std::chrono::seconds later = 0s) {
    resolver.add(flows, kNoon + 35s + later);
  }
  std::map<std::string, DependencyRow> rows() {
    (void)resolver.flush(kNoon + 1h);
    std::map<std::string, DependencyRow> rows;
    for (const DependencyRow& row : resolver.graph().copy().dependencies) {
      const auto group = peer_group(row.key.client.address);
      rows[group ? group->to_string() : row.key.client.address.to_string()] = row;
    }
    return rows;
  }
};

ExternalPeersOptions bound(std::size_t peers, PeerGrouping grouping = PeerGrouping::all) {
  ExternalPeersOptions options;
  options.max_peers = peers;
  options.grouping = grouping;
  return options;
}

}  // namespace

TEST_CASE("external peers: up to the bound each by itself, with one more one row for all") {
  Fixture at_bound{bound(20)};
  at_bound.add(Fixture::clients(0, 20));
  CHECK(at_bound.rows().size() == 20);

  Fixture past{bound(20)};
  past.add(Fixture::clients(0, 21));
  // Until the window closes, each is shown; then that is taken back.
  CHECK(past.resolver.flush(kNoon + 36s).dependencies.size() == 21);
  const auto rows = past.rows();
  REQUIRE(rows.size() == 1);
  const DependencyRow& row = rows.at("external");
  CHECK(row.totals.flows == 21);
  CHECK(row.totals.octets_to_server == 21 * 100 + 210);
  CHECK(row.client_count >= 18);
  CHECK(row.client_count <= 25);
  CHECK_FALSE(row.provisional);
  CHECK(past.resolver.graph().counters().assets == 2);
  CHECK(past.resolver.external_peers_counters().services_collapsed == 1);
}

TEST_CASE("external peers: internal clients are never put together, nor are few external ones") {
  Fixture f{bound(3)};
  std::vector<FlowRecord> flows = Fixture::clients(0, 3);
  for (std::uint32_t i = 0; i < 10; ++i) {
    Flow inner = tcp("10.0.5.1", 40'000, "10.0.0.1", 443).begun_by(Initiator::source);
    inner.source_address = IpAddress::v4(0x0a00'0500u + i);
    flows.push_back(inner);
  }
  f.add(flows);
  CHECK(f.rows().size() == 13);
}

TEST_CASE("external peers: by prefix, by AS, by country") {
  Fixture by_prefix{bound(20, PeerGrouping::prefix)};
  by_prefix.add(Fixture::clients(0, 600));
  const auto prefixes = by_prefix.rows();
  REQUIRE(prefixes.size() == 3);
  CHECK(prefixes.at("198.51.100.0/24").totals.flows == 256);
  CHECK(prefixes.at("198.51.102.0/24").totals.flows == 600 - 512);

  Fixture by_as{bound(20, PeerGrouping::as_number)};
  by_as.add(Fixture::clients(0, 30));
  const auto systems = by_as.rows();
  REQUIRE(systems.size() == 3);
  CHECK(systems.at("AS64501").totals.flows == 10);

  Fixture by_country{bound(2, PeerGrouping::country)};
  Fact fact;
  fact.subject.address = IpAddress::v4(0xc633'6401u);
  fact.attribute = "country";
  fact.value = "NZ";
  by_country.resolver.add(std::vector{fact});
  by_country.add(Fixture::clients(0, 5));
  const auto countries = by_country.rows();
  REQUIRE(countries.size() == 2);
  CHECK(countries.at("NZ").totals.flows == 1);
  CHECK(countries.at("country unknown").totals.flows == 4);
}

TEST_CASE("external peers: a table tells what neither flows nor facts do, asked once an address") {
  for (const PeerGrouping grouping : {PeerGrouping::country, PeerGrouping::as_number}) {
    CAPTURE(std::string(to_string(grouping)));
    std::map<IpAddress, int> asked;
    ExternalPeersOptions options = bound(2, grouping);
    options.origin_of = [&](const IpAddress& address) {
      ++asked[address];
      return address == IpAddress::v4(0xc633'6400u) ? PeerOrigin{} : PeerOrigin{64'999, "DE"};
    };
    Fixture f{options};
    Fact fact;
    fact.subject.address = IpAddress::v4(0xc633'6401u);
    fact.attribute = grouping == PeerGrouping::country ? "country" : "as_number";
    fact.value = grouping == PeerGrouping::country ? "NZ" : "64400";
    f.resolver.add(std::vector{fact});
    std::vector<FlowRecord> flows = Fixture::clients(0, 5);
    for (FlowRecord& flow : flows) {
      flow.present &= ~static_cast<std::uint32_t>(FlowField::source_as);
      flow.present &= ~static_cast<std::uint32_t>(FlowField::destination_as);
    }
    f.add(flows);
    const auto groups = f.rows();
    REQUIRE(groups.size() == 3);
    const bool by_country = grouping == PeerGrouping::country;
    CHECK(groups.at(by_country ? "DE" : "AS64999").totals.flows == 3);
    CHECK(groups.at(by_country ? "NZ" : "AS64400").totals.flows == 1);
    CHECK(groups.at(by_country ? "country unknown" : "AS unknown").totals.flows == 1);
    CHECK(asked.size() == 5);
    for (const auto& [address, times] : asked) CHECK(times == 1);
  }
}

TEST_CASE(
    "external peers: what flows tell of AS numbers is used where windows close in parts, too") {
  Fixture f{bound(20, PeerGrouping::as_number)};
  f.add(Fixture::clients(0, 30));
  FlushedSummaries summaries;
  for (const auto later : {20min, 21min}) {
    f.resolver.summarize_in_parts(kNoon + later, summaries);
    (void)f.resolver.apply(summaries);
    while (f.resolver.go_on_closing(10)) {
    }
  }
  CHECK(f.rows().size() == 3);
}

TEST_CASE("external peers: those of all services together are bounded") {
  ExternalPeersOptions options = bound(100);
  options.max_known_peers = 50;
  Fixture f{options};
  auto flows = Fixture::clients(0, 40);
  for (FlowRecord flow : Fixture::clients(0, 40)) {
    flow.destination_port = 8443;
    flows.push_back(flow);
  }
  f.add(flows);
  const auto rows = f.rows();
  CHECK(rows.size() == 41);
  CHECK(rows.at("external").totals.flows == 40);
  CHECK(f.resolver.external_peers_counters().known_peers == 40);
}

TEST_CASE("external peers: too many groups are one") {
  ExternalPeersOptions options = bound(20, PeerGrouping::prefix);
  options.max_groups = 2;
  Fixture f{options};
  f.add(Fixture::clients(0, 600));
  CHECK(f.rows().contains("external"));
  CHECK(f.rows().size() == 1);
}

TEST_CASE("external peers: external servers of one client, too") {
  Fixture f{bound(5)};
  std::vector<FlowRecord> flows;
  for (std::uint32_t i = 0; i < 40; ++i) {
    Flow out = tcp("10.0.0.1", 40'000, "198.51.100.0", 443).begun_by(Initiator::source);
    out.destination_address = IpAddress::v4(0xc633'6400u + i);
    flows.push_back(out);
  }
  f.add(flows);
  (void)f.resolver.flush(kNoon + 1h);
  const auto rows = f.resolver.graph().copy().dependencies;
  REQUIRE(rows.size() == 1);
  CHECK(peer_group(rows[0].key.server.address) == PeerGroup{});
  CHECK(rows[0].totals.flows == 40);
}

TEST_CASE("external peers: neither the order of arrival nor that of flushes shows") {
  const auto map_of = [](bool backwards, bool flushes) {
    Fixture f{bound(40, PeerGrouping::prefix)};
    for (const std::chrono::seconds later : {0s, 300s, 600s}) {
      auto flows = Fixture::clients(0, later == 0s ? 30 : 50, later);
      if (backwards) std::reverse(flows.begin(), flows.end());
      for (auto from = flows.begin(); from != flows.end(); from += 10) {
        f.add({from, from + 10}, later);
        if (flushes) (void)f.resolver.flush(kNoon + 35s + later);
      }
    }
    std::map<std::string, std::uint64_t> map;
    for (const auto& [name, row] : f.rows()) map[name] = row.totals.flows;
    return map;
  };
  const auto expected = map_of(false, false);
  // The first window shows each of its 30; from the second on they are in groups.
  CHECK(expected.size() == 31);
  CHECK(expected.at("198.51.100.0/24") == 100);
  CHECK(map_of(true, false) == expected);
  CHECK(map_of(false, true) == expected);
  CHECK(map_of(true, true) == expected);
}

TEST_CASE("external peers: what was in groups before a restart stays so") {
  Fixture before{bound(20)};
  before.add(Fixture::clients(0, 50));
  REQUIRE(before.rows().size() == 1);
  Resolver after{Fixture::with(bound(20))};
  after.graph().apply(before.resolver.graph().copy());
  after.begin(Epoch{2}, 100);
  after.add(Fixture::clients(0, 5, 7200s), kNoon + 7235s);
  (void)after.flush(kNoon + 3h);
  const auto rows = after.graph().copy().dependencies;
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].totals.flows == 55);
  CHECK(rows[0].client_count >= 40);
}

TEST_CASE("external peers: the address of a group, and back") {
  const PeerGroup groups[] = {{},
                              {PeerGrouping::as_number, 4'200'000'000u, 0},
                              {PeerGrouping::country, 'N' << 8 | 'Z', 0},
                              {PeerGrouping::prefix, 0xcb00'7100u, 96 + 24},
                              {PeerGrouping::prefix, 0x2001'0db8'0001u, 48}};
  const char* texts[] = {"external", "AS4200000000", "NZ", "203.0.113.0/24", "2001:db8:1::/48"};
  for (std::size_t i = 0; i < std::size(groups); ++i) {
    CHECK(groups[i].to_string() == texts[i]);
    CHECK(peer_group(groups[i].address()) == groups[i]);
  }
  for (const char* text : {"::", "100::", "100:0:0:1::1", "10.0.0.1", "2001:db8::1"}) {
    CHECK_FALSE(peer_group(address(text)).has_value());
  }
  CHECK_THROWS_AS(ExternalPeers(ExternalPeersOptions{1, PeerGrouping::all, 33}), ConfigError);
}
