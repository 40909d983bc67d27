#include <doctest/doctest.h>

#include <functional>

#include "base/blocks.hpp"
#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "base/lru_table.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/error.hpp"
#include "flowlens/ledger.hpp"

namespace {

struct SeededHash {
  std::uint64_t operator()(std::uint64_t key, std::uint64_t seed) const noexcept {
    return flowlens::base::hash_of(key, seed);
  }
};
struct WorstHash {
  std::uint64_t operator()(std::uint64_t, std::uint64_t) const noexcept { return 7; }
};

template <typename Hash>
void check_table(std::size_t bound, std::uint64_t keys) {
  flowlens::base::BoundedTable<std::uint64_t, std::uint64_t, Hash> table(bound, 42);
  for (std::uint64_t k = 0; k < keys; ++k) {
    const auto [position, is_new] = table.insert(k);
    CHECK(is_new == (k < bound));
    if (k >= bound) {
      CHECK(position == table.kNone);
      continue;
    }
    CHECK(position == k);
    table[position].value = 3 * k;
  }
  CHECK(table.size() == std::min<std::uint64_t>(bound, keys));
  for (std::uint64_t k = 0; k < keys; ++k) {
    const auto position = table.find(k);
    CHECK((position != table.kNone) == (k < bound));
    if (k < bound) CHECK(table[position].value == 3 * k);
    CHECK_FALSE(table.insert(k).second);
  }
  table.clear();
  CHECK(table.size() == 0);
  CHECK(table.find(0) == table.kNone);
  CHECK(table.insert(5).first == 0);
}

}  // namespace

TEST_CASE("bounded table: positions in order of arrival, nothing past the bound") {
  check_table<SeededHash>(1000, 1200);
  check_table<WorstHash>(50, 60);
}

TEST_CASE("blocks: elements past the first block, and again after clear()") {
  flowlens::base::Blocks<std::uint64_t> blocks;
  constexpr std::size_t kMany = 1'000'000;  // 8 MB: several blocks
  for (const std::uint64_t round : {1u, 2u}) {
    for (std::uint64_t i = 0; i < kMany; ++i) blocks.push_back(round * i);
    CHECK(blocks.size() == kMany);
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i < kMany; ++i) wrong += blocks[i] == round * i ? 0 : 1;
    CHECK(wrong == 0);
    blocks.clear();
    CHECK(blocks.size() == 0);
  }
}

TEST_CASE("LRU table: the one used longest ago goes") {
  flowlens::base::LruTable<int, int, std::hash<int>> table(2);
  table.put(1, 10);
  table.put(2, 20);
  CHECK(*table.find(1) == 10);
  table.put(3, 30);
  CHECK(table.find(2) == nullptr);
  CHECK(*table.find(1) == 10);
  CHECK(table.evicted() == 1);
  table.put(1, 11);
  CHECK(*table.find(1) == 11);
  CHECK(table.size() == 2);
  CHECK(table.erase(1));
  CHECK_FALSE(table.erase(1));
  CHECK(table.size() == 1);
}

TEST_CASE("site table: names once, `default` first") {
  flowlens::SiteTable sites;
  CHECK(sites.name({}) == "default");
  const auto berlin = sites.add("berlin");
  CHECK(sites.add("berlin") == berlin);
  CHECK(sites.add("default").value == 0);
  CHECK(sites.name(berlin) == "berlin");
  CHECK(sites.name(flowlens::SiteId{999}) == "default");
  CHECK_THROWS_AS(sites.add(""), flowlens::ConfigError);
}

TEST_CASE("ledgers: each side counts") {
  flowlens::FlowLedger flows;
  flows.normalized = 6;
  flows.applied = flows.duplicate = flows.attempt = flows.control = flows.sampled_out = 1;
  CHECK_FALSE(flows.balanced());
  flows.dropped[1] = 1;
  flows.late_carried = 3;
  CHECK(flows.balanced());
  flows += flows;
  CHECK(flows.normalized == 12);
  CHECK(flows.balanced());

  flowlens::OctetLedger octets;
  octets.accepted = 7;
  octets.header = octets.templates = octets.options = octets.decoded = octets.waiting =
      octets.padding = 1;
  CHECK_FALSE(octets.balanced());
  octets.skipped[4] = 1;
  CHECK(octets.balanced());

  flowlens::DatagramLedger datagrams;
  datagrams.received = 2;
  datagrams.accepted = 1;
  CHECK_FALSE(datagrams.balanced());
  datagrams.refused[1] = 1;
  CHECK(datagrams.balanced());
}

TEST_CASE("diagnostics: every code has a reason of its own") {
  for (std::size_t i = 0; i < flowlens::kDiagnosticCodeCount; ++i) {
    const auto code = static_cast<flowlens::DiagnosticCode>(i);
    CHECK_FALSE(flowlens::reason(code).empty());
    for (std::size_t j = 0; j < i; ++j) {
      CHECK(flowlens::reason(code) != flowlens::reason(static_cast<flowlens::DiagnosticCode>(j)));
    }
  }
  CHECK(flowlens::to_string(
            flowlens::Diagnostic{flowlens::DiagnosticCode::unknown_template, 20, 256}) ==
        "unknown_template at octet 20 (detail 256; RFC 7011 §8.4)");
}
