// The filter language: what it takes, what it refuses and how it says so, its one spelling.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "flowlens/filter.hpp"
#include "flowlens/flow_fields.hpp"
#include "flowlens/map_fields.hpp"

using namespace flowlens;
using namespace std::chrono_literals;

namespace {

const Timestamp kNow = *parse_timestamp("2026-11-21T12:00:00Z");

FlowRecord web_flow() {
  FlowRecord f;
  f.source_address = *IpAddress::parse("10.1.2.3");
  f.destination_address = *IpAddress::parse("192.0.2.80");
  f.exporter = *IpAddress::parse("2001:db8::1");
  f.source_port = 40'000;
  f.destination_port = 443;
  f.protocol = 6;
  f.octet_count = 1'500'000;
  f.packet_count = 1'000;
  f.tcp_flags = 0x1b;
  f.sampling_rate = 100;
  f.start = kNow - 90s;
  f.end = f.received = kNow - 30s;
  f.present = static_cast<std::uint32_t>(FlowField::source_address) |
              static_cast<std::uint32_t>(FlowField::destination_address) |
              static_cast<std::uint32_t>(FlowField::source_port) |
              static_cast<std::uint32_t>(FlowField::destination_port) |
              static_cast<std::uint32_t>(FlowField::protocol) |
              static_cast<std::uint32_t>(FlowField::octet_count) |
              static_cast<std::uint32_t>(FlowField::packet_count) |
              static_cast<std::uint32_t>(FlowField::tcp_flags);
  return f;
}

Filter<FlowRecord> compiled(const std::string& text) {
  FilterError error;
  auto filter = Filter<FlowRecord>::compile(text, flow_fields(), kNow, error);
  INFO(text);
  INFO(error.message);
  REQUIRE(filter);
  return filter;
}

}  // namespace

