#include "flowlens/dns_lookup.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "flowlens/error.hpp"
#include "support/dns_server.hpp"

using namespace flowlens;
using namespace std::chrono_literals;
namespace dns = flowlens::test::dns;
using std::chrono::steady_clock;

namespace {

Endpoint at(const std::string& text, std::uint16_t site = 0) {
  return {SiteId{site}, IpAddress::parse(text).value()};
}

/// What was told, in the order of its coming.
class Told {
 public:
  DnsLookup::Tell tell() {
    return [this](const DnsAnswer& answer) {
      const std::lock_guard lock(mutex_);
      answers_.push_back(answer);
      came_.notify_all();
    };
  }
  /// \return fewer if they do not come in 10 s.
  std::vector<DnsAnswer> wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, 10s, [&] { return answers_.size() >= count; });
    return answers_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<DnsAnswer> answers_;
};

/// A server that knows names, and says of all else that there is nothing.
struct Zone {
  std::multimap<std::string, std::string> records;  ///< by owner
  std::string text_of(const dns::Query& q) const {
    dns::Sections sections;
    for (auto [from, to] = records.equal_range(q.name); from != to; ++from) {
      sections.answer.push_back(from->second);
    }
    const bool is_there = !sections.answer.empty();
    if (!is_there) sections.authority.push_back(dns::soa("example", 120, 120));
    return dns::message(q, is_there ? dns::kNoError : dns::kNxDomain, sections);
  }
  dns::Server::Answer answer() const {
    return [zone = *this](const dns::Query& q) -> std::vector<std::string> {
      return {zone.text_of(q)};
    };
  }
  Zone& name(const char* address, const std::string& owner, const std::string& name,
             std::uint32_t ttl = 600) {
    records.emplace(owner, dns::ptr(owner, name, ttl));
    records.emplace(name, dns::a(name, address, ttl));
    return *this;
  }
};

DnsOptions asking(const std::string& server, std::chrono::milliseconds timeout = 5s) {
  DnsOptions o;
  o.servers = {server};
  o.timeout = timeout;
  return o;
}

DnsAnswer answer_of(const dns::Server::Answer& says, const std::string& address) {
  dns::Server server{says};
  Told told;
  DnsLookup lookup{asking(server.address()), told.tell()};
  REQUIRE(lookup.ask(at(address)));
  const auto answers = told.wait(1);
  REQUIRE(answers.size() == 1);
  return answers[0];
}

std::size_t count_of(const dns::Server& server, const std::string& name) {
  const auto asked = server.asked();
  return static_cast<std::size_t>(std::count_if(
      asked.begin(), asked.end(), [&](const dns::Query& q) { return q.name == name; }));
}

}  // namespace

TEST_CASE("dns: host names, and what is none") {
  const std::string label63(63, 'a');
  for (const std::string& good :
       {std::string("web.example.com"), std::string("WEB-1"), std::string("3com.com"),
        std::string("a_b.example"), label63 + ".example", std::string("xn--bcher-kva.example"),
        label63 + '.' + label63 + '.' + label63 + '.' + std::string(61, 'b')}) {
    CAPTURE(good);
    CHECK(is_host_name(good));
  }
  const std::string with_nul("web\0.example", 12);
  for (const std::string& bad :
       {std::string(),
        std::string("."),
        std::string("web."),
        std::string(".web"),
        std::string("web..example"),
        std::string("-web.example"),
        std::string("web-.example"),
        std::string("web example"),
        std::string("<script>alert(1)</script>"),
        std::string("a\"b.example"),
        std::string("web\n.example"),
        std::string("web\x1b[31m"),
        std::string("web\x7f.example"),
        std::string("b\xc3\xbc"
                    "cher.example"),
        std::string("\xff\xfe"),
        std::string("..\\..\\etc"),
        std::string("a/b"),
        std::string("10.1.2.3"),
        std::string("2130706433"),
        std::string("*.example"),
        std::string("a:b"),
        std::string("$(id).example"),
        label63 + "a.example",
        with_nul,
        label63 + '.' + label63 + '.' + label63 + '.' + std::string(62, 'b')}) {
    CAPTURE(bad);
    CHECK_FALSE(is_host_name(bad));
  }
  for (int c = 0; c < 256; ++c) {
    CAPTURE(c);
    const bool is_fit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    CHECK(is_host_name(std::string("a") + static_cast<char>(c) + "a.example") == is_fit);
  }
}

