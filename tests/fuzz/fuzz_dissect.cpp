// Packet headers, Ethernet to transport. The input: an octet for the link type, one for where a
// second, shorter look ends, then the frame.
#include <algorithm>
#include <cstring>
#include <memory>

#include "flowlens/packet.hpp"
#include "fuzz/datagrams.hpp"

namespace {

using flowlens::Dissection;
using flowlens::LinkType;
using flowlens::Packet;
using flowlens::PacketField;
using flowlens::fuzz::fail;

/// Looks at a heap block of the frame's exact size.
Dissection look(std::span<const std::byte> frame, LinkType link) {
  const std::unique_ptr<std::byte[]> block{new std::byte[frame.size()]};
  if (!frame.empty()) std::memcpy(block.get(), frame.data(), frame.size());
  Dissection dissection;
  flowlens::dissect({block.get(), frame.size()}, link, dissection);
  return dissection;
}

void check(const Packet& packet, std::size_t frame_size) {
  if (packet.has(PacketField::ip) && packet.ip_offset >= frame_size) fail("IP header outside");
  if (packet.mpls_label_count > Packet::kMaxMplsLabels) fail("more labels than there is room for");
  if (packet.has(PacketField::mpls) != (packet.mpls_label_count != 0)) fail("labels without mpls");
  if (packet.has(PacketField::vlan) != (packet.vlan_count != 0)) fail("tags without vlan");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto link = static_cast<LinkType>(data[0] % flowlens::kLinkTypeCount);
  const auto frame = std::as_bytes(std::span{data, size}.subspan(2));
  const Dissection whole = look(frame, link);
  if (whole.count == 0 || whole.count > Dissection::kMaxLayers) fail("no layer, or too many");
  for (std::size_t i = 0; i < whole.count; ++i) check(whole.layers[i], frame.size());

  const Dissection cut = look(frame.first(std::min<std::size_t>(data[1], frame.size())), link);
  if (cut.count > whole.count) fail("a shorter frame has more layers");
  for (std::size_t i = 0; i < cut.count; ++i) {
    const Packet& shorter = cut.layers[i];
    const Packet& packet = whole.layers[i];
    if (shorter.encapsulation != packet.encapsulation) fail("a shorter frame is another tunnel");
    if ((shorter.present & ~packet.present) != 0) fail("a shorter frame shows more");
    if (shorter.has(PacketField::addresses) && shorter.source != packet.source) {
      fail("a shorter frame shows another source");
    }
  }
  return 0;
}
