// Logs that are JSON: Azure virtual networks, GCP VPC, Suricata.
#include <doctest/doctest.h>

#include "log_file.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

/// One event of a Suricata flow; `flow` and `more` are members.
std::string suricata(const std::string& ends, const std::string& flow,
                     const std::string& more = "") {
  return R"({"timestamp":"2023-11-14T23:14:20.000000+0100","flow_id":1,"event_type":"flow",)" +
         ends + R"(,"flow":{)" + flow +
         R"("start":"2023-11-14T22:13:20.250000+0000","end":"2023-11-14T22:13:21.750000+0000",)"
         R"("age":1,"state":"closed","reason":"timeout","alerted":false})" +
         more + "}\n";
}
const std::string kTcpEnds =
    R"("src_ip":"10.0.0.1","src_port":40000,"dest_ip":"10.0.0.2","dest_port":443,"proto":"TCP")";
std::string counts(int packets_there, int octets_there, int packets_back, int octets_back) {
  return R"("pkts_toserver":)" + std::to_string(packets_there) + R"(,"pkts_toclient":)" +
         std::to_string(packets_back) + R"(,"bytes_toserver":)" + std::to_string(octets_there) +
         R"(,"bytes_toclient":)" + std::to_string(octets_back) + ',';
}
std::string flags(const char* there, const char* back) {
  return std::string(R"(,"tcp":{"tcp_flags":"1b","tcp_flags_ts":")") + there +
         R"(","tcp_flags_tc":")" + back + R"("})";
}

/// A document with these tuples, as Azure nests them.
std::string azure(const std::string& tuples, const std::string& mac = "00224871C205") {
  return R"({"records":[{"time":"2023-11-14T22:14:00.0000000Z","flowLogVersion":4,"flowLogGUID":"g",)"
         R"("macAddress":")" +
         mac +
         R"(","category":"FlowLogFlowEvent","operationName":"FlowLogFlowEvent",)"
         R"("flowRecords":{"flows":[{"aclID":"a","flowGroups":[{"rule":"r","flowTuples":[)" +
         tuples + R"(]}]}]}}]})";
}

std::string gcp(const std::string& reporter, const std::string& more = "") {
  return R"({"insertId":"i","jsonPayload":{"bytes_sent":"1020","packets_sent":"4","connection":)"
         R"({"src_ip":"10.0.0.1","src_port":40000,"dest_ip":"10.0.0.2","dest_port":443,"protocol":6},)"
         R"("start_time":"2023-11-14T22:13:20.250Z","end_time":"2023-11-14T23:13:21.75+01:00","reporter":")" +
         reporter + "\"" + more +
         R"(},"logName":"projects/p/logs/compute.googleapis.com%2Fvpc_flows","timestamp":"2023-11-14T22:15:00Z"})";
}

}  // namespace

TEST_CASE("Suricata: a flow event is two flows, and who sent first began") {
  const ReadLog log = read_log(suricata(kTcpEnds, counts(10, 1140, 8, 5112), flags("1b", "1b")));
  CHECK(log.format == ExportProtocol::suricata_log);
  CHECK(log.shown() == Lines{"10.0.0.1:40000>10.0.0.2:443 6 1140/10 flags 27 by source",
                             "10.0.0.2:443>10.0.0.1:40000 6 5112/8 flags 27 by destination"});
  CHECK(to_string(log.flows[0].start) == "2023-11-14T22:13:20.25Z");
  CHECK(to_string(log.flows[0].end) == "2023-11-14T22:13:21.75Z");
  CHECK(log.flows[0].counter_source == CounterSource::layer2_total);
}

