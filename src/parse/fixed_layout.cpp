// NetFlow v1, v5 and v7: a header, then records of one fixed layout.
#include <array>

#include "parse/parser_state.hpp"

namespace flowlens::parse {
namespace {

constexpr FieldSpecifier iana(std::uint16_t number, std::uint16_t length) {
  return {{0, number}, length};
}
constexpr std::uint16_t kPadding = 210;

/// The first 36 octets of a record, the same in all versions.
constexpr std::array kCommon{
    iana(8, 4),   // srcaddr
    iana(12, 4),  // dstaddr
    iana(15, 4),  // nexthop
    iana(10, 2),  // input
    iana(14, 2),  // output
    iana(2, 4),   // dPkts
    iana(1, 4),   // dOctets
    iana(22, 4),  // first
    iana(21, 4),  // last
    iana(7, 2),   // srcport
    iana(11, 2),  // dstport
};

constexpr std::array kV1Tail{
    iana(kPadding, 2), iana(4, 1),  // prot
    iana(5, 1),                     // tos
    iana(6, 1),                     // flags
    iana(kPadding, 7),              // retransmissions, reserved
};
constexpr std::array kV5Tail{
    iana(kPadding, 1), iana(6, 1),  // tcp_flags
    iana(4, 1),                     // prot
    iana(5, 1),                     // tos
    iana(16, 2),                    // src_as
    iana(17, 2),                    // dst_as
    iana(9, 1),                     // src_mask
    iana(13, 1),                    // dst_mask
    iana(kPadding, 2),              // v7: which fields a Catalyst's flow mask left out
};

/// \param reserved  octets behind the tail; 0: none.
Template layout_of(ExportProtocol protocol, std::span<const FieldSpecifier> tail,
                   std::uint16_t reserved, std::uint64_t serial) {
  std::vector<FieldSpecifier> fields{kCommon.begin(), kCommon.end()};
  fields.insert(fields.end(), tail.begin(), tail.end());
  if (reserved != 0) fields.push_back(iana(kPadding, reserved));
  return Template{protocol, 0, std::move(fields), 0, serial};
}

}  // namespace

DiagnosticCode read_fixed_header(wire::ByteReader& in, ExportProtocol protocol,
                                 MessageHeader& header) noexcept {
  in.skip(2);
  header.protocol = protocol;
  header.claimed_count = in.u16();
  header.sys_uptime_ms = in.u32();
  header.export_time = Timestamp{std::chrono::seconds{in.u32()}};
  header.export_time += std::chrono::nanoseconds{in.u32()};
  const auto verdict = [&in] { return in.ok() ? DiagnosticCode::none : DiagnosticCode::truncated; };
  if (protocol == ExportProtocol::netflow_v1) return verdict();
  header.sequence = in.u32();
  const std::uint16_t engine = in.u16();  // type and id
  const std::uint16_t sampling = in.u16();
  if (protocol == ExportProtocol::netflow_v5) {
    header.observation_domain = engine;
    header.sampling = sampling;
  }
  return verdict();
}

std::uint16_t most_records(ExportProtocol protocol) noexcept {
  switch (protocol) {
    case ExportProtocol::netflow_v1:
      return 24;
    case ExportProtocol::netflow_v7:
      return 27;
    default:
      return 30;
  }
}

FixedLayouts::FixedLayouts()
    : v1(layout_of(ExportProtocol::netflow_v1, kV1Tail, 4, 1)),
      v1_short(layout_of(ExportProtocol::netflow_v1, kV1Tail, 0, 2)),
      v5(layout_of(ExportProtocol::netflow_v5, kV5Tail, 0, 3)),
      // Its last word names the router that a Catalyst's shortcut went past.
      v7(layout_of(ExportProtocol::netflow_v7, kV5Tail, 4, 4)) {}

const Template& FixedLayouts::of(ExportProtocol protocol, std::size_t count,
                                 std::size_t octets) const noexcept {
  switch (protocol) {
    case ExportProtocol::netflow_v1:
      // softflowd leaves out the last 4 reserved octets of each record.
      return octets == count * v1_short.min_record_octets() ? v1_short : v1;
    case ExportProtocol::netflow_v7:
      return v7;
    default:
      return v5;
  }
}

void parse_fixed(Walk& walk, ExportProtocol protocol) noexcept {
  wire::ByteReader in{walk.datagram};
  MessageHeader& header = walk.message;
  if (const DiagnosticCode wrong = read_fixed_header(in, protocol, header);
      wrong != DiagnosticCode::none) {
    walk.refuse(wrong, 0, static_cast<std::uint32_t>(walk.datagram.size()));
    return;
  }
  const std::size_t header_octets = in.offset();
  walk.accept(header_octets);

  const std::span<const std::byte> body = in.rest();
  const Template& layout = walk.parser.fixed.of(protocol, header.claimed_count, body.size());
  const std::size_t record = layout.min_record_octets();
  const std::size_t whole = body.size() / record;
  const std::size_t count = header.claimed_count < whole ? header.claimed_count : whole;
  if (header.claimed_count > whole || header.claimed_count > most_records(protocol)) {
    walk.remark(DiagnosticCode::bad_count, 2, header.claimed_count);
  }
  if (count != 0) {
    DataSet set;
    set.message = &header;
    set.session = &walk.session;
    set.received = walk.received;
    set.layout = &layout;
    set.offset = static_cast<std::uint32_t>(header_octets);
    const Delivered done = deliver(walk.sink, set, body.first(count * record), walk.work);
    ++walk.result.sets;
    walk.records = done.records;
    walk.parser.octets.decoded += done.octets;
  }
  // Cut off on the way, they were sent all the same.
  if (header.claimed_count > whole && header.claimed_count <= most_records(protocol)) {
    walk.unknown_octets = static_cast<std::uint32_t>(header.claimed_count - whole);
  }
  const std::size_t rest = body.size() - count * record;
  if (rest == 0) return;
  const DiagnosticCode why = header.claimed_count > whole ? DiagnosticCode::record_truncated
                                                          : DiagnosticCode::trailing_octets;
  walk.skip(why, rest, walk.datagram.size() - rest, static_cast<std::uint32_t>(rest));
}

}  // namespace flowlens::parse
