#include "flowlens/enricher.hpp"

#include <doctest/doctest.h>

#include <string>

#include "flowlens/error.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;

TEST_CASE("services: IANA's names, by transport") {
  struct Case {
    std::uint8_t protocol;
    std::uint16_t port;
    std::string_view want;
  };
  const Case cases[] = {
      {6, 22, "ssh"},
      {17, 53, "domain"},
      {6, 53, "domain"},
      {6, 80, "http"},
      {6, 443, "https"},
      {17, 443, "https"},
      {6, 5432, "postgresql"},
      {6, 3306, "mysql"},
      {6, 6379, "redis"},
      {6, 8080, "http-alt"},
      {17, 123, "ntp"},
      {17, 161, "snmp"},
      {6, 514, "shell"},
      {17, 514, "syslog"},
      {6, 389, "ldap"},
      {6, 636, "ldaps"},
      {6, 88, "kerberos"},
      {6, 445, "microsoft-ds"},
      {6, 3389, "ms-wbt-server"},
      {6, 1883, "mqtt"},
      {6, 5672, "amqp"},
      {6, 9092, "kafka"},
      {6, 9200, "elasticsearch"},
      {6, 27017, "mongodb"},
      {6, 11211, "memcache"},
      {6, 10050, "zabbix-agent"},
      {6, 9100, "node-exporter"},
      {17, 2055, "netflow"},
      {17, 4739, "ipfix"},
      {132, 4739, "ipfix"},
      {17, 6343, "sflow"},
      {6, 853, "domain-s"},
      {6, 179, "bgp"},
      {17, 5060, "sip"},
      {6, 993, "imaps"},
      {6, 995, "pop3s"},
      {6, 25, "smtp"},
      {6, 587, "submission"},
      {6, 2049, "nfs"},
      {6, 3260, "iscsi-target"},
      {132, 3868, "diameter"},
      {17, 22, ""},
      {6, 40000, ""},
      {6, 0, ""},
      {6, 65535, ""},
      {1, 80, ""},
      {47, 443, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(int{c.protocol});
    CAPTURE(c.port);
    CHECK(service_name(find_service(c.protocol, c.port)) == c.want);
  }
  CHECK(service_name(ServiceId{}).empty());
  CHECK(service_name(ServiceId{65535}).empty());
}

TEST_CASE("protocols have IANA's names") {
  CHECK(protocol_name(6) == "tcp");
  CHECK(protocol_name(17) == "udp");
  CHECK(protocol_name(58) == "ipv6-icmp");
  CHECK(protocol_name(253).empty());
}

TEST_CASE("enricher: internal is what is private, and what is listed") {
  EnricherOptions options;
  options.internal_networks = {*IpPrefix::parse("203.0.113.0/24"),
                               *IpPrefix::parse("2001:db8::/32")};
  const Enricher enricher{options};
  struct Case {
    const char* address;
    bool want;
  };
  const Case cases[] = {{"10.1.2.3", true},     {"172.31.0.1", true},  {"172.32.0.1", false},
                        {"192.168.1.1", true},  {"100.64.0.1", true},  {"203.0.113.9", true},
                        {"203.0.114.9", false}, {"2001:db8::1", true}, {"2001:db9::1", false},
                        {"fd00::1", true},      {"8.8.8.8", false}};
  for (const Case& c : cases) {
    CAPTURE(std::string(c.address));
    CHECK(enricher.is_internal(address(c.address)) == c.want);
  }
}

TEST_CASE("enricher: the most specific rule names the site") {
  const auto prefix = [](const char* text) { return *IpPrefix::parse(text); };
  EnricherOptions options;
  options.sites = {{"by exporter", prefix("192.0.2.1"), {}},
                   {"by prefix", {}, prefix("10.0.0.0/8")},
                   {"by longer prefix", {}, prefix("10.1.0.0/16")},
                   {"by both", prefix("192.0.2.0/24"), prefix("10.0.0.0/8")}};
  const Enricher enricher{options};
  struct Case {
    const char* exporter;
    const char* source;
    const char* want;
  };
  const Case cases[] = {
      {"198.51.100.1", "172.16.0.1", "default"}, {"192.0.2.1", "172.16.0.1", "by exporter"},
      {"198.51.100.1", "10.9.0.1", "by prefix"}, {"198.51.100.1", "10.1.0.1", "by longer prefix"},
      {"192.0.2.9", "10.1.0.1", "by both"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.want));
    const FlowRecord f = tcp(c.source, 40000, "172.16.9.9", 443).by(c.exporter);
    std::vector<FlowLabels> labels;
    enricher.label(std::span{&f, 1}, labels);
    REQUIRE(labels.size() == 1);
    CHECK(enricher.sites().name(labels[0].source_site) == c.want);
    CHECK(service_name(labels[0].destination_service) == "https");
    CHECK(labels[0].source_service == ServiceId{});
  }
}

TEST_CASE("enricher: a VRF is an address space of its own, whatever else is known of the address") {
  const auto prefix = [](const char* text) { return *IpPrefix::parse(text); };
  EnricherOptions options;
  options.sites = {{"by both", prefix("192.0.2.0/24"), prefix("10.1.2.0/24")},
                   {"by id", prefix("192.0.2.1"), {}, 7},
                   {"by id and prefix", prefix("192.0.2.1"), prefix("10.1.0.0/16"), 7},
                   {"global", prefix("192.0.2.1"), {}, 0},
                   {"by name", {}, {}, {}, "blue"}};
  const Enricher enricher{options};
  const std::uint64_t blue = vrf_name_key("blue");
  struct Case {
    const char* exporter;
    const char* address;
    std::optional<Vrf> vrf;
    const char* want;
  };
  const Case cases[] = {
      {"192.0.2.1", "10.1.2.1", {}, "by both"},
      {"192.0.2.1", "10.1.2.1", Vrf{7, 0}, "by id and prefix"},
      {"192.0.2.1", "10.2.2.1", Vrf{7, 0}, "by id"},
      {"192.0.2.1", "10.1.2.1", Vrf{0, 0}, "global"},
      {"192.0.2.1", "10.1.2.1", Vrf{8, 0}, "by both"},  // no rule knows the VRF
      {"192.0.2.9", "10.2.2.1", Vrf{7, 0}, "default"},  // another router's 7
      {"192.0.2.9", "10.1.2.1", Vrf{9, blue}, "by name"},
      {"198.51.100.1", "10.1.2.1", Vrf{4, blue}, "by name"},
      {"198.51.100.1", "10.1.2.1", Vrf{4, vrf_name_key("red")}, "default"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.exporter) + " " + c.address + " " + c.want);
    const Endpoint e = enricher.endpoint(address(c.exporter), address(c.address), c.vrf);
    CHECK(enricher.sites().name(e.site) == c.want);
  }
}

TEST_CASE("enricher: a rule without a site is refused") {
  EnricherOptions options;
  options.sites.push_back({"", {}, *IpPrefix::parse("10.0.0.0/8")});
  CHECK_THROWS_AS(Enricher{options}, ConfigError);
}