TEST_CASE("Suricata: what else a flow event says") {
  struct Case {
    const char* name;
    std::string event;
    Lines want;
  };
  const Case cases[] = {
      {"a SYN that nobody answered",
       suricata(kTcpEnds, counts(3, 222, 0, 0), flags("02", "00")),
       {"10.0.0.1:40000>10.0.0.2:443 6 222/3 flags 2 by source"}},
      {"met half-way",
       suricata(kTcpEnds, counts(3, 222, 2, 200), flags("18", "10")),
       {"10.0.0.1:40000>10.0.0.2:443 6 222/3 flags 24",
        "10.0.0.2:443>10.0.0.1:40000 6 200/2 flags 16"}},
      {"flags not followed: met half-way",
       suricata(kTcpEnds, counts(3, 222, 2, 200), flags("00", "00")),
       {"10.0.0.1:40000>10.0.0.2:443 6 222/3", "10.0.0.2:443>10.0.0.1:40000 6 200/2"}},
      {"a SYN-ACK alone",
       suricata(kTcpEnds, counts(1, 60, 1, 54), flags("12", "14")),
       {"10.0.0.1:40000>10.0.0.2:443 6 60/1 flags 18",
        "10.0.0.2:443>10.0.0.1:40000 6 54/1 flags 20"}},
      {"dropped by a rule",
       suricata(kTcpEnds, counts(1, 74, 0, 0) + R"("action":"drop",)", flags("02", "00")),
       {"10.0.0.1:40000>10.0.0.2:443 6 74/1 flags 2 by source denied"}},
      {"dropped after an answer",
       suricata(kTcpEnds, counts(2, 148, 1, 74) + R"("action":"drop",)", flags("02", "12")),
       {"10.0.0.1:40000>10.0.0.2:443 6 148/2 flags 2 by source",
        "10.0.0.2:443>10.0.0.1:40000 6 74/1 flags 18 by destination"}},
      {"an echo",
       suricata(
           R"("src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"ICMP","icmp_type":8,"icmp_code":0,)"
           R"("response_icmp_type":0,"response_icmp_code":0)",
           counts(1, 98, 1, 98)),
       {"10.0.0.1>10.0.0.2 1 98/1 icmp 2048 by source",
        "10.0.0.2>10.0.0.1 1 98/1 icmp 0 by destination"}},
      {"a protocol by number",
       suricata(R"("src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"047")", counts(1, 98, 0, 0)),
       {"10.0.0.1>10.0.0.2 47 98/1 by source"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(read_log(c.event).shown() == c.want);
  }
  CHECK(
      read_log(suricata(R"("vlan":[75,3],)" + kTcpEnds, counts(1, 74, 0, 0))).flows.at(0).vlan_id ==
      75);
}

TEST_CASE("Suricata: other events are counted, and problems have their line and column") {
  const std::string good = suricata(kTcpEnds, counts(1, 74, 0, 0));
  std::string bad = good;
  bad.replace(bad.find("10.0.0.2"), 8, "10.0.0.x");
  const ReadLog log =
      read_log(R"({"timestamp":"x","event_type":"dns","dns":{"flow":{"start":"never"}}})"
               "\n" +
               good + bad + "{\"event_type\":\"flow\",}\n[]\nnull\n" + good);
  CHECK(log.counters.others == 1);
  CHECK(log.flows.size() == 2);
  CHECK(log.counters.refused == 4);
  REQUIRE(log.problems.size() == 4);
  CHECK(log.problems[0] == "3:" + std::to_string(bad.find("\"10.0.0.x") + 1) +
                               ": dest_ip: `10.0.0.x` is no IP address");
  CHECK(log.problems[1].starts_with("4:22: "));
}

TEST_CASE("Suricata: a text of somebody else's does not decide what the file is") {
  std::string event = suricata(kTcpEnds, counts(1, 74, 0, 0));
  event.replace(event.find("\"flow_id\":1"), 11,
                R"("flow_id":1,"note":"\"jsonPayload\" \"flowRecords\"")");
  CHECK(read_log(event).format == ExportProtocol::suricata_log);
}

TEST_CASE("Azure: tuples give both ways; the source began, whichever way the interface saw it") {
  const ReadLog log = read_log(
      azure(R"("1700000000000,10.0.0.6,192.0.2.180,23956,443,6,O,B,NX,0,0,0,0",)"
            R"("1700000000250,10.0.0.6,192.0.2.180,23956,443,6,O,C,NX,1021,588096,8005,4610880",)"
            R"("1700000001000,10.0.0.6,192.0.2.180,23956,443,6,O,E,NX,3,767,2,1580",)"
            R"("1700000001000,10.0.0.7,10.0.0.6,5000,53,17,I,E,X,1,80,1,200",)"
            R"("1700000001000,203.0.113.9,10.0.0.6,6000,3389,6,I,D,NX,0,0,0,0",)"
            R"("1700000001000,10.0.0.6,10.0.0.9,6001,9000,6,O,E,NX,3,180,0,0",)"
            R"("1700000001000,10.0.0.6,10.0.0.9,0,0,1,O,E,NX,1,84,1,84")"));
  CHECK(log.format == ExportProtocol::azure_vnet_log);
  CHECK(log.shown() == Lines{"10.0.0.6:23956>192.0.2.180:443 6 588096/1021 by source",
                             "192.0.2.180:443>10.0.0.6:23956 6 4610880/8005 by destination",
                             "10.0.0.6:23956>192.0.2.180:443 6 767/3 by source",
                             "192.0.2.180:443>10.0.0.6:23956 6 1580/2 by destination",
                             "10.0.0.7:5000>10.0.0.6:53 17 80/1 by source",
                             "10.0.0.6:53>10.0.0.7:5000 17 200/1 by destination",
                             "203.0.113.9:6000>10.0.0.6:3389 6 0/0 by source denied",
                             "10.0.0.6:6001>10.0.0.9:9000 6 180/3 by source denied",
                             "10.0.0.6>10.0.0.9 1 84/1 by source",
                             "10.0.0.9>10.0.0.6 1 84/1 by destination"});
  CHECK(log.counters.beginnings == 1);
  CHECK(log.counters.records == 7);
  CHECK(to_string(log.flows[0].end) == "2023-11-14T22:13:20.25Z");
}

TEST_CASE(
    "Azure: each network interface is an observer, also where its name stands behind the tuples") {
  const std::string tuple = R"("1700000001000,10.0.0.7,10.0.0.6,5000,53,17,I,E,X,1,80,1,200")";
  const auto domain = [&](const std::string& text) {
    return read_log(text).flows.at(0).observation_domain;
  };
  CHECK(domain(azure(tuple, "A")) == domain(azure(tuple, "A")));
  CHECK(domain(azure(tuple, "A")) != domain(azure(tuple, "B")));
  CHECK(domain(R"({"records":[{"flowRecords":{"flows":[{"flowGroups":[{"flowTuples":[)" + tuple +
               R"(]}]}]},"macAddress":"A"}]})") == domain(azure(tuple, "A")));
}

TEST_CASE("Azure: a document over many lines, with what does not belong to it") {
  std::string text = azure(R"("1700000001000,10.0.0.7,10.0.0.6,5000,53,17,I,E,X,1,80,1,200")");
  for (std::size_t at = 0; (at = text.find_first_of("[{,", at)) != std::string::npos; at += 2) {
    if (text[at] != ',' || text[at + 1] == '"') text.insert(at + 1, "\n");
  }
  CHECK(read_log("\xef\xbb\xbf" + text).flows.size() == 2);
  std::string other = text;
  other.replace(other.find("FlowLogFlowEvent"), 16, "Administrative");
  CHECK(read_log(other).counters.others == 1);
}

TEST_CASE("Azure: tuples that make no sense") {
  const char* good = R"("1700000001000,10.0.0.7,10.0.0.6,5000,53,17,I,E,X,1,80,1,200")";
  struct Case {
    const char* name;
    const char* tuple;
    const char* want;
  };
  const Case cases[] = {
      {"cut short", R"("1700000001000,10.0.0.7")",
       "a tuple of 2 columns, where there should be 13"},
      {"a state we do not know", R"("1700000001000,10.0.0.7,10.0.0.6,5000,53,17,I,Q,X,1,80,1,200")",
       "flow state: `Q` is none of B, C, E and D"},
      {"a direction we do not know",
       R"("1700000001000,10.0.0.7,10.0.0.6,5000,53,17,IN,E,X,1,80,1,200")",
       "flow direction: `IN` is neither I nor O"},
      {"no time", R"(",10.0.0.7,10.0.0.6,5000,53,17,I,E,X,1,80,1,200")",
       "the time of a tuple is missing"},
      {"no protocol", R"("1700000001000,10.0.0.7,10.0.0.6,5000,53,,I,E,X,1,80,1,200")",
       "an address or the protocol of a tuple is missing"},
      {"a time in seconds with a fraction",
       R"("1700000001.5,10.0.0.7,10.0.0.6,5000,53,17,I,E,X,1,80,1,200")",
       "time: `1700000001.5` is no number from 0 to 9000000000000"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const ReadLog log = read_log(azure(std::string(good) + ',' + c.tuple + ',' + good));
    CHECK(log.flows.size() == 4);
    REQUIRE(log.problems.size() == 1);
    CHECK(log.problems[0].ends_with(c.want));
  }
}

TEST_CASE("GCP: one direction an entry, the reporting end an observer") {
  const ReadLog log = read_log(gcp("SRC") + '\n' + gcp("DEST") + '\n' + gcp("SRC_GATEWAY") + '\n');
  CHECK(log.format == ExportProtocol::gcp_vpc_log);
  CHECK(log.shown() == Lines(3, "10.0.0.1:40000>10.0.0.2:443 6 1020/4"));
  CHECK(log.flows[0].observation_domain != log.flows[1].observation_domain);
  CHECK(log.flows[0].observation_domain != log.flows[2].observation_domain);
  CHECK(log.flows[0].flow_direction == 1);
  CHECK(log.flows[1].flow_direction == 0);
  CHECK(log.flows[0].sampling_source == SamplingSource::unknown);
  CHECK(to_string(log.flows[0].start) == "2023-11-14T22:13:20.25Z");
  CHECK(to_string(log.flows[0].end) == "2023-11-14T22:13:21.75Z");
}

TEST_CASE("GCP: an array of entries over many lines, and entries of other logs") {
  std::string other = gcp("SRC");
  other.replace(other.find("vpc_flows"), 9, "firewall");
  const ReadLog log =
      read_log("[\n  " + gcp("SRC") + ",\n  " + other + "\n, " + gcp("NOBODY") + "\n]\n");
  CHECK(log.flows.size() == 1);
  CHECK(log.counters.others == 1);
  REQUIRE(log.problems.size() == 1);
  CHECK(log.problems[0].starts_with("4:"));
  CHECK(log.problems[0].ends_with(
      "reporter: `NOBODY` is none of SRC, DEST, SRC_GATEWAY and DEST_GATEWAY"));
}

TEST_CASE(
    "JSON documents: what is damaged is said where it is, and what came before was delivered") {
  struct Case {
    const char* name;
    std::string text;
    std::size_t flows;
    const char* error;
  };
  const std::string good = gcp("SRC");
  const Case cases[] = {
      {"the array does not end", "[\n" + good + ",\n", 1, ":3:1: the document is cut short"},
      {"the entry does not end", "[\n" + good + ",\n" + good.substr(0, 50), 1,
       ":3:1: the document is cut short in an object that begins in line 3"},
      {"a bracket too many", "[\n" + good + "]\n]\n" + good, 1, ":3:1: `]` closes nothing"},
      {"the wrong bracket", "[\n" + good + "}\n", 1, ":2:"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const ReadLog log = read_log(c.text);
    CHECK(log.flows.size() == c.flows);
    CHECK(log.error.starts_with(c.error));
  }
  const ReadLog log = read_log("[\n" + good + "\nhello\n," + good + "]");
  CHECK(log.flows.size() == 2);
  CHECK(log.problems == Lines{"3:1: `hello` stands where an object should begin"});
}

TEST_CASE("JSON: nesting and length have bounds") {
  const std::string good = gcp("SRC");
  const std::string deep =
      R"({"jsonPayload":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  const ReadLog log = read_log(good + '\n' + deep + '\n' + good + '\n');
  CHECK(log.flows.size() == 2);
  REQUIRE(log.problems.size() == 1);
  CHECK(log.problems[0].ends_with("nests deeper than 64"));

  FlowLogOptions options;
  options.max_record = 2'000;
  const std::string huge = R"({"logName":")" + std::string(3'000'000, 'x') + "\"}";
  CHECK(read_log(good + '\n' + huge + '\n' + good, options).problems ==
        Lines{"2: a line of more than 2000 octets"});
  const ReadLog document = read_log('[' + good + ",\n" + huge + ",\n" + good + ']', options);
  CHECK(document.problems == Lines{"2: an object of more than 2000 octets"});
  CHECK(document.flows.size() == 2);
}

TEST_CASE("GCP: what one end sends and what it receives is of one observer") {
  std::string back = gcp("DEST");
  back.replace(back.find("10.0.0.1"), 8, "10.0.0.2");
  back.replace(back.rfind("10.0.0.2"), 8, "10.0.0.1");
  std::string other = gcp("SRC");
  other.replace(other.find("10.0.0.2"), 8, "10.0.0.3");
  const ReadLog log = read_log(gcp("SRC") + '\n' + back + '\n' + other + '\n');
  REQUIRE(log.flows.size() == 3);
  CHECK(log.flows[0].observation_domain == log.flows[1].observation_domain);
  CHECK(log.flows[0].observation_domain == log.flows[2].observation_domain);
}

TEST_CASE("JSON documents: brackets in texts are none; problems have the line within an object") {
  const std::string odd = gcp("SRC", R"(,"note":"\"}]{[\\")");
  CHECK(read_log('[' + odd + ',' + odd + ']').flows.size() == 2);
  const ReadLog log = read_log(
      "[\n{\"logName\":\"vpc_flows\",\n \"jsonPayload\":{\"connection\":\n  {\"src_ip\":\"x\"}}}]");
  CHECK(log.problems == Lines{"4:13: src_ip: `x` is no IP address"});
}
