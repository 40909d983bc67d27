// NetFlow v9 (RFC 3954) and IPFIX (RFC 7011): messages and their sets.
#include <algorithm>

#include "parse/parser_state.hpp"

namespace flowlens::parse {
namespace {

constexpr std::size_t kV9Header = 20;
constexpr std::size_t kIpfixHeader = 16;

bool all_zero(std::span<const std::byte> octets) noexcept {
  return std::ranges::all_of(octets, [](std::byte b) { return b == std::byte{0}; });
}

/// Reads one set whose id and length are sound.
void read_set(Walk& walk, const SetBody& set) noexcept {
  const bool is_v9 = walk.message.protocol == ExportProtocol::netflow_v9;
  const std::uint16_t template_id = is_v9 ? 0 : 2;
  if (set.id >= kFirstDataSetId) {
    read_data_set(walk, set);
  } else if (set.id == template_id || set.id == template_id + 1) {
    read_template_set(walk, set, set.id != template_id);
  } else {
    ++walk.result.sets_skipped;
    walk.all_sets_read = false;
    walk.skip(DiagnosticCode::set_id_reserved, set.octets.size(), set.offset - kSetHeader, set.id);
  }
}

/// Goes through the sets between `begin` and `end` of the datagram.
void read_sets(Walk& walk, std::size_t begin, std::size_t end) noexcept {
  std::size_t at = begin;
  while (at < end) {
    const std::span<const std::byte> rest = walk.datagram.subspan(at, end - at);
    if (!walk.work.spend(WorkBudget::kSet)) {
      ++walk.result.sets_skipped;
      walk.all_sets_read = false;
      walk.unknown_octets += static_cast<std::uint32_t>(rest.size());
      walk.skip(DiagnosticCode::limit_reached, rest.size(), at, walk.set_index);
      return;
    }
    wire::ByteReader in{rest};
    SetBody set;
    set.id = in.u16();
    const std::size_t length = in.u16();
    if (!in.ok()) {
      walk.skip(DiagnosticCode::trailing_octets, rest.size(), at,
                static_cast<std::uint32_t>(rest.size()));
      return;
    }
    if (set.id == 0 && length == 0 && all_zero(rest)) {
      walk.parser.octets.padding += rest.size();
      walk.remark(DiagnosticCode::trailing_octets, at, static_cast<std::uint32_t>(rest.size()));
      return;
    }
    if (length < kSetHeader || length > rest.size()) {
      ++walk.result.sets_skipped;
      walk.all_sets_read = false;
      walk.unknown_octets += static_cast<std::uint32_t>(rest.size());
      walk.skip(
          length < kSetHeader ? DiagnosticCode::set_length_invalid : DiagnosticCode::set_overrun,
          rest.size(), at, static_cast<std::uint32_t>(length));
      return;
    }
    set.octets = rest.subspan(kSetHeader, length - kSetHeader);
    set.offset = at + kSetHeader;
    set.index = walk.set_index++;
    walk.parser.octets.header += kSetHeader;
    read_set(walk, set);
    at += length;
  }
}

}  // namespace

DiagnosticCode read_v9_header(wire::ByteReader& in, MessageHeader& header) noexcept {
  in.skip(2);
  header.protocol = ExportProtocol::netflow_v9;
  header.claimed_count = in.u16();
  header.sys_uptime_ms = in.u32();
  header.export_time = Timestamp{std::chrono::seconds{in.u32()}};
  header.sequence = in.u32();
  header.observation_domain = in.u32();
  return in.ok() ? DiagnosticCode::none : DiagnosticCode::truncated;
}

DiagnosticCode read_ipfix_header(wire::ByteReader& in, MessageHeader& header,
                                 std::size_t& length) noexcept {
  in.skip(2);
  header.protocol = ExportProtocol::ipfix;
  length = in.u16();
  header.export_time = Timestamp{std::chrono::seconds{in.u32()}};
  header.sequence = in.u32();
  header.observation_domain = in.u32();
  if (!in.ok()) return DiagnosticCode::truncated;
  return length < kIpfixHeader ? DiagnosticCode::bad_length : DiagnosticCode::none;
}

void parse_v9(Walk& walk) noexcept {
  wire::ByteReader in{walk.datagram};
  MessageHeader& header = walk.message;
  if (const DiagnosticCode wrong = read_v9_header(in, header); wrong != DiagnosticCode::none) {
    walk.refuse(wrong, 0, static_cast<std::uint32_t>(walk.datagram.size()));
    return;
  }
  walk.accept(kV9Header);
  read_sets(walk, kV9Header, walk.datagram.size());
  const std::uint32_t seen = walk.records + walk.options_records + walk.template_records;
  if (walk.all_sets_read && seen != header.claimed_count) {
    walk.remark(DiagnosticCode::bad_count, 2, header.claimed_count);
  }
}

void parse_ipfix(Walk& walk) noexcept {
  wire::ByteReader in{walk.datagram};
  MessageHeader& header = walk.message;
  std::size_t length = 0;
  if (const DiagnosticCode wrong = read_ipfix_header(in, header, length);
      wrong != DiagnosticCode::none) {
    const bool is_cut = wrong == DiagnosticCode::truncated;
    walk.refuse(wrong, is_cut ? 0 : 2,
                static_cast<std::uint32_t>(is_cut ? walk.datagram.size() : length));
    return;
  }
  walk.accept(kIpfixHeader);
  if (length > walk.datagram.size()) {
    walk.unknown_octets += static_cast<std::uint32_t>(length - walk.datagram.size());
    walk.remark(DiagnosticCode::bad_length, 2, static_cast<std::uint32_t>(length));
  }
  const std::size_t end = std::min(length, walk.datagram.size());
  read_sets(walk, kIpfixHeader, end);
  if (end < walk.datagram.size()) {
    walk.skip(DiagnosticCode::trailing_octets, walk.datagram.size() - end, end,
              static_cast<std::uint32_t>(length));
  }
}

}  // namespace flowlens::parse
