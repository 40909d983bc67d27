// Prints what FlowLens finds in a capture, one line of JSON a datagram: its header, templates,
// records with the place of every field, and samples. For comparison with other decoders.
//
//   flowlens-dump FILE.pcap
#include <exception>
#include <iostream>

#include "conformance/run.hpp"
#include "conformance/value.hpp"
#include "flowlens/capture_reader.hpp"
#include "flowlens/parser.hpp"

namespace {

using namespace flowlens;
using conformance::Json;

Json describe_header(const MessageHeader& h) {
  return {
      {"count", h.claimed_count},       {"sequence", h.sequence},
      {"domain", h.observation_domain}, {"exportTime", conformance::to_corpus_time(h.export_time)},
      {"sysUptime", h.sys_uptime_ms},   {"sampling", h.sampling},
      {"agent", h.agent.to_string()}};
}

Json describe_template(const Template& layout) {
  Json fields = Json::array();
  for (const FieldSpecifier& field : layout.fields()) {
    fields.push_back({field.element.enterprise, field.element.number, field.length_octets});
  }
  return {{"id", layout.id()}, {"scope", layout.scope_field_count()}, {"fields", fields}};
}

/// Gathers one datagram's findings. Sets that had waited are left out: their octets stand elsewhere.
class Gatherer final : public RecordSink {
 public:
  void begin(Timestamp received) {
    received_ = received;
    found_ = {{"records", Json::array()}, {"templates", Json::array()}, {"samples", Json::array()}};
  }
  [[nodiscard]] Json take() { return std::move(found_); }

  void on_data_set(const DataSet& set) noexcept override { take(set); }
  void on_options_set(const DataSet& set) noexcept override { take(set); }
  void on_sample(const SflowSample& sample) noexcept override {
    found_["header"] = describe_header(*sample.message);
    found_["samples"].push_back(conformance::describe_sample(sample));
  }
  void on_template(const MessageHeader& message, const TransportSession&, const Template& layout,
                   bool) noexcept override {
    found_["header"] = describe_header(message);
    found_["templates"].push_back(describe_template(layout));
  }

 private:
  void take(const DataSet& set) {
    if (set.received != received_) return;
    found_["header"] = describe_header(*set.message);
    set.for_each([&](const Record& record) {
      Json fields = Json::array();
      record.for_each([&](const FieldValue& field) {
        const auto value = conformance::field_value(field);
        const std::ptrdiff_t at = field.octets.data() - set.records.data();
        fields.push_back({conformance::field_key(field.specifier.element, set.message->protocol),
                          set.offset + static_cast<std::uint32_t>(at), field.octets.size(),
                          value.value_or(Json{}), conformance::to_hex(field.octets)});
      });
      found_["records"].push_back(std::move(fields));
    });
  }

  Timestamp received_;
  Json found_;
};

void dump(const char* file) {
  CaptureReader capture{file};
  ReceivedDatagram datagram;
  Parser parser;
  Gatherer gatherer;
  Timestamp last;
  while (capture.next(datagram)) {
    // Replayed sets are told by their time, so no two datagrams may have the same.
    last = std::max(datagram.received, last + std::chrono::nanoseconds{1});
    gatherer.begin(last);
    const ParseResult result = parser.parse(datagram.octets, datagram.session, last, gatherer);
    Json line = gatherer.take();
    line["accepted"] = result.accepted;
    line["first"] = reason(result.first.code);
    std::cout << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: flowlens-dump FILE.pcap\n";
    return 2;
  }
  try {
    dump(argv[1]);
  } catch (const std::exception& e) {
    std::cerr << "flowlens-dump: " << e.what() << '\n';
    return 1;
  }
  return 0;
}
