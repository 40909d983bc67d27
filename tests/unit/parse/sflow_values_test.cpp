// What is inside sFlow records: one reader walks every structure by its table.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "flowlens/sflow_record.hpp"
#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

/// Writes a record of a structure with a different number in each field, lists of two entries.
void write_fields(std::span<const SflowField> fields, std::size_t& at, ByteWriter& out,
                  std::vector<std::string>& names) {
  for (; at < fields.size(); ++at) {
    const SflowField& field = fields[at];
    const auto number = static_cast<std::uint32_t>(names.size() + 1);
    if (field.type == SflowType::list_end) return;
    if (field.type == SflowType::list_begin) {
      out.u32(2);
      const std::size_t first = ++at;
      write_fields(fields, at, out, names);
      at = first;
      write_fields(fields, at, out, names);
      continue;
    }
    if (field.type == SflowType::later) continue;
    names.emplace_back(field.name);
    switch (field.type) {
      case SflowType::unsigned_64:
        out.u64(number);
        break;
      case SflowType::ipv6_address:
      case SflowType::octets_16:
        out.u64(0).u64(number);
        break;
      case SflowType::address:
        out.u32(1).u32(number);
        break;
      case SflowType::mac_address:
        out.u16(0).u32(number).u16(0);
        break;
      case SflowType::string:
      case SflowType::octets:
        out.u32(5).append(from_hex("6162636465")).fill(3);
        break;
      case SflowType::words:
        out.u32(2).u32(number).u32(number + 1);
        names.emplace_back(field.name);
        break;
      default:
        out.u32(number);
        break;
    }
  }
}

struct Reading {
  std::string structure, name, unit;
  std::uint64_t number;
  bool is_known;
};
class CounterSink : public RecordSink {
 public:
  void on_counters(const CounterSample& counters) noexcept override {
    ++samples;
    is_of_interface = counters.is_of_interface();
    source_index = counters.source_index();
    counters.for_each([&](const CounterReading& r) {
      readings.push_back({std::string{r.structure.name}, std::string{r.field.name},
                          std::string{r.field.unit}, r.value.number, r.value.is_known()});
    });
  }
  int samples = 0;
  bool is_of_interface = false;
  std::uint32_t source_index = 0;
  std::vector<Reading> readings;
};

}  // namespace

TEST_CASE("sFlow structures: every one reads back as it was written, and every cut is seen") {
  std::size_t count = 0;
  for (const auto of : {SflowRecordClass::flow, SflowRecordClass::counters}) {
    for (const SflowStructure& structure : all_sflow_structures(of)) {
      CAPTURE(structure.name);
      ++count;
      CHECK(find_sflow_structure(of, structure.enterprise, structure.format) == &structure);
      ByteWriter out;
      std::vector<std::string> names;
      std::size_t at = 0;
      write_fields(structure.fields, at, out, names);
      CHECK(out.size() >= structure.min_octets);
      const ExactBlock record{out.octets()};

      SflowValueReader reader{structure, record.span()};
      std::size_t seen = 0;
      for (SflowValue value; reader.next(value); ++seen) {
        REQUIRE(seen < names.size());
        CHECK(value.field->name == names[seen]);
        if (value.field->type == SflowType::string) {
          CHECK(value.text() == "abcde");
        } else if (value.field->type == SflowType::ipv4_address ||
                   value.field->type == SflowType::address) {
          CHECK(value.address == IpAddress::v4(static_cast<std::uint32_t>(seen + 1)));
        } else if (value.field->type == SflowType::mac_address) {
          CHECK(value.octets.size() == 6);
        } else if (value.field->type != SflowType::octets &&
                   value.field->type != SflowType::octets_16 &&
                   value.field->type != SflowType::ipv6_address &&
                   value.field->type != SflowType::words) {
          CHECK(value.number == seen + 1);
        }
      }
      CHECK(seen == names.size());
      CHECK(reader.is_whole());

      for (std::size_t cut = 0; cut < record.span().size(); ++cut) {
        const ExactBlock part{record.span().first(cut)};
        SflowValueReader short_reader{structure, part.span()};
        std::size_t values = 0;
        for (SflowValue value; short_reader.next(value);) ++values;
        CHECK(values <= names.size());
        if (cut < structure.min_octets) CHECK_FALSE(short_reader.is_whole());
      }
    }
  }
  CHECK(count >= 92);
}

TEST_CASE("sFlow structures: lists whose counts lie end with the record") {
  for (const auto& [format, hex] : std::map<std::uint32_t, const char*>{
           {1012, "ffffffff 00000001 00000002"},
           {1003, "00000001 0a000001 00000001 00000001 00000001 ffffffff 00000002 ffffffff"},
           {1016, "ffffffff ffffffff 00000001 00000004"}}) {
    CAPTURE(format);
    const SflowStructure* structure = find_sflow_structure(SflowRecordClass::flow, 0, format);
    REQUIRE(structure != nullptr);
    const ExactBlock record{from_hex(hex)};
    SflowValueReader reader{*structure, record.span()};
    std::size_t values = 0;
    for (SflowValue value; reader.next(value);) ++values;
    CHECK_FALSE(reader.is_whole());
    CHECK(values < 10);
  }
}