TEST_CASE("dns: a name that has the address is confirmed, and becomes a fact") {
  const Zone zone = Zone{}.name("203.0.113.9", "9.113.0.203.in-addr.arpa", "Web.Example", 600);
  Zone lower = zone;
  lower.records.emplace("web.example", dns::a("web.example", "203.0.113.9", 400));
  const DnsAnswer answer = answer_of(lower.answer(), "203.0.113.9");
  CHECK(answer.result == DnsResult::confirmed);
  CHECK(answer.name == "web.example");
  CHECK(answer.expires - answer.at == 400s);
  CHECK(answer.ask_again - answer.at == 300s);
  const auto facts = dns_facts(answer);
  REQUIRE(facts.size() == 1);
  Fact expected{at("203.0.113.9"), "name",    "web.example",
                FactSource::dns,   answer.at, answer.expires};
  expected.origin = "dns";
  CHECK(facts[0] == expected);
}

TEST_CASE("dns: IPv6") {
  const std::string owner =
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
  Zone zone;
  zone.records.emplace(owner, dns::ptr(owner, "six.example"));
  zone.records.emplace("six.example", dns::aaaa("six.example", "2001:db8::1"));
  const DnsAnswer answer = answer_of(zone.answer(), "2001:db8::1");
  CHECK(answer.result == DnsResult::confirmed);
  CHECK(answer.name == "six.example");
}

TEST_CASE("dns: a name that has other addresses, or none, is not the asset's") {
  const std::string owner = "9.113.0.203.in-addr.arpa";
  Zone zone;
  zone.records.emplace(owner, dns::ptr(owner, "bank.example"));
  for (const bool has_other : {false, true}) {
    CAPTURE(has_other);
    if (has_other) zone.records.emplace("bank.example", dns::a("bank.example", "198.51.100.1"));
    const DnsAnswer answer = answer_of(zone.answer(), "203.0.113.9");
    CHECK(answer.result == DnsResult::unconfirmed);
    CHECK(answer.name == "bank.example");
    const auto facts = dns_facts(answer);
    REQUIRE(facts.size() == 1);
    CHECK(facts[0].attribute == "dns.unconfirmed_name");
  }
}

TEST_CASE("dns: of several names the first by the alphabet that has the address") {
  const std::string owner = "9.113.0.203.in-addr.arpa";
  Zone zone =
      Zone{}.name("203.0.113.9", owner, "c.example").name("203.0.113.9", owner, "b.example");
  zone.records.emplace(owner, dns::ptr(owner, "a.example"));  // has no address
  CHECK(answer_of(zone.answer(), "203.0.113.9").name == "b.example");
}

TEST_CASE("dns: no name, for as long as the server says") {
  const DnsAnswer answer = answer_of(Zone{}.answer(), "203.0.113.9");
  CHECK(answer.result == DnsResult::no_name);
  CHECK(answer.name.empty());
  CHECK(answer.ask_again - answer.at == 120s);
  CHECK(dns_facts(answer).empty());
}

TEST_CASE("dns: hostile names are refused") {
  const std::string owner = "9.113.0.203.in-addr.arpa";
  for (const std::string& name :
       {std::string("<img src=x onerror=alert(1)>"), std::string("web\x1b[2J.example"),
        std::string("10.0.0.1"), std::string("a b"), std::string("b\xc3\xbc")}) {
    CAPTURE(name);
    Zone zone;
    zone.records.emplace(owner, dns::ptr(owner, name));
    const DnsAnswer answer = answer_of(zone.answer(), "203.0.113.9");
    CHECK(answer.result == DnsResult::bad_name);
    CHECK(answer.name.empty());
    CHECK(dns_facts(answer).empty());
  }
}

TEST_CASE("dns: a zone delegated by CNAME (RFC 2317), and one that leads nowhere") {
  const std::string owner = "9.113.0.203.in-addr.arpa";
  const std::string there = "9.0-25.113.0.203.in-addr.arpa";
  Zone zone;
  zone.records.emplace(owner, dns::cname(owner, there));
  zone.records.emplace(owner, dns::ptr(there, "web.example"));
  zone.records.emplace("web.example", dns::a("web.example", "203.0.113.9"));
  CHECK(answer_of(zone.answer(), "203.0.113.9").name == "web.example");

  Zone loop;
  loop.records.emplace(owner, dns::cname(owner, owner));
  CHECK(answer_of(loop.answer(), "203.0.113.9").result == DnsResult::bad_answer);
}

