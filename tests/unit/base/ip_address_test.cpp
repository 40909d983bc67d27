#include "flowlens/ip_address.hpp"

#include <doctest/doctest.h>

#include <vector>

using flowlens::IpAddress;
using flowlens::IpPrefix;

TEST_CASE("address: text in, canonical text out (RFC 5952)") {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"10.0.0.1", "10.0.0.1"},
      {"::ffff:10.0.0.1", "10.0.0.1"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"::", "::"},
      {"0.0.0.0", "0.0.0.0"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto address = IpAddress::parse(c.text);
    REQUIRE(address);
    CHECK(address->to_string() == c.want);
  }
}

TEST_CASE("address: what is no address") {
  for (const char* text :
       {"", "10.0.0", "10.0.0.256", "10.0.0.1/8", "fe80::1%eth0", "[::1]", "1.2.3.4.5",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000", " 10.0.0.1"}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
}

TEST_CASE("address: only 4 or 16 octets make one") {
  const std::vector<std::byte> octets(20, std::byte{1});
  for (std::size_t n = 0; n <= octets.size(); ++n) {
    CAPTURE(n);
    CHECK(IpAddress::from_octets(std::span{octets}.first(n)).has_value() == (n == 4 || n == 16));
  }
  CHECK(IpAddress::from_octets(std::span{octets}.first(4))->to_string() == "1.1.1.1");
}

TEST_CASE("address: IPv4 and its v4-mapped form are one address") {
  CHECK(IpAddress::v4(0x0a000001) == *IpAddress::parse("::ffff:10.0.0.1"));
  CHECK(IpAddress::v4(0x0a000001).to_v4() == 0x0a000001);
}

TEST_CASE("address: kinds") {
  struct Case {
    const char* text;
    bool is_private, multicast, link_local, loopback;
  };
  const Case cases[] = {
      {"10.255.0.1", true, false, false, false},  {"172.31.0.1", true, false, false, false},
      {"172.32.0.1", false, false, false, false}, {"192.168.1.1", true, false, false, false},
      {"100.64.0.1", true, false, false, false},  {"169.254.1.1", true, false, true, false},
      {"127.0.0.1", true, false, false, true},    {"8.8.8.8", false, false, false, false},
      {"224.0.0.251", false, true, false, false}, {"fd00::1", true, false, false, false},
      {"fe80::1", true, false, true, false},      {"::1", true, false, false, true},
      {"ff02::fb", false, true, false, false},    {"2001:db8::1", false, false, false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const IpAddress a = *IpAddress::parse(c.text);
    CHECK(a.is_private() == c.is_private);
    CHECK(a.is_multicast() == c.multicast);
    CHECK(a.is_link_local() == c.link_local);
    CHECK(a.is_loopback() == c.loopback);
  }
}

TEST_CASE("prefix: what lies in it") {
  struct Case {
    const char* prefix;
    const char* address;
    bool want;
  };
  const Case cases[] = {
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "::10.0.0.1", false},
      {"0.0.0.0/0", "255.1.2.3", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "10.0.0.1", true},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"10.1.2.3", "10.1.2.4", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.prefix);
    CAPTURE(c.address);
    const auto prefix = IpPrefix::parse(c.prefix);
    REQUIRE(prefix);
    CHECK(prefix->contains(*IpAddress::parse(c.address)) == c.want);
  }
  CHECK(IpPrefix::parse("10.0.0.0/8")->to_string() == "10.0.0.0/8");
  CHECK(IpPrefix::parse("2001:db8::/32")->to_string() == "2001:db8::/32");
}

TEST_CASE("prefix: what is refused") {
  for (const char* text : {"10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/-1",
                           "2001:db8::/129", "/8", "10.0.0.0/8x", "2001:db8::1/32"}) {
    CAPTURE(text);
    CHECK_FALSE(IpPrefix::parse(text));
  }
}
