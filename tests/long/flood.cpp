// A flood at full speed: spoofed exporters, templates, giant options, data that waits, noise; between
// them four good exporters, one a protocol, whose flows must all come. Checks that memory stays within
// the budgets and 64 MB, and grows by less than 5 % over the second half.
//
//   flood [--seconds N]      default 600; prints a line each tenth of it
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "flowlens/decoder.hpp"
#include "support/ledger_check.hpp"
#include "support/message_builder.hpp"
#include "support/traffic.hpp"

namespace {

using namespace flowlens;
using namespace flowlens::test;
using flowlens::testing::Dice;

constexpr std::size_t kMiB = std::size_t{1} << 20;
/// What the tables of a Decoder with default options take when all are full (docs/decoding.md):
/// templates and their fields, plans, waiting sets, facts and streams.
constexpr std::size_t kBudget = 256 * kMiB;
constexpr std::size_t kAllowance = 64 * kMiB;
constexpr int kDatagramsASecond = 20'000;  // of the flood's own clock: time is an input

std::size_t resident_octets() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4'096;
}

Fields random_fields(Dice& dice, std::size_t most) {
  Fields fields;
  const std::size_t count = 1 + dice.below(most);
  for (std::size_t i = 0; i < count; ++i) {
    fields.push_back(
        {static_cast<std::uint16_t>(1 + dice.below(480)),
         dice.one_in(9) ? kVariableLength : static_cast<std::uint16_t>(1 + dice.below(8)),
         dice.one_in(10) ? static_cast<std::uint32_t>(dice.below(40'000)) : 0});
  }
  return fields;
}

std::uint16_t random_id(Dice& dice) { return static_cast<std::uint16_t>(256 + dice.below(5'000)); }

Octets random_octets(Dice& dice, std::size_t most) {
  Octets octets(dice.below(most));
  for (std::byte& b : octets) b = static_cast<std::byte>(dice.next());
  return octets;
}

/// One datagram of the flood.
Octets hostile(Dice& dice) {
  const ExportProtocol protocol =
      dice.one_in(2) ? ExportProtocol::ipfix : ExportProtocol::netflow_v9;
  MessageBuilder message = MessageBuilder::of(protocol);
  message.domain(static_cast<std::uint32_t>(dice.below(4)));
  switch (dice.below(8)) {
    case 0:  // templates
      for (int i = 0; i < 20; ++i) message.template_set(random_id(dice), random_fields(dice, 30));
      break;
    case 1:  // giant templates
      message.template_set(random_id(dice), random_fields(dice, 1'024));
      break;
    case 2: {  // sampling rates, interfaces and names, giant ones
      message.options_template_set(300, {{302, 4}}, {{34, 4}, {10, 4}, {82, 64}, {160, 8}});
      ByteWriter records;
      for (int i = 0; i < 200; ++i) {
        records.append(Octets(84, static_cast<std::byte>(dice.next())));
        records.u32(static_cast<std::uint32_t>(dice.next()));
      }
      message.data_set(300, std::span{records.octets()}.first(84 * 200));
      break;
    }
    case 3:  // data without template
      for (int i = 0; i < 10; ++i) message.data_set(random_id(dice), random_octets(dice, 400));
      break;
    case 4: {  // templates and data for them
      const std::uint16_t id = random_id(dice);
      message.template_set(id, {{8, 4}, {12, 4}, {4, 1}, {48, 1}, {1, 4}});
      message.data_set(id, random_octets(dice, 1'400));
      break;
    }
    case 5: {  // sFlow with agents and sources that nobody has
      SflowBuilder sflow;
      sflow.agent(static_cast<std::uint32_t>(dice.next()));
      return sflow.flow_sample(SflowBuilder::sampled_header(random_octets(dice, 200), 200).octets())
          .counters_sample(SflowBuilder::record(1, random_octets(dice, 200)).octets())
          .build();
    }
    case 6: {  // NetFlow v5 of many engines
      V5Header header;
      header.engine = static_cast<std::uint16_t>(dice.next());
      return v5_message(header, std::vector<V5Record>(30));
    }
    default: {  // noise behind a good version
      Octets octets = random_octets(dice, 600);
      if (octets.size() > 1)
        octets[0] = std::byte{0}, octets[1] = std::byte(dice.one_in(2) ? 9 : 10);
      return octets;
    }
  }
  return message.build();
}

TransportSession spoofed(Dice& dice) {
  // Mostly new addresses; some come again, from other ports.
  const auto address = static_cast<std::uint32_t>(
      dice.one_in(4) ? 0x0b000000u + dice.below(2'000) : 0x2d000000u + dice.below(1u << 24));
  return session(static_cast<std::uint16_t>(1'024 + dice.below(60'000)), address);
}

/// The good exporters: a template each 64th time, data always.
Octets good(std::size_t which, std::size_t round) {
  if (which == 0) return v5_message({}, std::vector<V5Record>(3));
  if (which == 3) {
    const ByteWriter packet = SflowBuilder::sampled_header(ethernet_packet({}), 78);
    return SflowBuilder{}
        .flow_sample(packet.octets())
        .flow_sample(packet.octets())
        .flow_sample(packet.octets())
        .build();
  }
  MessageBuilder message = which == 1 ? MessageBuilder::v9() : MessageBuilder::ipfix();
  if (round % 64 == 0) message.template_set(256, {{8, 4}, {12, 4}, {4, 1}, {1, 4}});
  ByteWriter records;
  for (std::uint32_t i = 0; i < 3; ++i) records.u32(1 + i).u32(9).u8(6).u32(100);
  return message.data_set(256, records, 3).build();
}

struct Watch {
  std::size_t highest = 0;
  std::size_t half_time = 0;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

bool report(bool holds, const char* what) {
  if (!holds) std::printf("FAILED: %s\n", what);
  return holds;
}

int flood(double seconds) {
  const auto begin = std::chrono::steady_clock::now();
  const std::size_t at_start = resident_octets();
  Dice dice{2026};
  Decoder decoder;
  FlowBatch batch;
  LedgerCheck ledgers;
  Watch watch;
  std::uint64_t datagrams = 0, flows = 0, good_wanted = 0, good_came = 0;
  int shown = 0;
  const auto feed = [&](const Octets& octets, const TransportSession& from) {
    batch.clear();
    const Timestamp now =
        received() + std::chrono::nanoseconds{datagrams * (1'000'000'000 / kDatagramsASecond)};
    ledgers.fed(octets.size(), decoder.decode(octets, from, now, batch));
    ++datagrams;
    flows += batch.flows.size();
  };
  for (double now = 0; now < seconds; now = seconds_since(begin)) {
    for (int i = 0; i < 1'000; ++i) {
      feed(hostile(dice), spoofed(dice));
      if (i % 25 != 0) continue;
      for (std::size_t which = 0; which < 4; ++which) {
        feed(good(which, good_wanted / 12),
             session(50'000, 0xc0000201u + static_cast<std::uint32_t>(which)));
        good_wanted += 3;
        good_came += batch.flows.size();
      }
    }
    const std::size_t resident = resident_octets();
    watch.highest = std::max(watch.highest, resident);
    if (now < seconds / 2) watch.half_time = watch.highest;
    if (now < shown * seconds / 10) continue;
    ++shown;
    const ParserCounters c = decoder.parser().counters();
    std::printf(
        "%6.1f s: %llu datagrams, %llu flows, %zu MiB resident, %llu templates, %llu evicted, %llu "
        "sets wait\n",
        now, static_cast<unsigned long long>(datagrams), static_cast<unsigned long long>(flows),
        resident / kMiB, static_cast<unsigned long long>(c.templates),
        static_cast<unsigned long long>(c.templates_evicted),
        static_cast<unsigned long long>(c.sets_waiting));
    std::fflush(stdout);
  }
  const std::string wrong = ledgers.problem(decoder, flows);
  std::printf(
      "%llu datagrams in %.0f s; resident %zu MiB at the start, %zu at half time, %zu at most; "
      "%llu of %llu good flows\n",
      static_cast<unsigned long long>(datagrams), seconds, at_start / kMiB, watch.half_time / kMiB,
      watch.highest / kMiB, static_cast<unsigned long long>(good_came),
      static_cast<unsigned long long>(good_wanted));
  bool holds = report(wrong.empty(), wrong.c_str());
  holds &= report(watch.highest <= at_start + kBudget + kAllowance,
                  "memory beyond the budgets and 64 MiB");
  holds &= report(watch.highest <= watch.half_time + watch.half_time / 20,
                  "memory grew by 5 % in the second half");
  holds &= report(good_came == good_wanted, "a good exporter lost flows");
  return holds ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 600;
  if (argc == 3 && std::strcmp(argv[1], "--seconds") == 0) seconds = std::atof(argv[2]);
  if ((argc != 1 && argc != 3) || seconds <= 0) {
    std::fprintf(stderr, "usage: flood [--seconds N]\n");
    return 2;
  }
  return flood(seconds);
}
