// AWS VPC flow logs, as each version documents its fields.
#include <doctest/doctest.h>

#include "log_file.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr const char* kVersion2 =
    "2 123456789010 eni-0a 10.0.1.5 10.0.2.9 49152 443 6 20 4249 1700000000 1700000060 ACCEPT OK\n";

/// Of the custom format that has all fields of versions 2 to 5.
const std::string kHeader5 =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end "
    "action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region "
    "az-id "
    "sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction "
    "traffic-path\n";
std::string line5(const std::string& ends, const std::string& flags, const std::string& packet_ends,
                  const std::string& direction = "egress") {
  return "5 123456789010 eni-0b " + ends + " 49152 443 6 20 4249 1700000000 1700000060 ACCEPT OK " +
         "vpc-1 subnet-1 i-1 " + flags + " IPv4 " + packet_ends + " eu-west-1 euw1-az3 - - - - " +
         direction + " 1\n";
}

}  // namespace

TEST_CASE("VPC log, version 2: the default format") {
  const ReadLog log =
      read_log(std::string(kVersion2) +
               "2 123456789010 eni-0a 10.0.2.9 10.0.1.5 443 49152 6 15 9000 1700000001 "
               "1700000061 ACCEPT OK\n");
  CHECK(log.format == ExportProtocol::aws_vpc_log);
  CHECK(log.shown() ==
        Lines{"10.0.1.5:49152>10.0.2.9:443 6 4249/20", "10.0.2.9:443>10.0.1.5:49152 6 9000/15"});
  const FlowRecord& f = log.flows[0];
  CHECK(to_string(f.start) == "2023-11-14T22:13:20Z");
  CHECK(to_string(f.end) == "2023-11-14T22:14:20Z");
  CHECK(f.sampling_source == SamplingSource::record);
  CHECK(f.has(FlowField::start));
  CHECK(!f.has(FlowField::tcp_flags));
}

TEST_CASE("VPC log: a rejected connection is denied, whatever its version") {
  CHECK(read_log(
            "2 1 eni-0a 203.0.113.12 10.0.1.5 49761 3389 6 1 40 1700000000 1700000060 REJECT OK\n")
            .shown() == Lines{"203.0.113.12:49761>10.0.1.5:3389 6 40/1 denied"});
}

TEST_CASE("VPC log: ICMP has no ports; 0 would be an echo reply") {
  CHECK(read_log("2 1 eni-0a 10.0.2.9 10.0.1.5 0 0 1 4 336 1700000000 1700000060 ACCEPT OK\n")
            .shown() == Lines{"10.0.2.9>10.0.1.5 1 336/4"});
}

TEST_CASE("VPC log: intervals without records are counted") {
  const ReadLog log =
      read_log(std::string("2 1 eni-0a - - - - - - - 1700000000 1700000060 - NODATA\n") +
               "2 1 eni-0a - - - - - - - 1700000060 1700000120 - SKIPDATA\n" + kVersion2);
  CHECK(log.counters.no_data == 1);
  CHECK(log.counters.skipped_data == 1);
  CHECK(log.counters.conversations == 1);
  CHECK(log.counters.records == 3);
}

