#include "flowlens/flow_codec.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "wire/sealed_state.hpp"

using namespace flowlens;

namespace {

Timestamp at(std::int64_t ns) { return from_unix_ns(1'795'262'400'000'000'000 + ns); }

FlowRecord plain(std::uint32_t n) {
  FlowRecord f;
  f.source_address = IpAddress::v4(0x0a000000 + n);
  f.destination_address = IpAddress::v4(0x0a010001);
  f.exporter = IpAddress::v4(0xc0000201);
  f.received = at(n);
  f.end = at(-1);
  f.start = at(-2);
  f.octet_count = 1'000 + n;
  f.present = 0xff;
  return f;
}

/// Every member has a value of its own.
FlowRecord full() {
  FlowRecord f;
  f.source_address = *IpAddress::parse("2001:db8::1");
  f.destination_address = *IpAddress::parse("2001:db8::2");
  f.exporter = *IpAddress::parse("2001:db8::3");
  f.next_hop = *IpAddress::parse("2001:db8::4");
  f.start = from_unix_ns(-1);
  f.end = at(2);
  f.received = at(3);
  f.octet_count = ~std::uint64_t{0};
  f.packet_count = 5;
  f.present = 0x7fffff;
  f.observation_domain = ~std::uint32_t{0};
  f.sampling_rate = 6;
  f.ingress_interface = 7;
  f.egress_interface = 8;
  f.source_as = 9;
  f.destination_as = 10;
  f.source_port = 0xffff;
  f.destination_port = 11;
  f.vlan_id = 12;
  f.icmp_type_code = 13;
  f.protocol = 14;
  f.tcp_flags = 15;
  f.tos = 16;
  f.source_prefix_length = 128;
  f.destination_prefix_length = 17;
  f.flow_direction = 1;
  f.sampling_source = SamplingSource::other_domain;
  f.initiator = Initiator::destination;
  f.kind = FlowKind::sampled_packet;
  f.export_protocol = ExportProtocol::packet_capture;
  f.is_fragment_tail = true;
  f.counter_source = CounterSource::packet;
  return f;
}

NatEvent event() {
  NatEvent e;
  e.exporter = *IpAddress::parse("2001:db8::3");
  e.source_address = IpAddress::v4(1);
  e.destination_address = IpAddress::v4(2);
  e.post_source_address = IpAddress::v4(3);
  e.post_destination_address = IpAddress::v4(4);
  e.time = at(5);
  e.received = at(6);
  e.vrf_name = ~std::uint64_t{0};
  e.observation_domain = 7;
  e.vrf = 8;
  e.pool = 9;
  e.present = 0x1fff;
  e.source_port = 10;
  e.destination_port = 11;
  e.post_source_port = 12;
  e.post_destination_port = 13;
  e.port_block_start = 14;
  e.port_block_end = 15;
  e.protocol = 16;
  e.event = 17;
  return e;
}

FlowBatch batch_of_all() {
  FlowBatch batch;
  batch.flows = {plain(1), plain(1), full(), plain(2)};
  batch.translations = {{0, IpAddress::v4(1), IpAddress::v4(2), 3, 4},
                        {2, full().next_hop, IpAddress::v4(2), 0xffff, 0}};
  batch.nat_events = {event(), NatEvent{}, event()};
  batch.vrfs = {{1, Vrf{1, 2}, std::nullopt},
                {2, std::nullopt, Vrf{~std::uint32_t{0}, ~std::uint64_t{0}}},
                {3, Vrf{}, Vrf{5, 6}}};
  return batch;
}

/// Of all members: their types have no padding that differs.
bool is_equal(const FlowRecord& a, const FlowRecord& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

FlowBatch read(const std::vector<std::byte>& octets) {
  FlowBatch batch;
  const Diagnostic d = decode_flows(octets, batch);
  CAPTURE(d.offset);
  REQUIRE(d.code == DiagnosticCode::none);
  return batch;
}

/// The same octets with a checksum that fits.
std::vector<std::byte> resealed(const std::vector<std::byte>& octets) {
  wire::ByteWriter out;
  out.append(std::span{octets}.first(octets.size() - 4));
  return wire::seal_state(std::move(out));
}

/// Of one flow whose mask says that all members but the first ones are as before.
std::vector<std::byte> one_flow(std::initializer_list<std::uint8_t> octets) {
  wire::ByteWriter out = wire::begin_state(0x464c666c, 1);
  for (const std::uint8_t octet : octets) out.u8(octet);
  return wire::seal_state(std::move(out));
}

}  // namespace

TEST_CASE("flow codec: every member comes back, and what stands beside the flows") {
  const FlowBatch batch = batch_of_all();
  const FlowBatch again = read(encode_flows(batch));
  REQUIRE(again.flows.size() == batch.flows.size());
  for (std::size_t i = 0; i < batch.flows.size(); ++i) {
    CAPTURE(i);
    CHECK(is_equal(again.flows[i], batch.flows[i]));
  }
  CHECK(again.translations == batch.translations);
  CHECK(again.nat_events == batch.nat_events);
  CHECK(again.vrfs == batch.vrfs);
}

TEST_CASE("flow codec: nothing is something, too") {
  const FlowBatch again = read(encode_flows({}));
  CHECK(again.flows.empty());
  CHECK(again.nat_events.empty());
}

TEST_CASE("flow codec: flows of one exporter take a few dozen octets each") {
  FlowBatch batch;
  for (std::uint32_t i = 0; i < 1'000; ++i) batch.flows.push_back(plain(i));
  CHECK(encode_flows(batch).size() < 20 * batch.flows.size());
}

TEST_CASE("flow codec: what is cut or changed is refused") {
  const auto octets = encode_flows(batch_of_all());
  FlowBatch batch;
  for (std::size_t length = 0; length < octets.size(); ++length) {
    CAPTURE(length);
    const std::vector<std::byte> part(octets.begin(),
                                      octets.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK(decode_flows(part, batch).code != DiagnosticCode::none);
    if (length >= 10) CHECK(decode_flows(resealed(part), batch).code != DiagnosticCode::none);
  }
  for (std::size_t i = 0; i < octets.size(); ++i) {
    auto changed = octets;
    changed[i] ^= std::byte{0x40};
    CHECK(decode_flows(changed, batch).code != DiagnosticCode::none);
  }
  auto later = octets;
  later[5] = std::byte{2};
  CHECK(decode_flows(later, batch).code == DiagnosticCode::unknown_version);
}

TEST_CASE("flow codec: with a checksum that fits, all octets are read or refused, and stay sound") {
  const auto octets = encode_flows(batch_of_all());
  FlowBatch batch;
  for (std::size_t i = 6; i + 4 < octets.size(); ++i) {
    for (const unsigned flip : {0x01u, 0x10u, 0x80u, 0xffu}) {
      auto changed = octets;
      changed[i] ^= std::byte{static_cast<unsigned char>(flip)};
      if (decode_flows(resealed(changed), batch).code != DiagnosticCode::none) continue;
      for (const FlowRecord& f : batch.flows) {
        CHECK(f.sampling_rate >= 1);
        CHECK(f.start <= f.end);
      }
      for (const Translation& t : batch.translations) CHECK(t.flow < batch.flows.size());
      for (const FlowVrf& v : batch.vrfs) CHECK(v.flow < batch.flows.size());
    }
  }
}

TEST_CASE("flow codec: claims that cannot be") {
  struct Case {
    const char* name;
    std::vector<std::byte> octets;
  };
  const Case cases[] = {
      {"more flows than octets", one_flow({0xff, 0xff, 0x03, 0, 0, 0, 0})},
      {"a member that there is not", one_flow({1, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0})},
      {"a translation of no flow", one_flow({0, 1, 0, 4, 1, 2, 3, 4, 4, 1, 2, 3, 4, 0, 0, 0, 0})},
      {"an address of 5 octets", one_flow({1, 8, 5, 1, 2, 3, 4, 5, 0, 0, 0})},
      {"a number of eleven groups",
       one_flow({1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0})},
      {"a flow that ends before it begins", one_flow({1, 4, 1, 0, 0, 0})},
      {"octets behind the end", one_flow({0, 0, 0, 0, 0})}};
  FlowBatch batch;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(decode_flows(c.octets, batch).code == DiagnosticCode::state_damaged);
  }
  CHECK(decode_flows(one_flow({0, 0, 0, 0}), batch).code == DiagnosticCode::none);
}
