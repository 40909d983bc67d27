/// \file
/// Decoding in tests: every datagram is followed by a look at the ledgers, which must balance.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "flowlens/decoder.hpp"
#include "flowlens/error.hpp"
#include "flowlens/parser.hpp"
#include "support/message_builder.hpp"

namespace flowlens::test {

inline void check_balanced(const Parser& parser) {
  CHECK(parser.datagrams().balanced());
  CHECK(parser.octets().balanced());
}
inline void check_balanced(const Decoder& decoder) {
  check_balanced(decoder.parser());
  const NormalizerCounters& c = decoder.counters();
  CHECK(c.records_without_flow <= c.records);
}

/// Octets skipped for a reason.
inline std::uint64_t skipped(const Parser& parser, DiagnosticCode why) {
  return parser.octets().skipped[static_cast<std::size_t>(why)];
}
inline std::uint64_t refused(const Parser& parser, DiagnosticCode why) {
  return parser.datagrams().refused[static_cast<std::size_t>(why)];
}

/// Keeps a copy of everything a Parser hands over.
class CollectingSink : public RecordSink {
 public:
  struct Set {
    std::uint16_t template_id = 0;
    std::uint16_t set_index = 0;
    std::uint32_t record_count = 0;
    std::uint32_t offset = 0;
    bool is_options = false;
    bool by_session = true;
    Timestamp received;
    std::vector<Octets> records;
  };
  void on_data_set(const DataSet& set) noexcept override { keep(set, false); }
  void on_options_set(const DataSet& set) noexcept override { keep(set, true); }
  void on_sample(const SflowSample& sample) noexcept override {
    samples.push_back(sample);
    samples.back().records = {};
    std::uint32_t seen = 0;
    sample.for_each([&](const SflowRecord& record) {
      ++seen;
      sample_formats.push_back(record.format);
    });
    CHECK(seen == sample.record_count);
  }
  void on_template(const MessageHeader&, const TransportSession&, const Template& layout,
                   bool is_new) noexcept override {
    templates.push_back(layout.id());
    new_templates += is_new ? 1 : 0;
  }
  [[nodiscard]] std::size_t record_count() const {
    std::size_t count = samples.size();
    for (const Set& set : sets) count += set.records.size();
    return count;
  }

  std::vector<Set> sets;
  std::vector<SflowSample> samples;  ///< without their records
  std::vector<std::uint32_t> sample_formats;
  std::vector<std::uint16_t> templates;
  int new_templates = 0;

 private:
  void keep(const DataSet& set, bool is_options) {
    Set kept;
    kept.template_id = set.layout->id();
    kept.set_index = set.set_index;
    kept.record_count = set.record_count;
    kept.offset = set.offset;
    kept.is_options = is_options;
    kept.by_session = set.template_by_session;
    kept.received = set.received;
    set.for_each([&](const Record& record) {
      kept.records.emplace_back(record.octets().begin(), record.octets().end());
      record.for_each([](const FieldValue&) {});
    });
    CHECK(kept.records.size() == set.record_count);
    sets.push_back(std::move(kept));
  }
};

/// A Parser that is fed from exact heap blocks.
struct ParserUnderTest {
  explicit ParserUnderTest(const ParserOptions& options = {}) : parser(options) {}

  ParseResult feed(std::span<const std::byte> datagram, const TransportSession& from = session(),
                   Timestamp at = received()) {
    const ExactBlock block{datagram};
    const ParseResult result = parser.parse(block.span(), from, at, sink);
    check_balanced(parser);
    return result;
  }

  Parser parser;
  CollectingSink sink;
};

/// A Decoder likewise; each feed() gives the flows of that datagram.
struct DecoderUnderTest {
  explicit DecoderUnderTest(const DecoderOptions& options = {}) : decoder(options) {}

  std::vector<FlowRecord> feed(std::span<const std::byte> datagram,
                               const TransportSession& from = session(),
                               Timestamp at = received()) {
    const ExactBlock block{datagram};
    batch.clear();
    result = decoder.decode(block.span(), from, at, batch);
    check_balanced(decoder);
    return batch.flows;
  }

  Decoder decoder;
  FlowBatch batch;
  ParseResult result;
};

}  // namespace flowlens::test
