/// \file
/// Short ways from the fields of one record to its flow.
#pragma once

#include "support/ledgers.hpp"

namespace flowlens::test {

inline constexpr std::uint32_t kExport = 1'700'000'000;  ///< export time of the builders, seconds
inline constexpr std::uint32_t kUptime = 1'000'000;      ///< their uptime, milliseconds

inline Timestamp at_ms(std::int64_t ms) { return Timestamp{std::chrono::milliseconds{ms}}; }
inline Timestamp export_plus_ms(std::int64_t ms) {
  return at_ms(std::int64_t{kExport} * 1'000 + ms);
}

/// Addresses and protocol, then the fields under test.
inline Fields key_and(const Fields& more) {
  Fields fields = {{8, 4}, {12, 4}, {4, 1}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}
inline ByteWriter key(std::uint8_t protocol = 6) {
  return ByteWriter{}.u32(0x0a000001).u32(0x0a000002).u8(protocol);
}

/// Options under which no time is implausible: tests write times that are easy to read.
inline DecoderOptions any_time() {
  constexpr std::chrono::hours kLong{24 * 36'500};
  DecoderOptions options;
  options.normalizer.max_time_behind = options.normalizer.max_time_ahead = kLong;
  options.normalizer.max_duration = kLong;
  return options;
}

/// The flows of one message with a template and its records.
inline std::vector<FlowRecord> decode(ExportProtocol protocol, const Fields& fields,
                                      const ByteWriter& records) {
  DecoderUnderTest t{any_time()};
  return t.feed(
      MessageBuilder::of(protocol).template_set(256, fields).data_set(256, records).build());
}

/// The flow of one record: key_and(more), filled by `write`.
template <typename Write>
FlowRecord flow_of(const Fields& more, Write&& write,
                   ExportProtocol protocol = ExportProtocol::ipfix, std::uint8_t ip_protocol = 6) {
  ByteWriter record = key(ip_protocol);
  write(record);
  const auto flows = decode(protocol, key_and(more), record);
  REQUIRE(flows.size() == 1);
  return flows[0];
}

}  // namespace flowlens::test
