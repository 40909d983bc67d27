#include "parse/recognise.hpp"

#include <cstdint>

#include "wire/byte_reader.hpp"

namespace flowlens::parse {
namespace {

using wire::ByteReader;

/// NetFlow versions of fixed layout: a header, then as many records as it says.
bool is_fixed_layout(std::size_t size, std::size_t header, std::size_t record,
                     std::size_t count) noexcept {
  return count != 0 && size == header + record * count;
}

/// Sets to the end, of ids that mean something.
bool holds_sets(ByteReader in, std::uint16_t first_special, std::uint16_t last_special) noexcept {
  if (in.remaining() == 0) return false;
  while (in.ok() && in.remaining() != 0) {
    const std::uint16_t id = in.u16();
    const std::uint16_t length = in.u16();
    if (length < 4 || (id < 256 && (id < first_special || id > last_special))) return false;
    in.skip(length - 4u);
  }
  return in.ok();
}

bool is_v9(ByteReader in) noexcept {
  const std::uint16_t count = in.u16();
  in.skip(16);
  return count != 0 && in.ok() && holds_sets(in, 0, 1);
}

bool is_ipfix(ByteReader in, std::size_t size) noexcept {
  const std::uint16_t length = in.u16();
  in.skip(12);
  // Keep-alive messages have no set.
  return length == size && in.ok() && (in.remaining() == 0 || holds_sets(in, 2, 3));
}

bool holds_samples(ByteReader in, std::uint32_t count) noexcept {
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    in.skip(4);
    in.skip(in.u32());
  }
  return in.ok() && in.remaining() == 0;
}

/// Samples of versions 2 and 4 have no length: their header has to do.
bool is_sflow(ByteReader in) noexcept {
  const std::uint32_t version = in.u32();
  const std::uint32_t address = in.u32();
  if (address != 1 && address != 2) return false;
  in.skip(address == 1 ? 4 : 16);
  if (version == 5) in.skip(4);
  in.skip(8);
  const std::uint32_t samples = in.u32();
  if (!in.ok() || samples > in.remaining() / 8) return false;
  if (version == 5) return holds_samples(in, samples);
  const std::uint32_t kind = in.u32();
  return samples != 0 && (kind == 1 || kind == 2);
}

bool is_sflow_version(std::uint32_t version) noexcept {
  return version == 2 || version == 4 || version == 5;
}

}  // namespace

bool has_export_version(std::span<const std::byte> datagram) noexcept {
  ByteReader in{datagram};
  const std::uint32_t word = in.u32();
  const std::uint32_t version = word >> 16;
  if (!in.ok()) return false;
  if (version == 0) return is_sflow_version(word);
  return version == 1 || version == 5 || version == 7 || version == 9 || version == 10;
}

bool is_export_message(std::span<const std::byte> datagram) noexcept {
  if (!has_export_version(datagram)) return false;
  ByteReader in{datagram};
  const std::uint16_t version = in.u16();
  ByteReader counted = in;
  const std::uint16_t count = counted.u16();
  switch (version) {
    case 0:
      return is_sflow(ByteReader{datagram});
    case 1:
      return is_fixed_layout(datagram.size(), 16, 52, count);
    case 5:
      return is_fixed_layout(datagram.size(), 24, 48, count);
    case 7:
      return is_fixed_layout(datagram.size(), 24, 52, count);
    case 9:
      return is_v9(in);
    default:
      return is_ipfix(in, datagram.size());
  }
}

}  // namespace flowlens::parse
