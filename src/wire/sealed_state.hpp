/// \file
/// wire: the frame of saved state: a mark, a version, the content, a CRC-32 over all before it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/checksum.hpp"
#include "flowlens/diagnostic.hpp"
#include "wire/byte_reader.hpp"
#include "wire/byte_writer.hpp"

namespace flowlens::wire {

inline constexpr std::size_t kSealOctets = 10;  ///< mark, version, checksum

inline ByteWriter begin_state(std::uint32_t mark, std::uint16_t version) {
  ByteWriter out;
  out.u32(mark).u16(version);
  return out;
}
inline std::vector<std::byte> seal_state(ByteWriter out) {
  out.u32(base::crc32(out.octets()));
  return out.take();
}

/// \param content  set to the octets between version and checksum.
/// \return `none`, or what is wrong: not such a state, of another version, or damaged.
inline Diagnostic open_state(std::span<const std::byte> state, std::uint32_t mark,
                             std::uint16_t version, std::span<const std::byte>& content) noexcept {
  if (state.size() < kSealOctets) {
    return {DiagnosticCode::truncated, 0, static_cast<std::uint32_t>(state.size())};
  }
  ByteReader in{state};
  if (in.u32() != mark) return {DiagnosticCode::state_damaged, 0, 0};
  const std::uint16_t found = in.u16();
  if (found != version) return {DiagnosticCode::unknown_version, 4, found};
  content = in.take(state.size() - kSealOctets);
  const auto sealed = static_cast<std::uint32_t>(state.size() - 4);
  if (in.u32() != base::crc32(state.first(sealed))) {
    return {DiagnosticCode::state_damaged, sealed, 0};
  }
  return {};
}

}  // namespace flowlens::wire
