#include <set>

#include "conformance/run.hpp"
#include "conformance/value.hpp"
#include "flowlens/normalizer.hpp"
#include "support/ledger_check.hpp"

namespace flowlens::conformance {
namespace {

/// Keeps the samples of a case, one JSON object each.
class Collector final : public RecordSink {
 public:
  struct Sample {
    Json json;
    std::vector<FlowRecord> flows;
  };
  std::vector<Sample> samples;
  std::optional<MessageHeader> header;  ///< of the datagram at hand

  void begin(std::size_t datagram) {
    datagram_ = datagram;
    index_ = 0;
    header.reset();
  }
  void on_sample(const SflowSample& sample) noexcept override {
    if (sample.message->protocol != ExportProtocol::sflow_v5) return;
    header = *sample.message;
    Sample one{describe_sample(sample), {}};
    one.json["datagram"] = datagram_;
    one.json["sample"] = index_++;
    FlowBatch batch;
    normalizer_.set_output(&batch);
    normalizer_.on_sample(sample);
    normalizer_.set_output(nullptr);
    one.flows = std::move(batch.flows);
    samples.push_back(std::move(one));
  }

 private:
  /// The corpus describes the outermost packet.
  static NormalizerOptions outermost() {
    NormalizerOptions options;
    options.tunnel_view = TunnelView::outermost;
    return options;
  }
  Normalizer normalizer_{outermost()};
  std::size_t datagram_ = 0;
  std::size_t index_ = 0;
};

/// Whether a text of the corpus is an address, a MAC address or plain text: addresses are compared
/// parsed.
bool same_leaf(const Json& have, const Json& want) {
  return same_value(have, want, ElementType::ipv6_address);
}

/// Compares one sample, counting leaves.
class Comparison {
 public:
  Comparison(const Json& wanted, std::string place, Report& report)
      : place_(std::move(place)), report_(report) {
    if (wanted.contains("unconfirmed")) {
      unconfirmed_ = wanted["unconfirmed"].get<std::set<std::string>>();
    }
  }

  void object(const Json& have, const Json& want, const std::string& prefix) {
    for (const auto& [key, value] : want.items()) {
      if (key == "unconfirmed") continue;
      if (key == "records") {
        records(have.value("records", Json::array()), value);
      } else if (!have.contains(key)) {
        wrong(prefix + key, "missing", value.dump());
      } else if (key == "packet") {
        object(have[key], value, "packet.");
      } else if (same_leaf(have[key], value)) {
        report_.right(prefix + key);
      } else {
        wrong(prefix + key, have[key].dump(-1, ' ', false, Json::error_handler_t::replace),
              value.dump());
      }
    }
    for (const auto& [key, value] : have.items()) {
      if (!want.contains(key))
        wrong(prefix + key, value.dump(-1, ' ', false, Json::error_handler_t::replace), "absent");
    }
  }

 private:
  void records(const Json& have, const Json& want) {
    if (have.size() != want.size()) {
      wrong("records", std::to_string(have.size()), std::to_string(want.size()));
    }
    for (std::size_t i = 0; i < std::min(have.size(), want.size()); ++i) {
      for (const char* key : {"enterprise", "format", "name"}) {
        if (have[i].at(key) != want[i].at(key)) {
          wrong("record " + std::to_string(i) + " " + key, have[i].at(key).dump(),
                want[i].at(key).dump());
        }
      }
      object(have[i].at("fields"), want[i].at("fields"),
             want[i].at("name").get<std::string>() + ".");
    }
  }
  void wrong(const std::string& key, const std::string& have, const std::string& want) {
    if (unconfirmed_.contains(key)) {
      ++report_.unconfirmed;
      return;
    }
    ++report_.fields_wrong;
    report_.problem(place_ + ": " + key + " is " + have + ", should be " + want);
  }

