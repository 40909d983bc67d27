// No heap allocation per datagram in steady state: counted, not measured.
#include <doctest/doctest.h>

#include "allocation/counted_new.hpp"
#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;

TEST_CASE("steady state: no allocation per datagram, of any protocol") {
  const Fields plain = key_and({{7, 2}, {11, 2}, {1, 4}, {22, 4}, {21, 4}});
  const Fields variable = key_and({{96, kVariableLength}, {231, 4}, {232, 4}});
  const Fields nat = key_and({{225, 4}, {227, 2}, {230, 1}});
  const Octets packet = ethernet_packet({});
  ByteWriter frame;
  frame.u8(static_cast<std::uint8_t>(packet.size())).append(packet).u16(78);
  ByteWriter fixed, varied;
  for (std::uint8_t i = 0; i < 20; ++i) {
    fixed.append(key().u16(i).u16(443).u32(100).u32(1).u32(2).octets());
    varied.append(key().u8(i).fill(i, 'x').u32(100).u32(50).octets());
  }
  const auto netflow = [&](ExportProtocol protocol) {
    return MessageBuilder::of(protocol)
        .template_set(256, plain)
        .template_set(257, variable)
        .options_template_set(300, {{1, 4}}, {{34, 4}, {48, 1}})
        .data_set(300, ByteWriter{}.u32(0).u32(100).u8(1))
        .options_template_set(301, {{10, 4}}, {{82, 16}, {83, 16}})
        .data_set(301, ByteWriter{}.u32(3).fill(16, 'a').fill(16, 'b'))
        .options_template_set(302, {{95, 4}}, {{96, 24}})
        .data_set(302, ByteWriter{}.u32(0x0300'0050).fill(24, 'h'))
        .template_set(303, nat)
        .data_set(303, ByteWriter{}.u32(1).u32(2).u8(17).u32(3).u16(4).u8(1))
        .template_set(304, {{315, kVariableLength}, {312, 2}})
        .data_set(304, frame)
        .data_set(256, fixed, 20)
        .data_set(257, varied, 20)
        .build();
  };
  const Octets datagrams[] = {
      v5_message({}, std::vector<V5Record>(30)),
      netflow(ExportProtocol::netflow_v9),
      netflow(ExportProtocol::ipfix),
      SflowBuilder{}
          .flow_sample(SflowBuilder::sampled_header(ethernet_packet({}), 78).octets())
          .counters_sample(SflowBuilder::record(5, ByteWriter{}.fill(28).octets()).octets())
          .build(),
      from_hex("0009 ffff 0000"),
  };
  const TransportSession from = session();
  Decoder decoder;
  FlowBatch batch;
  for (int round = 0; round < 50; ++round) {
    const std::uint64_t before = allocations();
    batch.clear();
    for (const Octets& d : datagrams) decoder.decode(d, from, received(round), batch);
    if (round >= 2) REQUIRE(allocations() == before);
  }
  CHECK(batch.flows.size() == 30 + 2 * 61 + 1);
  CHECK(allocations() > 0);  // the counter counts
  check_balanced(decoder);
}
