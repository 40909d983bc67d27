#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <stdexcept>

#include "flowlens/arrow.hpp"
#include "flowlens/error.hpp"
#include "flowlens/flow_fields.hpp"
#include "support/arrow_reader.hpp"
#include "support/flows.hpp"

namespace flowlens {

using testing::ReadTable;

namespace {

/// Every value another one, in every member that is a column.
FlowRecord flow_with_values(std::uint32_t n) {
  FlowRecord f;
  f.source_address = IpAddress::v4(0x0a000000 + n);
  f.destination_address = testing::address("2001:db8::1");
  f.exporter = IpAddress::v4(0xc0000200 + n);
  f.next_hop = IpAddress::v4(0xc6336400 + n);
  f.start = testing::kNoon + std::chrono::nanoseconds{n};
  f.end = f.start + std::chrono::seconds{1};
  f.received = f.end + std::chrono::seconds{1};
  f.octet_count = 0x1'0000'0000 + n;
  f.packet_count = 0x2'0000'0000 + n;
  f.present = (1u << 21) - 1;
  f.observation_domain = 100'000 + n;
  f.sampling_rate = 200'000 + n;
  f.ingress_interface = 300'000 + n;
  f.egress_interface = 400'000 + n;
  f.source_as = 500'000 + n;
  f.destination_as = 600'000 + n;
  f.source_port = static_cast<std::uint16_t>(1'000 + n);
  f.destination_port = static_cast<std::uint16_t>(2'000 + n);
  f.vlan_id = static_cast<std::uint16_t>(3'000 + n);
  f.icmp_type_code = static_cast<std::uint16_t>(4'000 + n);
  f.protocol = static_cast<std::uint8_t>(n);
  f.tcp_flags = static_cast<std::uint8_t>(n + 1);
  f.tos = static_cast<std::uint8_t>(n + 2);
  f.source_prefix_length = static_cast<std::uint8_t>(n + 3);
  f.destination_prefix_length = static_cast<std::uint8_t>(n + 4);
  f.flow_direction = static_cast<std::uint8_t>(n % 2);
  f.sampling_source = static_cast<SamplingSource>(n % 6);
  f.initiator = static_cast<Initiator>(n % 3);
  f.kind = static_cast<FlowKind>(n % 3);
  f.export_protocol = static_cast<ExportProtocol>(n % 14);
  f.is_fragment_tail = n % 5 == 0;
  f.counter_source = static_cast<CounterSource>(n % 10);
  return f;
}

ReadTable table_of(FlowBatch batch, const ArrowOptions& options = {}) {
  ArrowArrayStream stream{};
  export_flows(std::make_shared<const FlowBatch>(std::move(batch)), options, &stream);
  return testing::read_stream(stream);
}

FlowBatch batch_of(std::uint32_t flows) {
  FlowBatch batch;
  for (std::uint32_t i = 0; i < flows; ++i) batch.flows.push_back(flow_with_values(i));
  return batch;
}

/// What a filter sees in a field, in the words of testing::cell().
std::string operand_text(const Field& field, const FlowRecord& flow) {
  Operand value;
  if (!field.get(&flow, 0, value)) return "null";
  if (field.kind == FieldKind::address) return value.address.to_string();
  if (field.kind == FieldKind::choice) return std::string(field.choices[value.number]);
  if (field.kind == FieldKind::time) {
    return to_string(
        from_unix_ns(static_cast<std::int64_t>(value.number ^ (std::uint64_t{1} << 63))));
  }
  return std::to_string(value.number);
}

}  // namespace

TEST_CASE("a column gives what the flows have, whatever its width, past blocks and octets") {
  const FlowBatch batch = batch_of(300);
  const ReadTable table = table_of(batch);
  CHECK(table.batches == std::vector<std::int64_t>{300});
  for (std::size_t i = 0; i < batch.flows.size(); ++i) {
    const FlowRecord& f = batch.flows[i];
    CAPTURE(i);
    CHECK(table.at("source_address", i) == f.source_address.to_string());
    CHECK(table.at("destination_address", i) == "2001:db8::1");
    CHECK(table.at("next_hop", i) == f.next_hop.to_string());
    CHECK(table.at("exporter", i) == f.exporter.to_string());
    CHECK(table.at("start", i) == to_string(f.start));
    CHECK(table.at("end", i) == to_string(f.end));
    CHECK(table.at("received", i) == to_string(f.received));
    CHECK(table.at("octet_count", i) == std::to_string(f.octet_count));
    CHECK(table.at("packet_count", i) == std::to_string(f.packet_count));
    CHECK(table.at("observation_domain", i) == std::to_string(f.observation_domain));
    CHECK(table.at("sampling_rate", i) == std::to_string(f.sampling_rate));
    CHECK(table.at("ingress_interface", i) == std::to_string(f.ingress_interface));
    CHECK(table.at("egress_interface", i) == std::to_string(f.egress_interface));
    CHECK(table.at("source_as", i) == std::to_string(f.source_as));
    CHECK(table.at("destination_as", i) == std::to_string(f.destination_as));
    CHECK(table.at("source_port", i) == std::to_string(f.source_port));
    CHECK(table.at("destination_port", i) == std::to_string(f.destination_port));
    CHECK(table.at("vlan_id", i) == std::to_string(f.vlan_id));
    CHECK(table.at("icmp_type_code", i) == std::to_string(f.icmp_type_code));
    CHECK(table.at("protocol", i) == std::to_string(f.protocol));
    CHECK(table.at("tcp_flags", i) == std::to_string(f.tcp_flags));
    CHECK(table.at("tos", i) == std::to_string(f.tos));
    CHECK(table.at("source_prefix_length", i) == std::to_string(f.source_prefix_length));
    CHECK(table.at("destination_prefix_length", i) == std::to_string(f.destination_prefix_length));
    CHECK(table.at("flow_direction", i) == std::to_string(f.flow_direction));
    CHECK(table.at("export_protocol", i) == to_string(f.export_protocol));
    CHECK(table.at("is_fragment_tail", i) == (f.is_fragment_tail ? "true" : "false"));
    CHECK(table.at("times_replaced", i) == "false");
  }
  CHECK(table.at("kind", 2) == "sampled");
  CHECK(table.at("initiator", 1) == "source");
  CHECK(table.at("counter_source", 9) == "packet");
  CHECK(table.at("sampling_source", 5) == "other_domain");
  CHECK(table.nulls.at("source_port") == 0);
  CHECK(table.nulls.at("post_source_port") == 300);
}

TEST_CASE("what was not exported is null, and 0 is a value") {
  FlowBatch batch;
  batch.flows.resize(20);
  batch.flows[11].present = static_cast<std::uint32_t>(FlowField::octet_count) |
                            static_cast<std::uint32_t>(FlowField::times_replaced);
  for (const AddressForm form : {AddressForm::octets, AddressForm::text}) {
    const ReadTable table = table_of(batch, {.addresses = form});
    CHECK(table.nulls.at("octet_count") == 19);
    CHECK(table.at("octet_count", 10) == "null");
    CHECK(table.at("octet_count", 11) == "0");
    CHECK(table.at("source_address", 11) == "null");
    CHECK(table.at("exporter", 11) == "::");
    CHECK(table.at("sampling_rate", 11) == "1");
    CHECK(table.at("times_replaced", 10) == "false");
    CHECK(table.at("times_replaced", 11) == "true");
  }
}

TEST_CASE("a null stands at its flow, past blocks and octets, too") {
  FlowBatch batch = batch_of(300);
  for (const std::size_t at : {0u, 129u, 299u}) batch.flows[at].present = 0;
  const ReadTable table = table_of(batch);
  CHECK(table.nulls.at("source_port") == 3);
  for (std::size_t i = 0; i < 300; ++i) {
    CAPTURE(i);
    CHECK((table.at("source_port", i) == "null") == (i == 0 || i == 129 || i == 299));
  }
}

TEST_CASE("a filter asks for a column by its name, and sees what the column has") {
  std::vector<std::string> without_column;
  std::vector<FlowRecord> flows = batch_of(3).flows;
  flows.emplace_back();
  FlowBatch batch;
  batch.flows = flows;
  const ReadTable table = table_of(batch);
  std::vector<const Field*> met;
  for (const std::string& name : table.names) {
    const Field* field = flow_fields().find(name);
    if (field == nullptr) continue;
    met.push_back(field);
    for (std::size_t i = 0; i < flows.size(); ++i) {
      CAPTURE(name);
      CHECK(table.at(name, i) == operand_text(*field, flows[i]));
    }
  }
  for (const Field& field : flow_fields().fields()) {
    if (std::find(met.begin(), met.end(), &field) == met.end()) {
      without_column.emplace_back(field.name);
    }
  }
  // What can be worked out of other columns has none of its own.
  CHECK(without_column == std::vector<std::string>{"ip", "port", "estimated bytes", "duration"});
}

TEST_CASE("translations and VRFs stand at their flows, wherever a batch is cut") {
  FlowBatch batch = batch_of(10);
  batch.translations.push_back(
      {3, testing::address("203.0.113.3"), testing::address("203.0.113.4"), 33, 44});
  batch.translations.push_back(
      {9, testing::address("203.0.113.9"), testing::address("203.0.113.8"), 99, 88});
  batch.vrfs.push_back({4, Vrf{7, 0}, std::nullopt});
  for (const AddressForm form : {AddressForm::octets, AddressForm::text}) {
    for (const std::size_t rows : {1u, 4u, 100u}) {
      CAPTURE(rows);
      const ReadTable table = table_of(batch, {.addresses = form, .rows_per_batch = rows});
      CHECK(table.nulls.at("post_source_address") == 8);
      CHECK(table.at("post_source_address", 3) == "203.0.113.3");
      CHECK(table.at("post_destination_address", 9) == "203.0.113.8");
      CHECK(table.at("post_source_port", 9) == "99");
      CHECK(table.at("post_destination_port", 3) == "44");
      CHECK(table.at("post_source_address", 4) == "null");
      CHECK(table.at("ingress_vrf", 4) == "7");
      CHECK(table.at("egress_vrf", 4) == "null");
      CHECK(table.at("ingress_vrf", 3) == "null");
      CHECK(table.batches.size() == (10 + rows - 1) / rows);
    }
  }
}

TEST_CASE("columns come as they were asked for; what cannot be leaves the stream alone") {
  const ReadTable table = table_of(batch_of(2), {.columns = {"egress_vrf", "end", "protocol"}});
  CHECK(table.names == std::vector<std::string>{"egress_vrf", "end", "protocol"});
  CHECK(table.at("protocol", 1) == "1");

  const ArrowOptions refused[] = {
      {.columns = {"octets"}}, {.columns = {"end", "end"}}, {.rows_per_batch = 0}};
  for (const ArrowOptions& options : refused) {
    ArrowArrayStream stream{};
    CHECK_THROWS_AS(export_flows(std::make_shared<const FlowBatch>(), options, &stream),
                    ConfigError);
    CHECK_THROWS_AS(export_flows(NextFlows{}, options, &stream), ConfigError);
    CHECK(bool{stream.release == nullptr});
  }
}

TEST_CASE("a source of batches: empty ones are passed over, large ones cut") {
  std::size_t call = 0;
  const auto next = [&call](FlowBatch& batch) {
    const std::uint32_t sizes[] = {0, 5, 0, 2};
    if (call == std::size(sizes)) return false;
    batch = batch_of(sizes[call++]);
    return true;
  };
  ArrowArrayStream stream{};
  export_flows(next, {.rows_per_batch = 3}, &stream);
  const ReadTable table = testing::read_stream(stream);
  CHECK(table.batches == std::vector<std::int64_t>{3, 2, 2});
  CHECK(table.at("source_port", 4) == "1004");
  CHECK(table.at("source_port", 5) == "1000");
}

TEST_CASE("what a source throws is the stream's error, and its end") {
  ArrowArrayStream stream{};
  export_flows([](FlowBatch&) -> bool { throw std::runtime_error("disk is gone"); }, {}, &stream);
  ArrowArray batch{};
  CHECK(stream.get_last_error(&stream) == nullptr);
  CHECK(stream.get_next(&stream, &batch) == EIO);
  CHECK(std::string(stream.get_last_error(&stream)) == "disk is gone");
  CHECK(stream.get_next(&stream, &batch) == 0);
  CHECK(bool{batch.release == nullptr});
  stream.release(&stream);
  CHECK(bool{stream.release == nullptr});
}

TEST_CASE("a column that was taken out outlives its batch, the schema and the stream") {
  ArrowArrayStream stream{};
  export_flows(std::make_shared<const FlowBatch>(batch_of(5)), {.columns = {"kind", "tos"}},
               &stream);
  ArrowSchema schema{};
  ArrowArray batch{};
  REQUIRE(stream.get_schema(&stream, &schema) == 0);
  REQUIRE(stream.get_next(&stream, &batch) == 0);
  ArrowArray kind = *batch.children[0];
  batch.children[0]->release = nullptr;
  ArrowSchema kind_schema = *schema.children[0];
  schema.children[0]->release = nullptr;
  batch.release(&batch);
  schema.release(&schema);
  stream.release(&stream);
  CHECK(testing::cell(kind_schema, kind, 1) == "denied");
  kind.release(&kind);
  kind_schema.release(&kind_schema);
}

}  // namespace flowlens
