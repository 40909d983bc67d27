/// \file
/// Export messages made by hand, so that a test says what is odd about its input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "flowlens/template.hpp"
#include "flowlens/time.hpp"
#include "flowlens/transport_session.hpp"
#include "wire/byte_writer.hpp"

namespace flowlens::test {

using Octets = std::vector<std::byte>;
using wire::ByteWriter;

/// `0a00 0001`: spaces are passed over.
inline Octets from_hex(std::string_view text) {
  Octets octets;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      octets.push_back(static_cast<std::byte>(high << 4 | digit));
      high = -1;
    }
  }
  return octets;
}

/// A copy in a heap block of exactly its size, so that a sanitizer sees a read past it.
class ExactBlock {
 public:
  explicit ExactBlock(std::span<const std::byte> octets)
      : size_(octets.size()), octets_(new std::byte[octets.size()]) {
    std::copy(octets.begin(), octets.end(), octets_.get());
  }
  [[nodiscard]] std::span<const std::byte> span() const { return {octets_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> octets_;
};

/// One field of a template: element, octets, enterprise.
struct Field {
  std::uint16_t element = 0;
  std::uint16_t length = 0;
  std::uint32_t enterprise = 0;
};
using Fields = std::vector<Field>;

/// A message of NetFlow v9 or IPFIX.
class MessageBuilder {
 public:
  static MessageBuilder v9() { return MessageBuilder{ExportProtocol::netflow_v9}; }
  static MessageBuilder ipfix() { return MessageBuilder{ExportProtocol::ipfix}; }
  static MessageBuilder of(ExportProtocol protocol) { return MessageBuilder{protocol}; }

  MessageBuilder& domain(std::uint32_t d) { return domain_ = d, *this; }
  MessageBuilder& export_time(std::uint32_t seconds) { return export_time_ = seconds, *this; }
  MessageBuilder& sequence(std::uint32_t s) { return sequence_ = s, *this; }
  MessageBuilder& uptime(std::uint32_t ms) { return uptime_ms_ = ms, *this; }
  /// What the header claims instead of the truth (v9: count; IPFIX: octets).
  MessageBuilder& claim(std::uint16_t count_or_length) { return claim_ = count_or_length, *this; }

  MessageBuilder& template_set(std::uint16_t id, const Fields& fields) {
    ByteWriter body;
    body.u16(id).u16(static_cast<std::uint16_t>(fields.size()));
    for (const Field& f : fields) field(body, f);
    ++records_;
    return set(is_v9() ? 0 : 2, body.octets());
  }
  MessageBuilder& options_template_set(std::uint16_t id, const Fields& scope, const Fields& rest) {
    ByteWriter body;
    body.u16(id);
    if (is_v9()) {
      body.u16(static_cast<std::uint16_t>(4 * scope.size()));
      body.u16(static_cast<std::uint16_t>(4 * rest.size()));
    } else {
      body.u16(static_cast<std::uint16_t>(scope.size() + rest.size()));
      body.u16(static_cast<std::uint16_t>(scope.size()));
    }
    for (const Field& f : scope) field(body, f);
    for (const Field& f : rest) field(body, f);
    ++records_;
    return set(is_v9() ? 1 : 3, body.octets());
  }
  /// IPFIX: takes a template back; id 2 or 3 means all.
  MessageBuilder& withdrawal(std::uint16_t id, bool of_options = false) {
    return set(of_options ? 3 : 2, ByteWriter{}.u16(id).u16(0).octets());
  }
  MessageBuilder& data_set(std::uint16_t id, std::span<const std::byte> records,
                           std::uint16_t record_count = 1) {
    records_ = static_cast<std::uint16_t>(records_ + record_count);
    return set(id, records);
  }
  MessageBuilder& data_set(std::uint16_t id, const ByteWriter& records,
                           std::uint16_t record_count = 1) {
    return data_set(id, records.octets(), record_count);
  }
  /// Any set. \param claimed  its length field, the truth if not given.
  MessageBuilder& set(std::uint16_t id, std::span<const std::byte> body,
                      std::optional<std::uint16_t> claimed = std::nullopt) {
    sets_.u16(id).u16(claimed.value_or(static_cast<std::uint16_t>(body.size() + 4))).append(body);
    return *this;
  }
  /// Octets behind the sets.
  MessageBuilder& append(std::span<const std::byte> octets) { return sets_.append(octets), *this; }

  [[nodiscard]] Octets build() const {
    ByteWriter out;
    if (is_v9()) {
      out.u16(9).u16(claim_.value_or(records_)).u32(uptime_ms_).u32(export_time_);
    } else {
      const auto length = static_cast<std::uint16_t>(16 + sets_.size());
      out.u16(10).u16(claim_.value_or(length)).u32(export_time_);
    }
    out.u32(sequence_).u32(domain_).append(sets_.octets());
    return out.take();
  }

 private:
  explicit MessageBuilder(ExportProtocol protocol) : protocol_(protocol) {}
  [[nodiscard]] bool is_v9() const { return protocol_ == ExportProtocol::netflow_v9; }
  static void field(ByteWriter& out, const Field& f) {
    out.u16(static_cast<std::uint16_t>(f.element | (f.enterprise != 0 ? 0x8000u : 0u)));
    out.u16(f.length);
    if (f.enterprise != 0) out.u32(f.enterprise);
  }

  ExportProtocol protocol_;
  ByteWriter sets_;
  std::optional<std::uint16_t> claim_;
  std::uint32_t export_time_ = 1'700'000'000;
  std::uint32_t uptime_ms_ = 1'000'000;
  std::uint32_t sequence_ = 1;
  std::uint32_t domain_ = 7;
  std::uint16_t records_ = 0;
};

/// One NetFlow v5 record and what a test may want to change about it.
struct V5Record {
  std::uint32_t source = 0x0a000001;
  std::uint32_t destination = 0x0a000002;
  std::uint32_t packets = 10;
  std::uint32_t octets = 1'000;
  std::uint32_t first_ms = 990'000;
  std::uint32_t last_ms = 999'000;
  std::uint16_t source_port = 40'000;
  std::uint16_t destination_port = 443;
  std::uint8_t protocol = 6;
  std::uint8_t tcp_flags = 0x1b;
};
struct V5Header {
  std::optional<std::uint16_t> claimed_count;
  std::uint32_t uptime_ms = 1'000'000;
  std::uint32_t seconds = 1'700'000'000;
  std::uint32_t nanoseconds = 0;
  std::uint32_t sequence = 1;
  std::uint16_t engine = 0x0102;
  std::uint16_t sampling = 0;
};
/// A message of NetFlow v1 or v7 with the same values. \param record_octets  of v1: 52, softflowd 48.
inline Octets v1_message(const V5Header& h, const std::vector<V5Record>& records,
                         std::size_t record_octets = 52) {
  ByteWriter out;
  out.u16(1).u16(h.claimed_count.value_or(static_cast<std::uint16_t>(records.size())));
  out.u32(h.uptime_ms).u32(h.seconds).u32(h.nanoseconds);
  for (const V5Record& r : records) {
    out.u32(r.source).u32(r.destination).u32(0x0a0000fe).u16(3).u16(4).u32(r.packets).u32(r.octets);
    out.u32(r.first_ms).u32(r.last_ms).u16(r.source_port).u16(r.destination_port).u16(0);
    out.u8(r.protocol).u8(0x10).u8(r.tcp_flags).fill(record_octets - 41);
  }
  return out.take();
}
inline Octets v7_message(const V5Header& h, const std::vector<V5Record>& records) {
  ByteWriter out;
  out.u16(7).u16(h.claimed_count.value_or(static_cast<std::uint16_t>(records.size())));
  out.u32(h.uptime_ms).u32(h.seconds).u32(h.nanoseconds).u32(h.sequence).u32(0);
  for (const V5Record& r : records) {
    out.u32(r.source).u32(r.destination).u32(0x0a0000fe).u16(3).u16(4).u32(r.packets).u32(r.octets);
    out.u32(r.first_ms).u32(r.last_ms).u16(r.source_port).u16(r.destination_port).u8(0);
    out.u8(r.tcp_flags).u8(r.protocol).u8(0x10).u16(64'500).u16(64'501).u8(24).u8(16).u16(0);
    out.u32(0x0a0000fd);
  }
  return out.take();
}
inline Octets v5_message(const V5Header& h, const std::vector<V5Record>& records) {
  ByteWriter out;
  out.u16(5).u16(h.claimed_count.value_or(static_cast<std::uint16_t>(records.size())));
  out.u32(h.uptime_ms)
      .u32(h.seconds)
      .u32(h.nanoseconds)
      .u32(h.sequence)
      .u16(h.engine)
      .u16(h.sampling);
  for (const V5Record& r : records) {
    out.u32(r.source).u32(r.destination).u32(0x0a0000fe).u16(3).u16(4).u32(r.packets).u32(r.octets);
    out.u32(r.first_ms).u32(r.last_ms).u16(r.source_port).u16(r.destination_port).u8(0);
    out.u8(r.tcp_flags).u8(r.protocol).u8(0x10).u16(64'500).u16(64'501).u8(24).u8(16).u16(0);
  }
  return out.take();
}

/// An sFlow v5 datagram.
class SflowBuilder {
 public:
  SflowBuilder& agent(std::uint32_t v4) {
    return agent_ = ByteWriter{}.u32(1).u32(v4).take(), *this;
  }
  SflowBuilder& agent_octets(Octets octets) { return agent_ = std::move(octets), *this; }
  SflowBuilder& claim(std::uint32_t samples) { return claim_ = samples, *this; }
  SflowBuilder& sequence(std::uint32_t s) { return sequence_ = s, *this; }
  SflowBuilder& uptime(std::uint32_t ms) { return uptime_ms_ = ms, *this; }

  /// Records, each with its head.
  static ByteWriter record(std::uint32_t format, std::span<const std::byte> body,
                           std::optional<std::uint32_t> claimed = std::nullopt) {
    ByteWriter out;
    out.u32(format).u32(claimed.value_or(static_cast<std::uint32_t>(body.size()))).append(body);
    return out.fill((4 - body.size() % 4) % 4), out;
  }
  static ByteWriter sampled_header(std::span<const std::byte> header, std::uint32_t frame_length,
                                   std::uint32_t protocol = 1) {
    ByteWriter body;
    body.u32(protocol).u32(frame_length).u32(4).u32(static_cast<std::uint32_t>(header.size()));
    body.append(header).fill((4 - header.size() % 4) % 4);
    return record(1, body.octets());
  }

  SflowBuilder& flow_sample(std::span<const std::byte> records, std::uint32_t record_count = 1,
                            std::uint32_t rate = 100) {
    ByteWriter body;
    body.u32(11).u32(2).u32(rate).u32(5'000).u32(3).u32(17).u32(18).u32(record_count);
    return sample(1, body.append(records).octets());
  }
  SflowBuilder& expanded_flow_sample(std::span<const std::byte> records, std::uint32_t count = 1,
                                     std::uint32_t rate = 100) {
    ByteWriter body;
    body.u32(11).u32(0).u32(2).u32(rate).u32(5'000).u32(3);
    body.u32(0).u32(17).u32(0).u32(18).u32(count);
    return sample(3, body.append(records).octets());
  }
  SflowBuilder& counters_sample(std::span<const std::byte> records, std::uint32_t count = 1) {
    return sample(2, ByteWriter{}.u32(12).u32(2).u32(count).append(records).octets());
  }
  SflowBuilder& discarded_sample(std::span<const std::byte> records, std::uint32_t count = 1) {
    ByteWriter body;
    body.u32(13).u32(0).u32(2).u32(9).u32(17).u32(0).u32(256).u32(count);
    return sample(5, body.append(records).octets());
  }
  /// \param claimed  its length field, the truth if not given.
  SflowBuilder& sample(std::uint32_t format, std::span<const std::byte> body,
                       std::optional<std::uint32_t> claimed = std::nullopt) {
    samples_.u32(format).u32(claimed.value_or(static_cast<std::uint32_t>(body.size())));
    samples_.append(body);
    ++count_;
    return *this;
  }
  SflowBuilder& append(std::span<const std::byte> octets) { return samples_.append(octets), *this; }
  [[nodiscard]] Octets build() const {
    ByteWriter out;
    out.u32(5).append(agent_).u32(6).u32(sequence_).u32(uptime_ms_).u32(claim_.value_or(count_));
    return out.append(samples_.octets()).take();
  }

 private:
  Octets agent_ = ByteWriter{}.u32(1).u32(0xc0000263).take();
  ByteWriter samples_;
  std::optional<std::uint32_t> claim_;
  std::uint32_t count_ = 0;
  std::uint32_t sequence_ = 1;
  std::uint32_t uptime_ms_ = 123'456;
};

/// Packets for sampled headers.
struct TcpPacket {
  std::uint32_t source = 0x0a000001;
  std::uint32_t destination = 0x0a000002;
  std::uint16_t source_port = 40'000;
  std::uint16_t destination_port = 443;
  std::uint8_t flags = 0x02;
  std::uint16_t total_length = 60;
  std::vector<std::uint16_t> vlans;  ///< tags, outermost first
};
inline Octets ethernet_packet(const TcpPacket& p) {
  ByteWriter out;
  out.append(from_hex("020000000001 020000000002"));
  for (const std::uint16_t tag : p.vlans) out.u16(0x8100).u16(tag);
  out.u16(0x0800).u8(0x45).u8(0).u16(p.total_length).u16(1).u16(0x4000).u8(64).u8(6).u16(0);
  out.u32(p.source).u32(p.destination).u16(p.source_port).u16(p.destination_port);
  out.u32(1).u32(0).u8(0x50).u8(p.flags).u16(65'535).u16(0).u16(0);
  return out.take();
}

/// The session most tests use: 192.0.2.1:50000 over UDP.
inline TransportSession session(std::uint16_t port = 50'000, std::uint32_t exporter = 0xc0000201) {
  TransportSession s;
  s.exporter = IpAddress::v4(exporter);
  s.exporter_port = port;
  s.collector_port = 2055;
  return s;
}
/// Some seconds after the export time of the builders.
inline Timestamp received(std::int64_t seconds = 1) {
  return Timestamp{std::chrono::seconds{1'700'000'000 + seconds}};
}

}  // namespace flowlens::test
