#include "lookups/dns_asking.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "flowlens/error.hpp"
#include "support/dns_server.hpp"

using namespace flowlensd;
using namespace std::chrono_literals;
namespace dns = flowlens::test::dns;

namespace {

Endpoint at(const char* text) { return {{}, IpAddress::parse(text).value()}; }

/// A map, a server that knows who is who, and what was told of it.
struct Asking {
  explicit Asking(std::size_t max_endpoints = 100, bool external = true) {
    DnsAskingOptions o;
    o.dns.servers = {server.address()};
    o.dns.shortest_ttl = 1s;
    o.dns.longest_ttl = 1s;
    o.dns.longest_negative_ttl = 1s;
    o.external = external;
    o.max_endpoints = max_endpoints;
    asking = std::make_unique<DnsAsking>(
        o, graph,
        [this](std::span<const Fact> facts) {
          graph.apply(facts);
          const std::lock_guard lock(mutex);
          told.insert(told.end(), facts.begin(), facts.end());
        },
        [](const std::string& why) { FAIL_CHECK(why); });
  }

  Id declare(const char* address, bool is_internal = true) {
    const Endpoint endpoint = at(address);
    Annotation said;
    said.is_declared = true;
    said.said_at = Timestamp{1'700'000'000s};
    said.said_by = "a test";
    const auto id = graph.declare_asset({&endpoint, 1}, is_internal, said);
    REQUIRE(id);
    return *id;
  }
  void follow() {
    asking->follow(graph.take_revision(++revision, Epoch{1}, std::chrono::system_clock::now()));
  }
  std::string name_of(const char* address) const {
    const auto row = graph.asset_of(at(address));
    return row ? row->name : "gone";
  }
  bool wait(const std::function<bool()>& is_so) const {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!is_so() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(10ms);
    }
    return is_so();
  }
  std::vector<Fact> told_of(const char* address) const {
    const std::lock_guard lock(mutex);
    std::vector<Fact> found;
    std::copy_if(told.begin(), told.end(), std::back_inserter(found),
                 [&](const Fact& f) { return f.subject == at(address); });
    return found;
  }

  std::atomic<bool> has_name{true}, is_true{true}, fails{false};
  dns::Server server{[this](const dns::Query& q) -> std::vector<std::string> {
    if (fails) return {dns::message(q, dns::kServFail, {})};
    if (q.type == dns::kPtr && !has_name) return {dns::message(q, dns::kNxDomain, {})};
    if (q.type == dns::kPtr) {
      return {dns::message(q, 0, {{dns::ptr(q.name, "h" + q.name.substr(0, q.name.find('.')))}})};
    }
    const std::string address = "10.0.0." + q.name.substr(1);
    return {dns::message(q, 0, {{dns::a(q.name, is_true ? address.c_str() : "192.0.2.1")}})};
  }};
  DependencyGraph graph;
  std::uint64_t revision = 0;
  mutable std::mutex mutex;
  std::vector<Fact> told;
  std::unique_ptr<DnsAsking> asking;
};

}  // namespace

TEST_CASE("dns asking: what is in the map already, and what comes, gets its name") {
  Asking a;
  a.declare("10.0.0.1");
  a.asking->start();
  CHECK(a.wait([&] { return a.name_of("10.0.0.1") == "h1"; }));
  a.declare("10.0.0.2");
  a.follow();
  CHECK(a.wait([&] { return a.name_of("10.0.0.2") == "h2"; }));
  const Fact fact = a.told_of("10.0.0.2").front();
  CHECK(fact.source == FactSource::dns);
  CHECK(fact.origin == "dns");
  CHECK(fact.expires == fact.at + 1s);
  CHECK(a.asking->view().endpoints == 2);
}

