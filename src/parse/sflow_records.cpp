#include "parse/sflow_records.hpp"

#include <string_view>

#include "wire/byte_reader.hpp"

namespace flowlens::parse {
namespace {

/// A structure: w a 32-bit word, a an address, o opaque octets or a string, l a list of words,
/// p an AS path.
struct Structure {
  std::uint32_t format;
  std::string_view members;
};

constexpr Structure kFlowRecords[] = {
    {1, "wwwo"},            // sampled_header
    {2, "wwwwww"},          // sampled_ethernet: each MAC address takes 8 octets
    {3, "wwwwwwww"},        // sampled_ipv4
    {4, "wwwwwwwwwwwwww"},  // sampled_ipv6
    {1001, "wwww"},         // extended_switch
    {1002, "aww"},          // extended_router
    {1003, "awwwplw"},      // extended_gateway
    {1004, "wowo"},         // extended_user
    {1005, "woo"},          // extended_url
    {1006, "all"},          // extended_mpls
    {1007, "aa"},           // extended_nat
    {1008, "oww"},          // extended_mpls_tunnel
    {1009, "oww"},          // extended_mpls_vc
    {1010, "ow"},           // extended_mpls_FTN
    {1011, "w"},            // extended_mpls_LDP_FEC
    {1012, "l"},            // extended_vlantunnel
};

constexpr Structure kCounterRecords[] = {
    {1, "wwwwwwwwwwwwwwwwwwwwww"},  // if_counters, 88 octets
    {2, "wwwwwwwwwwwww"},           // ethernet_counters
    {3, "wwwwwwwwwwwwwwwwww"},      // tokenring_counters
    {4, "wwwwwwwwwwwwwwwwwwww"},    // vg_counters
    {5, "wwwwwww"},                 // vlan_counters
    {1001, "wwwwwww"},              // processor
};

void skip_address(wire::ByteReader& in) noexcept {
  switch (in.u32()) {
    case 0:
      return;
    case 1:
      in.skip(4);
      return;
    case 2:
      in.skip(16);
      return;
    default:
      in.skip(in.remaining() + 1);
      return;  // fails: no such address
  }
}

void skip_opaque(wire::ByteReader& in) noexcept {
  const std::size_t length = in.u32();
  in.skip(length);
  const std::size_t padding = (4 - length % 4) % 4;
  in.skip(padding < in.remaining() ? padding
                                   : in.remaining());  // the last one may lack its padding
}

void skip_list(wire::ByteReader& in) noexcept { in.skip(std::size_t{in.u32()} * 4); }

void skip_path(wire::ByteReader& in) noexcept {
  const std::uint32_t segments = in.u32();
  for (std::uint32_t i = 0; i < segments && in.ok(); ++i) {
    in.skip(4);
    skip_list(in);
  }
}

bool holds(std::string_view members, std::span<const std::byte> octets) noexcept {
  wire::ByteReader in{octets};
  for (const char member : members) {
    switch (member) {
      case 'a':
        skip_address(in);
        break;
      case 'o':
        skip_opaque(in);
        break;
      case 'l':
        skip_list(in);
        break;
      case 'p':
        skip_path(in);
        break;
      default:
        in.skip(4);
        break;
    }
  }
  return in.ok();
}

}  // namespace

bool is_whole(const SflowRecord& record, bool of_counters) noexcept {
  if (record.enterprise != 0) return true;
  const std::span<const Structure> known =
      of_counters ? std::span<const Structure>{kCounterRecords} : std::span{kFlowRecords};
  for (const Structure& structure : known) {
    if (structure.format == record.format) return holds(structure.members, record.octets);
  }
  return true;
}

}  // namespace flowlens::parse
