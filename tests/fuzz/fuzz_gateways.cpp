// What Gateways have learned: octets to load, then windows that they look at. The input: an octet for what
// to do to the checksum (0: leave it), then the state.
#include <string>
#include <vector>

#include "flowlens/gateways.hpp"
#include "fuzz/datagrams.hpp"
#include "wire/byte_reader.hpp"

namespace {

using namespace flowlens;

constexpr Timestamp kBegin{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};
const IpAddress kExporter = IpAddress::v4(0xc0000201);

/// One network by one router, which another one replaces half-way.
void look(Gateways& gateways, std::uint32_t n) {
  NextHopSighting s;
  s.route = {kExporter, {}, *IpPrefix::parse("10.1.0.0/16")};
  s.next_hop = IpAddress::v4(n < 6 ? 0x0a000001 : 0x0a000002);
  s.window_start = kBegin + std::chrono::minutes{5} * n;
  s.last = s.window_start + std::chrono::minutes{4};
  s.flows = 50;
  s.octets = 1'000;
  s.pairs = ~std::uint64_t{0};
  std::vector<ChangeEvent> events;
  gateways.look({&s, 1}, events);
  for (const ChangeEvent& event : events) {
    if (event.id.is_none() || event.reason.empty()) fuzz::fail("an event says nothing");
  }
}

void ask(const Gateways& gateways) {
  const auto page = gateways.gateways({});
  if (page.rows.size() > page.total) fuzz::fail("more rows than there are");
  for (const GatewayRow& row : page.rows) {
    for (const GatewayRoute& r : row.routes) {
      if (!(r.next_hop.share >= 0 && r.next_hop.share <= 1)) fuzz::fail("a share is no share");
    }
  }
  (void)gateways.route(kExporter, {{}, IpAddress::v4(0x0a010203)}, true);
  (void)gateways.in_use();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wire::ByteReader in{std::as_bytes(std::span{data, size})};
  const bool sealed = in.u8() != 0;
  const auto octets = in.rest();
  std::vector<std::byte> state{octets.begin(), octets.end()};
  if (sealed) fuzz::seal(state);

  GatewaysOptions options;
  options.max_routes = 100;
  Gateways gateways{options};
  const bool loaded = gateways.load(state).code == DiagnosticCode::none;
  if (!loaded && gateways.counters().routes != 0) fuzz::fail("damage was taken in");
  const std::vector<std::byte> saved = gateways.save();
  Gateways other{options};
  if (other.load(saved).code != DiagnosticCode::none) fuzz::fail("saved state does not load");
  if (other.save() != saved) fuzz::fail("what was loaded is not what was saved");
  ask(gateways);
  for (std::uint32_t n = 0; n < 12; ++n) look(gateways, n);
  ask(gateways);
  if (gateways.counters().routes > options.max_routes) fuzz::fail("more routes than allowed");
  return 0;
}
