// Sampled frames: what a flow says is what dissect() finds, whichever way the frame was read.
#include <doctest/doctest.h>

#include <cstring>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr std::uint16_t kSwitchVlan = 77;

/// What a sample with this frame and nothing else makes of a flow that knows kSwitchVlan.
FlowRecord expected(const Dissection& d, std::uint64_t frame_octets) {
  FlowRecord flow;
  const std::size_t layer = d.innermost();
  const Packet& p = d.layers[layer];
  const auto tell = [&flow](FlowField f) { flow.present |= static_cast<std::uint32_t>(f); };
  flow.vlan_id = kSwitchVlan;
  tell(FlowField::vlan_id);
  if (!p.is_conversation()) return flow;
  flow.source_address = p.source;
  flow.destination_address =
      p.has(PacketField::final_destination) ? p.final_destination : p.destination;
  flow.protocol = p.protocol;
  flow.tos = p.tos;
  flow.octet_count = p.ip_length;
  if (p.ip_length == 0 && frame_octets > p.ip_offset) flow.octet_count = frame_octets - p.ip_offset;
  for (const FlowField f : {FlowField::source_address, FlowField::destination_address,
                            FlowField::protocol, FlowField::tos, FlowField::octet_count}) {
    tell(f);
  }
  if (p.has(PacketField::destination_port)) {
    flow.source_port = p.source_port;
    flow.destination_port = p.destination_port;
    tell(FlowField::source_port);
    tell(FlowField::destination_port);
  }
  if (p.has(PacketField::tcp_flags)) tell(FlowField::tcp_flags);
  flow.tcp_flags = p.tcp_flags;
  if (p.has(PacketField::icmp)) tell(FlowField::icmp_type_code);
  flow.icmp_type_code = static_cast<std::uint16_t>(p.icmp_type << 8 | p.icmp_code);
  for (std::size_t i = 0; i <= layer; ++i) {
    if (d.layers[i].has(PacketField::vlan)) flow.vlan_id = d.layers[i].vlan_id;
  }
  flow.is_fragment_tail = p.is_fragment_tail();
  return flow;
}

/// The sample's own part taken out of a flow, so that the packet's is left.
FlowRecord packet_part(FlowRecord flow) {
  flow.exporter = {};
  flow.received = flow.start = flow.end = {};
  flow.packet_count = 0;
  flow.observation_domain = flow.ingress_interface = flow.egress_interface = 0;
  flow.sampling_rate = 1;
  flow.sampling_source = SamplingSource::unknown;
  flow.kind = FlowKind::traffic;
  flow.export_protocol = ExportProtocol::ipfix;
  flow.counter_source = CounterSource::none;
  flow.present &= ~(static_cast<std::uint32_t>(FlowField::packet_count) |
                    static_cast<std::uint32_t>(FlowField::ingress_interface) |
                    static_cast<std::uint32_t>(FlowField::egress_interface));
  return flow;
}

/// A frame between a record that names a VLAN and one that tells of another packet.
class Sampler {
 public:
  void check(std::span<const std::byte> frame, std::uint32_t header_protocol, LinkType link) {
    constexpr std::uint32_t kFrameOctets = 1'000;
    Dissection dissection;
    dissect(frame, link, dissection);
    ByteWriter records =
        SflowBuilder::record(1001, ByteWriter{}.u32(kSwitchVlan).fill(12).octets());
    records.append(SflowBuilder::sampled_header(frame, kFrameOctets, header_protocol).octets());
    ByteWriter told;
    told.u32(99).u32(17).u32(0x01020304).u32(0x05060708).u32(7).u32(9).u32(0).u32(3);
    records.append(SflowBuilder::record(3, told.octets()).octets());
    batch_.clear();
    decoder_.decode(SflowBuilder{}.flow_sample(records.octets(), 3).build(), session(), received(),
                    batch_);
    FlowRecord want = expected(dissection, kFrameOctets);
    const bool is_conversation = dissection.layers[dissection.innermost()].is_conversation();
    if (!is_conversation) take_told(want);
    ++(is_conversation ? read_ : not_read_);
    REQUIRE(batch_.flows.size() == 1);
    const FlowRecord have = packet_part(batch_.flows.front());
    const bool is_same = std::memcmp(&have, &want, sizeof have) == 0;
    if (!is_same) MESSAGE("protocol ", header_protocol, ": ", to_hex(frame));
    REQUIRE(is_same);
    REQUIRE(batch_.layers.size() ==
            (is_conversation && dissection.count > 1 ? dissection.count : 0u));
  }
  [[nodiscard]] std::size_t read() const { return read_; }
  [[nodiscard]] std::size_t not_read() const { return not_read_; }

