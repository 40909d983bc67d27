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

template <bool Expanded>
void source_id(Words& in, SflowSample& sample) noexcept {
  const std::uint32_t word = in.next();
  sample.source_id_type = Expanded ? word : word >> 24;
  sample.source_id_index = Expanded ? in.next() : word & 0x00ff'ffffu;
}

template <bool Expanded>
void flow_head(Words in, SflowSample& sample) noexcept {
  sample.kind = Expanded ? SflowSampleKind::expanded_flow : SflowSampleKind::flow;
  sample.sequence = in.next();
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

template <bool Expanded>
void counters_head(Words in, SflowSample& sample) noexcept {
  sample.kind = Expanded ? SflowSampleKind::expanded_counters : SflowSampleKind::counters;
  sample.sequence = in.next();
  source_id<Expanded>(in, sample);
}

/// sFlow Discarded Packets: always expanded.
void discarded_head(Words in, SflowSample& sample) noexcept {
  sample.kind = SflowSampleKind::discarded;
  sample.sequence = in.next();
  source_id<true>(in, sample);
  sample.drops = in.next();
  sample.input_value = in.next();
  sample.output_value = in.next();
  sample.discard_reason = in.next();
}

/// The head of one sample format of enterprise 0, up to the number of records.
struct Head {
  std::size_t octets;
  void (*read)(Words in, SflowSample& sample);
};
constexpr Head kHeads[] = {
    {28, flow_head<false>},     // 1
    {8, counters_head<false>},  // 2
    {40, flow_head<true>},      // 3
    {12, counters_head<true>},  // 4
    {28, discarded_head},       // 5
};

/// Counts the whole records and looks into those whose structure is known.
/// \param offset  of `records` in the datagram.
void check_records(Walk& walk, SflowSample& sample, std::uint32_t claimed,
                   std::size_t offset) noexcept {
  const auto of = sample.is_counters() ? SflowRecordClass::counters : SflowRecordClass::flow;
  std::span<const std::byte> rest = sample.records;
  SflowRecord record;
  while (sample.record_count < claimed && !rest.empty()) {
    const std::size_t at = offset + sample.records.size() - rest.size();
    if (!walk.work.spend(WorkBudget::kSampleRecord)) {
      walk.remark(DiagnosticCode::limit_reached, at, static_cast<std::uint32_t>(rest.size()));
      break;
    }
    if (!SflowSample::take(rest, record)) {
      walk.remark(DiagnosticCode::sample_truncated, at, static_cast<std::uint32_t>(rest.size()));
      break;
    }
    ++sample.record_count;
    const bool is_header = of == SflowRecordClass::flow && is_sampled_header(record);
    if (is_header) walk.work.spend(WorkBudget::kSampledHeader);
    if (!(is_header ? is_whole_header(record) : is_whole(record, of))) {
      walk.remark(DiagnosticCode::sample_truncated, at, record.format);
    }
  }
  if (sample.record_count < claimed && rest.empty()) {
    walk.remark(DiagnosticCode::bad_count, offset - 4, claimed);
  }
  const std::size_t behind = rest.size();
  if (sample.record_count == claimed && behind != 0) {
    walk.remark(DiagnosticCode::trailing_octets, offset + sample.records.size() - behind,
                static_cast<std::uint32_t>(behind));
  }
  sample.records = sample.records.first(sample.records.size() - behind);
}

/// One sample whose length is sound.
void read_sample(Walk& walk, std::uint32_t format, std::span<const std::byte> body,
                 std::size_t offset) noexcept {
  OctetLedger& octets = walk.parser.octets;
  SflowSample sample;
  sample.message = &walk.message;
  sample.session = &walk.session;
  sample.received = walk.received;
  sample.offset = static_cast<std::uint32_t>(offset);
  if (format == 0 || format > std::size(kHeads)) {
    ++walk.result.sets_skipped;
    walk.skip(DiagnosticCode::sample_unknown, body.size(), offset - kSampleHeader, format);
    return;
  }
  const Head& head = kHeads[format - 1];
  const std::size_t head_octets = head.octets + 4;
  if (body.size() < head_octets) {
    ++walk.result.sets_skipped;
    walk.skip(DiagnosticCode::sample_truncated, body.size(), offset, format);
    return;
  }
  head.read(Words{body.data()}, sample);
  const std::uint32_t claimed = wire::load32(body.data() + head.octets);
  sample.records = body.subspan(head_octets);
  const std::size_t all = sample.records.size();
  check_records(walk, sample, claimed, offset + head_octets);
  octets.decoded += head_octets + sample.records.size();
  if (all != sample.records.size()) {
    octets.skipped[static_cast<std::size_t>(DiagnosticCode::sample_truncated)] +=
        all - sample.records.size();
  }
  give_sample(walk, sample);
}

void read_samples_v5(Walk& walk, wire::ByteReader& in, std::uint32_t samples) noexcept {
  for (std::uint32_t i = 0; i < samples; ++i) {
    const std::size_t at = in.offset();
    const std::size_t left = in.remaining();
    if (left == 0) {
      walk.remark(DiagnosticCode::bad_count, at, samples);
      return;
    }
    if (!walk.work.spend(WorkBudget::kSample)) {
      ++walk.result.sets_skipped;
      walk.skip(DiagnosticCode::limit_reached, left, at, samples - i);
      return;
    }
    const auto header = in.take(kSampleHeader);
    const std::size_t length = in.ok() ? wire::load32(header.data() + 4) : 0;
    const auto body = in.take(length);
    if (!in.ok()) {
      ++walk.result.sets_skipped;
      walk.skip(DiagnosticCode::sample_truncated, left, at, static_cast<std::uint32_t>(length));
      return;
    }
    walk.parser.octets.header += kSampleHeader;
    if (length % 4 != 0) {
      walk.remark(DiagnosticCode::bad_length, at + 4, static_cast<std::uint32_t>(length));
    }
    read_sample(walk, wire::load32(header.data()), body, at + kSampleHeader);
  }
  if (const std::size_t rest = in.remaining(); rest != 0) {
    walk.skip(DiagnosticCode::trailing_octets, rest, in.offset(), static_cast<std::uint32_t>(rest));
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

void give_sample(Walk& walk, const SflowSample& sample) noexcept {
  ++walk.result.sets;
  note_sample(walk, sample);
  walk.sink.on_sample(sample);
  if (sample.is_counters()) walk.sink.on_counters(CounterSample{sample});
}

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
    read_samples_v5(walk, in, samples);
  } else {
    read_samples_v4(walk, in, samples);
  }
}

}  // namespace flowlens::parse
