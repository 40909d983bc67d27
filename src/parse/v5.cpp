// NetFlow v5: a header of 24 octets and records of 48.
#include "parse/parser_state.hpp"

namespace flowlens::parse {
namespace {

constexpr std::size_t kHeader = 24;
constexpr std::uint16_t kMaxRecords = 30;

}  // namespace

Template make_v5_layout() {
  constexpr auto iana = [](std::uint16_t number, std::uint16_t length) {
    return FieldSpecifier{{0, number}, length};
  };
  return Template{ExportProtocol::netflow_v5,
                  0,
                  {
                      iana(8, 4),    // srcaddr
                      iana(12, 4),   // dstaddr
                      iana(15, 4),   // nexthop
                      iana(10, 2),   // input
                      iana(14, 2),   // output
                      iana(2, 4),    // dPkts
                      iana(1, 4),    // dOctets
                      iana(22, 4),   // first
                      iana(21, 4),   // last
                      iana(7, 2),    // srcport
                      iana(11, 2),   // dstport
                      iana(210, 1),  // pad1
                      iana(6, 1),    // tcp_flags
                      iana(4, 1),    // prot
                      iana(5, 1),    // tos
                      iana(16, 2),   // src_as
                      iana(17, 2),   // dst_as
                      iana(9, 1),    // src_mask
                      iana(13, 1),   // dst_mask
                      iana(210, 2),  // pad2
                  },
                  0,
                  1};
}

void parse_v5(Walk& walk) noexcept {
  wire::ByteReader in{walk.datagram};
  MessageHeader& header = walk.message;
  in.skip(2);
  header.protocol = ExportProtocol::netflow_v5;
  header.claimed_count = in.u16();
  header.sys_uptime_ms = in.u32();
  header.export_time = Timestamp{std::chrono::seconds{in.u32()}};
  header.export_time += std::chrono::nanoseconds{in.u32()};
  header.sequence = in.u32();
  header.observation_domain = in.u16();  // engine type and engine id
  header.sampling = in.u16();
  if (!in.ok()) {
    walk.refuse(DiagnosticCode::truncated, 0, static_cast<std::uint32_t>(walk.datagram.size()));
    return;
  }
  walk.accept(kHeader);

  const Template& layout = walk.parser.v5_layout;
  const std::size_t record = layout.min_record_octets();
  const std::span<const std::byte> body = in.rest();
  const std::size_t whole = body.size() / record;
  const std::size_t count = header.claimed_count < whole ? header.claimed_count : whole;
  if (header.claimed_count > whole || header.claimed_count > kMaxRecords) {
    walk.remark(DiagnosticCode::bad_count, 2, header.claimed_count);
  }
  if (count != 0) {
    DataSet set;
    set.message = &header;
    set.session = &walk.session;
    set.received = walk.received;
    set.layout = &layout;
    set.offset = kHeader;
    const Delivered done = deliver(walk.sink, set, body.first(count * record));
    ++walk.result.sets;
    walk.parser.octets.decoded += done.octets;
  }
  const std::size_t rest = body.size() - count * record;
  if (rest == 0) return;
  const DiagnosticCode why = header.claimed_count > whole ? DiagnosticCode::record_truncated
                                                          : DiagnosticCode::trailing_octets;
  walk.skip(why, rest, walk.datagram.size() - rest, static_cast<std::uint32_t>(rest));
}

}  // namespace flowlens::parse
