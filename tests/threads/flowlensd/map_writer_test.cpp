#include "pipeline/map_writer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <thread>
#include <vector>

#include "support/traffic.hpp"

using namespace flowlens::testing;
using namespace flowlensd;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kBatch = 64;

std::vector<FlowRecord> traffic() {
  Dice dice{7};
  return draw_traffic(dice, {.conversations = 2'000, .hosts = 200});
}

/// Calls `take` with a batch and the time, which goes on by a second a batch.
template <typename Take>
Timestamp in_batches(std::span<const FlowRecord> flows, Take take) {
  Timestamp now = kNoon;
  for (; !flows.empty(); now += 1s) {
    const auto batch = flows.first(std::min(kBatch, flows.size()));
    take(batch, now);
    flows = flows.subspan(batch.size());
  }
  return now;
}

FlowParcel parcel_of(std::span<const FlowRecord> flows) {
  FlowParcel parcel;
  parcel.batch.flows.assign(flows.begin(), flows.end());
  return parcel;
}

}  // namespace

TEST_CASE("map writer: flushes beside further flows come to the same map") {
  const std::vector<FlowRecord> flows = traffic();

  Resolver plain;
  const Timestamp end =
      in_batches(flows, [&](auto batch, Timestamp now) { plain.add(batch, now); });
  (void)plain.finish(end);

  Resolver resolver;
  int begun = 0;
  MapWriter writer(resolver, nullptr, {}, Epoch{1}, {});
  in_batches(flows, [&](auto batch, Timestamp now) {
    writer.add(parcel_of(batch), now);
    begun += writer.try_flush(now) ? 1 : 0;
    CHECK(writer.view().flows.balanced());
  });
  writer.finish(end, 10s);

  CHECK(begun > 0);
  CHECK(resolver.ledger().applied == plain.ledger().applied);
  CHECK(resolver.graph().counters().totals == plain.graph().counters().totals);
  CHECK(resolver.graph().counters().dependencies == plain.graph().counters().dependencies);
  CHECK(writer.view().flows.applied == resolver.graph().counters().totals.flows);
}

TEST_CASE("map writer: a flush that was begun is there a moment later, without another call") {
  Resolver resolver;
  MapWriter writer(resolver, nullptr, {}, Epoch{1}, {});
  const std::vector<FlowRecord> flows = traffic();
  writer.add(parcel_of(flows), kNoon);
  REQUIRE(writer.try_flush(kNoon));
  for (int i = 0; i < 1'000 && writer.view().revision == 0; ++i) std::this_thread::sleep_for(10ms);
  CHECK(writer.view().revision == 1);
  CHECK(writer.view().flows.normalized == flows.size());
}

TEST_CASE("map writer: it ends in good order while a flush is under way") {
  Resolver resolver;
  MapWriter writer(resolver, nullptr, {}, Epoch{1}, {});
  writer.add(parcel_of(traffic()), kNoon);
  CHECK(writer.try_flush(kNoon));
}
