#include <doctest/doctest.h>

#include <memory>

#include "flowlens/arrow.hpp"
#include "flowlens/map_fields.hpp"
#include "support/arrow_reader.hpp"
#include "support/flows.hpp"

namespace flowlens {

using testing::address, testing::kNoon, testing::ReadTable;

namespace {

Id id_of(std::uint8_t n) {
  Id id;
  id.octets[15] = n;
  return id;
}

std::shared_ptr<const Annotation> said() {
  Annotation a;
  a.tags = {"blue", "green"};
  a.owner = "Ann";
  a.notes = "caf\xe9";  // ISO 8859-1, as some inventory had it
  a.criticality = Criticality::high;
  a.is_declared = true;
  return std::make_shared<const Annotation>(a);
}

DependencyRow dependency() {
  DependencyRow row;
  row.id = id_of(1);
  row.client_asset = id_of(2);
  row.server_asset = id_of(3);
  row.key = {{SiteId{1}, address("10.0.0.1")}, {SiteId{0}, address("2001:db8::2")}, 443, 6};
  row.rung = DirectionRung::tcp_flags;
  row.reasons.add(DirectionRung::tcp_flags, true);
  row.first_seen = kNoon;
  row.last_seen = kNoon + std::chrono::hours{1};
  row.hours.set({hour_of(row.first_seen), hour_of(row.last_seen)});
  row.totals = {1, 2, 3, 4, 5, 6, 7};
  row.observers[0] = address("192.0.2.1");
  row.observers[1] = address("192.0.2.2");
  row.observer_count = 2;
  row.flips = 8;
  row.client_count = 9;
  row.client_internal = true;
  row.annotation = said();
  return row;
}

SiteTable two_sites() {
  SiteTable sites;
  sites.add("east");
  return sites;
}

/// Names of columns that no filter knows, and of fields that no column has.
template <typename Row>
std::string known_to_one_only(const ReadTable& table, const FieldTableOf<Row>& fields) {
  std::string without_field, without_column;
  std::vector<const Field*> met;
  for (const std::string& name : table.names) {
    const Field* field = fields.find(name);
    if (field == nullptr) without_field += name + ' ';
    met.push_back(field);
  }
  for (const Field& field : fields.fields()) {
    if (std::find(met.begin(), met.end(), &field) == met.end()) {
      without_column += std::string(field.name) + ", ";
    }
  }
  return without_field + "| " + without_column;
}

}  // namespace

TEST_CASE("dependencies as columns") {
  ArrowArrayStream stream{};
  export_dependencies({dependency(), DependencyRow{}}, two_sites(), {}, &stream);
  const ReadTable table = testing::read_stream(stream);
  const std::pair<const char*, const char*> want[] = {
      {"id", "00000000-0000-0000-0000-000000000001"},
      {"client_asset", "00000000-0000-0000-0000-000000000002"},
      {"server_asset", "00000000-0000-0000-0000-000000000003"},
      {"client_ip", "10.0.0.1"},
      {"client_site", "east"},
      {"client_internal", "true"},
      {"client_count", "9"},
      {"server_ip", "2001:db8::2"},
      {"server_site", "default"},
      {"server_internal", "false"},
      {"protocol", "6"},
      {"port", "443"},
      {"service", "null"},
      {"direction", "client_server"},
      {"evidence", "tcp_flags"},
      {"flips", "8"},
      {"provisional", "true"},
      {"first_seen", "2026-11-21T12:00:00Z"},
      {"last_seen", "2026-11-21T13:00:00Z"},
      {"active_hours", "2"},
      {"flows", "1"},
      {"octets_to_server", "2"},
      {"octets_to_client", "3"},
      {"packets_to_server", "4"},
      {"packets_to_client", "5"},
      {"estimated_octets_to_server", "6"},
      {"estimated_octets_to_client", "7"},
      {"exporters", "[192.0.2.1 192.0.2.2]"},
      {"via_ip", "null"},
      {"tags", "[blue green]"},
      {"owner", "Ann"},
      {"notes", "caf\xef\xbf\xbd"},
      {"criticality", "high"},
      {"declared", "true"},
      {"confirmed", "false"},
  };
  for (const auto& [column, value] : want) {
    CAPTURE(column);
    CHECK(table.at(column, 0) == value);
  }
  CHECK(table.names.size() == std::size(want) + 1);
  CHECK(table.at("direction_confidence", 0) == std::to_string(confidence(dependency().reasons)));
  CHECK(table.at("tags", 1) == "[]");
  CHECK(table.at("owner", 1) == "null");
  CHECK(table.at("criticality", 1) == "unknown");
}

TEST_CASE("assets as columns: what they hold, and what they held once") {
  AssetRow row;
  row.id = id_of(1);
  row.endpoints = {{{SiteId{1}, address("10.0.0.1")}, kNoon, kNoon, FactSource::observed},
                   {{SiteId{1}, address("10.0.0.2")}, kNoon, {}, FactSource::observed}};
  row.asset_type = "web_server";
  row.type_source = FactSource::inferred;
  row.type_confidence = 0.5f;
  row.is_internal = true;
  row.first_seen = row.last_seen = kNoon;
  ArrowArrayStream stream{};
  export_assets({row}, two_sites(), {}, &stream);
  const ReadTable table = testing::read_stream(stream);
  CHECK(table.at("addresses", 0) == "[10.0.0.2]");
  CHECK(table.at("former_addresses", 0) == "[10.0.0.1]");
  CHECK(table.at("site", 0) == "east");
  CHECK(table.at("name", 0) == "null");
  CHECK(table.at("name_source", 0) == "null");
  CHECK(table.at("asset_type", 0) == "web_server");
  CHECK(table.at("type_source", 0) == "inferred");
  CHECK(table.at("type_confidence", 0) == "0.500000");
  CHECK(table.at("internal", 0) == "true");
  CHECK(table.at("first_seen", 0) == "2026-11-21T12:00:00Z");
}

TEST_CASE("changes as columns") {
  ChangeEvent event;
  event.type = ChangeType::traffic_spike;
  event.severity = Severity::warning;
  event.subject = id_of(1);
  event.at = kNoon;
  event.reason = "far more than usual";
  event.expected = 0;
  event.endpoint = {SiteId{1}, address("10.0.0.1")};
  event.port = 443;
  ArrowArrayStream stream{};
  export_changes({event}, two_sites(), {}, &stream);
  const ReadTable table = testing::read_stream(stream);
  CHECK(table.at("type", 0) == "traffic_spike");
  CHECK(table.at("severity", 0) == "warning");
  CHECK(table.at("subject", 0) == "asset");
  CHECK(table.at("subject_id", 0) == "00000000-0000-0000-0000-000000000001");
  CHECK(table.at("object_id", 0) == "null");
  CHECK(table.at("expected", 0) == "0");
  CHECK(table.at("seen", 0) == "null");
  CHECK(table.at("ip", 0) == "10.0.0.1");
  CHECK(table.at("site", 0) == "east");
  CHECK(table.at("client_ip", 0) == "null");
  CHECK(table.at("port", 0) == "443");
}

TEST_CASE("no rows: columns all the same, and no batch") {
  ArrowArrayStream stream{};
  export_assets({}, {}, {}, &stream);
  const ReadTable table = testing::read_stream(stream);
  CHECK(table.names.size() == 18);
  CHECK(table.batches.empty());
  CHECK(table.error == 0);
}

TEST_CASE("columns and fields of filters have the same names") {
  ArrowArrayStream stream{};
  export_dependencies({}, {}, {}, &stream);
  CHECK(known_to_one_only(testing::read_stream(stream), dependency_fields()) ==
        "id client_asset server_asset client_site client_count server_site active_hours "
        "octets_to_server octets_to_client packets_to_server packets_to_client "
        "estimated_octets_to_server estimated_octets_to_client exporters via_ip notes "
        "| ip, bytes, bytes to server, bytes to client, packets, exporter, ");
  export_assets({}, {}, {}, &stream);
  CHECK(known_to_one_only(testing::read_stream(stream), asset_fields()) ==
        "id name_source addresses former_addresses site notes | ip, ");
  export_changes({}, {}, {}, &stream);
  CHECK(known_to_one_only(testing::read_stream(stream), change_fields()) ==
        "id subject_id object_id cause_id site client_site | server ip, part, ");
}

}  // namespace flowlens