TEST_CASE("VPC log, version 3: SYN without ACK comes from the client") {
  const std::string header =
      "srcaddr dstaddr srcport dstport protocol packets bytes start end tcp-flags type vpc-id\n";
  const auto line = [](const char* flags) {
    return std::string("10.0.0.1 10.0.0.2 40000 9999 6 8 800 1700000000 1700000060 ") + flags +
           " IPv4 vpc-1\n";
  };
  struct Case {
    const char* name;
    const char* flags;
    const char* want;
  };
  const Case cases[] = {
      {"SYN", "2", " flags 2 by source"},
      {"SYN and FIN, a short one", "3", " flags 3 by source"},
      {"SYN-ACK", "18", " flags 18 by destination"},
      {"SYN-ACK and FIN", "19", " flags 19 by destination"},
      {"RST", "4", " flags 4"},
      {"none: it goes on", "0", ""},
      {"not told", "-", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(read_log(header + line(c.flags)).shown() ==
          Lines{std::string("10.0.0.1:40000>10.0.0.2:9999 6 800/8") + c.want});
  }
}

TEST_CASE("VPC log, versions 3 to 5: who talks is the packet's own address") {
  const ReadLog log =
      read_log(kHeader5 + line5("10.0.1.5 10.0.0.220", "2", "10.0.1.5 203.0.113.5") +
               line5("10.0.1.5 10.0.0.220", "18", "- -", "ingress"));
  CHECK(log.shown() == Lines{"10.0.1.5:49152>203.0.113.5:443 6 4249/20 flags 2 by source",
                             "10.0.1.5:49152>10.0.0.220:443 6 4249/20 flags 18 by destination"});
  CHECK(log.flows[0].flow_direction == 1);
  CHECK(log.flows[1].flow_direction == 0);
  CHECK(log.flows[1].has(FlowField::flow_direction));
}

TEST_CASE("VPC log: each interface is an observer, the same in every file") {
  const auto of = [](const std::string& name) {
    return read_log("2 1 " + name +
                    " 10.0.1.5 10.0.2.9 1 2 6 20 4249 1700000000 1700000060 ACCEPT OK\n")
        .flows.at(0);
  };
  CHECK(of("eni-0a").observation_domain == of("eni-0a").observation_domain);
  CHECK(of("eni-0a").observation_domain != of("eni-0b").observation_domain);
  CHECK(of("eni-0a").exporter == of("eni-0b").exporter);
}

TEST_CASE("VPC log: a format that is given") {
  FlowLogOptions options;
  options.vpc_format = "${interface-id} ${srcaddr} ${dstaddr} ${protocol} ${bytes} ${end}";
  CHECK(read_log("eni-1 2001:db8::1 2001:db8::2 58 104 1700000000\n", options).shown() ==
        Lines{"2001:db8::1>2001:db8::2 58 104/-"});
  options.vpc_format = "dstaddr srcaddr protocol start";
  const ReadLog log = read_log("10.0.0.2 10.0.0.1 47 1700000000\n- - - 1700000000\n", options);
  CHECK(log.shown() == Lines{"10.0.0.1>10.0.0.2 47 -/-"});
  CHECK(log.counters.no_data == 1);
}

TEST_CASE("VPC log: formats that cannot be") {
  struct Case {
    const char* name;
    std::string header;
    const char* want;
  };
  const Case cases[] = {
      {"no time", "srcaddr dstaddr protocol\n",
       ":1: the field end is missing; a flow needs srcaddr, dstaddr, protocol, and start or end"},
      {"no destination", "srcaddr protocol end\n",
       ":1: the field dstaddr is missing; a flow needs srcaddr, dstaddr, protocol, and start or "
       "end"},
      {"twice", "srcaddr dstaddr protocol end srcaddr\n", ":1: the field srcaddr stands twice"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(refusal(c.header) == c.want);
    FlowLogOptions options;
    options.vpc_format = c.header.substr(0, c.header.size() - 1);
    CHECK(refusal("1 2 3\n", options) == "vpc_format" + std::string(c.want).substr(2));
  }
}

TEST_CASE("VPC log: CloudWatch's times, header lines in between, ends of lines") {
  CHECK(read_log(std::string("2023-11-14T22:20:00.000Z ") + kVersion2).shown() ==
        Lines{"10.0.1.5:49152>10.0.2.9:443 6 4249/20"});
  const ReadLog log = read_log(
      "srcaddr dstaddr protocol end\r\n10.0.0.1 10.0.0.2 17 1700000000\r\n"
      "end protocol dstaddr srcaddr\n\n1700000000 17 10.0.0.2 10.0.0.1");
  CHECK(log.shown() == Lines{"10.0.0.1>10.0.0.2 17 -/-", "10.0.0.1>10.0.0.2 17 -/-"});
  CHECK(log.counters.records == 2);
}

TEST_CASE("VPC log: a line that makes no sense is named and costs itself alone") {
  struct Case {
    const char* name;
    const char* line;
    const char* want;
  };
  const Case cases[] = {
      {"cut short", "2 1 eni-0a 10.0.1.5 10.0.2.9", "2: 5 fields, where the format has 14"},
      {"one more", "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 6 20 4249 1700000000 1700000060 ACCEPT OK x",
       "2: 15 fields, where the format has 14"},
      {"no address", "2 1 eni-0a 10.0.1.256 10.0.2.9 1 2 6 20 4249 1700000000 1700000060 ACCEPT OK",
       "2:12: srcaddr: `10.0.1.256` is no IP address"},
      {"a port past 65535",
       "2 1 eni-0a 10.0.1.5 10.0.2.9 1 65536 6 20 4249 1700000000 1700000060 ACCEPT OK",
       "2:32: dstport: `65536` is no number from 0 to 65535"},
      {"a name for a protocol",
       "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 tcp 20 4249 1700000000 1700000060 ACCEPT OK",
       "2:34: protocol: `tcp` is no number from 0 to 255"},
      {"a negative count",
       "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 6 20 -1 1700000000 1700000060 ACCEPT OK",
       "2:39: bytes: `-1` is no number from 0 to 18446744073709551615"},
      {"a count past 64 bits",
       "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 6 20 18446744073709551616 1700000000 1700000060 ACCEPT OK",
       "2:39: bytes: `18446744073709551616` is no number from 0 to 18446744073709551615"},
      {"a time past what we can hold",
       "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 6 20 1 1700000000 9999999999 ACCEPT OK",
       "2:52: end: `9999999999` is no time in seconds since 1970"},
      {"no protocol", "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 - 20 1 1700000000 1700000060 ACCEPT OK",
       "2: protocol is missing"},
      {"no time at all", "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 6 20 1 - - ACCEPT OK",
       "2: end is missing"},
      {"an action we do not know",
       "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 6 20 1 1700000000 1700000060 DENY OK",
       "2:63: action: `DENY` is neither ACCEPT nor REJECT"},
      {"a status we do not know",
       "2 1 eni-0a 10.0.1.5 10.0.2.9 1 2 6 20 1 1700000000 1700000060 ACCEPT ?\033",
       "2:70: log-status: `??` is none of OK, NODATA and SKIPDATA"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const ReadLog log = read_log(std::string(kVersion2) + c.line + '\n' + kVersion2);
    CHECK(log.problems == Lines{c.want});
    CHECK(log.counters.refused == 1);
    CHECK(log.flows.size() == 2);
  }
}

TEST_CASE("VPC log: a time that is still to come is damage where the caller says so") {
  FlowLogOptions options;
  options.latest = from_unix_ns(1'700'000'059'999'999'999);
  CHECK(read_log(kVersion2, options).problems ==
        Lines{"1:72: end: `1700000060` is a time that is still to come"});
  options.latest = from_unix_ns(1'700'000'060'000'000'000);
  CHECK(read_log(kVersion2, options).flows.size() == 1);
}
