// IPFIX files, whole and damaged.
#include <doctest/doctest.h>

#include <fstream>

#include "capture_file.hpp"
#include "flowlens/decoder.hpp"
#include "flowlens/ipfix_file_reader.hpp"
#include "log_file.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

std::string message(const std::string& sets, std::uint32_t time = 1'700'000'000) {
  return Octets{}
      .u16(10)
      .u16(static_cast<unsigned>(16 + sets.size()))
      .u32(time)
      .u32(0)
      .u32(7)
      .text(sets)
      .str();
}
/// Source, destination, protocol, octets.
const std::string kTemplate = message(Octets{}
                                          .u16(2)
                                          .u16(24)
                                          .u16(300)
                                          .u16(4)
                                          .u16(8)
                                          .u16(4)
                                          .u16(12)
                                          .u16(4)
                                          .u16(4)
                                          .u16(1)
                                          .u16(1)
                                          .u16(4)
                                          .str());
std::string data(unsigned n) {
  return message(
      Octets{}.u16(300).u16(17).u32(0x0a000000 + n).u32(0x0a000100).u8(6).u32(100 + n).str(),
      1'700'000'000 + n);
}

struct Found {
  std::vector<std::size_t> lengths;
  std::vector<std::uint64_t> octets;  ///< of the flows
  IpfixFileCounters counters;
  std::string error;
};
Found read(const std::string& text) {
  const LogFile file(text);
  IpfixFileReader reader(file.path());
  Decoder decoder;
  FlowBatch batch;
  Found found;
  ReceivedDatagram m;
  try {
    while (reader.next(m)) {
      CHECK(m.session.transport == Transport::file);
      found.lengths.push_back(m.octets.size());
      decoder.decode(m.octets, m.session, m.received, batch);
    }
  } catch (const IoError& e) {
    found.error = std::string(e.what()).substr(file.path().string().size());
  }
  for (const FlowRecord& f : batch.flows) found.octets.push_back(f.octet_count);
  found.counters = reader.counters();
  return found;
}
using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("IPFIX file: messages one after another are flows, plain and packed") {
  const std::string text = kTemplate + data(1) + data(2) + message("") + data(3);
  for (const std::string& file : {text, gzipped(text)}) {
    const Found found = read(file);
    CHECK(found.octets == Numbers{101, 102, 103});
    CHECK(found.counters.messages == 5);
    CHECK(found.counters.octets == text.size());
    CHECK(found.counters.damaged == 0);
    CHECK(found.error == "");
    CHECK(IpfixFileReader::recognise(LogFile(file).path()));
  }
}

TEST_CASE("IPFIX file: the export time is the time of reception") {
  const LogFile file(kTemplate + data(9));
  IpfixFileReader reader(file.path());
  ReceivedDatagram m;
  REQUIRE(reader.next(m));
  REQUIRE(reader.next(m));
  CHECK(to_string(m.received) == "2023-11-14T22:13:29Z");
}

TEST_CASE(
    "IPFIX file: where messages do not follow on each other, reading goes on at the next one") {
  struct Case {
    const char* name;
    std::string text;
    Numbers want;
    std::uint64_t skipped;
    std::uint64_t at;
  };
  std::string longer = data(2), shorter = data(2), other = data(2);
  longer[3] = static_cast<char>(longer[3] + 5);
  shorter[3] = static_cast<char>(shorter[3] - 5);
  other[1] = 9;
  const std::string junk(70'000, '\x0a');
  const std::uint64_t first = kTemplate.size() + data(1).size();
  const Case cases[] = {
      {"too long a length",
       kTemplate + data(1) + longer + data(3),
       {101, 103},
       data(2).size(),
       first},
      {"too short a length",
       kTemplate + data(1) + shorter + data(3),
       {101, 103},
       data(2).size(),
       first},
      {"another version", kTemplate + data(1) + other + data(3), {101, 103}, data(2).size(), first},
      {"octets of something else",
       kTemplate + data(1) + junk + data(3),
       {101, 103},
       junk.size(),
       first},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Found found = read(c.text);
    CHECK(found.octets == c.want);
    CHECK(found.counters.damaged == 1);
    CHECK(found.counters.skipped_octets == c.skipped);
    CHECK(found.counters.first_damage == c.at);
    CHECK(found.counters.octets + found.counters.skipped_octets == c.text.size());
    CHECK(found.error == "");
  }
}

TEST_CASE("IPFIX file: a set that is damaged costs its message alone") {
  std::string bad = data(2);
  bad[19] = 100;  // the length of its set
  const Found found = read(kTemplate + data(1) + bad + data(3));
  CHECK(found.octets == Numbers{101, 103});
  CHECK(found.counters.messages == 4);
  CHECK(found.counters.damaged == 0);
}

TEST_CASE("IPFIX file: what is cut short says where") {
  const std::string text = kTemplate + data(1) + data(2);
  const Found found = read(text.substr(0, text.size() - 3));
  CHECK(found.octets == Numbers{101});
  CHECK(found.error == ": no IPFIX message follows from octet " +
                           std::to_string(kTemplate.size() + data(1).size()) +
                           " on; the file is damaged or cut short");
}

TEST_CASE("IPFIX file: other files are none") {
  for (const std::string& text : {std::string(), std::string("hello"), data(1).substr(0, 20),
                                  std::string("\xd4\xc3\xb2\xa1", 4), std::string(100, '\0')}) {
    const LogFile file(text);
    CHECK(!IpfixFileReader::recognise(file.path()));
    CHECK_THROWS_AS(IpfixFileReader{file.path()}, IoError);
  }
}
