#include <set>

#include "conformance/run.hpp"
#include "conformance/value.hpp"
#include "flowlens/normalizer.hpp"
#include "support/ledger_check.hpp"

namespace flowlens::conformance {
namespace {

constexpr std::uint16_t kPaddingOctets = 210;

Json describe_template(const Template& layout) {
  Json fields = Json::array();
  for (const FieldSpecifier& field : layout.fields()) {
    Json one = {{"id", field.element.number}, {"length", field.length_octets}};
    const std::uint32_t enterprise = field.element.enterprise;
    if (enterprise != 0 && enterprise != kV9ScopeEnterprise) one["pen"] = enterprise;
    fields.push_back(std::move(one));
  }
  Json all = {{"id", layout.id()},
              {"kind", layout.is_options() ? "options" : "data"},
              {"fields", std::move(fields)}};
  if (layout.is_options()) all["scopeFields"] = layout.scope_field_count();
  return all;
}

/// Keeps all records and templates of a case.
class Collector final : public RecordSink {
 public:
  std::vector<DecodedRecord> records;
  std::vector<Json> templates;  ///< with `datagram`
  std::size_t replayed = 0;     ///< records that had waited for their template
  std::vector<std::string> problems;
  std::optional<MessageHeader> header;  ///< of the datagram at hand

  void begin(std::size_t datagram) {
    datagram_ = datagram;
    received_ = received_at(datagram);
    header.reset();
  }

  void on_data_set(const DataSet& set) noexcept override { take(set, false); }
  void on_options_set(const DataSet& set) noexcept override {
    normalizer_.on_options_set(set);
    take(set, true);
  }
  void on_template(const MessageHeader& message, const TransportSession&, const Template& layout,
                   bool) noexcept override {
    header = message;
    templates.push_back(describe_template(layout));
    templates.back()["datagram"] = datagram_;
  }

 private:
  void take(const DataSet& set, bool options) {
    if (set.received != received_) {
      replayed += set.record_count;
      return;
    }
    header = *set.message;
    std::vector<FlowRecord> flows;
    if (!options) flows = normalize(set);
    std::size_t used = 0;
    std::size_t index = 0;
    set.for_each([&](const Record& record) {
      DecodedRecord one = decode(set, record, options);
      one.record = index++;
      const std::size_t count = options ? 0 : flows_of(set, record);
      for (std::size_t i = 0; i < count && used < flows.size(); ++i) {
        one.flows.push_back(flows[used++]);
      }
      used += count - one.flows.size();
      records.push_back(std::move(one));
    });
    if (used != flows.size()) {
      problems.push_back("datagram " + std::to_string(datagram_) + ", set " +
                         std::to_string(set.set_index) + ": " + std::to_string(flows.size()) +
                         " flows, but " + std::to_string(used) + " of its single records");
    }
  }

  DecodedRecord decode(const DataSet& set, const Record& record, bool options) {
    DecodedRecord out;
    out.datagram = datagram_;
    out.set = set.set_index;
    const ExportProtocol protocol = set.message->protocol;
    out.about = {{"domain", set.message->observation_domain},
                 {"kind", options ? "options" : "flow"},
                 {"templateId", set.layout->id()}};
    std::map<std::string, int> seen;
    std::size_t scopes = set.layout->scope_field_count();
    Json scope = Json::array();
    record.for_each([&](const FieldValue& field) {
      const ElementId element = field.specifier.element;
      const bool is_padding =
          protocol == ExportProtocol::netflow_v5 && element == ElementId{0, kPaddingOctets};
      if (is_padding) return;
      std::string key = field_key(element, protocol);
      if (const int times = ++seen[key]; times > 1) key += '#' + std::to_string(times);
      if (scopes != 0) {
        --scopes;
        scope.push_back(key);
      }
      if (auto value = field_value(field)) {
        out.fields[key] = {std::move(*value), field_type(element)};
      }
    });
    if (options) out.about["scope"] = std::move(scope);
    return out;
  }

  std::vector<FlowRecord> normalize(const DataSet& set) {
    FlowBatch batch;
    normalizer_.set_output(&batch);
    normalizer_.on_data_set(set);
    normalizer_.set_output(nullptr);
    return std::move(batch.flows);
  }
  /// How many flows the record gives by itself. The flows of a set come in the order of its
  /// records.
  std::size_t flows_of(const DataSet& set, const Record& record) {
    DataSet one = set;
    one.records = record.octets();
    one.record_count = 1;
    return normalize(one).size();
  }

