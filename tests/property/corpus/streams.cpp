#include "property/corpus/streams.hpp"

#include <cstdlib>
#include <map>

#include "conformance/case_file.hpp"
#include "support/ledger_check.hpp"

namespace flowlens::test {
namespace {

Stream built(const char* name, std::vector<Octets> datagrams, std::uint32_t exporter) {
  Stream stream{name, {}};
  std::int64_t second = 0;
  for (Octets& d : datagrams) {
    stream.feeds.push_back({std::move(d), session(50'000, exporter), received(++second)});
  }
  return stream;
}

Octets netflow(ExportProtocol protocol, bool with_templates) {
  const Fields plain = {{8, 4}, {12, 4}, {7, 2},  {11, 2}, {4, 1},
                        {1, 4}, {2, 4},  {22, 4}, {21, 4}, {48, 1}};
  const Fields variable = {{8, 4}, {12, 4}, {4, 1}, {96, kVariableLength}, {1, 4}, {1, 4, 29305}};
  ByteWriter fixed, varied;
  for (std::uint8_t i = 0; i < 4; ++i) {
    fixed.u32(0x0a000000u + i).u32(0x0b000000u + i).u16(i).u16(443).u8(6).u32(100).u32(1);
    fixed.u32(900'000).u32(990'000).u8(1);
    varied.u32(i).u32(i).u8(17).u8(i).fill(i, 'x').u32(7).u32(i);
  }
  MessageBuilder message = MessageBuilder::of(protocol);
  if (with_templates) {
    message.template_set(256, plain).template_set(257, variable);
    message.options_template_set(300, {{1, 4}}, {{48, 1}, {50, 4}});
  }
  return message.data_set(300, ByteWriter{}.u32(0).u8(1).u32(64))
      .data_set(256, fixed, 4)
      .data_set(257, varied, 4)
      .build();
}

void add_built(std::vector<Stream>& out) {
  std::uint32_t exporter = 0xc6336401;
  for (const ExportProtocol p : {ExportProtocol::netflow_v9, ExportProtocol::ipfix}) {
    const char* name = p == ExportProtocol::ipfix ? "built IPFIX" : "built NetFlow v9";
    out.push_back(
        built(name, {netflow(p, false), netflow(p, true), netflow(p, false)}, exporter++));
  }
  out.push_back(built("built NetFlow v5", {v5_message({}, std::vector<V5Record>(5))}, exporter++));
  const Octets packet = SflowBuilder::sampled_header(ethernet_packet({}), 78).take();
  const Octets counters = SflowBuilder::record(1, ByteWriter{}.fill(88).octets()).take();
  out.push_back(built("built sFlow",
                      {SflowBuilder{}
                           .flow_sample(packet)
                           .counters_sample(counters)
                           .expanded_flow_sample(packet)
                           .discarded_sample(packet)
                           .build()},
                      exporter++));
}

/// Exporters of the corpus are told apart by case: 10.9.<case>.<exporter>.
void add_corpus(std::vector<Stream>& out) {
  const char* shared = std::getenv("FLOWLENS_SHARED");
  const auto corpus = std::filesystem::path{shared != nullptr ? shared : "../shared"} / "corpus";
  std::uint32_t number = 0;
  for (const std::string& name : conformance::list_cases(corpus, {})) {
    const conformance::Case c = conformance::load_case(corpus / name);
    Stream stream{name, {}};
    std::map<IpAddress, std::uint32_t> exporters;
    for (std::size_t i = 0; i < c.datagrams.size(); ++i) {
      const auto octets = c.datagrams[i].octets.octets();
      Feed feed{
          {octets.begin(), octets.end()}, c.datagrams[i].session, conformance::received_at(i)};
      const auto which = static_cast<std::uint32_t>(exporters.size());
      const std::uint32_t host = exporters.emplace(feed.session.exporter, which).first->second;
      feed.session.exporter = IpAddress::v4(0x0a090001u + (number << 8) + host);
      stream.feeds.push_back(std::move(feed));
    }
    ++number;
    out.push_back(std::move(stream));
  }
}

std::string hex(std::span<const std::byte> octets) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte b : octets) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 15u];
  }
  return text;
}

std::string text_of(const FlowRecord& f) {
  std::string text = f.source_address.to_string() + ' ' + f.destination_address.to_string() + ' ' +
                     f.next_hop.to_string();
  const auto add = [&text](auto n) { text += ' ' + std::to_string(n); };
  add(to_unix_ns(f.start)), add(to_unix_ns(f.end)), add(to_unix_ns(f.received));
  add(f.octet_count), add(f.packet_count), add(f.present), add(f.observation_domain);
  add(f.sampling_rate), add(f.ingress_interface), add(f.egress_interface), add(f.source_as);
  add(f.destination_as), add(f.source_port), add(f.destination_port), add(f.vlan_id);
  add(f.icmp_type_code), add(f.protocol), add(f.tcp_flags), add(f.tos), add(f.flow_direction);
  add(f.source_prefix_length), add(f.destination_prefix_length);
  add(static_cast<int>(f.sampling_source)), add(static_cast<int>(f.initiator));
  add(static_cast<int>(f.kind)), add(static_cast<int>(f.export_protocol)), add(f.is_fragment_tail);
  return text;
}

using Lines = std::map<IpAddress, std::vector<std::string>>;

std::vector<std::string> lines_of(const Lines& all, const Stream& stream) {
  std::map<IpAddress, bool> exporters;
  for (const Feed& feed : stream.feeds) exporters[feed.session.exporter] = true;
  std::vector<std::string> lines;
  for (const auto& [exporter, seen] : exporters) {
    if (const auto it = all.find(exporter); it != all.end()) {
      lines.insert(lines.end(), it->second.begin(), it->second.end());
    }
  }
  return lines;
}

/// Reads every octet that is handed over.
class Reader final : public RecordSink {
 public:
  Lines lines;
  std::size_t records = 0;
  unsigned sum = 0;
  bool keeps = true;