 private:
  static void take_told(FlowRecord& flow) {
    flow.octet_count = 99;
    flow.protocol = 17;
    flow.source_address = IpAddress::v4(0x01020304);
    flow.destination_address = IpAddress::v4(0x05060708);
    flow.source_port = 7;
    flow.destination_port = 9;
    flow.tos = 3;
    for (const FlowField f : {FlowField::source_address, FlowField::destination_address,
                              FlowField::protocol, FlowField::tos, FlowField::octet_count,
                              FlowField::source_port, FlowField::destination_port}) {
      flow.present |= static_cast<std::uint32_t>(f);
    }
  }
  static std::string to_hex(std::span<const std::byte> octets) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::byte octet : octets) {
      text += kDigits[std::to_integer<unsigned>(octet) >> 4];
      text += kDigits[std::to_integer<unsigned>(octet) & 15u];
    }
    return text;
  }

  Decoder decoder_;
  FlowBatch batch_;
  std::size_t read_ = 0, not_read_ = 0;
};

/// Headers from EtherType on, one behind the other.
const char* const kLinks[] = {"", "8100 6064", "88a8 0fff 8100 0001",
                              "8100 0001 8100 0002 9100 0003"};
const char* const kIpv4[] = {"0800 4510 0034 1234 4000 4011 0000 0a000001 0a000002",
                             "0800 4600 0000 1234 2000 4011 0000 0a000001 0a000002 01010101",
                             "0800 4500 0034 1234 20ff 4011 0000 0a000001 0a000002"};
const char* const kIpv6[] = {
    "86dd 6abc 1234 0020 1140 20010db8000000000000000000000001 20010db8000000000000000000000002",
    "86dd 6000 0000 0020 0040 20010db8000000000000000000000001 20010db8000000000000000000000002 "
    "2c00 0000 0000 0000 1100 0008 00000001"};
const char* const kOther[] = {
    "8847 00010140 4500 0028 0001 0000 4006 0000 0a000001 0a000002",
    "0026 aaaa 0300 0000 0800 4500 0028 0001 0000 4011 0000 0a000001 0a000002",
    "0806 0001 0800 0604 0001"};
/// Protocol, and what begins there: transport, tunnels, nothing known.
struct Payload {
  unsigned protocol;
  const char* hex;
};
const Payload kPayloads[] = {
    {6, "9c40 01bb 00000001 00000000 5012 ffff 0000 0000"},
    {17, "9c40 0035 0020 0000 1234 0100 0001 0000 0000 0000"},
    {17,
     "9c40 12b5 0040 0000 08000000 00138800 020000000001 020000000002 0800 4500 0028 0001 0000 "
     "4006 0000 0a000005 0a000006 0050 9c40 0000 0000 0000 0000 5010 ffff"},
    {1, "0301 0000 0000 0000"},
    {132, "9c40 0b59 0000 0000 0000 0000"},
    {47, "0000 0800 4500 0028 0001 0000 4006 0000 0a000007 0a000008 0050 9c40"},
    {89, "0201 002c"}};

std::vector<Octets> frames() {
  const std::string macs = "020000000001 020000000002 ";
  std::vector<Octets> all;
  for (const char* link : kLinks) {
    for (const Payload& payload : kPayloads) {
      for (const char* ip : kIpv4) {
        Octets frame = from_hex(macs + link + ip + payload.hex);
        frame[12 + from_hex(link).size() + 2 + 9] = std::byte(payload.protocol);
        all.push_back(frame);
      }
      for (const char* ip : kIpv6) {
        Octets frame = from_hex(macs + link + ip + payload.hex);
        const std::size_t at = 12 + from_hex(link).size() + 2;
        frame[from_hex(ip).size() == 42 ? at + 6 : at + 48] = std::byte(payload.protocol);
        all.push_back(frame);
      }
    }
    for (const char* other : kOther) all.push_back(from_hex(macs + link + other));
  }
  return all;
}

}  // namespace

TEST_CASE("sampled frames: cut anywhere, a flow says what dissect() finds") {
  Sampler sampler;
  for (const Octets& frame : frames()) {
    for (std::size_t length = 0; length <= frame.size(); ++length) {
      sampler.check(std::span{frame}.first(length), 1, LinkType::ethernet);
      if (length > 14) sampler.check(std::span{frame}.subspan(14, length - 14), 11, LinkType::ip);
    }
  }
  CHECK(sampler.read() > 4'000);
  CHECK(sampler.not_read() > 1'000);
}

TEST_CASE("sampled frames: with any octet changed, a flow says what dissect() finds") {
  Sampler sampler;
  for (Octets frame : frames()) {
    for (std::size_t at = 12; at < frame.size(); ++at) {
      const std::byte was = frame[at];
      for (const unsigned pattern : {0x01u, 0x06u, 0x10u, 0x80u, 0xffu}) {
        frame[at] = was ^ std::byte(pattern);
        sampler.check(frame, 1, LinkType::ethernet);
      }
      frame[at] = was;
    }
  }
  CHECK(sampler.read() > 20'000);
}