  /// The corpus says what was told, be it years from when the case is run.
  static NormalizerOptions any_time() {
    constexpr std::chrono::hours kLong{24 * 36'500};
    NormalizerOptions options;
    options.max_time_behind = options.max_time_ahead = options.max_duration = kLong;
    return options;
  }
  Normalizer normalizer_{any_time()};
  std::size_t datagram_ = 0;
  Timestamp received_;
};

std::string place(const DecodedRecord& r) {
  return "datagram " + std::to_string(r.datagram) + ", set " + std::to_string(r.set) + ", record " +
         std::to_string(r.record);
}

/// Compares one record with what is wanted of it.
void compare(const Json& wanted, const DecodedRecord& have, Report& report) {
  std::set<std::string> unconfirmed;
  if (wanted.contains("unconfirmed"))
    unconfirmed = wanted["unconfirmed"].get<std::set<std::string>>();
  const std::size_t wrong_before = report.fields_wrong;
  const auto wrong = [&](const std::string& key, const std::string& want, const std::string& got) {
    if (unconfirmed.contains(key)) {
      ++report.unconfirmed;
      return;
    }
    ++report.fields_wrong;
    report.problem(place(have) + ": " + key + " is " + got + ", should be " + want);
  };

  for (const char* key : {"domain", "kind", "templateId", "scope"}) {
    if (wanted.contains(key) && wanted[key] != have.about.value(key, Json{})) {
      wrong(key, wanted[key].dump(), have.about.value(key, Json{}).dump());
    }
  }
  for (const auto& [key, want] : wanted.at("fields").items()) {
    const auto found = have.fields.find(key);
    if (found == have.fields.end()) {
      wrong(key, want.dump(), "missing");
    } else if (!same_value(found->second.value, want, found->second.type)) {
      wrong(key, want.dump(),
            found->second.value.dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
      report.right(key.substr(0, key.find('#')));
    }
  }
  for (const auto& [key, field] : have.fields) {
    if (!wanted.at("fields").contains(key)) {
      wrong(key, "absent", field.value.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }
  ++(report.fields_wrong == wrong_before ? report.records_right : report.records_wrong);
  check_flows(wanted, have, report);
}

void compare_records(const Case& c, const Collector& have, Report& report) {
  using Key = std::tuple<std::size_t, std::size_t, std::size_t>;
  std::map<Key, const DecodedRecord*> by_place;
  for (const DecodedRecord& r : have.records) by_place[{r.datagram, r.set, r.record}] = &r;

  const bool missing_is_fine = may_be_missing(c, have.records.size());
  for (const Json& wanted : c.json.at("expected")) {
    const Key key{wanted.at("datagram"), wanted.at("set"), wanted.at("record")};
    const auto found = by_place.find(key);
    if (found != by_place.end()) {
      compare(wanted, *found->second, report);
      by_place.erase(found);
    } else if (!missing_is_fine) {
      ++report.records_wrong;
      report.fields_wrong += wanted.at("fields").size();
      report.problem("datagram " + std::to_string(std::get<0>(key)) + ", set " +
                     std::to_string(std::get<1>(key)) + ", record " +
                     std::to_string(std::get<2>(key)) + ": did not come");
    }
  }
  for (const auto& [key, extra] : by_place) {
    ++report.records_wrong;
    report.problem(place(*extra) + ": not expected");
  }
}

void compare_templates(const Case& c, const std::vector<Json>& have, Report& report) {
  const Json wanted = c.json.value("templates", Json::array());
  const std::size_t both = std::min(wanted.size(), have.size());
  for (std::size_t i = 0; i < both; ++i) {
    Json want = wanted[i];
    const bool unconfirmed = want.value("unconfirmed", false);
    want.erase("set");
    want.erase("unconfirmed");
    if (want == have[i]) {
      ++report.templates_right;
    } else if (!unconfirmed) {
      report.problem("template " + std::to_string(i) + " is " + have[i].dump() + ", should be " +
                     want.dump());
    }
  }
  if (wanted.size() != have.size()) {
    report.problem(std::to_string(have.size()) + " templates came, should be " +
                   std::to_string(wanted.size()));
  }
}

}  // namespace

Report run_netflow(const Case& c) {
  Report report;
  report.records_wanted = c.json.at("expected").size();
  Parser parser;
  Collector collector;
  test::LedgerCheck ledgers;
  for (std::size_t i = 0; i < c.datagrams.size(); ++i) {
    collector.begin(i);
    const CaseDatagram& datagram = c.datagrams[i];
    const ParseResult result =
        parser.parse(datagram.octets.octets(), datagram.session, received_at(i), collector);
    ledgers.fed(datagram.octets.octets().size(), result);
    if (const std::string why = ledgers.problem(parser); !why.empty()) {
      report.problem("datagram " + std::to_string(i) + ": " + why);
    }
    check_result(c, i, result, report);
    check_header(c, i, collector.header, report);
  }
  for (std::string& problem : collector.problems) report.problem(std::move(problem));
  compare_templates(c, collector.templates, report);
  compare_records(c, collector, report);
  return report;
}

}  // namespace flowlens::conformance