TEST_CASE(
    "dns asking: a name is asked for again before it expires, and taken back when it has gone") {
  Asking a;
  a.declare("10.0.0.1");
  a.asking->start();
  REQUIRE(a.wait([&] { return a.told_of("10.0.0.1").size() >= 2; }));
  auto told = a.told_of("10.0.0.1");
  CHECK(told[0].attribute == "name");
  CHECK(told[1].value == "h1");
  // Looked for every half second, it may be late by that here; names live for a minute at least.
  CHECK(told[1].at < *told[0].expires + 600ms);

  a.fails = true;
  const auto failed = [&] { return a.asking->view().dns.failures_in_a_row > 0; };
  REQUIRE(a.wait(failed));
  CHECK(a.name_of("10.0.0.1") == "h1");
  CHECK(std::string(a.asking->status().state()) == "failing");
  CHECK(a.asking->status().last_error.starts_with("server_failed"));
  CHECK(a.asking->status().facts == 1);
  a.fails = false;

  a.is_true = false;
  REQUIRE(a.wait([&] { return a.told_of("10.0.0.1").back().attribute == "dns.unconfirmed_name"; }));
  told = a.told_of("10.0.0.1");
  const Fact& over = told[told.size() - 2];
  CHECK(over.attribute == "name");
  CHECK(over.value.empty());
  CHECK(over.origin == "dns");

  a.has_name = false;
  REQUIRE(a.wait([&] { return a.told_of("10.0.0.1").back().value.empty(); }));
  CHECK(a.told_of("10.0.0.1").back().attribute == "dns.unconfirmed_name");
  CHECK(a.asking->status().facts == 0);
}

TEST_CASE("dns asking: nobody is asked about what has no name, nor about externals if not wanted") {
  for (const bool external : {true, false}) {
    CAPTURE(external);
    Asking a{100, external};
    for (const char* nameless :
         {"224.0.0.251", "127.0.0.1", "169.254.1.1", "255.255.255.255", "ff02::1", "fe80::1"}) {
      a.declare(nameless);
    }
    a.declare("198.51.100.7", false);
    a.declare("10.0.0.1");
    a.asking->start();
    REQUIRE(a.wait([&] { return a.name_of("10.0.0.1") == "h1"; }));
    REQUIRE(a.wait([&] { return a.asking->view().dns.waiting == 0; }));
    const auto asked = a.server.asked();
    const auto is_external = [](const dns::Query& q) {
      return q.name == "7.100.51.198.in-addr.arpa";
    };
    CHECK(std::any_of(asked.begin(), asked.end(), is_external) == external);
    CHECK(a.asking->view().endpoints == (external ? 2 : 1));
  }
}

TEST_CASE("dns asking: past the bound endpoints are left out, until others have gone") {
  Asking a{2};
  const Id first = a.declare("10.0.0.1");
  a.declare("10.0.0.2");
  a.follow();
  a.declare("10.0.0.3");
  a.follow();
  CHECK(a.asking->view().endpoints == 2);
  CHECK(a.asking->view().left_out == 1);
  REQUIRE(a.graph.remove_asset(first, Timestamp{1'700'000'001s}, "a test"));
  a.asking->start();
  REQUIRE(a.wait([&] { return a.asking->view().endpoints == 1; }));
  a.asking->follow(a.graph.copy());
  CHECK(a.wait([&] { return a.name_of("10.0.0.3") == "h3"; }));
  const auto asked = a.server.asked();
  CHECK(std::none_of(asked.begin(), asked.end(),
                     [](const dns::Query& q) { return q.name == "1.0.0.10.in-addr.arpa"; }));
}

TEST_CASE("dns asking: what the settings mean") {
  Settings s;
  DnsAskingOptions o = dns_asking_options(s);
  CHECK(o.dns.servers.empty());
  CHECK(o.dns.timeout == 2s);
  CHECK(o.dns.longest_ttl == 1h);
  CHECK(o.dns.cache_size == 10'000);
  s.dns_servers = "192.0.2.1, 192.0.2.2:5353,[2001:db8::1]:53";
  s.cache_max_entries = 500;
  s.dns_timeout_ms = 250;
  o = dns_asking_options(s);
  CHECK(o.dns.servers ==
        std::vector<std::string>{"192.0.2.1", "192.0.2.2:5353", "[2001:db8::1]:53"});
  CHECK(o.dns.cache_size == 500);
  CHECK(o.max_endpoints == 500);
  CHECK(o.dns.timeout == 250ms);
  s.dns_servers = "resolver.example";
  try {
    static_cast<void>(dns_asking_options(s));
    FAIL_CHECK("taken");
  } catch (const ConfigError& e) {
    CHECK(std::string(e.what()).starts_with(
        "enrichment.dns.resolver (ENRICHMENT_DNS_SERVERS): `resolver.example` is no DNS server"));
  }
}