TEST_CASE("dns: answers that are another question's do not count") {
  const Zone truth = Zone{}.name("203.0.113.9", "9.113.0.203.in-addr.arpa", "true.example");
  const auto lies = [&](const dns::Query& q) -> std::vector<std::string> {
    if (q.type != dns::kPtr) return {truth.text_of(q)};
    const dns::Sections lie{
        {dns::ptr(q.name, "lie.example"), dns::a("lie.example", "203.0.113.9")}};
    dns::Query other_id = q;
    other_id.id = static_cast<std::uint16_t>(q.id + 1);
    dns::Query other_name = q;
    other_name.name = "8.113.0.203.in-addr.arpa";
    dns::Query other_type = q;
    other_type.type = dns::kA;
    return {dns::message(other_id, 0, lie), dns::message(other_name, 0, lie),
            dns::message(other_type, 0, lie), std::string("\x00\x01", 2), truth.text_of(q)};
  };
  const DnsAnswer answer = answer_of(lies, "203.0.113.9");
  CHECK(answer.result == DnsResult::confirmed);
  CHECK(answer.name == "true.example");
}

TEST_CASE("dns: what is said of other addresses along with an answer is not kept") {
  Zone truth = Zone{}
                   .name("203.0.113.9", "9.113.0.203.in-addr.arpa", "nine.example")
                   .name("203.0.113.8", "8.113.0.203.in-addr.arpa", "eight.example");
  dns::Server server{[&](const dns::Query& q) -> std::vector<std::string> {
    if (q.name != "9.113.0.203.in-addr.arpa") return {truth.text_of(q)};
    const std::string other = "8.113.0.203.in-addr.arpa";
    dns::Sections all{{dns::ptr(other, "poison.example"), dns::ptr(q.name, "nine.example")},
                      {dns::ptr(other, "poison.example")},
                      {dns::ptr(other, "poison.example"), dns::a("poison.example", "203.0.113.8"),
                       dns::a("eight.example", "192.0.2.66")}};
    return {dns::message(q, 0, all)};
  }};
  Told told;
  DnsLookup lookup{asking(server.address()), told.tell()};
  lookup.ask(at("203.0.113.9"));
  REQUIRE(told.wait(1).size() == 1);
  lookup.ask(at("203.0.113.8"));
  const auto answers = told.wait(2);
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].name == "nine.example");
  CHECK(answers[1].name == "eight.example");
  CHECK(answers[1].result == DnsResult::confirmed);
  CHECK(count_of(server, "8.113.0.203.in-addr.arpa") == 1);
  CHECK(lookup.counters().cached == 2);
}

TEST_CASE("dns: the second to ask is answered from memory, and until the time comes") {
  const Zone zone = Zone{}.name("203.0.113.9", "9.113.0.203.in-addr.arpa", "web.example", 1);
  dns::Server server{zone.answer()};
  Told told;
  DnsOptions o = asking(server.address());
  o.shortest_ttl = 2s;  // long enough for a busy machine to ask twice meanwhile
  o.longest_negative_ttl = 2s;
  DnsLookup lookup{o, told.tell()};
  lookup.ask(at("203.0.113.9"));
  lookup.ask(at("203.0.113.7"));
  // Whoever has no name is told first, mostly.
  auto answers = told.wait(2);
  REQUIRE(answers.size() == 2);
  const bool is_named_first = answers[0].result == DnsResult::confirmed;
  const DnsAnswer named = answers[is_named_first ? 0 : 1];
  const Timestamp both_due = std::max(answers[0].ask_again, answers[1].ask_again);
  lookup.ask(at("203.0.113.9", 3));
  lookup.ask(at("203.0.113.7"));
  answers = told.wait(4);
  REQUIRE(answers.size() == 4);
  CHECK(answers[2].subject == at("203.0.113.9", 3));
  CHECK(answers[2].name == "web.example");
  CHECK(answers[2].at == named.at);
  CHECK(count_of(server, "9.113.0.203.in-addr.arpa") == 1);
  CHECK(count_of(server, "7.113.0.203.in-addr.arpa") == 1);
  CHECK(lookup.counters().from_cache == 2);

  std::this_thread::sleep_until(std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          (both_due + 20ms).time_since_epoch())));
  lookup.ask(at("203.0.113.9"));
  lookup.ask(at("203.0.113.7"));
  answers = told.wait(6);
  REQUIRE(answers.size() == 6);
  CHECK(count_of(server, "9.113.0.203.in-addr.arpa") == 2);
  CHECK(count_of(server, "7.113.0.203.in-addr.arpa") == 2);
  CHECK(answers[4].at > both_due);
}

