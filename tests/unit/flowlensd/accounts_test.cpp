#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <vector>

#include "pipeline/accounts.hpp"

using namespace flowlensd;

namespace {

/// Counters that are all `value`.
template <typename Counters>
Counters filled(std::uint64_t value) {
  std::array<std::uint64_t, sizeof(Counters) / sizeof(std::uint64_t)> words;
  words.fill(value);
  return std::bit_cast<Counters>(words);
}

}  // namespace

TEST_CASE("accounts: the sum of decoders leaves no counter out") {
  DecoderAccount sum;
  sum.parser = filled<ParserCounters>(1);
  sum.normalizer = filled<NormalizerCounters>(10);
  DecoderAccount other;
  other.parser = filled<ParserCounters>(2);
  other.normalizer = filled<NormalizerCounters>(20);
  sum += other;
  const auto all_are = [](const auto& counters, std::uint64_t value) {
    return std::bit_cast<std::array<std::uint64_t, sizeof(counters) / 8>>(counters) ==
           std::bit_cast<std::array<std::uint64_t, sizeof(counters) / 8>>(
               filled<std::remove_cvref_t<decltype(counters)>>(value));
  };
  CHECK(all_are(sum.parser, 3));
  CHECK(all_are(sum.normalizer, 30));
  CHECK(sum.normalizer.nat_events == 30);
  CHECK(sum.normalizer.flows_with_times_replaced == 30);
}

TEST_CASE("accounts: a datagram is booked under its protocol, every version of sFlow apart") {
  struct Case {
    std::array<std::uint8_t, 4> octets;
    std::string_view name;
  };
  const Case cases[] = {
      {{0, 1, 0, 1}, "netflow_v1"}, {{0, 5, 0, 1}, "netflow_v5"}, {{0, 7, 0, 1}, "netflow_v7"},
      {{0, 9, 0, 1}, "netflow_v9"}, {{0, 10, 0, 1}, "ipfix"},     {{0, 0, 0, 2}, "sflow_v2"},
      {{0, 0, 0, 4}, "sflow_v4"},   {{0, 0, 0, 5}, "sflow_v5"},   {{0, 0, 0, 3}, "other"},
      {{0, 0, 1, 5}, "other"},      {{1, 0, 0, 5}, "other"},      {{0, 8, 0, 1}, "other"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(to_string(wire_protocol(std::as_bytes(std::span{c.octets}))) == c.name);
  }
}
