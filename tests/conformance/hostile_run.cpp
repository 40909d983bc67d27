#include "conformance/hostile_run.hpp"

#include <optional>

#include "conformance/case_file.hpp"
#include "conformance/good_datagrams.hpp"
#include "flowlens/decoder.hpp"
#include "support/ledger_check.hpp"

namespace flowlens::conformance {
namespace {

class Counter final : public RecordSink {
 public:
  std::size_t records = 0;
  std::size_t templates = 0;

  void begin(Timestamp received) {
    received_ = received;
    records = templates = 0;
  }
  void on_data_set(const DataSet& set) noexcept override { count(set); }
  void on_options_set(const DataSet& set) noexcept override { count(set); }
  void on_sample(const SflowSample& sample) noexcept override {
    ++records;
    sample.for_each([this](const SflowRecord& record) { touch(record.octets); });
  }
  void on_template(const MessageHeader&, const TransportSession&, const Template&,
                   bool) noexcept override {
    ++templates;
  }
  /// Depends on every octet handed over, so that each is read.
  [[nodiscard]] unsigned sum() const { return sum_; }

 private:
  void count(const DataSet& set) {
    if (set.received == received_) records += set.record_count;
    set.for_each([this](const Record& record) {
      record.for_each([this](const FieldValue& field) { touch(field.octets); });
    });
  }
  void touch(std::span<const std::byte> octets) {
    for (const std::byte octet : octets) sum_ += std::to_integer<unsigned>(octet);
  }

  Timestamp received_;
  unsigned sum_ = 0;
};

/// A parser whose records are looked at, and a Decoder beside it, fed the same.
class Subject {
 public:
  Outcome feed(std::span<const std::byte> datagram, const TransportSession& session) {
    const Timestamp received = received_at(fed_++);
    counter_.begin(received);
    Outcome outcome;
    outcome.length_octets = datagram.size();
    outcome.is_v9 =
        datagram.size() > 1 && datagram[0] == std::byte{0} && datagram[1] == std::byte{9};
    outcome.result = parser_.parse(datagram, session, received, counter_);
    outcome.records = counter_.records;
    outcome.templates = counter_.templates;
    parser_ledgers_.fed(datagram.size(), outcome.result);

    batch_.clear();
    const ParseResult decoded = decoder_.decode(datagram, session, received, batch_);
    flows_ += batch_.flows.size();
    decoder_ledgers_.fed(datagram.size(), decoded);
    if (decoded.accepted != outcome.result.accepted || decoded.sets != outcome.result.sets ||
        decoded.first.code != outcome.result.first.code) {
      problem_ = "Decoder and Parser do not say the same";
    }
    return outcome;
  }
  /// What does not balance after the last datagram; empty if all is well.
  [[nodiscard]] std::string problem() const {
    if (!problem_.empty()) return problem_;
    if (std::string why = parser_ledgers_.problem(parser_); !why.empty()) return why;
    return decoder_ledgers_.problem(decoder_, flows_);
  }
  [[nodiscard]] const std::vector<FlowRecord>& flows() const { return batch_.flows; }

