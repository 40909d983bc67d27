// Translators that nobody tells of: what is paired, and what looks like it and is not.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "aggregator_fixture.hpp"

namespace {

using namespace flowlens;
using namespace flowlens::testing;
using std::chrono::seconds;

constexpr const char* kInside = "192.0.2.1";
constexpr const char* kOutside = "192.0.2.2";
constexpr const char* kServer = "10.9.0.1";
constexpr const char* kTranslator = "10.8.0.1";

/// A TCP connection as one exporter sees it; the number makes its size and its time.
struct Seen {
  std::string client = "10.1.0.1";
  std::uint16_t client_port = 40'000;
  std::string server = kServer;
  std::uint16_t port = 443;
  std::string exporter = kInside;
  unsigned number = 0;
  seconds later{0};
  std::uint32_t rate = 1;
  bool is_udp = false;

  void add_to(std::vector<FlowRecord>& flows) const {
    const Timestamp start = kNoon + seconds{20 + 3 * (number % 60)} + later;
    const auto make = is_udp ? udp : tcp;
    for (const bool up : {true, false}) {
      auto flow =
          up ? make(client, client_port, server, port) : make(server, port, client, client_port);
      flows.push_back(flow.at(start, start + seconds{2})
                          .came(start + seconds{3})
                          .octets((up ? 1'000 : 5'000) + 17 * number)
                          .packets(10 + number)
                          .by(exporter)
                          .sampled(rate));
    }
  }
};

/// Both sides of one that passes the translator.
struct Passing {
  std::string inner = "10.1.0.1";
  unsigned number = 0;
  Seen before() const {
    Seen s;
    s.client = inner;
    s.client_port = static_cast<std::uint16_t>(40'000 + number);
    s.number = number;
    return s;
  }
  Seen behind() const {
    Seen s = before();
    s.client = kTranslator;
    s.client_port = static_cast<std::uint16_t>(1'024 + number);
    s.exporter = kOutside;
    return s;
  }
};

/// Eight connections of each of two clients, and what makes them special.
std::vector<FlowRecord> passing(const std::function<void(Seen& before, Seen& behind)>& change = {},
                                unsigned connections = 8) {
  std::vector<FlowRecord> flows;
  for (unsigned n = 0; n < 2 * connections; ++n) {
    const Passing p{n % 2 == 0 ? "10.1.0.1" : "10.1.0.2", n};
    Seen before = p.before(), behind = p.behind();
    if (change) change(before, behind);
    before.add_to(flows);
    behind.add_to(flows);
  }
  return flows;
}

struct Rows {
  explicit Rows(const std::vector<FlowRecord>& flows, const AggregatorOptions& options = {})
      : fixture(options) {
    fixture.add(flows, kNoon + seconds{250});
    for (const ConnectionSummary& row : fixture.finish()) {
      if (!row.counts.is_zero()) rows.push_back(row);
    }
  }
  [[nodiscard]] std::uint64_t octets() const {
    std::uint64_t sum = 0;
    for (const ConnectionSummary& row : rows) {
      sum += row.counts.octets_to_server + row.counts.octets_to_client;
    }
    return sum;
  }
  /// How many rows have the address at one of their ends.
  [[nodiscard]] std::size_t with(const char* end) const {
    return static_cast<std::size_t>(
        std::count_if(rows.begin(), rows.end(), [&](const ConnectionSummary& row) {
          return row.key.client.address == address(end) || row.key.server.address == address(end);
        }));
  }
  Fixture fixture;
  std::vector<ConnectionSummary> rows;
};

}  // namespace

TEST_CASE("pairing: what is seen on both sides of a translator is its client's, once") {
  const auto flows = passing();
  const Rows found(flows);
  CHECK(found.with(kTranslator) == 0);
  REQUIRE(found.rows.size() == 2);
  std::uint64_t sent = 0;
  for (const FlowRecord& flow : flows) sent += flow.octet_count;
  CHECK(found.octets() == sent / 2);
  for (const ConnectionSummary& row : found.rows) {
    CHECK(row.key.server.address == address(kServer));
    CHECK(row.via.address == address(kTranslator));
    CHECK(row.observer_count == 2);
  }
  CHECK(found.fixture.aggregator.counters().translator_pairs == 2);
}

TEST_CASE("pairing: what the other side's clock puts into the next window is counted there") {
  const seconds slow{-2};  // the clock outside
  auto flows = passing([&](Seen&, Seen& behind) { behind.later = slow; });
  const Passing last{"10.1.0.1", 20};
  Seen before = last.before(), behind = last.behind();
  before.later = seconds{300 - 80};  // begins with the next window
  behind.later = before.later + slow;
  before.add_to(flows);
  behind.add_to(flows);
  std::uint64_t sent = 0;
  for (const FlowRecord& flow : flows) sent += flow.octet_count;

  const Rows found(flows);
  CHECK(found.with(kTranslator) == 0);
  CHECK(found.octets() == sent / 2);
  CHECK(found.fixture.aggregator.octets().duplicate == sent / 2);
}

TEST_CASE("pairing: where many are alike, there is an end to comparing them") {
  auto flows = passing();
  for (unsigned n = 0; n < 100; ++n) {
    Seen before = Passing{"10.1.0.1", 5}.before(), behind = Passing{"10.1.0.1", 5}.behind();
    before.client_port = behind.client_port = static_cast<std::uint16_t>(50'000 + n);
    behind.exporter = kInside;  // and so the other's
    before.add_to(flows);
    behind.add_to(flows);
  }
  const Rows all(flows);
  AggregatorOptions few;
  few.max_translations = 4'096;
  const Rows some(flows, few);
  CHECK(all.fixture.aggregator.counters().translator_comparisons_refused == 0);
  CHECK(all.with(kTranslator) == 1);
  CHECK(some.fixture.aggregator.counters().translator_comparisons_refused > 0);
  CHECK(some.octets() >= all.octets());
}

TEST_CASE("pairing: the order in which flows come changes nothing") {
  auto flows = passing();
  const auto expected = Rows(flows).rows;
  for (int i = 0; i < 4; ++i) {
    std::rotate(flows.begin(), flows.begin() + 7, flows.end());
    if (i % 2 == 1) std::reverse(flows.begin(), flows.end());
    auto rows = Rows(flows).rows;
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    REQUIRE(rows.size() == expected.size());
    for (const ConnectionSummary& row : rows) {
      const auto same = std::find_if(expected.begin(), expected.end(),
                                     [&](const auto& other) { return other.key == row.key; });
      REQUIRE(same != expected.end());
      CHECK(same->counts == row.counts);
      CHECK(same->via == row.via);
    }
  }
}

TEST_CASE("pairing: one client is enough where only one of the two addresses is internal") {
  const auto only_one = [](const char* outer) {
    return passing([outer](Seen& before, Seen& behind) {
      before.client = "10.1.0.1";
      behind.client = outer;
    });
  };
  CHECK(Rows(only_one("203.0.113.7")).with("203.0.113.7") == 0);
  // Between two internal ones nobody knows which of them stands for the other.
  CHECK(Rows(only_one(kTranslator)).with(kTranslator) == 1);
}

TEST_CASE("pairing: the servers behind an address are who is asked") {
  const auto flows = passing([](Seen& before, Seen& behind) {
    const std::string real = before.client;
    before.client = behind.client = "10.5.0.1";
    behind.client_port = before.client_port;
    before.server = kServer;
    behind.server = real;
    behind.port = 8443;
  });
  const Rows found(flows);
  CHECK(found.with(kServer) == 0);
  REQUIRE(found.rows.size() == 2);
  for (const ConnectionSummary& row : found.rows) {
    CHECK(row.key.port == 8443);
    CHECK(row.via.address == address(kServer));
  }
}

TEST_CASE("pairing: what was found once holds for smaller things, too") {
  auto flows = passing();
  Seen before = Passing{"10.1.0.1", 30}.before(), behind = Passing{"10.1.0.1", 30}.behind();
  before.is_udp = behind.is_udp = true;
  before.server = behind.server = "10.9.0.53";
  before.port = behind.port = 53;
  before.add_to(flows);
  behind.add_to(flows);
  const Rows found(flows);
  CHECK(found.with(kTranslator) == 0);
  CHECK(found.rows.size() == 3);
}

TEST_CASE("pairing: traffic that looks alike is left as it was seen") {
  struct Case {
    const char* name;
    std::function<void(Seen& before, Seen& behind)> change;
    unsigned connections = 8;
  };
  const Case cases[] = {
      {"one exporter has seen both", [](Seen&, Seen& behind) { behind.exporter = kInside; }},
      {"two hosts poll in step", [](Seen& before, Seen&) { before.client = "10.1.0.1"; }},
      {"always as much",
       [](Seen& before, Seen& behind) {
         before.later = behind.later = seconds{300 * before.number};
         before.number = behind.number = 0;
       }},
      {"too few", {}, 1},
      {"long after", [](Seen&, Seen& behind) { behind.later = seconds{12}; }},
      {"a little more", [](Seen&, Seen& behind) { behind.number += 60; }},
      {"sampled", [](Seen& before, Seen& behind) { before.rate = behind.rate = 10; }},
      {"UDP", [](Seen& before, Seen& behind) { before.is_udp = behind.is_udp = true; }},
      {"other servers", [](Seen&, Seen& behind) { behind.server = "10.9.0.2"; }},
      {"another port", [](Seen&, Seen& behind) { behind.port = 8443; }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    auto flows = passing(c.change, c.connections);
    Seen other;
    other.exporter = kOutside;
    other.client = "10.1.0.9";
    other.add_to(flows);
    const Rows found(flows);
    std::uint64_t sent = 0;
    for (const FlowRecord& flow : flows) sent += flow.octet_count;
    CHECK(found.with(kTranslator) >= 1);
    CHECK(found.octets() == sent);
    CHECK(std::none_of(found.rows.begin(), found.rows.end(),
                       [](const ConnectionSummary& row) { return row.via != Endpoint{}; }));
  }
}

TEST_CASE("pairing: an address with much traffic of its own is no translator") {
  auto flows = passing();
  for (unsigned n = 0; n < 20; ++n) {
    Seen own = Passing{"", 30 + n}.behind();
    own.server = "10.9.0.7";
    own.add_to(flows);
  }
  CHECK(Rows(flows).with(kTranslator) == 2);
}

TEST_CASE("pairing: hosts that are all alike to each other translate for none") {
  // Three that are asked by each other and all ask the same: any of them could stand for any other.
  std::vector<FlowRecord> flows;
  const char* const hosts[] = {"10.1.0.1", "10.1.0.2", "10.1.0.3"};
  for (unsigned n = 0; n < 24; ++n) {
    for (unsigned k = 0; k < 2; ++k) {
      Seen s = Passing{hosts[(n + k) % 3], n}.before();
      s.exporter = "192.0.2." + std::to_string(1 + (n + k) % 3);
      s.add_to(flows);
    }
  }
  const Rows found(flows);
  CHECK(found.rows.size() == 3);
  CHECK(found.fixture.aggregator.counters().translator_pairs == 0);
}

TEST_CASE("pairing: pairs past the bound are counted, and nothing of theirs is paired") {
  AggregatorOptions options;
  options.max_translations = 1;
  std::vector<FlowRecord> flows;
  for (unsigned n = 0; n < 40; ++n) {
    const Passing p{"10.1.0." + std::to_string(1 + n % 4), n};
    p.before().add_to(flows);
    p.behind().add_to(flows);
  }
  const Rows found(flows, options);
  CHECK(found.fixture.aggregator.counters().translator_pairs == 0);
}
