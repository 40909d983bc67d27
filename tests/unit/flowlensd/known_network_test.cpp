#include <doctest/doctest.h>

#include <string>

#include "config/known_network.hpp"
#include "flowlens/error.hpp"
#include "support/flows.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using flowlens::testing::address;
using flowlens::testing::kNoon;
using flowlens::testing::tcp;

namespace {

constexpr const char* kTable =
    "kind,addresses,exporters,site,port,protocol,expires\n"
    "# what only we know\n"
    "site,10.0.0.0/8,192.0.2.7,berlin,,,\n"
    "site,10.9.0.0/16,,lab,,,\n"
    "internal,203.0.113.0/24,,,,,\n"
    "service,10.1.0.0/24,,,50001,tcp,\n"
    "listener,10.9.0.5,,,50002,tcp,2027-01-31T00:00:00Z\n";

std::string refusal(const std::string& row) {
  try {
    (void)parse_known_network("kind,addresses,exporters,site,port,protocol,expires\n" + row,
                              "k.csv");
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "accepted";
}

/// Who serves, where a connection between these two shows nothing of it.
DependencyKey direction_of(const KnownNetwork& known, std::uint16_t client_port, const char* server,
                           std::uint16_t port) {
  ResolverOptions options;
  options.enricher = known.enricher;
  options.aggregator.declared_services = known.services;
  Resolver resolver{options};
  for (const Listener& listener : known.listeners) CHECK(resolver.list(listener));
  const std::vector<FlowRecord> flows = {tcp("10.2.0.1", client_port, server, port),
                                         tcp(server, port, "10.2.0.1", client_port)};
  resolver.add(std::span<const FlowRecord>{flows}, kNoon + std::chrono::seconds{40});
  (void)resolver.finish(kNoon + std::chrono::seconds{50});
  const auto rows = resolver.graph().copy().dependencies;
  REQUIRE(rows.size() == 1);
  return rows[0].key;
}

}  // namespace

TEST_CASE("known network: sites, internal networks, services and listeners") {
  const KnownNetwork known = parse_known_network(kTable, "k.csv");
  const Enricher enricher{known.enricher};
  const auto site = [&](const char* exporter, const char* a) {
    return enricher.sites().name(enricher.endpoint(address(exporter), address(a)).site);
  };
  CHECK(site("192.0.2.7", "10.0.0.1") == "berlin");
  CHECK(site("192.0.2.8", "10.0.0.1") == "default");
  CHECK(site("192.0.2.8", "10.9.0.1") == "lab");
  CHECK(enricher.is_internal(address("203.0.113.9")));
  REQUIRE(known.listeners.size() == 1);
  CHECK(enricher.sites().name(known.listeners[0].endpoint.site) == "lab");
}

TEST_CASE("known network: sites by VRF, its id or its name") {
  const KnownNetwork known = parse_known_network(
      "kind,exporters,vrf,site\n"
      "site,192.0.2.7,12,shop\n"
      "site,,blue,bank\n"
      "site,,name:12,school\n",
      "k.csv");
  const Enricher enricher{known.enricher};
  const auto site = [&](const char* exporter, Vrf vrf) {
    return enricher.sites().name(
        enricher.endpoint(address(exporter), address("10.0.0.1"), vrf).site);
  };
  CHECK(site("192.0.2.7", {12, 0}) == "shop");
  CHECK(site("192.0.2.8", {12, 0}) == "default");
  CHECK(site("192.0.2.8", {3, flowlens::vrf_name_key("blue")}) == "bank");
  CHECK(site("192.0.2.8", {3, flowlens::vrf_name_key("12")}) == "school");
  const auto refused = [](const std::string& row) {
    try {
      (void)parse_known_network("kind,exporters,vrf,site\n" + row, "k.csv");
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  CHECK(
      refused("site,,12,x\n") ==
      "k.csv:2: vrf: each router numbers its own, so the id 12 needs exporters beside it; or give "
      "the VRF's name");
  CHECK(refused("site,192.0.2.7,4294967296,x\n") ==
        "k.csv:2: vrf: `4294967296` is past the largest id, 4294967295; for a name write "
        "`name:4294967296`");
  CHECK(refused("site,,name:,x\n") == "k.csv:2: vrf: the name behind `name:` is missing");
}

TEST_CASE("known network: whoever is said to serve serves, though 443 is at the other end") {
  const KnownNetwork known = parse_known_network(kTable, "k.csv");
  for (const auto& [server, port] :
       {std::pair{"10.1.0.9", 50'001}, std::pair{"10.9.0.5", 50'002}}) {
    CAPTURE(std::string(server));
    const auto p = static_cast<std::uint16_t>(port);
    CHECK(direction_of(known, 443, server, p).server.address == address(server));
    CHECK(direction_of({}, 443, server, p).server.address == address("10.2.0.1"));
  }
}

TEST_CASE("known network: what is refused names the line and what would be right") {
  struct Case {
    const char* row;
    const char* want;
  };
  const Case cases[] = {
      {"host,10.0.0.1,,,,,\n", "k.csv:2: kind: `host` is not valid; give site, internal"},
      {"site,10.0.0.0/8,,,,,\n", "k.csv:2: site: is missing"},
      {"site,,,berlin,,,\n",
       "k.csv:2: a site needs addresses, exporters, a vrf or several of them"},
      {"internal,ten,,,,,\n", "addresses: `ten` is no address or network"},
      {"service,10.0.0.1,,,0,tcp,\n", "port: `0` is not a number from 1 to 65535"},
      {"service,10.0.0.1,,,,tcp,\n", "port: `` is not a number"},
      {"service,10.0.0.1,,,80,ip,\n", "protocol: `ip` is not tcp, udp or a number"},
      {"listener,10.0.0.0/8,,,80,tcp,\n", "`10.0.0.0/8` is not one address"},
      {"listener,10.0.0.1,,,80,,\n", "protocol: is missing"},
      {"listener,10.0.0.1,,,80,tcp,soon\n", "expires: `soon` is no time"},
      {"service,10.0.0.1\n", "k.csv:2: has 2 cells; the first line has 7"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.row));
    const std::string got = refusal(c.row);
    CAPTURE(got);
    CHECK(got.find(c.want) != std::string::npos);
  }
  CHECK_THROWS_AS((void)parse_known_network("kind,colour\n", "k.csv"), ConfigError);
  CHECK_THROWS_AS((void)parse_known_network("port\n", "k.csv"), ConfigError);
  const test::TemporaryFolder folder;
  CHECK_THROWS_AS((void)read_known_network(folder.path.string()), ConfigError);
  CHECK(read_known_network("").listeners.empty());
}
