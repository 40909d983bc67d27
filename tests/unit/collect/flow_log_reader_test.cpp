// Which files are flow logs, gzip, batches, and the words of logs.
#include "flowlens/flow_log_reader.hpp"

#include <doctest/doctest.h>

#include "collect/log_text.hpp"
#include "log_file.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

std::string vpc_lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += "2 1 eni-0a 10.0.1.5 10.0.2.9 " + std::to_string(i % 60'000) +
            " 443 6 20 4249 1700000000 1700000060 ACCEPT OK\n";
  }
  return text;
}

}  // namespace

TEST_CASE("flow logs: files that are none") {
  struct Case {
    const char* name;
    std::string text;
    const char* want;
  };
  const Case cases[] = {
      {"empty", "", " is no flow log"},
      {"a letter", "Dear Sir,\n", " is no flow log"},
      {"a capture", std::string("\xd4\xc3\xb2\xa1\x02\0\x04\0", 8), " is no flow log"},
      {"other JSON", "{\"hello\":1}\n", " is no flow log"},
      {"an older log of Azure", R"({"records":[{"category":"NetworkSecurityGroupFlowEvent"}]})",
       " is a flow log of an Azure network security group; those of virtual networks are read"},
      {"values of no known format", "1 2 3 4\n", " is no flow log"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(refusal(c.text).starts_with(c.want));
    CHECK(!FlowLogReader::recognise(LogFile(c.text).path()));
  }
  CHECK_THROWS_WITH_AS(FlowLogReader("/nowhere/log"),
                       "/nowhere/log cannot be opened: No such file or directory", IoError);
  CHECK_THROWS_AS(FlowLogReader("/tmp"), IoError);
}

TEST_CASE("flow logs: limits that cannot be") {
  FlowLogOptions options;
  options.batch_flows = 1;
  CHECK(refusal(vpc_lines(1), options) == "FlowLogOptions::batch_flows must be 2 or more");
  options = {};
  options.max_record = 10;
  CHECK(refusal(vpc_lines(1), options) == "FlowLogOptions::max_record must be 1024 or more");
}

TEST_CASE("flow logs: batches are bounded, and flows come in the order of the log") {
  FlowLogOptions options;
  options.batch_flows = 7;
  const ReadLog log = read_log(vpc_lines(1'000), options);
  REQUIRE(log.flows.size() == 1'000);
  for (std::size_t i = 0; i < 1'000; ++i) CHECK(log.flows[i].source_port == i);
  CHECK(log.counters.octets == vpc_lines(1'000).size());

  // One record of many flows is handed out in parts.
  std::string tuples;
  for (int i = 0; i < 100; ++i) {
    tuples += (i > 0 ? ",\"" : "\"") + std::to_string(1'700'000'000'000 + i) +
              ",10.0.0.7,10.0.0.6,5000,53,17,I,E,X,1,80,1,200\"";
  }
  const ReadLog azure = read_log(
      R"({"records":[{"macAddress":"A","flowRecords":{"flows":[{"flowGroups":[{"flowTuples":[)" +
          tuples + "]}]}]}}]}",
      options);
  REQUIRE(azure.flows.size() == 200);
  for (std::size_t i = 2; i < 200; ++i) CHECK(azure.flows[i].end >= azure.flows[i - 1].end);
}

TEST_CASE("flow logs: gzip, of one member or several") {
  const std::string text = vpc_lines(20'000);
  const std::size_t cut = text.find('\n', text.size() / 2) - 5;  // within a line
  for (const std::string& packed :
       {gzipped(text), gzipped(text.substr(0, cut)) + gzipped(text.substr(cut))}) {
    CHECK(FlowLogReader::recognise(LogFile(packed).path()) == ExportProtocol::aws_vpc_log);
    const ReadLog log = read_log(packed);
    CHECK(log.flows.size() == 20'000);
    CHECK(log.counters.refused == 0);
    CHECK(log.counters.octets == text.size());
  }
}

TEST_CASE(
    "flow logs: gzip that is damaged or cut short ends with an error, after what came before") {
  const std::string packed = gzipped(vpc_lines(50'000));
  const ReadLog cut = read_log(packed.substr(0, packed.size() - 2'000));
  CHECK(cut.flows.size() > 1'000);
  CHECK(cut.flows.size() < 50'000);
  CHECK(cut.counters.refused == 0);
  CHECK(cut.error == ": the gzip file is cut short");
  std::string damaged = packed;
  damaged[packed.size() / 2] = static_cast<char>(~damaged[packed.size() / 2]);
  const ReadLog bad = read_log(damaged);
  CHECK(bad.error.starts_with(": the gzip file is damaged"));
}

TEST_CASE("flow logs: problems are counted beyond those that are kept") {
  FlowLogOptions options;
  options.max_problems = 3;
  std::string text = vpc_lines(1);
  for (int i = 0; i < 10; ++i) text += "nonsense\n";
  const ReadLog log = read_log(text, options);
  CHECK(log.counters.refused == 10);
  CHECK(log.problems.size() == 3);
  CHECK(log.problems[2] == "4: 1 fields, where the format has 14");
}

TEST_CASE("flow logs: long lines are passed over, whatever their length") {
  FlowLogOptions options;
  options.max_record = 2'000;
  for (const std::size_t length : {1'999u, 2'000u, 2'001u, 2'002u, 300'000u, 3'000'000u}) {
    CAPTURE(length);
    const ReadLog log =
        read_log(vpc_lines(1) + std::string(length, 'x') + '\n' + vpc_lines(1), options);
    CHECK(log.flows.size() == 2);
    CHECK(log.problems == Lines{length <= 2'000 ? "2: 1 fields, where the format has 14"
                                                : "2: a line of more than 2000 octets"});
  }
}

TEST_CASE("words of logs: times") {
  struct Case {
    const char* text;
    const char* want;  ///< empty: refused
  };
  const Case cases[] = {
      {"2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z"},
      {"2023-11-14T22:13:20.25Z", "2023-11-14T22:13:20.25Z"},
      {"2023-11-14T22:13:20.123456789123Z", "2023-11-14T22:13:20.123456789Z"},
      {"2023-11-14T23:13:20+0100", "2023-11-14T22:13:20Z"},
      {"2023-11-14T17:43:20-04:30", "2023-11-14T22:13:20Z"},
      {"2023-11-14T22:13:20", "2023-11-14T22:13:20Z"},
      {"2023-11-14T22:13:60Z", "2023-11-14T22:14:00Z"},
      {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
      {"2023-02-29T00:00:00Z", ""},
      {"2023-13-01T00:00:00Z", ""},
      {"2023-11-14T24:00:00Z", ""},
      {"2023-11-14T22:13:20+24:00", ""},
      {"2023-11-14T22:13:20.Z", ""},
      {"2023-11-14T22:13:20ZZ", ""},
      {"2023-11-14T22:13:20+1", ""},
      {"2023-11-14", ""},
      {"2262-01-01T00:00:00Z", ""},
      {"", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto time = collect::read_time(c.text);
    CHECK((time ? to_string(*time) : "") == c.want);
  }
}

TEST_CASE("words of logs: numbers, addresses, seconds, fields") {
  CHECK(collect::read_number("18446744073709551615") == ~std::uint64_t{0});
  for (const char* text :
       {"", "-1", "+1", "1 ", "18446744073709551616", "99999999999999999999999", "0x1"}) {
    CAPTURE(text);
    CHECK(!collect::read_number(text));
  }
  for (const char* text :
       {"0.0.0.0", "255.255.255.255", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"}) {
    CAPTURE(text);
    CHECK(collect::read_address(text) == IpAddress::parse(text));
  }
  for (const char* text :
       {"", "10.0.0", "10.0.0.1.2", "10.0.0.256", "10.0.0.01", "10.0.0.1x", "999999999999.1.1.1"}) {
    CAPTURE(text);
    CHECK(!collect::read_address(text));
  }
  CHECK(collect::read_seconds("1.0000000019") == std::chrono::nanoseconds{1'000'000'001});
  CHECK(collect::read_seconds("9223372035.999999999"));
  for (const char* text : {"", ".5", "1.", "-1", "1e3", "9223372036", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(!collect::read_seconds(text));
  }
  std::array<std::string_view, 3> fields;
  CHECK(collect::split({}, ' ', fields) == 1);  // a view of nothing at all
  CHECK(collect::split("", ' ', fields) == 1);
  CHECK(collect::split("a  b c", ' ', fields) == 4);
  CHECK(fields == std::array<std::string_view, 3>{"a", "", "b"});
}
