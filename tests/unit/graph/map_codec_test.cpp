// A whole map as octets, and back.
#include "flowlens/map_codec.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "flowlens/graph_export.hpp"

using namespace flowlens;

namespace {

SiteTable two_sites() {
  SiteTable sites;
  static_cast<void>(sites.add("berlin"));
  return sites;
}

ConnectionSummary summary(std::uint8_t client, std::uint16_t port, SiteId site) {
  ConnectionSummary s;
  s.key = {{site, IpAddress::v4(0x0a000000u + client)}, {site, IpAddress::v4(0x0a000100)}, port, 6};
  s.window_start = from_unix_ns(1'700'000'000'000'000'000);
  s.first = s.last = s.window_start;
  s.counts = s.added = {1, 100, 200, 3, 4, 100, 200};
  s.service = find_service(6, port);
  s.provisional = false;
  return s;
}

void fill(DependencyGraph& map) {
  const std::vector<ConnectionSummary> rows = {summary(1, 443, {}), summary(2, 5432, {1})};
  map.apply(rows);
  (void)map.take_revision(1, Epoch{1}, rows[0].last);
}

std::string json(const DependencyGraph& map) {
  std::ostringstream out;
  write_graph(map, ExportFormat::json, out);
  return out.str();
}

}  // namespace

TEST_CASE("map as octets: what was written is there again, sites by their names") {
  DependencyGraph map({}, two_sites());
  fill(map);
  const auto octets = encode_map(map);
  std::unique_ptr<DependencyGraph> again;
  REQUIRE(decode_map(octets, {}, again).code == DiagnosticCode::none);
  CHECK(json(*again) == json(map));
  CHECK(json(*again).find("berlin") != std::string::npos);
  CHECK(encode_map(*again) == octets);

  DependencyGraph empty;
  REQUIRE(decode_map(encode_map(empty), {}, again).code == DiagnosticCode::none);
  CHECK(again->counters().dependencies == 0);
}

TEST_CASE("map as octets: rows past the bounds are left out") {
  DependencyGraph map({}, two_sites());
  fill(map);
  DependencyGraphOptions options;
  options.max_dependencies = 1;
  std::unique_ptr<DependencyGraph> again;
  REQUIRE(decode_map(encode_map(map), options, again).code == DiagnosticCode::none);
  CHECK(again->counters().dependencies == 1);
}

TEST_CASE("map as octets: an asset without endpoints, or without room for any, is left out") {
  Revision rows;
  rows.assets.emplace_back().id.octets.fill(9);
  for (std::uint32_t n = 0; n < 2; ++n) {
    AssetRow& asset = rows.assets.emplace_back();
    asset.id.octets.fill(static_cast<std::uint8_t>(n + 1));
    for (std::uint32_t i = 0; i < 4; ++i) {
      asset.endpoints.push_back({{{}, IpAddress::v4(0x0a000000u + 4 * n + i)}, {}, {}});
    }
  }
  DependencyGraphOptions options;
  options.max_assets = 2;  // and twice as many endpoints
  DependencyGraph map(options);
  map.apply(rows);
  const auto page = map.assets({});
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].endpoints.size() == 4);
}

TEST_CASE("map as octets: each octet that is wrong, and each end that comes too early, is found") {
  DependencyGraph map({}, two_sites());
  fill(map);
  const auto octets = encode_map(map);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    auto wrong = octets;
    wrong[i] ^= std::byte{0x10};
    auto again = std::make_unique<DependencyGraph>();
    CHECK(decode_map(wrong, {}, again).code != DiagnosticCode::none);
    CHECK(again == nullptr);
    CHECK(decode_map(std::span{octets}.first(i), {}, again).code != DiagnosticCode::none);
  }
}