  void on_data_set(const DataSet& set) noexcept override { take(set); }
  void on_options_set(const DataSet& set) noexcept override { take(set); }
  void on_sample(const SflowSample& sample) noexcept override {
    ++records;
    sample.for_each([this](const SflowRecord& r) { touch(r.octets); });
    if (keeps) lines[sample.session->exporter].push_back(hex(sample.records));
  }

 private:
  void take(const DataSet& set) {
    records += set.record_count;
    set.for_each([&](const Record& record) {
      record.for_each([this](const FieldValue& f) { touch(f.octets); });
      if (!keeps) return;
      lines[set.session->exporter].push_back(std::to_string(set.layout->id()) + ' ' +
                                             hex(record.octets()));
    });
  }
  void touch(std::span<const std::byte> octets) {
    for (const std::byte b : octets) sum += std::to_integer<unsigned>(b);
  }
};

}  // namespace

const std::vector<Stream>& all_streams() {
  static const std::vector<Stream> streams = [] {
    std::vector<Stream> all;
    add_built(all);
    add_corpus(all);
    return all;
  }();
  return streams;
}

struct Subject::Impl {
  Parser parser;
  Reader reader;
  LedgerCheck parser_ledgers;
  Decoder decoder;
  FlowBatch batch;
  LedgerCheck decoder_ledgers;
  Lines flows;
  std::uint64_t flow_count = 0;
};

Subject::Subject() : impl_(std::make_unique<Impl>()) {}
Subject::~Subject() = default;
Subject::Subject(Subject&&) noexcept = default;

void Subject::feed(std::span<const std::byte> datagram, const TransportSession& session,
                   Timestamp received) {
  Impl& self = *impl_;
  const ExactBlock block{datagram};
  self.reader.records = 0;
  self.parser_ledgers.fed(datagram.size(),
                          self.parser.parse(block.span(), session, received, self.reader));
  self.batch.clear();
  self.decoder_ledgers.fed(datagram.size(),
                           self.decoder.decode(block.span(), session, received, self.batch));
  self.flow_count += self.batch.flows.size();
  if (!self.reader.keeps) return;
  for (const FlowRecord& flow : self.batch.flows) {
    self.flows[session.exporter].push_back(text_of(flow));
  }
}

std::size_t Subject::last_records() const noexcept { return impl_->reader.records; }
std::size_t Subject::last_flows() const noexcept { return impl_->batch.flows.size(); }
std::vector<std::string> Subject::records_of(const Stream& stream) const {
  return lines_of(impl_->reader.lines, stream);
}
std::vector<std::string> Subject::flows_of(const Stream& stream) const {
  return lines_of(impl_->flows, stream);
}
std::string Subject::problem() const {
  if (std::string why = impl_->parser_ledgers.problem(impl_->parser); !why.empty()) return why;
  return impl_->decoder_ledgers.problem(impl_->decoder, impl_->flow_count);
}
bool Subject::has_waiting() const noexcept { return impl_->parser.counters().sets_waiting != 0; }
void Subject::load_from(const Subject& other) {
  (void)impl_->parser.load_state(other.impl_->parser.save_state());
  (void)impl_->decoder.load_state(other.impl_->decoder.save_state());
}
void Subject::keep_nothing() noexcept { impl_->reader.keeps = false; }

}  // namespace flowlens::test
