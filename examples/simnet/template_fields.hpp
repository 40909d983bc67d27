/// \file
/// What NetFlow v9 and IPFIX exporters share: fields of a template and sets of records.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "byte_writer.hpp"
#include "exporter.hpp"

namespace simnet {

/// A field specifier: element and length (RFC 3954 §5.2, RFC 7011 §3.2).
struct Field {
  std::uint16_t element = 0;
  std::uint16_t length = 0;
};

inline constexpr std::uint16_t kTemplateIpv4 = 256;
inline constexpr std::uint16_t kTemplateIpv6 = 257;
inline constexpr std::uint16_t kTemplateOptions = 258;

[[nodiscard]] inline std::size_t record_length(std::span<const Field> fields) noexcept {
  std::size_t length = 0;
  for (const Field& field : fields) length += field.length;
  return length;
}

inline void write_fields(ByteWriter& out, std::span<const Field> fields) {
  for (const Field& field : fields) {
    out.u16(field.element);
    out.u16(field.length);
  }
}

/// Writes one set: the header, what `body` writes, padding to four octets.
template <typename Body>
void write_set(ByteWriter& out, std::uint16_t id, Body&& body) {
  const std::size_t start = out.size();
  out.u16(id);
  out.u16(0);
  body();
  out.pad_to_multiple_of(4);
  out.patch_u16(start + 2, out.size() - start);
}

/// Writes the flows of one address family as one set, if there are any.
template <typename WriteRecord>
void write_data_set(ByteWriter& out, std::uint16_t id, const std::vector<Flow>& flows, bool is_ipv6,
                    WriteRecord&& write_record) {
  std::vector<const Flow*> chosen;
  for (const Flow& flow : flows) {
    if (flow.source.is_ipv6 == is_ipv6) chosen.push_back(&flow);
  }
  if (chosen.empty()) return;
  write_set(out, id, [&] {
    for (const Flow* flow : chosen) write_record(*flow);
  });
}

}  // namespace simnet
