#include "lookup/dns_message.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>

#include "support/dns_server.hpp"

using namespace flowlens;
using namespace flowlens::lookup;
namespace dns = flowlens::test::dns;

namespace {

const std::string kAsked = "9.113.0.203.in-addr.arpa";

/// From a heap block of its exact size.
std::optional<DnsReply> read(const std::string& message, std::string_view asked = kAsked,
                             DnsType type = DnsType::ptr) {
  const auto block = std::make_unique<std::byte[]>(message.size());
  if (!message.empty()) std::memcpy(block.get(), message.data(), message.size());
  return read_dns_reply({block.get(), message.size()}, asked, type);
}

std::string said(const std::vector<std::string>& answer, int rcode = dns::kNoError,
                 const std::vector<std::string>& authority = {}) {
  return dns::message({7, kAsked, dns::kPtr}, rcode, {answer, authority});
}

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

}  // namespace

TEST_CASE("dns message: the names to ask for") {
  CHECK(reverse_name(address("203.0.113.9")) == "9.113.0.203.in-addr.arpa");
  CHECK(reverse_name(address("2001:db8::5:a")) ==
        "a.0.0.0.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST_CASE("dns message: names of the question, in lower case, with the least TTL") {
  const auto reply =
      read(said({dns::ptr(kAsked, "Web.Example.COM", 500), dns::ptr(kAsked, "a.example", 300)}));
  REQUIRE(reply);
  CHECK(reply->names == std::vector<std::string>{"web.example.com", "a.example"});
  CHECK(reply->ttl == 300);
  CHECK_FALSE(reply->negative_ttl);
}

TEST_CASE("dns message: records of others are passed over") {
  const auto reply = read(said({dns::ptr("8.113.0.203.in-addr.arpa", "other.example", 1),
                                dns::cname("8.113.0.203.in-addr.arpa", "x.example", 1),
                                dns::a(kAsked, "203.0.113.9", 1), dns::ptr(kAsked, "web.example")},
                               dns::kNoError, {dns::ptr(kAsked, "authority.example", 1)}));
  REQUIRE(reply);
  CHECK(reply->names == std::vector<std::string>{"web.example"});
  CHECK(reply->ttl == 600);
  CHECK(reply->addresses.empty());
}

TEST_CASE("dns message: CNAMEs are followed, in any order, for eight steps") {
  const std::string there = "9.0-25.113.0.203.in-addr.arpa";
  const auto reply =
      read(said({dns::ptr(there, "web.example", 50), dns::cname(kAsked, there, 40)}));
  REQUIRE(reply);
  CHECK(reply->names == std::vector<std::string>{"web.example"});
  CHECK(reply->ttl == 40);

  for (const int steps : {8, 9}) {
    CAPTURE(steps);
    std::vector<std::string> chain{dns::cname(kAsked, "c1.example")};
    for (int i = 1; i < steps; ++i) {
      chain.push_back(dns::cname("c" + std::to_string(i) + ".example",
                                 "c" + std::to_string(i + 1) + ".example"));
    }
    chain.push_back(dns::ptr("c" + std::to_string(steps) + ".example", "web.example"));
    CHECK(read(said(chain)).has_value() == (steps == 8));
  }
  CHECK_FALSE(read(said({dns::cname(kAsked, kAsked)})));
  CHECK_FALSE(read(said({dns::cname(kAsked, "b.example"), dns::cname("b.example", kAsked)})));
}

TEST_CASE("dns message: how long there is no name (RFC 2308)") {
  const auto both = read(said({}, dns::kNxDomain, {dns::soa("113.0.203.in-addr.arpa", 900, 60)}));
  REQUIRE(both);
  CHECK(both->names.empty());
  CHECK(both->negative_ttl == 60u);
  const auto ttl = read(said({}, dns::kNoError, {dns::soa("113.0.203.in-addr.arpa", 30, 60)}));
  REQUIRE(ttl);
  CHECK(ttl->negative_ttl == 30u);
  const auto none = read(said({}));
  REQUIRE(none);
  CHECK_FALSE(none->negative_ttl);
}

TEST_CASE("dns message: a TTL with the first bit set counts as 0 (RFC 2181)") {
  const auto reply = read(said({dns::ptr(kAsked, "web.example", 0x8000'0001u)}));
  REQUIRE(reply);
  CHECK(reply->ttl == 0);
}

TEST_CASE("dns message: another question than ours is no answer") {
  CHECK_FALSE(read(dns::message({7, "8.113.0.203.in-addr.arpa", dns::kPtr}, 0,
                                {{dns::ptr(kAsked, "web.example")}})));
  CHECK_FALSE(read(dns::message({7, kAsked, dns::kA}, 0, {{dns::ptr(kAsked, "web.example")}})));
  // Whatever case the server gives back.
  CHECK(read(dns::message({7, "9.113.0.203.IN-addr.ARPA", dns::kPtr}, 0, {})));
}

TEST_CASE("dns message: addresses have the length of their kind") {
  const auto good =
      read(dns::message(
               {7, "web.example", dns::kA}, 0,
               {{dns::a("web.example", "203.0.113.9"), dns::a("web.example", "203.0.113.10", 5)}}),
           "web.example", DnsType::a);
  REQUIRE(good);
  CHECK(good->addresses == std::vector<IpAddress>{address("203.0.113.9"), address("203.0.113.10")});
  CHECK(good->ttl == 5);
  CHECK_FALSE(read(dns::message({7, "web.example", dns::kA}, 0,
                                {{dns::record("web.example", dns::kA, 1, "12345")}}),
                   "web.example", DnsType::a));
}

TEST_CASE("dns message: labels may hold anything, a point makes no two of one") {
  const std::string odd = std::string("\x03") + "a.b" + "\x07" + "example" + '\0';
  const auto reply = read(said({dns::record(kAsked, dns::kPtr, 1, odd)}));
  REQUIRE(reply);
  CHECK(reply->names.empty());
  CHECK(reply->refused_names == 1);
}

TEST_CASE("dns message: names that point on") {
  const std::string head = said({});  // 12 octets, then the question at 12
  const auto with = [&](const std::string& data) {
    std::string m =
        dns::message({7, kAsked, dns::kPtr}, 0, {{dns::record(kAsked, dns::kPtr, 9, data)}});
    return read(m);
  };
  // `web` and then the question's own name.
  const auto compressed = with(std::string("\x03") + "web" + "\xc0\x0c");
  REQUIRE(compressed);
  CHECK(compressed->names == std::vector<std::string>{"web." + kAsked});
  const std::size_t data = head.size() + dns::wire_name(kAsked).size() + 10;
  const auto pointer = [](std::size_t to) {
    return std::string{static_cast<char>(0xc0u | to >> 8), static_cast<char>(to)};
  };
  CHECK_FALSE(with(pointer(data)));                              // at itself
  CHECK_FALSE(with(pointer(data + 2)));                          // forward
  CHECK_FALSE(with(std::string("\x01") + "a" + pointer(data)));  // round and round
  CHECK_FALSE(with(std::string("\x80", 1)));                     // a kind that is none
  CHECK_FALSE(with(std::string("\x3f") + "short"));              // past its end
  CHECK_FALSE(with(dns::wire_name("web.example") + "more"));     // with something behind it
}

TEST_CASE("dns message: a name of 255 octets is the longest") {
  const auto name_of = [](std::size_t last) {
    std::string text;
    for (int i = 0; i < 3; ++i) text += std::string(63, 'a') + '.';
    return text + std::string(last, 'b');
  };
  CHECK(read(said({dns::ptr(kAsked, name_of(61))})));
  CHECK_FALSE(read(said({dns::ptr(kAsked, name_of(62))})));
}

TEST_CASE("dns message: cut short anywhere, or with any octet changed") {
  const std::string whole =
      said({dns::cname(kAsked, "c.example"), dns::ptr("c.example", "web.example")}, 0,
           {dns::soa("example", 9, 9)});
  const std::size_t answers_end = whole.size() - dns::soa("example", 9, 9).size();
  for (std::size_t length = 0; length < answers_end; ++length) {
    CAPTURE(length);
    CHECK_FALSE(read(whole.substr(0, length)));
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int wrong : {0x00, 0xff, 0xc0, whole[at] ^ 0x20}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(wrong);
      static_cast<void>(read(damaged));  // the sanitizers look on
    }
  }
}
