// Files of any kind, read to flows.
#include <doctest/doctest.h>

#include <fstream>

#include "capture_file.hpp"
#include "flowlens/error.hpp"
#include "flowlens/flow_file.hpp"
#include "log_file.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

/// NetFlow v5 of one flow, its octets as given.
std::string v5(unsigned octets) {
  return Octets{}
      .u16(5)
      .u16(1)
      .u32(60'000)
      .u32(1'700'000'000)
      .zeros(12)
      .u32(0x0a000001)
      .u32(0x0a000002)
      .zeros(8)
      .u32(1)
      .u32(octets)
      .u32(50'000)
      .u32(59'000)
      .u16(40'000)
      .u16(443)
      .u8(0)
      .u8(0x1b)
      .u8(6)
      .zeros(9)
      .str();
}
std::string ipfix() {
  return Octets{}
      .u16(10)
      .u16(16 + 20 + 13)
      .u32(1'700'000'001)
      .u32(0)
      .u32(7)
      .u16(2)
      .u16(20)
      .u16(300)
      .u16(3)
      .u16(8)
      .u16(4)
      .u16(12)
      .u16(4)
      .u16(4)
      .u16(1)
      .u16(300)
      .u16(13)
      .u32(0x0a000001)
      .u32(0x0a000100)
      .u8(6)
      .str();
}
std::string vpc_line(int second) {
  return "2 123456789010 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 840 " +
         std::to_string(1'700'000'000 + second) + " " + std::to_string(1'700'000'000 + second) +
         " ACCEPT OK\n";
}
std::string tcp() { return ethernet(ipv4(Octets{}.u16(40'000).u16(443).zeros(16).str(), 6)); }

struct Read {
  std::vector<FlowRecord> flows;
  std::vector<std::size_t> batches;
  FlowFileCounters counters;
  std::vector<InputFile> files;
  Timestamp now;
  std::uint64_t octets_read = 0;
  std::uint64_t octets_total = 0;
};
Read read(const std::vector<std::filesystem::path>& paths, const FlowFileOptions& options = {}) {
  FlowFile file(paths, options);
  Read found;
  FlowBatch batch;
  while (file.next(batch)) {
    found.batches.push_back(batch.flows.size());
    found.flows.insert(found.flows.end(), batch.flows.begin(), batch.flows.end());
  }
  CHECK(batch.flows.empty());
  found.counters = file.counters();
  found.files = file.files();
  found.now = file.now();
  found.octets_read = file.octets_read();
  found.octets_total = file.octets_total();
  CHECK(found.counters.flows == found.flows.size());
  return found;
}

std::string reason_against(const std::vector<std::filesystem::path>& paths,
                           const FlowFileOptions& options = {}) {
  try {
    FlowFile file(paths, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("flow files: what a file holds decides how it is read") {
  CaptureFile exports(1), traffic(1);
  exports.add(ethernet(ipv4(udp(v5(840)))));
  traffic.add(tcp());
  const LogFile messages(ipfix()), log(vpc_line(2)), packed(gzipped(vpc_line(2)));
  struct Case {
    const char* name;
    std::filesystem::path path;
    InputKind kind;
    ExportProtocol protocol;
    std::int64_t seconds;
  };
  const Case cases[] = {
      {"exporters' datagrams", exports.path(), InputKind::capture, ExportProtocol::netflow_v5, 0},
      {"ordinary traffic", traffic.path(), InputKind::capture, ExportProtocol::packet_capture, 0},
      {"IPFIX file", messages.path(), InputKind::ipfix_file, ExportProtocol::ipfix, 1},
      {"flow log", log.path(), InputKind::flow_log, ExportProtocol::aws_vpc_log, 2},
      {"packed flow log", packed.path(), InputKind::flow_log, ExportProtocol::aws_vpc_log, 2},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Read found = read({c.path});
    REQUIRE(found.flows.size() == 1);
    CHECK(found.flows[0].export_protocol == c.protocol);
    CHECK(found.flows[0].source_address.to_string() == "10.0.0.1");
    REQUIRE(found.files.size() == 1);
    CHECK(found.files[0].kind == c.kind);
    CHECK(found.files[0].path == c.path);
    CHECK(found.files[0].problem.empty());
    CHECK(std::chrono::floor<std::chrono::seconds>(found.now).time_since_epoch().count() ==
          1'700'000'000 + c.seconds);
    CHECK(found.octets_total == std::filesystem::file_size(c.path));
    CHECK(found.octets_read == found.octets_total);
    CHECK(found.counters.unclean_datagrams == 0);
  }
}

TEST_CASE("flow files: a batch is full at its size, and all come") {
  CaptureFile file(1);
  for (unsigned i = 0; i < 7; ++i) file.add(ethernet(ipv4(udp(v5(100 + i)))));
  FlowFileOptions options;
  options.batch_flows = 3;
  const Read found = read({file.path()}, options);
  CHECK(found.batches == std::vector<std::size_t>{3, 3, 1});
  for (unsigned i = 0; i < 7; ++i) CHECK(found.flows[i].octet_count == 100 + i);
  CHECK(found.counters.datagrams == 7);
}

TEST_CASE("flow files: several are one, in the order of time, and each an observation point") {
  const LogFile late(vpc_line(5) + vpc_line(1)), early(vpc_line(3));
  CaptureFile first(1), second(1);
  first.add(tcp());
  second.add(tcp());
  FlowFileOptions options;
  options.capture.observation_point = 4;
  const Read found = read({late.path(), first.path(), early.path(), second.path()}, options);
  REQUIRE(found.flows.size() == 5);
  for (std::size_t i = 1; i < 5; ++i) CHECK(found.flows[i - 1].received <= found.flows[i].received);
  CHECK(found.flows[0].observation_domain == 5);
  CHECK(found.flows[1].observation_domain == 7);
  CHECK(found.counters.logged == 3);
  CHECK(found.counters.packets == 2);
  REQUIRE(found.files.size() == 4);
  CHECK(found.files[2].log.records == 1);
}

TEST_CASE("flow files: what was cut short is named, and what came before is there") {
  CaptureFile file(1);
  file.add(ethernet(ipv4(udp(v5(1))))).add(ethernet(ipv4(udp(v5(2)))));
  file.cut_short(4);
  const LogFile log(vpc_line(1) + "2 some nonsense\n");
  const Read found = read({file.path(), log.path()});
  CHECK(found.flows.size() == 2);
  CHECK(found.files[0].problem.find("damaged after packet 1") != std::string::npos);
  CHECK(found.files[1].problem.empty());
  CHECK(found.files[1].log_problems.size() == 1);
}

TEST_CASE("flow files: damaged datagrams count") {
  CaptureFile file(1);
  file.add(ethernet(ipv4(udp(v5(1) + "x"))));
  CHECK(read({file.path()}).counters.unclean_datagrams == 1);
}

TEST_CASE("flow files: what is refused at once") {
  const LogFile text("hello\n"), log(vpc_line(1));
  CHECK(reason_against({}).find("no file") != std::string::npos);
  CHECK(reason_against({"/nowhere/x.pcap"}).find("/nowhere/x.pcap") != std::string::npos);
  CHECK(reason_against({text.path()}).find("or a flow log") != std::string::npos);
  CHECK(reason_against({log.path(), text.path()}).find(text.path().string()) != std::string::npos);
  FlowFileOptions options;
  options.batch_flows = 0;
  CHECK(reason_against({log.path()}, options).find("batch_flows") != std::string::npos);
}

TEST_CASE("for each second: flows go in portions of the second they were received in") {
  FlowBatch batch;
  for (const int ms : {100, 900, 1'000, 5'300, 5'999}) {
    batch.flows.emplace_back().received = Timestamp{std::chrono::milliseconds{ms}};
  }
  std::vector<std::vector<std::int64_t>> got;
  for_each_second(batch, [&](std::size_t first, std::size_t end, Timestamp now) {
    got.push_back({static_cast<std::int64_t>(first), static_cast<std::int64_t>(end),
                   now.time_since_epoch() / std::chrono::milliseconds{1}});
  });
  CHECK(got == std::vector<std::vector<std::int64_t>>{{0, 2, 900}, {2, 3, 1'000}, {3, 5, 5'999}});
}
