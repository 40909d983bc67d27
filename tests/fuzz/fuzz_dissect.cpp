// Packet headers, Ethernet to transport. The input: an octet for the link type, one for where a
// second, shorter look ends, then the frame.
#include <algorithm>
#include <cstring>
#include <memory>

#include "fuzz/datagrams.hpp"
#include "wire/dissect.hpp"

namespace {

using flowlens::fuzz::fail;
using flowlens::wire::LinkType;
using flowlens::wire::Packet;
using flowlens::wire::PacketField;

/// Looks at a heap block of the frame's exact size.
Packet look(std::span<const std::byte> frame, LinkType link) {
  const std::unique_ptr<std::byte[]> block{new std::byte[frame.size()]};
  if (!frame.empty()) std::memcpy(block.get(), frame.data(), frame.size());
  return flowlens::wire::dissect({block.get(), frame.size()}, link);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto link = static_cast<LinkType>(data[0] % 3);
  const auto frame = std::as_bytes(std::span{data, size}.subspan(2));
  const Packet packet = look(frame, link);
  if (packet.has(PacketField::ip) && packet.ip_offset >= frame.size()) fail("IP header outside");
  if (packet.mpls_label_count > Packet::kMaxMplsLabels) fail("more labels than there is room for");
  if (packet.has(PacketField::mpls) != (packet.mpls_label_count != 0)) fail("labels without mpls");

  const Packet shorter = look(frame.first(std::min<std::size_t>(data[1], frame.size())), link);
  if ((shorter.present & ~packet.present) != 0) fail("a shorter frame shows more");
  if (shorter.has(PacketField::addresses) && shorter.source != packet.source) {
    fail("a shorter frame shows another source");
  }
  return 0;
}
