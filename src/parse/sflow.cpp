// sFlow version 5 (sflow.org, July 2004): datagrams, samples, and whether their records are whole.
#include "parse/sflow.hpp"

#include "parse/sflow_records.hpp"
#include "wire/load.hpp"

namespace flowlens::parse {
namespace {

constexpr std::size_t kSampleHeader = 8;

/// The agent's address. \return false if its type is unknown or it is cut short.
bool read_agent(wire::ByteReader& in, IpAddress& agent) noexcept {
  switch (in.u32()) {
    case 0:
      return in.ok();  // unknown: no octets
    case 1:
      agent = IpAddress::v4(in.u32());
      return in.ok();
    case 2: {
      const auto octets = in.take(16);
      if (!in.ok()) return false;
      agent = *IpAddress::from_octets(octets);
      return true;
    }
    default:
      return false;
  }
}

/// The words of a head, all of which are there.
class Words {
 public:
  explicit Words(const std::byte* at) noexcept : at_(at) {}
  std::uint32_t next() noexcept {
    const std::uint32_t word = wire::load32(at_);
    at_ += 4;
    return word;
  }

 private:
  const std::byte* at_;
};

constexpr bool is_expanded(SflowSampleKind kind) noexcept {
  return kind == SflowSampleKind::expanded_flow || kind == SflowSampleKind::expanded_counters;
}
constexpr bool is_counters(SflowSampleKind kind) noexcept {
  return kind == SflowSampleKind::counters || kind == SflowSampleKind::expanded_counters;
}

template <bool Expanded>
void source_id(Words& in, SflowSample& sample) noexcept {
  const std::uint32_t word = in.next();
  sample.source_id_type = Expanded ? word : word >> 24;
  sample.source_id_index = Expanded ? in.next() : word & 0x00ff'ffffu;
}

template <bool Expanded>
void flow_head(Words& in, SflowSample& sample) noexcept {
  source_id<Expanded>(in, sample);
  sample.sampling_rate = in.next();
  sample.sample_pool = in.next();
  sample.drops = in.next();
  if constexpr (Expanded) {
    sample.input_format = in.next();
    sample.input_value = in.next();
    sample.output_format = in.next();
    sample.output_value = in.next();
  } else {
    compact_interface(in.next(), sample.input_format, sample.input_value);
    compact_interface(in.next(), sample.output_format, sample.output_value);
  }
}

/// sFlow Discarded Packets: always expanded.
void discarded_head(Words& in, SflowSample& sample) noexcept {
  source_id<true>(in, sample);
  sample.drops = in.next();
  sample.input_value = in.next();
  sample.output_value = in.next();
  sample.discard_reason = in.next();
}

/// Octets up to the number of records.
constexpr std::size_t head_octets(SflowSampleKind kind) noexcept {
  constexpr std::size_t kOctets[] = {28, 8, 40, 12, 28};
  return kOctets[static_cast<std::size_t>(kind)];
}

template <SflowSampleKind Kind>
void read_head(Words& in, SflowSample& sample) noexcept {
  sample.kind = Kind;
  sample.sequence = in.next();
  if constexpr (Kind == SflowSampleKind::discarded) {
    discarded_head(in, sample);
  } else if constexpr (is_counters(Kind)) {
    source_id<is_expanded(Kind)>(in, sample);
  } else {
    flow_head<is_expanded(Kind)>(in, sample);
  }
}

/// Counts the whole records and looks into those whose structure is known.
template <SflowRecordClass Of>
void check_records(Walk& walk, SflowSample& sample, std::uint32_t claimed) noexcept {
  const auto remark = [&walk](DiagnosticCode why, const std::byte* at, std::size_t detail) {
    walk.remark(why, at - walk.datagram.data(), static_cast<std::uint32_t>(detail));
  };
  std::span<const std::byte> rest = sample.records;
  WorkBudget work = walk.work;
  std::uint32_t count = 0;
  for (SflowRecord record; count < claimed && !rest.empty(); ++count) {
    const std::byte* const at = rest.data();
    if (!work.spend(WorkBudget::kSampleRecord)) {
      remark(DiagnosticCode::limit_reached, at, rest.size());
      break;
    }
    if (!SflowSample::take(rest, record)) {
      remark(DiagnosticCode::sample_truncated, at, rest.size());
      break;
    }
    const bool is_header = Of == SflowRecordClass::flow && wire::load32(at) == kSampledHeader;
    if (is_header) work.spend(WorkBudget::kSampledHeader);
    if (!(is_header ? is_whole_header(record.octets)
                    : is_whole(Of, record.enterprise, record.format, record.octets))) {
      remark(DiagnosticCode::sample_truncated, at, record.format);
    }
  }
  walk.work = work;
  sample.record_count = count;
  if (count < claimed && rest.empty()) {
    remark(DiagnosticCode::bad_count, sample.records.data() - 4, claimed);
  }
  if (rest.empty()) return;
  if (count == claimed) remark(DiagnosticCode::trailing_octets, rest.data(), rest.size());
  sample.records = sample.records.first(sample.records.size() - rest.size());
}

/// One sample whose length is sound.
template <SflowSampleKind Kind>
[[gnu::flatten, gnu::noinline]] void read_sample(Walk& walk, std::span<const std::byte> body,
                                                 std::size_t offset) noexcept {
  constexpr std::size_t kHead = head_octets(Kind) + 4;
  constexpr auto kOf = is_counters(Kind) ? SflowRecordClass::counters : SflowRecordClass::flow;
  if (body.size() < kHead) {
    ++walk.result.sets_skipped;
    walk.skip(DiagnosticCode::sample_truncated, body.size(), offset,
              static_cast<std::uint32_t>(Kind) + 1);
    return;
  }
  SflowSample sample;
  sample.message = &walk.message;
  sample.session = &walk.session;
  sample.received = walk.received;
  sample.offset = static_cast<std::uint32_t>(offset);
  Words in{body.data()};
  read_head<Kind>(in, sample);
  sample.records = body.subspan(kHead);
  check_records<kOf>(walk, sample, in.next());
  const std::size_t decoded = kHead + sample.records.size();
  OctetLedger& octets = walk.parser.octets;
  octets.decoded += decoded;
  octets.skipped[static_cast<std::size_t>(DiagnosticCode::sample_truncated)] +=
      body.size() - decoded;
  give_sample<is_counters(Kind)>(walk, sample);
}

/// By the formats of enterprise 0.
void read_sample(Walk& walk, std::uint32_t format, std::span<const std::byte> body,
                 std::size_t offset) noexcept {
  switch (format) {
    case 1:
      return read_sample<SflowSampleKind::flow>(walk, body, offset);
    case 2:
      return read_sample<SflowSampleKind::counters>(walk, body, offset);
    case 3:
      return read_sample<SflowSampleKind::expanded_flow>(walk, body, offset);
    case 4:
      return read_sample<SflowSampleKind::expanded_counters>(walk, body, offset);
    case 5:
      return read_sample<SflowSampleKind::discarded>(walk, body, offset);
    default:
      ++walk.result.sets_skipped;
      walk.skip(DiagnosticCode::sample_unknown, body.size(), offset - kSampleHeader, format);
      return;
  }
}

/// \param rest  behind the datagram's header
void read_samples_v5(Walk& walk, std::span<const std::byte> rest, std::uint32_t samples) noexcept {
  std::size_t at = walk.datagram.size() - rest.size();
  for (std::uint32_t i = 0; i < samples; ++i) {
    if (rest.empty()) {
      walk.remark(DiagnosticCode::bad_count, at, samples);
      return;
    }
    if (!walk.work.spend(WorkBudget::kSample)) {
      ++walk.result.sets_skipped;
      walk.skip(DiagnosticCode::limit_reached, rest.size(), at, samples - i);
      return;
    }
    const bool has_header = rest.size() >= kSampleHeader;
    const std::size_t length = has_header ? wire::load32(rest.data() + 4) : 0;
    if (!has_header || length > rest.size() - kSampleHeader) {
      ++walk.result.sets_skipped;
      walk.skip(DiagnosticCode::sample_truncated, rest.size(), at,
                static_cast<std::uint32_t>(length));
      return;
    }
    walk.parser.octets.header += kSampleHeader;
    if (length % 4 != 0) {
      walk.remark(DiagnosticCode::bad_length, at + 4, static_cast<std::uint32_t>(length));
    }
    read_sample(walk, wire::load32(rest.data()), rest.subspan(kSampleHeader, length),
                at + kSampleHeader);
    rest = rest.subspan(kSampleHeader + length);
    at += kSampleHeader + length;
  }
  if (!rest.empty()) {
    walk.skip(DiagnosticCode::trailing_octets, rest.size(), at,
              static_cast<std::uint32_t>(rest.size()));
  }
}

/// \return false for a version that is not sFlow's.
bool protocol_of(std::uint32_t version, ExportProtocol& protocol) noexcept {
  switch (version) {
    case 2:
      protocol = ExportProtocol::sflow_v2;
      return true;
    case 4:
      protocol = ExportProtocol::sflow_v4;
      return true;
    case 5:
      protocol = ExportProtocol::sflow_v5;
      return true;
    default:
      return false;
  }
}

/// Says where in the header the fault is.
void refuse(Walk& walk, DiagnosticCode why) noexcept {
  wire::ByteReader in{walk.datagram};
  const std::uint32_t version = in.u32();
  IpAddress agent;
  if (why == DiagnosticCode::unknown_version) {
    walk.refuse(why, 0, version);
  } else if (!read_agent(in, agent)) {
    walk.refuse(why, 4);
  } else {
    walk.refuse(why, 0, static_cast<std::uint32_t>(walk.datagram.size()));
  }
}

}  // namespace

DiagnosticCode read_sflow_header(wire::ByteReader& in, MessageHeader& header,
                                 std::uint32_t& samples) noexcept {
  if (!protocol_of(in.u32(), header.protocol)) return DiagnosticCode::unknown_version;
  if (!read_agent(in, header.agent)) {
    return in.ok() ? DiagnosticCode::agent_invalid : DiagnosticCode::truncated;
  }
  // Versions before 5 know no sub-agents.
  if (header.protocol == ExportProtocol::sflow_v5) header.observation_domain = in.u32();
  header.sequence = in.u32();
  header.sys_uptime_ms = in.u32();
  samples = in.u32();
  header.claimed_count = static_cast<std::uint16_t>(samples < 0xffff ? samples : 0xffff);
  return in.ok() ? DiagnosticCode::none : DiagnosticCode::truncated;
}

void parse_sflow(Walk& walk) noexcept {
  wire::ByteReader in{walk.datagram};
  MessageHeader& header = walk.message;
  std::uint32_t samples = 0;
  if (const DiagnosticCode wrong = read_sflow_header(in, header, samples);
      wrong != DiagnosticCode::none) {
    refuse(walk, wrong);
    return;
  }
  header.export_time = walk.received;  // sFlow has no time of day
  walk.accept(in.offset());
  if (header.protocol == ExportProtocol::sflow_v5) {
    read_samples_v5(walk, in.rest(), samples);
  } else {
    read_samples_v4(walk, in, samples);
  }
}

}  // namespace flowlens::parse
