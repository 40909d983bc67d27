// What every store does with single flows.
#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <map>

#include "backend.hpp"

using namespace flowlens;
using namespace flowlens::test;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

FlowRecord flow(std::uint32_t n, Timestamp received) {
  FlowRecord f;
  f.exporter = IpAddress::v4(0xc000'0201u + n % 2);
  f.source_address = IpAddress::v4(0x0a00'0000u + n);
  f.destination_address = IpAddress::v4(0x0a01'0001);
  f.source_port = static_cast<std::uint16_t>(40'000 + n);
  f.destination_port = n % 2 == 0 ? 443 : 53;
  f.protocol = n % 2 == 0 ? 6 : 17;
  f.octet_count = 100 * (n + 1);
  f.packet_count = n + 1;
  f.sampling_rate = 1 + n % 2;
  f.start = received - seconds{10};
  f.end = received - seconds{1};
  f.received = received;
  return f;
}

/// Every field has a value, the highest that it can have where that is a test of the columns.
FlowRecord full() {
  FlowRecord f = flow(1, at_second(1));
  f.source_address = *IpAddress::parse("2001:db8::1");
  f.next_hop = *IpAddress::parse("2001:db8::2");
  f.start += std::chrono::nanoseconds{123'456'789};
  f.octet_count = ~std::uint64_t{0};
  f.packet_count = std::uint64_t{1} << 63;
  f.present = 0x7f'ffff;
  f.observation_domain = f.ingress_interface = f.egress_interface = ~std::uint32_t{0};
  f.source_as = f.destination_as = f.sampling_rate = ~std::uint32_t{0};
  f.source_port = f.destination_port = f.vlan_id = f.icmp_type_code = 0xffff;
  f.protocol = f.tcp_flags = f.tos = f.flow_direction = 0xff;
  f.source_prefix_length = 128;
  f.destination_prefix_length = 24;
  f.sampling_source = SamplingSource::other_domain;
  f.initiator = Initiator::destination;
  f.kind = FlowKind::sampled_packet;
  f.export_protocol = ExportProtocol::suricata_log;
  f.is_fragment_tail = true;
  f.counter_source = CounterSource::packet;
  return f;
}

void check_equal(const FlowRecord& a, const FlowRecord& b) {
  CHECK(a.source_address == b.source_address);
  CHECK(a.destination_address == b.destination_address);
  CHECK(a.exporter == b.exporter);
  CHECK(a.next_hop == b.next_hop);
  CHECK(a.start == b.start);
  CHECK(a.end == b.end);
  CHECK(a.received == b.received);
  CHECK(a.octet_count == b.octet_count);
  CHECK(a.packet_count == b.packet_count);
  CHECK(a.present == b.present);
  CHECK(a.observation_domain == b.observation_domain);
  CHECK(a.sampling_rate == b.sampling_rate);
  CHECK(a.ingress_interface == b.ingress_interface);
  CHECK(a.egress_interface == b.egress_interface);
  CHECK(a.source_as == b.source_as);
  CHECK(a.destination_as == b.destination_as);
  CHECK(a.source_port == b.source_port);
  CHECK(a.destination_port == b.destination_port);
  CHECK(a.vlan_id == b.vlan_id);
  CHECK(a.icmp_type_code == b.icmp_type_code);
  CHECK(a.protocol == b.protocol);
  CHECK(a.tcp_flags == b.tcp_flags);
  CHECK(a.tos == b.tos);
  CHECK(a.source_prefix_length == b.source_prefix_length);
  CHECK(a.destination_prefix_length == b.destination_prefix_length);
  CHECK(a.flow_direction == b.flow_direction);
  CHECK(a.sampling_source == b.sampling_source);
  CHECK(a.initiator == b.initiator);
  CHECK(a.kind == b.kind);
  CHECK(a.export_protocol == b.export_protocol);
  CHECK(a.is_fragment_tail == b.is_fragment_tail);
  CHECK(a.counter_source == b.counter_source);
}

FlowScan all() {
  FlowScan what;
  what.from = at_second(-1'000'000);
  what.to = at_second(1'000'000);
  return what;
}

/// Source ports say which they are.
std::vector<unsigned> found(FlowReader& reader, const FlowScan& what) {
  std::vector<unsigned> numbers;
  reader.scan(what, [&](const FlowPosition&, const FlowRecord& f) {
    numbers.push_back(f.source_port - 40'000u);
    return true;
  });
  return numbers;
}

using Numbers = std::vector<unsigned>;

/// Flows 0 to 9, a minute apart.
struct Ten {
  Opened o;
  std::unique_ptr<FlowStore> store = o.backend->flow_store(o.opened.epoch);
  std::vector<FlowRecord> flows;
  std::unique_ptr<FlowReader> reader;

  Ten() {
    for (unsigned n = 0; n < 10; ++n) flows.push_back(flow(n, at_second(60 * n)));
    store->append(flows, 1);
    reader = o.backend->flow_reader();
  }
};

}  // namespace

TEST_CASE("flows: every field comes back") {
  Opened o;
  const auto store = o.backend->flow_store(o.opened.epoch);
  const std::vector<FlowRecord> flows{full(), flow(2, at_second(2))};
  store->append(flows, 1);
  std::vector<FlowRecord> back;
  std::vector<FlowPosition> positions;
  o.backend->flow_reader()->scan(all(), [&](const FlowPosition& p, const FlowRecord& f) {
    back.push_back(f);
    positions.push_back(p);
    return true;
  });
  REQUIRE(back.size() == 2);
  check_equal(back[0], flows[0]);
  check_equal(back[1], flows[1]);
  CHECK(positions[0].received == flows[0].received);
  CHECK(positions[0] < positions[1]);
  CHECK(store->octets() > 0);
}

TEST_CASE(
    "flows: a batch is there once, however often it is given, and not from an epoch that is over") {
  Opened o;
  const auto store = o.backend->flow_store(o.opened.epoch);
  const std::vector<FlowRecord> one{flow(1, at_second(1))};
  store->append(one, 1);
  store->append(one, 1);
  CHECK(found(*o.backend->flow_reader(), all()).size() == 1);
  store->append(one, 2);
  CHECK(found(*o.backend->flow_reader(), all()).size() == 2);
  o.reopen();
  const auto next = o.backend->flow_store(o.opened.epoch);
  next->append(one, 1);
  CHECK(found(*o.backend->flow_reader(), all()).size() == 3);
  CHECK_THROWS_AS(store->append(one, 3), StaleEpochError);
  CHECK(found(*o.backend->flow_reader(), all()).size() == 3);
}

TEST_CASE("flows: each condition by itself, and together") {
  Ten t;
  FlowScan what = all();
  CHECK(found(*t.reader, what) == Numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  what.from = at_second(60);
  what.to = at_second(180);
  CHECK(found(*t.reader, what) == Numbers{1, 2});
  what = all();
  what.either = IpPrefix::parse("10.0.0.4/31");
  CHECK(found(*t.reader, what) == Numbers{4, 5});
  what.either = IpPrefix::parse("10.1.0.1");
  CHECK(found(*t.reader, what).size() == 10);
  what.either = IpPrefix::parse("::/0");
  CHECK(found(*t.reader, what).size() == 10);
  what.either = IpPrefix::parse("2001:db8::/32");
  CHECK(found(*t.reader, what).empty());
  what = all();
  what.source = IpPrefix::parse("10.0.0.8/29");
  CHECK(found(*t.reader, what) == Numbers{8, 9});
  what.source = IpPrefix::parse("10.1.0.1");
  CHECK(found(*t.reader, what).empty());
  what = all();
  what.destination = IpPrefix::parse("10.1.0.0/16");
  CHECK(found(*t.reader, what).size() == 10);
  what.destination = IpPrefix::parse("10.0.0.8/29");
  CHECK(found(*t.reader, what).empty());
  what = all();
  what.exporter = IpAddress::v4(0xc000'0202);
  CHECK(found(*t.reader, what) == Numbers{1, 3, 5, 7, 9});
  what = all();
  what.port = 443;
  CHECK(found(*t.reader, what) == Numbers{0, 2, 4, 6, 8});
  what.port = 40'003;
  CHECK(found(*t.reader, what) == Numbers{3});
  what = all();
  what.protocol = 17;
  what.from = at_second(120);
  what.either = IpPrefix::parse("10.0.0.4/30");
  CHECK(found(*t.reader, what) == Numbers{5, 7});
}

TEST_CASE("flows: page by page, also among those of one moment") {
  Opened o;
  const auto store = o.backend->flow_store(o.opened.epoch);
  std::vector<FlowRecord> flows;
  for (unsigned n = 0; n < 9; ++n) flows.push_back(flow(n, at_second(n / 4)));
  store->append(flows, 1);
  const auto reader = o.backend->flow_reader();
  FlowScan what = all();
  Numbers seen;
  for (int page = 0; page < 5; ++page) {
    std::size_t on_page = 0;
    reader->scan(what, [&](const FlowPosition& position, const FlowRecord& f) {
      if (on_page == 2) return false;
      ++on_page;
      seen.push_back(f.source_port - 40'000u);
      what.after = position;
      return true;
    });
  }
  CHECK(seen == Numbers{0, 1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("flows: sums equal what they sum up") {
  Ten t;
  const auto total = t.reader->sum(all(), {});
  REQUIRE(total.size() == 1);
  std::uint64_t octets = 0, packets = 0;
  for (const FlowRecord& f : t.flows) {
    octets += f.estimated_octet_count();
    packets += f.estimated_packet_count();
  }
  CHECK(total[0].flows == 10);
  CHECK(total[0].octets == octets);
  CHECK(total[0].packets == packets);
  CHECK(total[0].start == all().from);

  const auto exporters = t.reader->sum(all(), {FlowGrouping::exporter});
  REQUIRE(exporters.size() == 2);  // the one with more octets first
  CHECK(exporters[0].address == IpAddress::v4(0xc000'0202));
  CHECK(exporters[0].flows == 5);
  CHECK(exporters[0].octets + exporters[1].octets == octets);

  const auto protocols = t.reader->sum(all(), {FlowGrouping::protocol});
  REQUIRE(protocols.size() == 2);
  CHECK(protocols[0].number == 17);
  const auto ports = t.reader->sum(all(), {FlowGrouping::port});
  REQUIRE(ports.size() == 2);
  CHECK(ports[0].number == 53);
  const auto sources = t.reader->sum(all(), {FlowGrouping::source, {}, 3});
  REQUIRE(sources.size() == 3);
  CHECK(sources[0].address == IpAddress::v4(0x0a00'0009));

  FlowScan what = all();
  what.from = at_second(0);
  const auto steps = t.reader->sum(what, {FlowGrouping::none, seconds{240}});
  REQUIRE(steps.size() == 3);
  CHECK(steps[1].start == at_second(240));
  CHECK(steps[0].flows + steps[1].flows + steps[2].flows == 10);
  CHECK(steps[2].flows == 2);
}

TEST_CASE("flows: a sum that no number holds is the highest there is") {
  Opened o;
  const auto store = o.backend->flow_store(o.opened.epoch);
  const std::vector<FlowRecord> flows{full(), full()};
  store->append(flows, 1);
  const auto sums = o.backend->flow_reader()->sum(all(), {});
  REQUIRE(sums.size() == 1);
  CHECK(sums[0].octets == 9'200'000'000'000'000'000u);
}

TEST_CASE("flows: what is too old goes, and what is more than there is room for") {
  Opened o;
  const auto store = o.backend->flow_store(o.opened.epoch);
  std::vector<FlowRecord> flows;
  for (unsigned n = 0; n < 48; ++n) flows.push_back(flow(n, at_second(0) + hours{n}));
  store->append(flows, 1);
  const auto reader = o.backend->flow_reader();
  const auto expire = [&](const FlowRetention& retention) {
    int steps = 0;
    while (store->expire(retention, at_second(0) + hours{47})) REQUIRE(++steps < 1'000);
  };
  expire({days{0}, 0});
  CHECK(found(*reader, all()).size() == 48);
  expire({days{1}, 0});
  const Numbers left = found(*reader, all());
  REQUIRE(!left.empty());
  CHECK(left.front() >= 22);  // up to an hour longer, as pieces go whole
  CHECK(left.front() <= 23);
  CHECK(left.back() == 47);
  expire({days{0}, 1});
  CHECK(found(*reader, all()).size() <= 1);
}