 private:
  Parser parser_;
  Counter counter_;
  test::LedgerCheck parser_ledgers_;
  Decoder decoder_;
  FlowBatch batch_;
  test::LedgerCheck decoder_ledgers_;
  std::uint64_t flows_ = 0;
  std::size_t fed_ = 0;
  std::string problem_;
};

TransportSession hostile_session() {
  TransportSession session;
  session.exporter = IpAddress::v4(0xc0000242);  // 192.0.2.66
  session.exporter_port = 50000;
  session.collector_port = 2055;
  return session;
}

/// The corpus is older than FlowLens' NetFlow v1 and calls it an unknown version; since then its 22
/// records come out.
void know_netflow_v1(Json& datagram) {
  datagram["verdict"] = "accept";
  datagram["records"] = 22;
}

bool matches(const Json& wanted, const Outcome& outcome) {
  if (wanted.contains("records") && wanted["records"] != outcome.records) return false;
  if (wanted.contains("templates") && wanted["templates"] != outcome.templates) return false;
  return agrees(wanted.at("verdict").get<std::string>(), outcome);
}

/// The verdict that fits, the main one first.
std::optional<std::string> fitting_verdict(const Json& datagram, const Outcome& outcome) {
  if (matches(datagram, outcome)) return datagram["verdict"].get<std::string>();
  for (const Json& other : datagram.value("alsoAccepted", Json::array())) {
    if (matches(other, outcome)) return other["verdict"].get<std::string>();
  }
  return std::nullopt;
}

/// Text on what the main verdict and its alternatives ask for.
std::string wish(const Json& datagram) {
  Json all = {{"verdict", datagram["verdict"]}};
  for (const char* key : {"records", "templates", "alsoAccepted"}) {
    if (datagram.contains(key)) all[key] = datagram[key];
  }
  return all.dump();
}

void check_good(Subject& subject, HostileReport& report) {
  for (const GoodDatagram& good : good_datagrams()) {
    const ExactBlock block{good.octets};
    const Outcome outcome = subject.feed(block.octets(), good_session());
    std::string why = subject.problem();
    if (why.empty() && !outcome.result.clean()) why = to_string(outcome.result.first);
    if (why.empty() && subject.flows().size() != 1) {
      why = std::to_string(subject.flows().size()) + " flows, should be 1";
    }
    if (why.empty()) {
      const FlowRecord& flow = subject.flows().front();
      const bool right = flow.source_address == IpAddress::v4(0x0a010203) &&
                         flow.destination_address == IpAddress::v4(0x0a040506) &&
                         flow.source_port == 40'000 && flow.destination_port == 443 &&
                         flow.protocol == 6 && flow.octet_count == 1'000;
      if (!right) why = "another flow than was sent";
    }
    if (why.empty()) {
      ++report.good_datagrams;
    } else {
      report.problems.push_back("a good " + good.protocol + " datagram afterwards: " + why);
    }
  }
}

void check_datagram(const Json& datagram, const Outcome& outcome, HostileReport& report) {
  const std::string file = datagram.at("file");
  const Diagnostic& first = outcome.result.first;
  report.reported += !outcome.result.clean();
  if (!outcome.result.clean() && first.offset > outcome.length_octets) {
    report.problems.push_back(file + ": the diagnostic's offset lies outside: " + to_string(first));
  }
  const auto verdict = fitting_verdict(datagram, outcome);
  if (!verdict) {
    report.problems.push_back(file + ": " + outcome.to_text() + "; should be " + wish(datagram));
    return;
  }
  if (datagram.value("report", "") == "unknown-template" && outcome.result.sets_waiting == 0) {
    report.problems.push_back(file + ": no set waits for its template");
    return;
  }
  const std::string main_verdict = datagram["verdict"];
  report.silent += outcome.result.clean() && main_verdict != "accept" && main_verdict != "no-crash";
  ++report.right;
  ++report.verdicts[*verdict];
}

}  // namespace

namespace {

/// A count in a NetFlow v9 header that differs from what is there: common in the field, and by the
/// corpus' README information only.
bool is_remark_only(const Outcome& outcome) {
  return outcome.is_v9 && outcome.result.first.code == DiagnosticCode::bad_count;
}

}  // namespace

std::string Outcome::to_text() const {
  return std::string{result.accepted ? "accepted" : "refused"} + ", " + std::to_string(records) +
         " records, " + std::to_string(templates) + " templates, " +
         (result.clean() ? "no diagnostic" : to_string(result.first));
}

bool agrees(const std::string& verdict, const Outcome& outcome) {
  const bool reported = !outcome.result.clean();
  const bool accepted = outcome.result.accepted;
  if (verdict == "no-crash") return true;
  if (verdict == "accept") return accepted && (!reported || is_remark_only(outcome));
  if (verdict == "reject-datagram") {
    return reported && outcome.records == 0 && outcome.templates == 0;
  }
  const bool is_known = verdict == "accept-and-report" || verdict == "skip-set" ||
                        verdict == "skip-rest" || verdict == "skip-sample" ||
                        verdict == "skip-record";
  if (!is_known) throw CorpusError("verdict '" + verdict + "' is not known");
  return accepted && reported;
}

HostileReport run_hostile(const std::filesystem::path& file) {
  const Json json = read_json(file);
  HostileReport report;
  try {
    report.name = json.at("name").get<std::string>();
    auto subject = std::make_unique<Subject>();
    for (Json datagram : json.at("datagrams")) {
      if (report.name == "real-netflow-v1") know_netflow_v1(datagram);
      if (datagram.value("fresh", false)) subject = std::make_unique<Subject>();
      const ExactBlock block =
          read_block(file.parent_path() / datagram.at("file").get<std::string>());
      const Outcome outcome = subject->feed(block.octets(), hostile_session());
      ++report.datagrams;
      check_datagram(datagram, outcome, report);
      if (const std::string why = subject->problem(); !why.empty()) {
        report.problems.push_back(datagram["file"].get<std::string>() + ": " + why);
        return report;
      }
    }
    check_good(*subject, report);
  } catch (const Json::exception& e) {
    throw CorpusError(file.string() + ": " + e.what());
  }
  return report;
}

}  // namespace flowlens::conformance
