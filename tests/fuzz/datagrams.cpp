#include "fuzz/datagrams.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/checksum.hpp"
#include "flowlens/decoder.hpp"
#include "flowlens/structured_data.hpp"
#include "flowlens/value.hpp"
#include "support/ledger_check.hpp"
#include "wire/byte_reader.hpp"

namespace flowlens::fuzz {
namespace {

/// A flow holds two IPv4 addresses, and a biflow gives two flows.
constexpr std::uint64_t kMinOctetsPerFlow = 4;

/// Small bounds, so that an input of a few kilobytes reaches them.
ParserOptions small_bounds() {
  ParserOptions options;
  options.max_templates = 12;
  options.max_templates_per_exporter = 5;
  options.max_fields_per_template = 40;
  options.max_waiting_octets = 1'000;
  options.max_waiting_octets_per_exporter = 400;
  return options;
}

DecoderOptions small_decoder() {
  DecoderOptions options;
  options.parser = small_bounds();
  options.normalizer.max_plans = 8;
  options.normalizer.max_facts = 8;
  return options;
}

/// Reads every octet it is given, and counts.
class Toucher final : public RecordSink {
 public:
  /// \param parser  whose sink it is; asked what exporters told of their own elements.
  explicit Toucher(const Parser& parser) : parser_(parser) {}

  std::uint64_t octets = 0;
  unsigned sum = 0;

  void on_data_set(const DataSet& set) noexcept override { touch(set); }
  void on_options_set(const DataSet& set) noexcept override { touch(set); }
  void on_sample(const SflowSample& sample) noexcept override {
    octets += sample.records.size();
    std::uint32_t records = 0;
    sample.for_each([&](const SflowRecord& record) {
      ++records;
      touch(record.octets);
    });
    if (records != sample.record_count) fail("a sample has fewer records than it says");
  }
  void on_template(const MessageHeader&, const TransportSession&, const Template& layout,
                   bool) noexcept override {
    if (layout.scope_field_count() > layout.fields().size()) fail("more scope fields than fields");
    for (const FieldSpecifier& field : layout.fields()) {
      sum += static_cast<unsigned>(element_name(field.element).size());
    }
  }

 private:
  /// Reads the fields of a record, and what is in its lists.
  struct FieldReader {
    Toucher& to;
    const IpAddress& exporter;
    std::uint64_t of_fields = 0;  ///< octets of the record's own fields
    std::size_t open = 0;         ///< lists

    void value(const FieldValue& field, std::size_t depth) {
      if (depth > kMaxListDepth) fail("a list nested too deep was read");
      if (depth == 0) of_fields += field.octets.size();
      to.touch(field.octets);
      to.sum += static_cast<unsigned>(to_string(read_value(field)).size());
      const InformationElement* told =
          to.parser_.declared_element(exporter, field.specifier.element);
      if (told == nullptr) return;
      to.sum += static_cast<unsigned>(told->name.size());
      to.sum += static_cast<unsigned>(to_string(read_value(field, told->type)).size());
    }
    void enter(ListSemantic semantic, const FieldValue&, std::size_t) {
      ++open;
      to.sum += static_cast<unsigned>(semantic_name(semantic).size());
    }
    void record(const Template&, std::size_t) {
      if (open == 0) fail("a record of a list outside any");
    }
    void leave(std::size_t) { --open; }
  };

  void touch(const DataSet& set) {
    FieldReader reader{*this, set.session->exporter};
    set.for_each([&](const Record& record) {
      if (record.octets().empty()) fail("a record without octets");
      octets += record.octets().size();
      const ListRead lists = walk_record(set, record, model_, reader);
      if (lists.octets_unread > record.octets().size()) fail("more octets unread than there are");
      if (reader.open != 0) fail("a list was not left");
    });
    if (reader.of_fields > set.records.size()) fail("fields hold more octets than their records");
  }
  void touch(std::span<const std::byte> all) {
    for (const std::byte octet : all) sum += std::to_integer<unsigned>(octet);
  }