TEST_CASE("dns: equal questions are one; cache, queue and concurrency have their bounds") {
  std::mutex mutex;
  std::condition_variable may_answer;
  bool is_open = false;
  dns::Server server{[&](const dns::Query& q) -> std::vector<std::string> {
    std::unique_lock lock(mutex);
    may_answer.wait_for(lock, 5s, [&] { return is_open; });
    return {Zone{}.text_of(q)};
  }};
  Told told;
  DnsOptions o = asking(server.address());
  o.max_concurrent = 2;
  o.max_waiting = 5;
  o.cache_size = 2;
  DnsLookup lookup{o, told.tell()};
  CHECK(lookup.ask(at("203.0.113.1")));
  CHECK(lookup.ask(at("203.0.113.1", 1)));
  CHECK(lookup.ask(at("203.0.113.1", 2)));
  CHECK(lookup.ask(at("203.0.113.2")));
  CHECK(lookup.ask(at("203.0.113.3")));
  CHECK_FALSE(lookup.ask(at("203.0.113.4")));
  const auto deadline = steady_clock::now() + 5s;
  while (lookup.counters().queries < 2 && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
  }
  std::this_thread::sleep_for(50ms);
  DnsCounters counters = lookup.counters();
  CHECK(counters.asked == 5);
  CHECK(counters.refused == 1);
  CHECK(counters.waiting == 5);
  CHECK(counters.under_way == 2);
  CHECK(counters.queries == 2);
  CHECK(counters.shared == 2);
  {
    const std::lock_guard lock(mutex);
    is_open = true;
  }
  may_answer.notify_all();
  const auto answers = told.wait(5);
  REQUIRE(answers.size() == 5);
  CHECK(count_of(server, "1.113.0.203.in-addr.arpa") == 1);
  std::set<Endpoint> subjects;
  for (const DnsAnswer& answer : answers) subjects.insert(answer.subject);
  CHECK(subjects.size() == 5);
  counters = lookup.counters();
  CHECK(counters.waiting == 0);
  CHECK(counters.under_way == 0);
  CHECK(counters.cached == 2);
  CHECK(counters.evicted == 1);
  CHECK(counters.results[static_cast<std::size_t>(DnsResult::no_name)] == 3);
  CHECK(lookup.ask(at("203.0.113.4")));
}

TEST_CASE("dns: a silent server is given up, and says why") {
  dns::Server server{[](const dns::Query&) { return std::vector<std::string>{}; }};
  Told told;
  DnsOptions o = asking(server.address(), 50ms);
  DnsLookup lookup{o, told.tell()};
  const auto began = steady_clock::now();
  for (int i = 1; i <= 20; ++i) lookup.ask(at("203.0.113." + std::to_string(i)));
  const auto answers = told.wait(20);
  REQUIRE(answers.size() == 20);
  for (const DnsAnswer& answer : answers) {
    CHECK(answer.result == DnsResult::timed_out);
    CHECK(answer.ask_again - answer.at == 300s);
    CHECK(dns_facts(answer).empty());
  }
  CHECK(steady_clock::now() - began > 140ms);
  CHECK(lookup.counters().failures_in_a_row == 20);
  CHECK(lookup.last_problem().find("timed_out, asking for 203.0.113.") == 0);
  CHECK(lookup.last_problem().find(server.address()) != std::string::npos);
  CHECK(count_of(server, "1.113.0.203.in-addr.arpa") == 2);
}

