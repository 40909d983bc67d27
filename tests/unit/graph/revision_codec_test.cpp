#include "flowlens/revision_codec.hpp"

#include <doctest/doctest.h>

#include <string>

#include "flowlens/error.hpp"

using namespace flowlens;

namespace {

Id id(std::uint8_t n) {
  Id made;
  made.octets.fill(n);
  return made;
}
Timestamp at(std::int64_t ns) { return from_unix_ns(1'795'262'400'000'000'000 + ns); }

SiteTable two_sites() {
  SiteTable sites;
  static_cast<void>(sites.add("berlin"));
  return sites;
}
constexpr SiteId kBerlin{1};

/// Every field has a value of its own.
Revision full() {
  Revision r;
  r.number = 300;
  r.epoch = Epoch{7};
  r.at = at(1);
  AssetRow& asset = r.assets.emplace_back();
  asset.id = id(1);
  asset.name = std::string{"a\0\xff", 3};
  asset.endpoints = {{{kBerlin, IpAddress::v4(0x0a000001)}, at(2), at(3), FactSource::dns},
                     {{{}, *IpAddress::parse("2001:db8::1")}, at(-9), std::nullopt}};
  asset.asset_type = "database";
  asset.is_internal = true;
  asset.first_seen = at(4);
  asset.last_seen = at(5);
  asset.name_source = FactSource::declared;
  asset.name_at = at(6);
  asset.type_source = FactSource::inferred;
  asset.type_confidence = 0.75f;
  asset.type_at = at(7);
  DependencyRow& d = r.dependencies.emplace_back();
  d.id = id(2);
  d.client_asset = id(1);
  d.server_asset = id(3);
  d.key = {{kBerlin, IpAddress::v4(0x0a000001)}, {{}, *IpAddress::parse("2001:db8::2")}, 5432, 6};
  d.service = find_service(6, 5432);
  d.direction = Direction::peer;
  d.rung = DirectionRung::tcp_flags;
  d.provisional = false;
  d.first_seen = at(8);
  d.last_seen = at(9);
  d.totals = {1, 128, 16'384, ~std::uint64_t{0}, 5, 6, 7};
  d.observers = {IpAddress::v4(1), IpAddress::v4(2), IpAddress::v4(3), IpAddress::v4(4)};
  d.observer_count = 4;
  for (const Hour hour : {498'000u, 498'100u, 498'600u}) d.hours.set({hour, hour + 2});
  d.reasons.add(DirectionRung::lower_port, false);
  d.reasons.add(DirectionRung::tcp_flags, true);
  d.flips = kMaxFlips;
  d.via = {kBerlin, IpAddress::v4(0x0a000002)};
  d.client_count = 70'000;
  r.facts = {{{kBerlin, IpAddress::v4(0x0a000001)}, {}}, {{{}, IpAddress::v4(0x0a000002)}, {}}};
  r.facts[0].facts = {
      {r.facts[0].subject, "cloud.tag.a", "b", FactSource::cloud, at(30), at(31), at(32), "aws:x"},
      {r.facts[0].subject, "name", "c", FactSource::declared, at(33), {}}};
  r.windows = {{at(10), id(2), {1, 2, 3, 4, 5, 6, 7}}, {at(11), id(2), {}}};
  r.removed_assets = {id(4), id(5)};
  r.removed_dependencies = {id(6)};
  r.flows.normalized = 1'000;
  r.flows.applied = 900;
  r.flows.duplicate = 50;
  r.flows.attempt = 20;
  r.flows.control = 10;
  r.flows.sampled_out = 5;
  r.flows.dropped = {1, 2, 3};
  r.flows.late_carried = 4;
  r.aliases = {{id(6), id(2), at(12)}};
  ChangeEvent& event = r.events.emplace_back();
  event.id = id(7);
  event.type = ChangeType::baseline_restored;
  event.subject = id(1);
  event.object = id(2);
  event.at = at(13);
  event.reason = "why";
  event.severity = Severity::critical;
  event.cause = id(8);
  event.before = "b";
  event.after = "a";
  event.expected = 0;
  event.endpoint = {kBerlin, IpAddress::v4(9)};
  event.client = {{}, IpAddress::v4(10)};
  event.port = 65'535;
  event.protocol = 255;
  IntermediaryRow& i = r.intermediaries.emplace_back();
  i.id = id(9);
  i.kind = IntermediaryKind::source_nat;
  i.state = IntermediaryState::rejected;
  i.front = {kBerlin, IpAddress::v4(11)};
  i.front_port = 80;
  i.backend_port = 8'080;
  i.protocol = 6;
  i.members = {{{}, IpAddress::v4(12)}, {kBerlin, IpAddress::v4(13)}};
  i.clients = 3;
  i.windows = 4;
  i.confidence = 0.5f;
  i.first_seen = at(14);
  i.last_seen = at(15);
  Annotation& said = r.annotations.emplace_back();
  said.subject = id(10);
  said.tags = {"dmz", "web"};
  said.notes = "n";
  said.owner = "o";
  said.criticality = Criticality::critical;
  said.is_declared = true;
  said.said_by = "s";
  said.said_at = at(16);
  r.closed_dependencies = {id(11), id(12)};
  r.input_position = 299;
  return r;
}

void check_equal(const AssetRow& a, const AssetRow& b) {
  CHECK(a.id == b.id);
  CHECK(a.name == b.name);
  REQUIRE(a.endpoints.size() == b.endpoints.size());
  for (std::size_t i = 0; i < a.endpoints.size(); ++i) {
    CHECK(a.endpoints[i].endpoint == b.endpoints[i].endpoint);
    CHECK(a.endpoints[i].from == b.endpoints[i].from);
    CHECK(a.endpoints[i].until == b.endpoints[i].until);
    CHECK(a.endpoints[i].source == b.endpoints[i].source);
  }
  CHECK(a.asset_type == b.asset_type);
  CHECK(a.is_internal == b.is_internal);
  CHECK(a.first_seen == b.first_seen);
  CHECK(a.last_seen == b.last_seen);
  CHECK(a.name_source == b.name_source);
  CHECK(a.name_at == b.name_at);
  CHECK(a.type_source == b.type_source);
  CHECK(a.type_confidence == b.type_confidence);
  CHECK(a.type_at == b.type_at);
}

void check_equal(const DependencyRow& a, const DependencyRow& b) {
  CHECK(a.id == b.id);
  CHECK(a.client_asset == b.client_asset);
  CHECK(a.server_asset == b.server_asset);
  CHECK(a.key == b.key);
  CHECK(a.service == b.service);
  CHECK(a.direction == b.direction);
  CHECK(a.rung == b.rung);
  CHECK(a.provisional == b.provisional);
  CHECK(a.first_seen == b.first_seen);
  CHECK(a.last_seen == b.last_seen);
  CHECK(a.totals == b.totals);
  CHECK(a.observers == b.observers);
  CHECK(a.observer_count == b.observer_count);
  CHECK(a.hours == b.hours);
  CHECK(a.reasons == b.reasons);
  CHECK(a.flips == b.flips);
  CHECK(a.via == b.via);
  CHECK(a.client_count == b.client_count);
}

void check_equal(const Revision& a, const Revision& b) {
  CHECK(a.number == b.number);
  CHECK(a.epoch == b.epoch);
  CHECK(a.at == b.at);
  REQUIRE(a.assets.size() == b.assets.size());
  for (std::size_t i = 0; i < a.assets.size(); ++i) check_equal(a.assets[i], b.assets[i]);
  REQUIRE(a.dependencies.size() == b.dependencies.size());
  for (std::size_t i = 0; i < a.dependencies.size(); ++i) {
    check_equal(a.dependencies[i], b.dependencies[i]);
  }
  REQUIRE(a.windows.size() == b.windows.size());
  for (std::size_t i = 0; i < a.windows.size(); ++i) {
    CHECK(a.windows[i].window_start == b.windows[i].window_start);
    CHECK(a.windows[i].dependency == b.windows[i].dependency);
    CHECK(a.windows[i].counts == b.windows[i].counts);
  }
  CHECK(a.removed_assets == b.removed_assets);
  CHECK(a.removed_dependencies == b.removed_dependencies);
  CHECK(a.flows.normalized == b.flows.normalized);
  CHECK(a.flows.applied == b.flows.applied);
  CHECK(a.flows.duplicate == b.flows.duplicate);
  CHECK(a.flows.attempt == b.flows.attempt);
  CHECK(a.flows.control == b.flows.control);
  CHECK(a.flows.sampled_out == b.flows.sampled_out);
  CHECK(a.flows.dropped == b.flows.dropped);
  CHECK(a.flows.late_carried == b.flows.late_carried);
  REQUIRE(a.aliases.size() == b.aliases.size());
  for (std::size_t i = 0; i < a.aliases.size(); ++i) {
    CHECK(a.aliases[i].id == b.aliases[i].id);
    CHECK(a.aliases[i].target == b.aliases[i].target);
    CHECK(a.aliases[i].at == b.aliases[i].at);
  }
  CHECK(a.events == b.events);
  CHECK(a.intermediaries == b.intermediaries);
  CHECK(a.annotations == b.annotations);
  CHECK(a.facts == b.facts);
  CHECK(a.closed_dependencies == b.closed_dependencies);
  CHECK(a.input_position == b.input_position);
}

}  // namespace

TEST_CASE("revision codec: every field comes back") {
  const SiteTable sites = two_sites();
  for (const Revision& made : {full(), Revision{}}) {
    Revision read = full();  // whatever was there before
    CHECK(decode_revision(encode_revision(made, sites), sites, read).code == DiagnosticCode::none);
    check_equal(read, made);
  }
}

TEST_CASE("revision codec: a site is known by its name, whatever its number is now") {
  SiteTable later;
  static_cast<void>(later.add("paris"));
  const SiteId berlin = later.add("berlin");
  Revision read;
  const auto octets = encode_revision(full(), two_sites());
  REQUIRE(decode_revision(octets, later, read).code == DiagnosticCode::none);
  CHECK(read.assets[0].endpoints[0].endpoint.site == berlin);
  CHECK(read.assets[0].endpoints[1].endpoint.site == SiteId{});
  CHECK_THROWS_WITH_AS(static_cast<void>(decode_revision(octets, SiteTable{}, read)),
                       doctest::Contains("`berlin`"), ConfigError);
}

TEST_CASE("revision codec: no part of one is taken for a whole one") {
  const SiteTable sites = two_sites();
  const auto octets = encode_revision(full(), sites);
  Revision read;
  for (std::size_t n = 0; n < octets.size(); ++n) {
    CAPTURE(n);
    // In a block of its own, so that a sanitizer sees a read past it.
    const std::vector<std::byte> part(octets.begin(), octets.begin() + static_cast<long>(n));
    DiagnosticCode code = DiagnosticCode::truncated;
    try {
      code = decode_revision(part, sites, read).code;
    } catch (const ConfigError&) {
    }
    CHECK(code != DiagnosticCode::none);
  }
  auto longer = octets;
  longer.push_back({});
  CHECK(decode_revision(longer, sites, read).code == DiagnosticCode::state_damaged);
}

TEST_CASE("revision codec: what earlier versions have written, without sides of aliases") {
  const SiteTable sites;
  Revision written;
  written.aliases.emplace_back().is_turned = true;
  auto octets = encode_revision(written, sites);
  Revision read;
  CHECK(decode_revision(octets, sites, read).code == DiagnosticCode::none);
  REQUIRE(read.aliases.size() == 1);
  CHECK(read.aliases[0].is_turned);
  // The flag is the last octet of the only alias; before it was not there.
  written.aliases[0].is_turned = false;
  const auto other = encode_revision(written, sites);
  const auto flag = std::mismatch(octets.begin(), octets.end(), other.begin()).first;
  REQUIRE(flag != octets.end());
  octets.erase(flag);
  octets.pop_back();  // of facts: none
  octets[1] = std::byte{2};
  CHECK(decode_revision(octets, sites, read).code == DiagnosticCode::none);
  REQUIRE(read.aliases.size() == 1);
  CHECK_FALSE(read.aliases[0].is_turned);
}

TEST_CASE(
    "revision codec: what versions before have written, without facts, and without a position") {
  const SiteTable sites;
  Revision written;
  written.number = 5;
  auto octets = encode_revision(written, sites);
  octets.pop_back();  // of facts none
  octets[1] = std::byte{2};
  Revision read;
  CHECK(decode_revision(octets, sites, read).code == DiagnosticCode::none);
  CHECK(read.number == 5);
  octets.pop_back();  // the position, 0
  octets[1] = std::byte{1};
  read.input_position = 7;
  CHECK(decode_revision(octets, sites, read).code == DiagnosticCode::none);
  CHECK(read.number == 5);
  CHECK(read.input_position == 0);
}

TEST_CASE("revision codec: what is refused, and why") {
  const SiteTable sites;
  Revision read;
  auto octets = encode_revision(Revision{}, sites);
  octets[1] = std::byte{99};
  const Diagnostic d = decode_revision(octets, sites, read);
  CHECK(d.code == DiagnosticCode::unknown_version);
  CHECK(d.detail == 99);

  Revision odd;
  odd.events.emplace_back().type = ChangeType{kChangeTypeCount};
  CHECK(decode_revision(encode_revision(odd, sites), sites, read).code ==
        DiagnosticCode::state_damaged);
}
