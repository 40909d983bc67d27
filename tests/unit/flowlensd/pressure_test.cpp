#include <doctest/doctest.h>

#include "pipeline/pressure.hpp"

using namespace flowlensd;

namespace {

FlowRecord flow(std::uint32_t source, std::uint16_t source_port, std::uint32_t destination,
                std::uint16_t destination_port) {
  FlowRecord f;
  f.source_address = IpAddress::v4(source);
  f.destination_address = IpAddress::v4(destination);
  f.source_port = source_port;
  f.destination_port = destination_port;
  f.protocol = 6;
  f.octet_count = 100;
  return f;
}

}  // namespace

TEST_CASE("pressure: first nothing, then sampling, then refusal") {
  const PressureRule rule({.sample_at = 10, .refuse_at = 20, .keep_one_in = 10, .key = 1});
  CHECK(rule.level(9) == PressureRule::Level::none);
  CHECK(rule.level(10) == PressureRule::Level::sample);
  CHECK(rule.level(20) == PressureRule::Level::refuse);
}

TEST_CASE("pressure: both halves of a conversation share one fate, and estimates stay right") {
  const PressureRule rule({.sample_at = 1, .refuse_at = 2, .keep_one_in = 10, .key = 42});
  FlowBatch batch;
  constexpr std::uint32_t kConversations = 20'000;
  for (std::uint32_t i = 0; i < kConversations; ++i) {
    const auto port = static_cast<std::uint16_t>(1024 + i % 60'000);
    batch.flows.push_back(flow(0x0a000000 + i / 100, port, 0x0a010001, 443));
    batch.flows.push_back(flow(0x0a010001, 443, 0x0a000000 + i / 100, port));
    CHECK(rule.keeps(batch.flows[2 * i]) == rule.keeps(batch.flows[2 * i + 1]));
  }
  const std::uint64_t left_out = rule.thin(batch, 0);
  CHECK(left_out + batch.flows.size() == 2 * kConversations);
  CHECK(batch.flows.size() > 2 * kConversations / 10 * 9 / 10);
  CHECK(batch.flows.size() < 2 * kConversations / 10 * 11 / 10);
  for (const FlowRecord& f : batch.flows) CHECK(f.sampling_rate == 10);
}

TEST_CASE("pressure: what was decoded before stays as it is, and a rate never overflows") {
  const PressureRule rule({.sample_at = 1, .refuse_at = 2, .keep_one_in = 1'000'000, .key = 7});
  FlowBatch batch;
  batch.flows.assign(3, flow(1, 2, 3, 4));
  CHECK(rule.thin(batch, 3) == 0);
  CHECK(batch.flows.size() == 3);

  const PressureRule all({.sample_at = 1, .refuse_at = 2, .keep_one_in = 1, .key = 7});
  batch.flows[0].sampling_rate = 4'000'000'000;
  CHECK(all.thin(batch, 0) == 0);
  CHECK(batch.flows[0].sampling_rate == 4'000'000'000);
}

TEST_CASE("pressure: other thresholds count at once") {
  PressureRule rule({.sample_at = 10, .refuse_at = 20, .keep_one_in = 10, .key = 1});
  rule.change({.sample_at = 100, .refuse_at = 200, .keep_one_in = 1, .key = 2});
  CHECK(rule.level(99) == PressureRule::Level::none);
  CHECK(rule.level(100) == PressureRule::Level::sample);
  CHECK(rule.level(200) == PressureRule::Level::refuse);
}
