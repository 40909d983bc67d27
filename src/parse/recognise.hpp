/// \file
/// parse: whether octets of unknown origin are an export message. Stricter than the Parser, which is
/// told that they are: lengths and counts must agree to the last octet.
#pragma once

#include <cstddef>
#include <span>

namespace flowlens::parse {

/// Whether a version of NetFlow, IPFIX or sFlow stands where one should.
[[nodiscard]] bool has_export_version(std::span<const std::byte> datagram) noexcept;

/// Whether header and content agree as those of an exporter do.
[[nodiscard]] bool is_export_message(std::span<const std::byte> datagram) noexcept;

}  // namespace flowlens::parse
