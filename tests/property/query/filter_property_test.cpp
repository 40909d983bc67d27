// Random filters against a plain evaluation of how they were made.
#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "flowlens/filter.hpp"
#include "flowlens/flow_fields.hpp"
#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::testing;

namespace {

const Timestamp kNow{std::chrono::seconds{1'800'000'000}};

/// A filter and what it should say.
struct Drawn {
  std::string text;
  std::function<bool(const FlowRecord&)> says;
};

FlowRecord draw_flow(Dice& dice) {
  FlowRecord f;
  f.source_address = IpAddress::v4(0x0a00'0000u + static_cast<std::uint32_t>(dice.below(8)));
  f.destination_address = IpAddress::v4(0x0a00'0000u + static_cast<std::uint32_t>(dice.below(8)));
  f.source_port = static_cast<std::uint16_t>(dice.below(6));
  f.destination_port = static_cast<std::uint16_t>(dice.below(6));
  f.octet_count = dice.below(6);
  f.present = static_cast<std::uint32_t>(dice.below(1u << 19)) |
              static_cast<std::uint32_t>(FlowField::source_address) |
              static_cast<std::uint32_t>(FlowField::destination_address) |
              static_cast<std::uint32_t>(FlowField::source_port) |
              static_cast<std::uint32_t>(FlowField::destination_port);
  return f;
}

Drawn draw_octets(Dice& dice) {
  const std::uint64_t n = 1 + dice.below(4), m = n + dice.below(3);
  const auto when_there = [](auto test) {
    return [test](const FlowRecord& f) {
      return f.has(FlowField::octet_count) && test(f.octet_count);
    };
  };
  const std::string value = std::to_string(n);
  switch (dice.below(7)) {
    case 0:
      return {"bytes < " + value, when_there([n](std::uint64_t v) { return v < n; })};
    case 1:
      return {"bytes <= " + value, when_there([n](std::uint64_t v) { return v <= n; })};
    case 2:
      return {"bytes > " + value, when_there([n](std::uint64_t v) { return v > n; })};
    case 3:
      return {"octets>=" + value, when_there([n](std::uint64_t v) { return v >= n; })};
    case 4:
      return {"bytes != " + value, when_there([n](std::uint64_t v) { return v != n; })};
    case 5:
      return {"bytes in (" + value + ".." + std::to_string(m) + ", 0)",
              when_there([n, m](std::uint64_t v) { return v == 0 || (v >= n && v <= m); })};
    default:
      return {"has bytes", when_there([](std::uint64_t) { return true; })};
  }
}

Drawn draw_end(Dice& dice) {
  const auto n = static_cast<std::uint32_t>(dice.below(8));
  const auto port = static_cast<std::uint16_t>(dice.below(6));
  const IpAddress address = IpAddress::v4(0x0a00'0000u + n);
  switch (dice.below(5)) {
    case 0:
      return {"src ip " + address.to_string(),
              [address](const FlowRecord& f) { return f.source_address == address; }};
    case 1:
      return {"dst net 10.0.0." + std::to_string(n & ~3u) + "/30", [n](const FlowRecord& f) {
                return (f.destination_address.to_v4() & ~3u) == 0x0a00'0000u + (n & ~3u);
              }};
    case 2:
      return {"ip != " + address.to_string(), [address](const FlowRecord& f) {
                return f.source_address != address && f.destination_address != address;
              }};
    case 3:
      return {"port = " + std::to_string(port), [port](const FlowRecord& f) {
                return f.source_port == port || f.destination_port == port;
              }};
    default:
      return {"src port not in (" + std::to_string(port) + ", 3)",
              [port](const FlowRecord& f) { return f.source_port != port && f.source_port != 3; }};
  }
}

Drawn draw(Dice& dice, int depth) {
  if (depth == 0 || dice.below(4) == 0)
    return dice.below(2) == 0 ? draw_octets(dice) : draw_end(dice);
  if (dice.below(4) == 0) {
    const Drawn inner = draw(dice, depth - 1);
    return {"not (" + inner.text + ")", [inner](const FlowRecord& f) { return !inner.says(f); }};
  }
  const Drawn a = draw(dice, depth - 1), b = draw(dice, depth - 1);
  if (dice.below(2) == 0) {
    return {"(" + a.text + ") and (" + b.text + ")",
            [a, b](const FlowRecord& f) { return a.says(f) && b.says(f); }};
  }
  return {"(" + a.text + ") or (" + b.text + ")",
          [a, b](const FlowRecord& f) { return a.says(f) || b.says(f); }};
}

}  // namespace

TEST_CASE("filter: evaluates as its parts do, and so does its canonical form") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Dice dice{seed};
    const Drawn drawn = draw(dice, 4);
    CAPTURE(drawn.text);
    FilterError error;
    const auto filter = Filter<FlowRecord>::compile(drawn.text, flow_fields(), kNow, error);
    CAPTURE(error.message);
    REQUIRE(filter);
    const std::string canonical = filter.canonical();
    CAPTURE(canonical);
    const auto again = Filter<FlowRecord>::compile(canonical, flow_fields(), kNow, error);
    REQUIRE(again);
    CHECK(again.canonical() == canonical);
    for (int i = 0; i < 40; ++i) {
      const FlowRecord flow = draw_flow(dice);
      CHECK(filter.matches(flow) == drawn.says(flow));
      CHECK(again.matches(flow) == drawn.says(flow));
    }
  }
}

TEST_CASE("filter: every prefix of a filter compiles or says why, and completes without harm") {
  const std::string text =
      "src net 10.0.0.0/8 and not (dst port in (443, https, 8000-8999) or bytes > 1.5M) and has "
      "vlan";
  for (std::size_t n = 0; n <= text.size(); ++n) {
    FilterError error;
    const auto filter = Filter<FlowRecord>::compile(text.substr(0, n), flow_fields(), kNow, error);
    CHECK((filter || !error.message.empty()));
    CHECK(complete_filter(text, n, flow_fields()).from <= n);
  }
}