  const Parser& parser_;
  InformationModel model_;
};

/// Both ways in, fed the same.
class Subject {
 public:
  void feed(std::span<const std::byte> datagram, const TransportSession& session,
            Timestamp received) {
    fed_octets_ += datagram.size();
    const bool is_new =
        std::find(connections_.begin(), connections_.end(), session) == connections_.end();
    if (is_connection(session.transport) && is_new) connections_.push_back(session);
    const ParseResult parsed = parser_.parse(datagram, session, received, toucher_);
    if (parsed.first.offset > datagram.size()) fail("a diagnostic points outside the datagram");
    if (parsed.accepted == false && parsed.clean()) fail("refused without a reason");
    parser_ledgers_.fed(datagram.size(), parsed);
    check(parser_ledgers_.problem(parser_));
    if (toucher_.octets > fed_octets_) fail("more octets of records than were fed");

    batch_.clear();
    const ParseResult decoded = decoder_.decode(datagram, session, received, batch_);
    flows_ += batch_.flows.size();
    decoder_ledgers_.fed(datagram.size(), decoded);
    check(decoder_ledgers_.problem(decoder_, flows_));
    if (flows_ * kMinOctetsPerFlow > fed_octets_) fail("more flows than the octets can hold");
    std::ranges::for_each(batch_.flows, check_flow);
  }

  [[nodiscard]] std::vector<std::byte> save() const { return decoder_.save_state(); }
  void load(std::span<const std::byte> state) { (void)decoder_.load_state(state); }

  /// What was saved loads, and holds the same templates; those of connections end with them.
  void check_state() {
    for (const TransportSession& session : connections_) decoder_.parser().end_session(session);
    Decoder other{small_decoder()};
    const Diagnostic loaded = other.load_state(decoder_.save_state());
    if (loaded.code != DiagnosticCode::none) fail("state that was saved does not load");
    if (other.parser().counters().templates != decoder_.parser().counters().templates) {
      fail("state that was loaded has other templates");
    }
  }

 private:
  static void check(const std::string& problem) {
    if (!problem.empty()) fail(problem.c_str());
  }
  static void check_flow(const FlowRecord& flow) {
    if (flow.end < flow.start) fail("a flow ends before it starts");
    if (flow.sampling_rate == 0) fail("a flow with sampling rate 0");
  }

  Parser parser_{small_bounds()};
  Toucher toucher_{parser_};
  test::LedgerCheck parser_ledgers_;
  Decoder decoder_{small_decoder()};
  FlowBatch batch_;
  test::LedgerCheck decoder_ledgers_;
  std::uint64_t fed_octets_ = 0;
  std::vector<TransportSession> connections_;
  std::uint64_t flows_ = 0;
};

TransportSession session_of(unsigned control) {
  TransportSession session;
  session.exporter = IpAddress::v4(0xc0000200u + (control & 3u));
  session.exporter_port = (control & 4u) != 0 ? 50001 : 50000;
  session.collector_port = 2055;
  if ((control & 3u) == 3) session.transport = Transport::tcp;
  return session;
}

constexpr unsigned kRestart = 15;

std::chrono::seconds step_of(unsigned control) {
  const unsigned exponent = control >> 4;
  return std::chrono::seconds{exponent == 0 || exponent == kRestart ? 0 : 1 << (exponent - 1)};
}

/// A copy in a heap block of its exact size, with the version written into it.
std::unique_ptr<std::byte[]> block_of(std::span<const std::byte> datagram, std::uint32_t version,
                                      std::size_t version_octets) {
  std::unique_ptr<std::byte[]> block{new std::byte[datagram.size()]};
  if (!datagram.empty()) std::memcpy(block.get(), datagram.data(), datagram.size());
  for (std::size_t i = 0; i < version_octets && i < datagram.size(); ++i) {
    block[i] = static_cast<std::byte>(version >> (8 * (version_octets - 1 - i)) & 0xff);
  }
  return block;
}

}  // namespace

void seal(std::span<std::byte> state) {
  if (state.size() < 4) return;
  const std::uint32_t sum = base::crc32(state.first(state.size() - 4));
  for (std::size_t i = 0; i < 4; ++i) {
    state[state.size() - 4 + i] = static_cast<std::byte>(sum >> (24 - 8 * i) & 0xff);
  }
}

void fail(const char* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

void run(std::span<const std::byte> input, Versions versions, std::span<const std::byte> state) {
  Subject first;
  first.load(state);
  std::optional<Subject> restarted;
  Timestamp now{std::chrono::seconds{1'795'249'860}};
  wire::ByteReader in{input};
  while (in.remaining() > 3) {
    const unsigned control = in.u8();
    const std::size_t claimed = in.u16();
    const auto datagram = in.take(std::min(claimed, in.remaining()));
    const std::uint32_t version = (control & 8u) != 0 ? versions.second : versions.first;
    now += step_of(control);
    if (control >> 4 == kRestart) {
      const std::vector<std::byte> saved = (restarted ? *restarted : first).save();
      restarted.emplace().load(saved);
    }
    const auto block = block_of(datagram, version, versions.octets);
    (restarted ? *restarted : first).feed({block.get(), datagram.size()}, session_of(control), now);
  }
  (restarted ? *restarted : first).check_state();
}

}  // namespace flowlens::fuzz