  std::string place_;
  std::set<std::string> unconfirmed_;
  Report& report_;
};

/// The first headers of the packet in a sample, or what the exporter read from them.
const Json* packet_of(const Json& sample) {
  for (const Json& record : sample.at("records")) {
    if (record["name"] == "sampled_header" && record["fields"].contains("packet")) {
      return &record["fields"]["packet"];
    }
    if (record["name"] == "sampled_ipv4" || record["name"] == "sampled_ipv6")
      return &record["fields"];
  }
  return nullptr;
}

/// A flow sample of an IP packet gives one flow with its addresses, ports and sampling rate.
void check_sample_flows(const Json& wanted, const Collector::Sample& have, const std::string& place,
                        Report& report) {
  if (wanted["kind"] != "flow_sample") {
    if (!have.flows.empty()) report.problem(place + ": gave a flow");
    return;
  }
  const Json* packet = packet_of(wanted);
  const bool v4 = packet != nullptr && packet->contains("destinationIPv4Address");
  const bool v6 = packet != nullptr && packet->contains("destinationIPv6Address");
  if (!v4 && !v6) return;
  if (have.flows.size() != 1) {
    report.problem(place + ": gave " + std::to_string(have.flows.size()) + " flows, should be 1");
    return;
  }
  const FlowRecord& flow = have.flows.front();
  const auto check = [&](const char* key, const Json& got) {
    if (!packet->contains(key)) return;
    if (same_value(got, (*packet)[key], ElementType::ipv6_address))
      ++report.flow_values;
    else
      report.problem(place + ": the flow's " + key + " is " + got.dump() + ", should be " +
                     (*packet)[key].dump());
  };
  const std::string family = v4 ? "IPv4Address" : "IPv6Address";
  check(("source" + family).c_str(), flow.source_address.to_string());
  check(("destination" + family).c_str(), flow.destination_address.to_string());
  check("protocolIdentifier", flow.protocol);
  if (packet->contains("destinationTransportPort")) {  // else the header was cut between the two
    check("sourceTransportPort", flow.source_port);
    check("destinationTransportPort", flow.destination_port);
  }
  check("ipTotalLength", flow.octet_count);
  const auto rate = wanted.at("samplingRate").get<std::uint32_t>();
  if (flow.sampling_rate == std::max(rate, 1u))
    ++report.flow_values;
  else
    report.problem(place + ": the flow's sampling rate is " + std::to_string(flow.sampling_rate) +
                   ", should be " + std::to_string(rate));
}

void compare_samples(const Case& c, const Collector& have, Report& report) {
  const Json& expected = c.json.at("expected");
  const bool missing_is_fine = may_be_missing(c, have.samples.size());
  std::map<std::pair<std::size_t, std::size_t>, const Collector::Sample*> by_place;
  for (const Collector::Sample& s : have.samples) {
    by_place[{s.json["datagram"].get<std::size_t>(), s.json["sample"].get<std::size_t>()}] = &s;
  }
  for (const Json& wanted : expected) {
    const std::pair key{wanted.at("datagram").get<std::size_t>(),
                        wanted.at("sample").get<std::size_t>()};
    const std::string place =
        "datagram " + std::to_string(key.first) + ", sample " + std::to_string(key.second);
    const auto found = by_place.find(key);
    if (found == by_place.end()) {
      if (missing_is_fine) continue;
      ++report.records_wrong;
      report.problem(place + ": did not come");
      continue;
    }
    const std::size_t wrong_before = report.fields_wrong;
    Comparison{wanted, place, report}.object(found->second->json, wanted, "");
    ++(report.fields_wrong == wrong_before ? report.records_right : report.records_wrong);
    check_sample_flows(wanted, *found->second, place, report);
    by_place.erase(found);
  }
  for (const auto& [key, extra] : by_place) {
    ++report.records_wrong;
    report.problem("datagram " + std::to_string(key.first) + ", sample " +
                   std::to_string(key.second) + ": not expected");
  }
}

}  // namespace

Report run_sflow(const Case& c) {
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
  compare_samples(c, collector, report);
  return report;
}

}  // namespace flowlens::conformance