TEST_CASE("filter: what matches one flow, and its one spelling") {
  struct Case {
    const char* text;
    bool matches;
    const char* canonical;
  };
  const Case cases[] = {
      {"", true, ""},
      {"src net 10.0.0.0/8 and dst port 443 and bytes > 1M", true,
       "src ip = 10.0.0.0/8 and dst port = 443 and bytes >= 1000001"},
      {"SRC_IP = 10.1.2.3", true, "src ip = 10.1.2.3"},
      {"src.ip != 10.1.2.3", false, "src ip != 10.1.2.3"},
      {"host 192.0.2.80", true, "ip = 192.0.2.80"},
      {"host 192.0.2.81", false, "ip = 192.0.2.81"},
      {"ip in (10.0.0.0/9, 10.128.0.0/9)", true, "ip in (10.0.0.0/9, 10.128.0.0/9)"},
      {"ip 10.1.2.0..10.1.2.9", true, "ip = 10.1.2.0..10.1.2.9"},
      {"exporter 2001:db8::/32", true, "exporter = 2001:db8::/32"},
      {"port https", true, "port = 443"},
      {"port != 443", false, "port != 443"},
      {"not port 443", false, "not port = 443"},
      {"port in [80, 443, 8000-8999]", true, "port in (80, 443, 8000..8999)"},
      {"dst port not in {80, 443}", false, "dst port not in (80, 443)"},
      {"dst port in (442,443,444)", true, "dst port = 442..444"},
      {"proto tcp", true, "protocol = tcp"},
      {"proto 17 or proto 6", true, "protocol = udp or protocol = tcp"},
      {"bytes >= 1500k and bytes <= 1.5M", true, "bytes >= 1500k and bytes <= 1500k"},
      {"bytes 1500000", true, "bytes = 1500k"},
      {"bytes < 1Mi", false, "bytes <= 1048575"},
      {"estimated bytes = 150M", true, "estimated bytes = 150M"},
      {"duration 1m", true, "duration = 1m"},
      {"duration > 59999ms && duration < 61s", true,
       "duration >= 59999000001ns and duration <= 60999999999ns"},
      {"start > 2m", true, ""},
      {"start > 1m", false, ""},
      {"end 2026-11-21", true, "end = 2026-11-21T00:00:00Z..2026-11-21T23:59:59.999999999Z"},
      {"end in 2026-11-20..2026-11-22", true, ""},
      {"has vlan", false, "has vlan"},
      {"vlan = 0", false, "vlan = 0"},
      {"vlan != 5", false, "vlan != 5"},
      {"not vlan = 5", true, "not vlan = 5"},
      {"kind traffic", true, "kind = traffic"},
      {"kind in (denied, sampled)", false, "kind = denied..sampled"},
      {"flags 27", true, "tcp flags = 27"},
      {"port 80 or port 443 and proto udp", false, "port = 80 or (port = 443 and protocol = udp)"},
      {"(port 80 or port 443) and proto tcp", true, "(port = 80 or port = 443) and protocol = tcp"},
      {"not (port 80 or (port 443))", false, "not (port = 80 or port = 443)"},
      {"not not port 443", true, "port = 443"},
      {"! port 80 && (packets 1000 || packets 2k)", true,
       "not port = 80 and (packets = 1k or packets = 2k)"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto filter = compiled(c.text);
    CHECK(filter.matches(web_flow()) == c.matches);
    const std::string canonical = filter.canonical();
    if (*c.canonical != '\0') CHECK(canonical == c.canonical);
    const auto again = compiled(canonical);
    CHECK(again.canonical() == canonical);
    CHECK(again.matches(web_flow()) == c.matches);
  }
}

TEST_CASE("filter: what is refused, where, and what was expected") {
  struct Case {
    const char* text;
    std::uint32_t column;
    const char* message;
    const char* expected;  ///< its begin
  };
  const Case cases[] = {
      {"dst port 70000", 9, "'70000' is nothing to compare 'dst port' with", "a port"},
      {"dst port", 8, "the filter ends here", "a port"},
      {"dst prot 443", 4, "'prot' is nothing to compare 'dst ip' with", "an address"},
      {"sorce port = 1", 0, "no field is called 'sorce'", "perhaps"},
      {"xyzzy = 1", 0, "no field is called 'xyzzy'", "a comparison"},
      {"port 443 and", 12, "the filter ends here", "a comparison"},
      {"port 443 port 80", 9, "'port' does not belong here", "'and', 'or'"},
      {"(port 443", 9, "the filter ends here", "')'"},
      {"port 443)", 8, "')' does not belong here", "'and'"},
      {"port in (80 443)", 12, "'443'", "',' or ')'"},
      {"src ip > 10.0.0.1", 9, "'src ip' has no order", "'='"},
      {"src ip 10.0.0.0/33", 7, "'10.0.0.0/33' is nothing", "an address"},
      {"src ip 10.0.0.1/8", 7, "'10.0.0.1/8' is nothing", "an address"},
      {"kind odd", 5, "'odd' is nothing", "one of traffic, denied, sampled"},
      {"bytes ~ \"1\"", 8, "'bytes' is no text", "'='"},
      {"bytes < 0", 8, "nothing is < '0'", "another value"},
      {"port \"44", 5, "this quotation has no end", "a closing"},
      {"port & 44", 5, "no filter holds '& 44'", "a comparison"},
      {"start > 99999d", 8, "'99999d' is nothing", "a time"},
      {"bytes 20..10", 6, "'20..10' is nothing", "a number of octets"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    FilterError error;
    CHECK_FALSE(Filter<FlowRecord>::compile(c.text, flow_fields(), kNow, error));
    CHECK(error.column == c.column);
    CHECK(error.message.substr(0, std::string{c.message}.size()) == c.message);
    CHECK(error.expected.substr(0, std::string{c.expected}.size()) == c.expected);
  }
}

TEST_CASE("filter: an error points at its column, in characters") {
  FilterError error;
  const std::string text = "kind = \"ü\" and port x";
  CHECK_FALSE(Filter<FlowRecord>::compile("kind = denied and port x", flow_fields(), kNow, error));
  CHECK(error.pointing_into("kind = denied and port x").substr(0, 24) ==
        std::string(23, ' ') + "^");
  CHECK(FilterError{10, "m", "e"}.pointing_into(text) == std::string(9, ' ') + "^\nm; expected e");
}

TEST_CASE("filter: bounds on length, depth and number of comparisons") {
  FilterError error;
  const auto refused = [&](const std::string& text) {
    return !Filter<FlowRecord>::compile(text, flow_fields(), kNow, error);
  };
  CHECK(refused(std::string(kMaxFilterLength, ' ') + "port 1"));
  CHECK(refused(std::string(100, '(') + "port 1" + std::string(100, ')')));
  std::string deep, many = "port 1";
  for (int i = 0; i < 100; ++i) deep += "not ";
  CHECK(refused(deep + "port 1"));
  for (std::size_t i = 1; i < kMaxFilterTerms; ++i) many += " or port 1";
  CHECK_FALSE(refused(many));
  CHECK(refused(many + " or port 1"));
  CHECK(error.message == "too many comparisons");
}

TEST_CASE("filter: text of the map's rows") {
  DependencyRow row;
  row.key.client.address = *IpAddress::parse("10.0.0.1");
  row.key.server.address = *IpAddress::parse("10.0.0.2");
  row.key.port = 5'432;
  row.key.protocol = 6;
  row.service = find_service(6, 5'432);
  row.rung = DirectionRung::fan_in;
  row.totals.flows = 12;
  row.provisional = false;
  struct Case {
    const char* text;
    bool matches;
  };
  const Case cases[] = {
      {"service = PostgreSQL", true},
      {"service in (redis, postgresql)", true},
      {"service contains gres", true},
      {"service contains (x, y)", false},
      {"service ~ \"^post.*sql$\"", true},
      {"service !~ sql", false},
      {"not service contains sql", false},
      {"evidence fan_in", true},
      {"provisional", false},
      {"not provisional", true},
      {"provisional = no", true},
      {"client 10.0.0.1 and server 10.0.0.2", true},
      {"ip 10.0.0.2", true},
      {"ip != 10.0.0.2", false},
      {"direction client_server", true},
      {"confidence < 50%", true},
      {"confidence >= 0.5", false},
      {"has exporter", false},
      {"exporter != 10.0.0.9", false},
      {"flows in 10..20", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    FilterError error;
    const auto filter = Filter<DependencyRow>::compile(c.text, dependency_fields(), kNow, error);
    CAPTURE(error.message);
    REQUIRE(filter);
    CHECK(filter.matches(row) == c.matches);
    const auto again =
        Filter<DependencyRow>::compile(filter.canonical(), dependency_fields(), kNow, error);
    REQUIRE(again);
    CHECK(again.matches(row) == c.matches);
    CHECK(again.canonical() == filter.canonical());
  }
  FilterError error;
  for (const char* bad :
       {"service ~ \"(\"", "service ~ \"(a)\\\\1\"", "service ~ \"a{3,4}\"", "service ~ (a)"}) {
    CAPTURE(bad);
    CHECK_FALSE(Filter<DependencyRow>::compile(bad, dependency_fields(), kNow, error));
  }
}

TEST_CASE("filter: a pattern that repeats repetitions is refused; found by fuzzing") {
  FilterError error;
  const auto is_taken = [&error](const std::string& pattern) {
    return Filter<DependencyRow>::compile("service ~ \"" + pattern + '"', dependency_fields(), kNow,
                                          error)
        .
        operator bool();
  };
  for (const char* good :
       {"a+b+", "(a+b)+", "((a+)*c)+$", "a+++", "[(]+[^])+]+", "[[:alpha:]+]+x", ")+"}) {
    CAPTURE(good);
    CHECK(is_taken(good));
  }
  for (const char* bad :
       {"k+ep+++++++++++++++++++++++++++++", "((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+",
        "a+*+*+*+*+*+*+*+*+*+*+*+*+", "([](]+)+++++++++++++"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_taken(bad));
    CHECK(error.message.find("repetitions") != std::string::npos);
  }
}

TEST_CASE("filter: an asset's many addresses, events") {
  AssetRow asset;
  asset.endpoints.resize(3);
  asset.endpoints[2].endpoint.address = *IpAddress::parse("10.0.0.7");
  FilterError error;
  CHECK(Filter<AssetRow>::compile("ip 10.0.0.0/24", asset_fields(), kNow, error).matches(asset));
  CHECK_FALSE(Filter<AssetRow>::compile("has name", asset_fields(), kNow, error).matches(asset));
  ChangeEvent event;
  event.type = ChangeType::asset_split;
  event.at = kNow - 1h;
  const auto filter =
      Filter<ChangeEvent>::compile("type asset_split and at > 2h", change_fields(), kNow, error);
  CHECK(filter.matches(event));
  const auto matches = [&](const char* text) {
    const auto compiled = Filter<ChangeEvent>::compile(text, change_fields(), kNow, error);
    REQUIRE_MESSAGE(compiled, error.message);
    return compiled.matches(event);
  };
  CHECK_FALSE(matches("has port or has ip or has expected or part = yes"));
  event.type = ChangeType::traffic_spike;
  event.severity = Severity::warning;
  event.endpoint.address = *IpAddress::parse("10.0.0.1");
  CHECK(matches("type traffic_spike and severity in (warning, critical) and subject asset"));
  CHECK_FALSE(matches("has client ip"));
  event.client.address = *IpAddress::parse("10.9.0.1");
  event.protocol = 6;
  event.port = 5432;
  event.seen = 5'000'000;
  event.cause = change_id(event.type, {}, {}, kNow);
  CHECK(matches("subject dependency and port 5432 and seen > 4M and part = yes"));
  CHECK(matches("ip 10.0.0.1 and ip 10.9.0.0/16 and server 10.0.0.1 and client 10.9.0.1"));
}

TEST_CASE("filter: what may stand at the cursor") {
  struct Case {
    const char* text;
    std::size_t from;
    std::vector<std::string> some;  ///< of the candidates
    std::size_t count;              ///< 0: do not ask
  };
  const Case cases[] = {
      {"", 0, {"src ip", "has", "not", "("}, 0},
      {"sr", 0, {"src as", "src ip", "src port"}, 3},
      {"dst ", 4, {"as", "ip", "port", "="}, 0},
      {"dst po", 4, {"port"}, 1},
      {"dst port ", 9, {"=", "in", "not in", "<"}, 0},
      {"kind = ", 7, {"denied", "sampled", "traffic"}, 3},
      {"kind = d", 7, {"denied"}, 1},
      {"proto ", 6, {"tcp"}, 0},
      {"port 443 ", 9, {"and", "or"}, 2},
      {"(port 443 ", 10, {")", "and", "or"}, 3},
      {"port 443 and sr", 13, {"src ip"}, 3},
      {"nonsense here ", 14, {}, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const std::string text = c.text;
    const Completion found = complete_filter(text, text.size(), flow_fields());
    CHECK(found.from == c.from);
    for (const std::string& word : c.some) {
      CAPTURE(word);
      CHECK(std::count(found.candidates.begin(), found.candidates.end(), word) == 1);
    }
    if (c.count != 0) CHECK(found.candidates.size() == c.count);
  }
}

TEST_CASE("filter: every field has a description, a way to be read and a name that finds it") {
  const auto check = [](const FieldTable& table, const void* row) {
    for (const Field& f : table.fields()) {
      CAPTURE(f.name);
      CHECK_FALSE(f.description.empty());
      CHECK(table.find(f.name) == &f);
      Operand value;
      f.get(row, 0, value);
      FilterError error;
      CHECK(compile_filter("has " + std::string{f.name}, table, kNow, error));
    }
  };
  const FlowRecord flow;
  const DependencyRow dependency;
  const AssetRow asset;
  const ChangeEvent change;
  check(flow_fields(), &flow);
  check(dependency_fields(), &dependency);
  check(asset_fields(), &asset);
  check(change_fields(), &change);
  CHECK(flow_fields().find("dst net") == flow_fields().find("DST-IP"));
  CHECK(flow_fields().find("") == nullptr);
}
