/// \file
/// parse: sFlow samples (sFlow Version 5, July 2004; sflow.org). Samples of versions 2 and 4
/// (RFC 3176) are given out in the layout of version 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "flowlens/record.hpp"

namespace flowlens {

/// One record within a sample, in wire form (XDR).
struct SflowRecord {
  std::uint32_t enterprise = 0;
  std::uint32_t format = 0;
  std::span<const std::byte> octets;  ///< without the 8 octets of format and length
};

/// The sample formats of enterprise 0.
enum class SflowSampleKind : std::uint8_t {
  flow,
  counters,
  expanded_flow,
  expanded_counters,
  discarded
};

/// One sample. A view, valid during the call that hands it over. Fields a kind does not have are 0.
struct SflowSample {
  const MessageHeader* message = nullptr;
  const TransportSession* session = nullptr;
  Timestamp received;
  SflowSampleKind kind = SflowSampleKind::flow;
  std::uint32_t sequence = 0;
  std::uint32_t source_id_type = 0;
  std::uint32_t source_id_index = 0;
  std::uint32_t sampling_rate = 0;
  std::uint32_t sample_pool = 0;
  std::uint32_t drops = 0;
  std::uint32_t input_format = 0;  ///< 0: ifIndex in input_value; 1: discarded; 2: several
  std::uint32_t input_value = 0;
  std::uint32_t output_format = 0;
  std::uint32_t output_value = 0;
  std::uint32_t discard_reason = 0;
  std::uint32_t record_count = 0;      ///< of the records that are whole
  std::span<const std::byte> records;  ///< the records with their headers
  std::uint32_t offset = 0;            ///< of the sample's body in the datagram

  [[nodiscard]] bool is_counters() const noexcept {
    return kind == SflowSampleKind::counters || kind == SflowSampleKind::expanded_counters;
  }

  /// Calls `visit(const SflowRecord&)` for each record.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    std::span<const std::byte> rest = records;
    SflowRecord record;
    for (std::uint32_t i = 0; i < record_count && take(rest, record); ++i) visit(record);
  }

  /// Takes one record off the front of `rest`. \return false if it is cut short.
  static bool take(std::span<const std::byte>& rest, SflowRecord& record) noexcept {
    const auto word = [&rest](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8 | std::to_integer<std::uint32_t>(rest[at + i]);
      }
      return value;
    };
    if (rest.size() < 8) return false;
    const std::uint32_t format = word(0);
    const std::size_t length = word(4);
    if (length > rest.size() - 8) return false;
    record.enterprise = format >> 12;
    record.format = format & 0xfffu;
    record.octets = rest.subspan(8, length);
    // XDR pads to 4 octets; some exporters do not pad the last record.
    const std::size_t padded = (length + 3) & ~std::size_t{3};
    rest = rest.subspan(8 + (padded <= rest.size() - 8 ? padded : length));
    return true;
  }
};

}  // namespace flowlens
