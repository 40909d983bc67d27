// Zeek's conn.log, tab-separated and as JSON.
#include <doctest/doctest.h>

#include "log_file.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

std::string with_tabs(std::string text) {
  for (char& c : text) c = c == ' ' ? '\t' : c;
  return text;
}

const std::string kHeader =
    "#separator \\x09\n" +
    with_tabs(
        "#set_separator ,\n#empty_field (empty)\n#unset_field -\n#path conn\n"
        "#open 2023-11-14-22-13-20\n"
        "#fields ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes "
        "resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes "
        "resp_pkts resp_ip_bytes tunnel_parents\n"
        "#types time string addr port addr port enum string interval count count string bool bool "
        "count string count count count count set[string]\n");

struct Connection {
  std::string ends = "10.0.0.1 40000 10.0.0.2 443";
  std::string proto = "tcp";
  std::string duration = "1.5";
  std::string state = "SF";
  std::string history = "ShADadFf";
  std::string counts = "10 1000 8 5000";
};
std::string line(const Connection& c) {
  return with_tabs("1700000000.250000 CuId1 " + c.ends + ' ' + c.proto + " ssl " + c.duration +
                   " 500 4500 " + c.state + " T T 0 " + c.history + ' ' + c.counts + " (empty)\n");
}
std::string json(const std::string& more) {
  return R"({"ts":1700000000.25,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":40000,)"
         R"("id.resp_h":"10.0.0.2","id.resp_p":443,"proto":"tcp","duration":1.5,"orig_bytes":500,)"
         R"("resp_bytes":4500,"conn_state":"SF","history":"ShADadFf","orig_pkts":10,)"
         R"("orig_ip_bytes":1000,"resp_pkts":8,"resp_ip_bytes":5000)" +
         more + "}\n";
}

// SYN, ACK and FIN of both; who answers has SYN and ACK in one packet.
const Lines kWhole = {"10.0.0.1:40000>10.0.0.2:443 6 1000/10 flags 19 by source",
                      "10.0.0.2:443>10.0.0.1:40000 6 5000/8 flags 19 by destination"};

}  // namespace

TEST_CASE("conn.log: a connection is two flows, and its originator began") {
  const ReadLog log = read_log(kHeader + line({}) + with_tabs("#close 2023-11-14-23-00-00\n"));
  CHECK(log.format == ExportProtocol::zeek_log);
  CHECK(log.shown() == kWhole);
  CHECK(log.counters.records == 1);
  CHECK(to_string(log.flows[0].start) == "2023-11-14T22:13:20.25Z");
  CHECK(to_string(log.flows[1].end) == "2023-11-14T22:13:21.75Z");
}

TEST_CASE("conn.log as JSON says the same") {
  const char* more[] = {"", R"(,"_path":"conn","tunnel_parents":["C2"],"local_orig":true)",
                        R"(,"nested":{"id.orig_h":"192.0.2.1"},"none":null)"};
  for (const char* m : more) {
    CAPTURE(m);
    const ReadLog log = read_log(json(m));
    CHECK(log.shown() == kWhole);
    CHECK(to_string(log.flows[1].end) == "2023-11-14T22:13:21.75Z");
  }
  CHECK(read_log(json(R"(,"_path":"dns")")).counters.others == 1);
}

TEST_CASE("conn.log as JSON: times in every way that Zeek writes them") {
  const char* times[] = {"1700000000.25", "\"2023-11-14T22:13:20.250000Z\"", "1700000000250"};
  for (const char* t : times) {
    CAPTURE(t);
    std::string text = json("");
    text.replace(text.find("1700000000.25"), 13, t);
    CHECK(to_string(read_log(text).flows.at(0).start) == "2023-11-14T22:13:20.25Z");
  }
}

TEST_CASE("conn.log as JSON: numbers with an exponent") {
  std::string text = json("");
  text.replace(text.find("1.5"), 3, "6.1988e-05");
  CHECK(to_string(read_log(text).flows.at(0).end) == "2023-11-14T22:13:20.250061988Z");
  text.replace(text.find("6.1988e-05"), 10, "1e308");
  CHECK(read_log(text).counters.refused == 1);
}

