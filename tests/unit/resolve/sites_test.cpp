// Sites by VRF, from datagrams to the map.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "flowlens/resolver.hpp"
#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;
using namespace std::chrono_literals;

namespace {

struct FlowTold {
  std::uint8_t source, destination;  ///< last octets, of 10.0.0.0/24
  std::uint16_t source_port, destination_port;
  std::vector<std::uint32_t> vrfs;
};

constexpr std::uint32_t kNames = 300, kFlows = 256;

/// A message whose flows tell these VRF elements.
std::vector<std::byte> message(ExportProtocol protocol, const Fields& vrfs,
                               const std::vector<FlowTold>& records) {
  Fields fields = {{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {1, 4}, {2, 4}};
  fields.insert(fields.end(), vrfs.begin(), vrfs.end());
  ByteWriter data;
  for (const FlowTold& r : records) {
    data.u32(0x0a000000u + r.source).u32(0x0a000000u + r.destination);
    data.u16(r.source_port).u16(r.destination_port).u8(6).u32(1'000).u32(10);
    for (const std::uint32_t id : r.vrfs) data.u32(id);
  }
  return MessageBuilder::of(protocol).template_set(kFlows, fields).data_set(kFlows, data).build();
}

/// An options table that names VRF 5 `blue` and 6 `red`.
std::vector<std::byte> names(ExportProtocol protocol) {
  const auto text = [](ByteWriter& out, std::string_view name) {
    for (std::size_t i = 0; i < 8; ++i) {
      out.u8(i < name.size() ? static_cast<std::uint8_t>(name[i]) : 0);
    }
  };
  ByteWriter data;
  const bool is_v9 = protocol == ExportProtocol::netflow_v9;
  for (const auto& [id, name] : {std::pair{5u, "blue"}, std::pair{6u, "red"}}) {
    if (is_v9) data.u32(0);  // the system scope
    data.u32(id);
    text(data, name);
  }
  const Fields scope = is_v9 ? Fields{{1, 4}} : Fields{{234, 4}};
  const Fields told = is_v9 ? Fields{{234, 4}, {236, 8}} : Fields{{236, 8}};
  return MessageBuilder::of(protocol)
      .options_template_set(kNames, scope, told)
      .data_set(kNames, data)
      .build();
}

EnricherOptions two_customers(bool by_name) {
  EnricherOptions options;
  const IpPrefix all = *IpPrefix::parse("0.0.0.0/0");
  if (by_name) {
    options.sites = {{"bank", {}, {}, {}, "blue"}, {"shop", {}, {}, {}, "red"}};
  } else {
    options.sites = {{"bank", all, {}, 5}, {"shop", all, {}, 6}};
  }
  return options;
}

/// The dependencies that datagrams come to: `bank 10.0.0.1 -> bank 10.0.0.2:443`.
std::vector<std::string> map_of(const EnricherOptions& sites,
                                const std::vector<std::vector<std::byte>>& datagrams,
                                std::size_t* assets = nullptr) {
  ResolverOptions options;
  options.enricher = sites;
  Resolver resolver{options};
  DecoderUnderTest t{any_time()};
  for (const auto& datagram : datagrams) {
    t.batch.clear();
    t.feed(datagram);
    resolver.add(t.batch, received());
  }
  (void)resolver.finish(received() + 1s);
  const DependencyGraph& graph = resolver.graph();
  if (assets != nullptr) *assets = graph.counters().assets;
  std::vector<std::string> found;
  const auto text = [&](const Endpoint& e) {
    return std::string(graph.sites().name(e.site)) + " " + e.address.to_string();
  };
  for (const DependencyRow& row : graph.copy().dependencies) {
    found.push_back(text(row.key.client) + " -> " + text(row.key.server) + ":" +
                    std::to_string(row.key.port));
  }
  std::sort(found.begin(), found.end());
  CHECK(resolver.ledger().balanced());
  return found;
}

using Map = std::vector<std::string>;

}  // namespace

TEST_CASE("sites: the same private addresses in two VRFs of one router stay apart") {
  const FlowTold request{1, 2, 40'000, 443, {}}, answer{2, 1, 443, 40'000, {}};
  const auto in = [](FlowTold r, std::vector<std::uint32_t> vrfs) { return r.vrfs = vrfs, r; };
  const Map want = {"bank 10.0.0.1 -> bank 10.0.0.2:443", "shop 10.0.0.1 -> shop 10.0.0.2:443"};
  for (const ExportProtocol protocol : {ExportProtocol::ipfix, ExportProtocol::netflow_v9}) {
    for (const bool by_name : {false, true}) {
      CAPTURE(static_cast<int>(protocol));
      CAPTURE(by_name);
      std::size_t assets = 0;
      const auto both = message(
          protocol, {{234, 4}, {235, 4}},
          {in(request, {5, 5}), in(answer, {5, 5}), in(request, {6, 6}), in(answer, {6, 6})});
      CHECK(map_of(two_customers(by_name), {names(protocol), both}, &assets) == want);
      CHECK(assets == 4);
      const auto ingress =
          message(protocol, {{234, 4}},
                  {in(request, {5}), in(answer, {5}), in(request, {6}), in(answer, {6})});
      CHECK(map_of(two_customers(by_name), {names(protocol), ingress}) == want);
      const auto egress =
          message(protocol, {{235, 4}},
                  {in(request, {5}), in(answer, {5}), in(request, {6}), in(answer, {6})});
      CHECK(map_of(two_customers(by_name), {names(protocol), egress}) == want);
    }
  }
}

TEST_CASE("sites: a flow from one VRF into another has an end in each, both halves alike") {
  const auto datagram = message(ExportProtocol::ipfix, {{234, 4}, {235, 4}},
                                {{1, 2, 40'000, 443, {5, 6}}, {2, 1, 443, 40'000, {6, 5}}});
  CHECK(map_of(two_customers(false), {datagram}) == Map{"bank 10.0.0.1 -> shop 10.0.0.2:443"});
}

TEST_CASE("sites: a biflow's answers come in where its requests went out") {
  constexpr std::uint32_t kReverse = 29'305;
  const Fields fields = {{8, 4}, {12, 4}, {7, 2},   {11, 2},  {4, 1},
                         {1, 4}, {2, 4},  {234, 4}, {235, 4}, {1, 4, kReverse}};
  const ByteWriter data = ByteWriter{}
                              .u32(0x0a000001)
                              .u32(0x0a000002)
                              .u16(40'000)
                              .u16(443)
                              .u8(6)
                              .u32(1'000)
                              .u32(10)
                              .u32(5)
                              .u32(6)
                              .u32(9'000);
  DecoderUnderTest t{any_time()};
  t.feed(MessageBuilder::ipfix().template_set(kFlows, fields).data_set(kFlows, data).build());
  REQUIRE(t.batch.vrfs.size() == 2);
  CHECK(t.batch.vrfs[0].ingress->id == 5);
  CHECK(t.batch.vrfs[1].flow == 1);
  CHECK(t.batch.vrfs[1].ingress->id == 6);
  CHECK(t.batch.vrfs[1].egress->id == 5);
}

TEST_CASE("sites: before a name is told a flow is where rules without a VRF put it") {
  const auto flows = message(ExportProtocol::ipfix, {{234, 4}}, {{1, 2, 40'000, 443, {5}}});
  CHECK(map_of(two_customers(true), {flows}) == Map{"default 10.0.0.1 -> default 10.0.0.2:443"});
  CHECK(map_of({}, {names(ExportProtocol::ipfix), flows}) ==
        Map{"default 10.0.0.1 -> default 10.0.0.2:443"});
}

TEST_CASE("sites: a translation told within a VRF is found there") {
  const Fields fields = {{8, 4}, {12, 4},  {7, 2},   {11, 2}, {4, 1},
                         {1, 4}, {234, 4}, {235, 4}, {225, 4}};
  const ByteWriter inside = ByteWriter{}
                                .u32(0x0a000001)
                                .u32(0xcb007109)
                                .u16(40'000)
                                .u16(443)
                                .u8(6)
                                .u32(1'000)
                                .u32(5)
                                .u32(0)
                                .u32(0xc6336401);
  const ByteWriter outside = ByteWriter{}
                                 .u32(0xc6336401)
                                 .u32(0xcb007109)
                                 .u16(40'000)
                                 .u16(443)
                                 .u8(6)
                                 .u32(1'000)
                                 .u32(0)
                                 .u32(0)
                                 .u32(0);
  const auto datagram = MessageBuilder::ipfix()
                            .template_set(kFlows, fields)
                            .data_set(kFlows, inside)
                            .data_set(kFlows, outside)
                            .build();
  CHECK(map_of(two_customers(false), {datagram}) ==
        Map{"bank 10.0.0.1 -> default 203.0.113.9:443"});
}