TEST_CASE("dns: it stops at once, whoever waits") {
  dns::Server server{[](const dns::Query&) { return std::vector<std::string>{}; }};
  Told told;
  DnsLookup lookup{asking(server.address(), 30s), told.tell()};
  for (int i = 1; i <= 200; ++i) lookup.ask(at("203.0.113." + std::to_string(i)));
  std::this_thread::sleep_for(50ms);
  const auto began = steady_clock::now();
  lookup.stop();
  CHECK(steady_clock::now() - began < 2s);
  CHECK(told.wait(0).empty());
  CHECK_FALSE(lookup.ask(at("203.0.113.1")));
}

TEST_CASE("dns: a dead server, one that fails, and one that refuses") {
  std::string dead;
  {
    const dns::Server gone{[](const dns::Query&) { return std::vector<std::string>{}; }};
    dead = gone.address();
  }
  Told told;
  DnsLookup lookup{asking(dead, 200ms), told.tell()};
  for (int i = 1; i <= 150; ++i) lookup.ask(at("203.0.113." + std::to_string(i)));
  const auto answers = told.wait(150);
  REQUIRE(answers.size() == 150);
  for (const DnsAnswer& answer : answers) CHECK(answer.result == DnsResult::unreachable);
  CHECK(lookup.last_problem().find("unreachable") == 0);

  for (const int rcode : {dns::kServFail, dns::kRefused}) {
    CAPTURE(rcode);
    const auto fails = [rcode](const dns::Query& q) -> std::vector<std::string> {
      return {dns::message(q, rcode, {})};
    };
    CHECK(answer_of(fails, "203.0.113.9").result == DnsResult::server_failed);
  }
}

TEST_CASE("dns: when the first server is dead or fails, the next one is asked") {
  const Zone zone = Zone{}.name("203.0.113.9", "9.113.0.203.in-addr.arpa", "web.example");
  dns::Server live{zone.answer()};
  dns::Server failing{[](const dns::Query& q) -> std::vector<std::string> {
    return {dns::message(q, dns::kServFail, {})};
  }};
  std::string dead;
  {
    const dns::Server gone{[](const dns::Query&) { return std::vector<std::string>{}; }};
    dead = gone.address();
  }
  for (const std::string& first : {dead, failing.address()}) {
    CAPTURE(first);
    DnsOptions o = asking(first, 200ms);
    o.servers.push_back(live.address());
    Told told;
    DnsLookup lookup{o, told.tell()};
    lookup.ask(at("203.0.113.9"));
    const auto answers = told.wait(1);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].name == "web.example");
  }
}

TEST_CASE("dns: a failure takes nothing back, and is not an answer") {
  std::atomic<bool> fails{false};
  const Zone zone = Zone{}.name("203.0.113.9", "9.113.0.203.in-addr.arpa", "web.example");
  dns::Server server{[&](const dns::Query& q) -> std::vector<std::string> {
    // The address has a name, but who has the name cannot be asked.
    if (fails && q.type == dns::kA) return {dns::message(q, dns::kServFail, {})};
    return {zone.text_of(q)};
  }};
  fails = true;
  Told told;
  DnsLookup lookup{asking(server.address()), told.tell()};
  lookup.ask(at("203.0.113.9"));
  const auto answers = told.wait(1);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].result == DnsResult::server_failed);
  CHECK(answers[0].name.empty());
}

TEST_CASE("dns: servers that are none are refused") {
  const auto refusal = [](const std::string& server) {
    try {
      DnsLookup lookup{asking(server), [](const DnsAnswer&) {}};
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("taken");
  };
  for (const char* good : {"127.0.0.1", "127.0.0.1:5353", "::1", "[::1]", "[::1]:5353"}) {
    CAPTURE(std::string(good));
    CHECK(refusal(good) == "taken");
  }
  for (const char* bad : {"", "dns.example", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
                          "127.0.0.1:53x", "[::1", "[::1]x", "[::1]:", "127.0.0.1,::1", " ::1"}) {
    CAPTURE(std::string(bad));
    CHECK(refusal(bad).find("is no DNS server; give an address such as 192.0.2.1") !=
          std::string::npos);
  }
  DnsOptions o;
  o.max_concurrent = 0;
  CHECK_THROWS_AS((DnsLookup{o, [](const DnsAnswer&) {}}), ConfigError);
}
