// No heap allocation per datagram in steady state: counted, not measured.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "support/decoding.hpp"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* p = std::malloc(size != 0 ? size : 1);
  if (p == nullptr) throw std::bad_alloc{};
  return p;
}

}  // namespace

// Of the whole program; the sanitizers see malloc below them.
void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

using namespace flowlens;
using namespace flowlens::test;

TEST_CASE("steady state: no allocation per datagram, of any protocol") {
  const Fields plain = key_and({{7, 2}, {11, 2}, {1, 4}, {22, 4}, {21, 4}});
  const Fields variable = key_and({{96, kVariableLength}, {231, 4}, {232, 4}});
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
    const std::uint64_t before = allocations.load();
    batch.clear();
    for (const Octets& d : datagrams) decoder.decode(d, from, received(round), batch);
    if (round >= 2) REQUIRE(allocations.load() == before);
  }
  CHECK(batch.flows.size() == 30 + 2 * 60 + 1);
  CHECK(allocations.load() > 0);  // the counter counts
  check_balanced(decoder);
}
