// Who may send: by the list alone, and through a worker with its socket.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "../collect/udp_sender.hpp"
#include "config/exporter_list.hpp"
#include "flowlens/error.hpp"
#include "pipeline/ingest.hpp"
#include "support/message_builder.hpp"

using namespace flowlensd;
using namespace std::chrono_literals;
using flowlens::test::UdpSender;

namespace {

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

/// An IPFIX message with a template.
std::string announcement() {
  using flowlens::test::MessageBuilder;
  const auto octets = MessageBuilder::ipfix().template_set(256, {{8, 4}, {12, 4}}).build();
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

}  // namespace

TEST_CASE("exporter list: empty lets all send, otherwise only who is in it") {
  CHECK(parse_exporter_list("").contains(address("10.0.0.1")));
  CHECK(parse_exporter_list("  ").contains(address("2001:db8::1")));
  const ExporterList list =
      parse_exporter_list("10.0.0.0/24, 10.0.0.128/25,192.0.2.7 ,2001:db8::/32, 10.0.1.0/24");
  struct Case {
    const char* address;
    bool is_in;
  };
  for (const Case& c : {Case{"10.0.0.0", true},
                        {"10.0.0.255", true},
                        {"10.0.1.255", true},
                        {"10.0.2.0", false},
                        {"9.255.255.255", false},
                        {"192.0.2.7", true},
                        {"192.0.2.6", false},
                        {"192.0.2.8", false},
                        {"2001:db8::", true},
                        {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
                        {"2001:db9::", false},
                        {"2001:db7:ffff::", false},
                        {"::ffff:10.0.0.9", true},
                        {"::1", false}}) {
    CAPTURE(c.address);
    CHECK(list.contains(address(c.address)) == c.is_in);
  }
  CHECK(parse_exporter_list("0.0.0.0/0").contains(address("1.2.3.4")));
  CHECK_FALSE(parse_exporter_list("0.0.0.0/0").contains(address("2001:db8::1")));
}

TEST_CASE("exporter list: says the same as each prefix by itself") {
  std::vector<IpPrefix> prefixes;
  std::uint32_t seed = 1;
  const auto random = [&] { return seed = seed * 1'664'525 + 1'013'904'223; };
  for (int i = 0; i < 60; ++i) {
    const auto length = static_cast<std::uint8_t>(96 + 20 + random() % 13);
    const std::uint32_t mask = ~std::uint32_t{0} << (128 - length);
    prefixes.push_back({IpAddress::v4((0x0a000000 + random() % 65'536) & mask), length});
  }
  const ExporterList list(prefixes);
  for (std::uint32_t a = 0x0a000000 - 300; a < 0x0a010000 + 300; ++a) {
    const IpAddress one = IpAddress::v4(a);
    const bool is_in = std::any_of(prefixes.begin(), prefixes.end(),
                                   [&](const IpPrefix& p) { return p.contains(one); });
    if (list.contains(one) != is_in) FAIL_CHECK(one.to_string());
  }
}

TEST_CASE("exporter list: what is no address is named") {
  for (const char* text : {"10.0.0.1,x", "10.0.0.1/24", "10.0.0.0/33", "10.0.0.1,,10.0.0.2"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(static_cast<void>(parse_exporter_list(text)), flowlens::ConfigError);
  }
}

TEST_CASE("ingest: a stranger is refused and counted, and leaves nothing behind") {
  IngestOptions options;
  options.receiver.bind_address = address("127.0.0.1");
  options.receiver.ports = {0};
  options.receiver.workers = 1;
  options.allowed = parse_exporter_list("127.0.0.2");
  FlowChannel channel{1'000};
  Accounts accounts{1, 16, 1};
  Ingest ingest{options, channel, accounts, [](const std::string& why) { FAIL_CHECK(why); }};
  const std::uint16_t port = ingest.ports().at(0);
  const UdpSender friendly{address("127.0.0.2")}, stranger{address("127.0.0.3")};
  const std::string message = announcement();
  for (int i = 0; i < 3; ++i) stranger.send(port, message);
  for (int i = 0; i < 2; ++i) friendly.send(port, message);
  ingest.start();
  const auto datagrams = [&] { return accounts.total().datagrams; };
  const auto wait_for = [&](std::uint64_t received) {
    for (int i = 0; i < 500 && datagrams().received < received; ++i) {
      std::this_thread::sleep_for(10ms);
    }
    REQUIRE(datagrams().received == received);
  };
  const auto refused = [&] {
    return datagrams().refused[static_cast<std::size_t>(DiagnosticCode::exporter_not_allowed)];
  };
  wait_for(5);
  CHECK(datagrams().accepted == 2);
  CHECK(refused() == 3);
  CHECK(datagrams().balanced());
  CHECK(accounts.total().octets.accepted == 2 * message.size());
  CHECK(accounts.total().parser.streams == 1);
  CHECK(accounts.total().parser.templates == 1);
  REQUIRE(accounts.exporters().size() == 1);
  CHECK(accounts.exporters()[0].address == address("127.0.0.2"));

  // Another list holds from the next round on.
  ingest.allow(parse_exporter_list("127.0.0.3"));
  std::this_thread::sleep_for(300ms);
  stranger.send(port, message);
  friendly.send(port, message);
  wait_for(7);
  CHECK(refused() == 4);
  CHECK(accounts.exporters().size() == 2);
  ingest.stop();
}
