#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "http/explanation.hpp"
#include "pipeline/ingest.hpp"

using namespace flowlensd;

namespace {

using std::chrono::milliseconds;
namespace asio = boost::asio;

const IpAddress kLoopback = IpAddress::v4(0x7f000001);

/// A worker on a port of its own, and a socket that sends to it.
struct Receiving {
  Receiving()
      : channel(1'000),
        accounts(2, 16, 1),
        ingest(options(), channel, accounts, [](const auto&) {}) {
    ingest.start();
    socket.open(asio::ip::udp::v4());
  }
  ~Receiving() { ingest.stop(); }

  static IngestOptions options() {
    IngestOptions o;
    o.receiver.bind_address = kLoopback;
    o.receiver.ports = {0};
    o.receiver.workers = 2;
    return o;
  }
  void send(const std::vector<std::uint8_t>& octets) {
    const auto to =
        asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), ingest.ports().front());
    socket.send_to(asio::buffer(octets), to);
  }
  /// Asks until something is known. Each question takes as long as a worker may sleep.
  std::optional<ExporterExplanation> explain(const IpAddress& exporter) {
    std::optional<ExporterExplanation> answer;
    for (int i = 0; i < 100 && (!answer || answer->status.empty()); ++i) {
      answer = ingest.explain(exporter, Timestamp{}, milliseconds{5'000});
    }
    return answer;
  }

  FlowChannel channel;
  Accounts accounts;
  Ingest ingest;
  asio::io_context io;
  asio::ip::udp::socket socket{io};
};

}  // namespace

TEST_CASE("explain: the worker that hears an exporter answers for it") {
  Receiving t;
  std::vector<std::uint8_t> v5(24 + 48);
  v5[1] = 5;
  v5[3] = 1;
  t.send(v5);
  const auto answer = t.explain(kLoopback);
  REQUIRE(answer);
  REQUIRE(answer->status.streams.size() == 1);
  CHECK(answer->status.streams[0].records == 1);
  CHECK(t.ingest.save_states(milliseconds{5'000}).size() == 2);
}

TEST_CASE("explain: nobody answers where no worker runs") {
  FlowChannel channel(1'000);
  Accounts accounts(2, 16, 1);
  Ingest ingest(Receiving::options(), channel, accounts, [](const auto&) {});
  CHECK_FALSE(ingest.explain(kLoopback, Timestamp{}, milliseconds{0}));
  CHECK(ingest.save_states(milliseconds{0}).size() == 2);
}

TEST_CASE("explain: the JSON has every part, null where nothing is known") {
  ExporterExplanation e;
  e.status.exporter = kLoopback;
  StreamStatus stream;
  stream.protocol = ExportProtocol::netflow_v9;
  stream.sequence.unit = SequenceUnit::datagrams;
  stream.sequence.lost = 3;
  e.status.streams.push_back(stream);
  TemplateStatus layout;
  layout.id = 256;
  layout.fields = {{{0, 8}, 4}, {{0, 96}, kVariableLength}};
  e.status.templates.push_back(layout);
  e.status.loss.network_datagrams = 3;
  ExporterStatistics statistics;
  statistics.not_sent_flows = 7;
  e.facts.statistics.push_back(statistics);
  e.missing_fields = static_cast<std::uint32_t>(FlowField::tcp_flags);
  e.status.last_problem = {DiagnosticCode::unknown_template, 20, 256};
  const auto json = http::explanation_json(e, 11);
  CHECK(json["address"] == "127.0.0.1");
  CHECK(json["streams"][0]["protocol"] == "netflow_v9");
  CHECK(json["streams"][0]["sequence"]["unit"] == "datagrams");
  CHECK(json["streams"][0]["boot"].is_null());
  CHECK(json["streams"][0]["recent"]["records_per_second"].is_null());
  CHECK(json["templates"][0]["fields"][0]["name"] == "sourceIPv4Address");
  CHECK(json["templates"][0]["fields"][1]["length"] == "variable");
  CHECK(json["loss"]["network"]["datagrams"] == 3);
  CHECK(json["loss"]["exporter"]["flows_not_sent"] == 7);
  CHECK(json["loss"]["kernel"]["datagrams_of_all_exporters"] == 11);
  CHECK(json["clock"].is_null());
  CHECK(json["missing_fields"] == http::Json::array({"tcp_flags"}));
  CHECK(json["last_problem"]["reason"] == "unknown_template");
  CHECK(json["last_problem"]["offset"] == 20);
}