TEST_CASE("conn.log: what states and histories say") {
  struct Case {
    const char* name;
    Connection connection;
    Lines want;
  };
  const Case cases[] = {
      {"nobody answered",
       {.state = "S0", .history = "S", .counts = "3 180 0 0"},
       {"10.0.0.1:40000>10.0.0.2:443 6 180/3 flags 2 by source"}},
      {"refused",
       {.state = "REJ", .history = "Sr", .counts = "1 60 1 40"},
       {"10.0.0.1:40000>10.0.0.2:443 6 60/1 flags 2 by source",
        "10.0.0.2:443>10.0.0.1:40000 6 40/1 flags 4 by destination"}},
      {"refused, without a history",
       {.state = "REJ", .history = "-", .counts = "1 60 1 40"},
       {"10.0.0.1:40000>10.0.0.2:443 6 60/1 flags 2 by source",
        "10.0.0.2:443>10.0.0.1:40000 6 40/1 flags 20 by destination"}},
      {"met half-way: who began is not known",
       {.state = "OTH", .history = "DadA", .counts = "2 200 2 200"},
       {"10.0.0.1:40000>10.0.0.2:443 6 200/2 flags 16",
        "10.0.0.2:443>10.0.0.1:40000 6 200/2 flags 16"}},
      {"turned round by Zeek",
       {.state = "SF", .history = "^hADafF", .counts = "2 200 2 200"},
       {"10.0.0.1:40000>10.0.0.2:443 6 200/2 flags 17",
        "10.0.0.2:443>10.0.0.1:40000 6 200/2 flags 19"}},
      {"UDP",
       {.ends = "10.0.0.1 5000 10.0.0.2 53",
        .proto = "udp",
        .history = "Dd",
        .counts = "1 60 1 90"},
       {"10.0.0.1:5000>10.0.0.2:53 17 60/1 by source",
        "10.0.0.2:53>10.0.0.1:5000 17 90/1 by destination"}},
      {"UDP turned round",
       {.ends = "10.0.0.1 5000 10.0.0.2 53", .proto = "udp", .history = "^d", .counts = "0 0 1 90"},
       {"10.0.0.2:53>10.0.0.1:5000 17 90/1"}},
      {"an echo",
       {.ends = "10.0.0.1 8 10.0.0.2 0", .proto = "icmp", .history = "-", .counts = "2 168 2 168"},
       {"10.0.0.1>10.0.0.2 1 168/2 icmp 2048 by source",
        "10.0.0.2>10.0.0.1 1 168/2 icmp 0 by destination"}},
      {"an echo of IPv6",
       {.ends = "2001:db8::1 128 2001:db8::2 129",
        .proto = "icmp",
        .history = "-",
        .counts = "1 96 1 96"},
       {"2001:db8::1>2001:db8::2 58 96/1 icmp 32768 by source",
        "2001:db8::2>2001:db8::1 58 96/1 icmp 33024 by destination"}},
      {"unreachable",
       {.ends = "10.0.0.1 3 10.0.0.2 1", .proto = "icmp", .history = "-", .counts = "1 56 0 0"},
       {"10.0.0.1>10.0.0.2 1 56/1 icmp 769 by source"}},
      {"no counts of IP: the payload's",
       {.counts = "- - - -"},
       {"10.0.0.1:40000>10.0.0.2:443 6 500/- flags 19 by source",
        "10.0.0.2:443>10.0.0.1:40000 6 4500/- flags 19 by destination"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(read_log(kHeader + line(c.connection)).shown() == c.want);
  }
  CHECK(read_log(kHeader + line({.proto = "unknown_transport"})).counters.others == 1);
}

TEST_CASE("conn.log: no duration, later VLANs and protocol numbers, another separator") {
  const ReadLog plain = read_log(kHeader + line({.duration = "-"}));
  CHECK(plain.flows.at(0).start == plain.flows.at(0).end);
  const ReadLog log = read_log(
      "#separator ,\n#set_separator,;\n#unset_field,?\n#path,conn\n"
      "#fields,ts,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,orig_bytes,ip_proto,vlan\n"
      "1700000000.0,10.0.0.1,1,10.0.0.2,2,unknown_transport,?,132,75\n");
  CHECK(log.shown() == Lines{"10.0.0.1:1>10.0.0.2:2 132 -/- by source"});
  CHECK(log.flows[0].vlan_id == 75);
}

TEST_CASE("conn.log: logs of two sensors are two observers") {
  FlowLogOptions options;
  options.observation_point = 7;
  for (const FlowRecord& f : read_log(kHeader + line({}), options).flows)
    CHECK(f.observation_domain == 7);
}

TEST_CASE("conn.log: the header may come again, with other columns") {
  const std::string other = with_tabs(
      "#fields id.orig_h id.orig_p id.resp_h id.resp_p proto ts orig_bytes\n"
      "10.0.0.3 1 10.0.0.4 2 udp 1700000000.5 10\n");
  const ReadLog log = read_log(kHeader + line({}) + kHeader + other);
  CHECK(log.flows.size() == 3);
  CHECK(shown(log.flows[2]) == "10.0.0.3:1>10.0.0.4:2 17 10/- by source");
}

TEST_CASE("conn.log: lines that make no sense") {
  struct Case {
    const char* name;
    std::string line;
    const char* want;
  };
  const Case cases[] = {
      {"cut short", with_tabs("1700000000.25 C1 10.0.0.1\n"), "9: 3 columns, where #fields has 21"},
      {"no address", line({.ends = "x 1 10.0.0.2 2"}), "9:25: id.orig_h: `x` is no IP address"},
      {"no originator", line({.ends = "- 1 10.0.0.2 2"}), "9: id.orig_h is missing"},
      {"a time that runs on", line({.duration = "1.5s"}),
       "9:61: duration: `1.5s` is no number of seconds"},
      {"a negative time", line({.duration = "-1"}), "9:61: duration: `-1` is no number of seconds"},
      {"a count that is none", line({.counts = "10 ten 8 5000"}),
       "9:95: orig_ip_bytes: `ten` is no number from 0 to 18446744073709551615"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const ReadLog log = read_log(kHeader + c.line + line({}));
    CHECK(log.problems == Lines{c.want});
    CHECK(log.flows.size() == 2);
  }
  const ReadLog bad =
      read_log(json("") + R"({"ts":1700000000,"id.orig_h":"10.0.0.1",)" + '\n' + json(""));
  CHECK(bad.flows.size() == 4);
  REQUIRE(bad.problems.size() == 1);
  CHECK(bad.problems[0].starts_with("2:41: "));
  const ReadLog first = read_log(R"({"ts":1700000000,"id.orig_h":"10.0.0.1",)" + ('\n' + json("")));
  CHECK(first.flows.size() == 2);
  CHECK(first.counters.refused == 1);
}

TEST_CASE("conn.log: a connection that ends in times to come is damage where the caller says so") {
  FlowLogOptions options;
  options.latest = from_unix_ns(1'700'000'001'000'000'000);
  CHECK(read_log(kHeader + line({}), options).problems ==
        Lines{"9:61: duration: `1.5` is one that ends at a time still to come"});
  CHECK(read_log(kHeader + line({.duration = "0.5"}), options).flows.size() == 2);
}

TEST_CASE("conn.log: other logs of Zeek's are refused before anything is read") {
  CHECK(
      refusal("#separator \\x09\n" +
              with_tabs(
                  "#path dns\n#fields ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto query\n"
                  "1700000000.0 C1 10.0.0.1 1 10.0.0.2 53 udp example.org\n")) ==
      ":3: #fields has no orig_bytes: this is not Zeek's conn.log");
  CHECK(refusal("#separator tab\n#fields ts\n") ==
        ":1:12: #separator: `tab` is no single octet, such as \\x09");
}