TEST_CASE("sFlow counters: name, unit and value of an interface") {
  ByteWriter interface_counters;
  interface_counters.u32(17).u32(6).u64(10'000'000'000).u32(1).u32(3).u64(1'234'567'890'123);
  for (std::uint32_t i = 0; i < 6; ++i) interface_counters.u32(100 + i);
  interface_counters.u64(987).u32(200).u32(0xffffffff).u32(202).u32(203).u32(204).u32(0);
  ByteWriter records = SflowBuilder::record(1, interface_counters.octets());
  records.append(SflowBuilder::record(4'000, ByteWriter{}.u32(1).octets()).octets());
  records.append(
      SflowBuilder::record(1'005, ByteWriter{}.u32(4).append(from_hex("65746830")).octets())
          .octets());
  CounterSink sink;
  Parser parser;
  const ParseResult r =
      parser.parse(SflowBuilder{}.counters_sample(records.octets(), 3).flow_sample({}, 0).build(),
                   session(), received(), sink);
  CHECK(r.clean());
  CHECK(sink.samples == 1);
  CHECK(sink.is_of_interface);
  CHECK(sink.source_index == 2);
  REQUIRE(sink.readings.size() == 20);
  CHECK(sink.readings[5].structure == "if_counters");
  CHECK(sink.readings[5].name == "ifInOctets");
  CHECK(sink.readings[5].unit == "octets");
  CHECK(sink.readings[5].number == 1'234'567'890'123);
  CHECK(sink.readings[13].name == "ifOutUcastPkts");
  CHECK(sink.readings[13].is_known);
  CHECK_FALSE(sink.readings[14].is_known);  // ifOutMulticastPkts: not kept by the device
  CHECK(sink.readings[19].name == "portName");
  check_balanced(parser);
}

TEST_CASE("sFlow counters: numbers with a sign, with a fraction, and fields added later") {
  const SflowStructure* sfp = find_sflow_structure(SflowRecordClass::counters, 0, 10);
  REQUIRE(sfp != nullptr);
  const Octets cold = from_hex("00000001 00000004 00000ce4 ffffd8f0 00000000");
  SflowValueReader reader{*sfp, cold};
  SflowValue value;
  for (int i = 0; i < 4; ++i) REQUIRE(reader.next(value));
  CHECK(value.field->name == "moduleTemperature");
  CHECK(value.real == -10'000);
  CHECK_FALSE(reader.next(value));
  CHECK(reader.is_whole());

  const SflowStructure* cpu = find_sflow_structure(SflowRecordClass::counters, 0, 2003);
  REQUIRE(cpu != nullptr);
  for (const std::size_t octets : {68u, 80u}) {
    Octets record = ByteWriter{}.u32(0x3fc00000).fill(octets - 4).take();
    SflowValueReader cpu_reader{*cpu, record};
    REQUIRE(cpu_reader.next(value));
    CHECK(value.real == 1.5);
    std::size_t values = 1;
    while (cpu_reader.next(value)) ++values;
    CHECK(values == octets / 4);
    CHECK(cpu_reader.is_whole());
  }
}

TEST_CASE("sFlow: discard reasons have names") {
  CHECK(name_of_discard_reason(0) == "net_unreachable");
  CHECK(name_of_discard_reason(15) == "precedence_cutoff");
  CHECK(name_of_discard_reason(16).empty());
  CHECK(name_of_discard_reason(256) == "unknown");
  CHECK(name_of_discard_reason(258) == "acl");
  CHECK(name_of_discard_reason(333) == "dup_frag");
  CHECK(name_of_discard_reason(371) == "socket_filter");
  CHECK(name_of_discard_reason(372).empty());
}

TEST_CASE("sFlow quirk, SONiC and Dell: a counter record under a wrong format costs that record") {
  // A port name under the number of the interface counters, then good Ethernet counters.
  ByteWriter records = SflowBuilder::record(1, from_hex("00000004 65746830"));
  records.append(SflowBuilder::record(2, ByteWriter{}.fill(52).octets()).octets());
  CounterSink sink;
  Parser parser;
  const ParseResult r = parser.parse(SflowBuilder{}.counters_sample(records.octets(), 2).build(),
                                     session(), received(), sink);
  CHECK(r.first.code == DiagnosticCode::sample_truncated);
  CHECK(r.first.detail == 1);
  std::set<std::string> whole;
  for (const Reading& reading : sink.readings) whole.insert(reading.structure);
  CHECK(whole == std::set<std::string>{"ethernet_counters"});
  check_balanced(parser);
}
