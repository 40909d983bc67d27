#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "pipeline/flow_channel.hpp"

using namespace flowlensd;

namespace {

FlowParcel parcel_of(std::size_t flows) {
  FlowParcel p;
  p.batch.flows.resize(flows);
  return p;
}

}  // namespace

TEST_CASE("channel: bounded in flows, and a large parcel alone still passes") {
  FlowChannel channel(100);
  FlowParcel large = parcel_of(150);
  CHECK(channel.try_push(large));
  CHECK(channel.depth() == 150);
  FlowParcel small = parcel_of(1);
  CHECK_FALSE(channel.try_push(small));
  CHECK(small.batch.flows.size() == 1);
  FlowParcel taken;
  CHECK(channel.pop(taken, std::chrono::milliseconds{0}) == FlowChannel::Popped::parcel);
  CHECK(channel.depth() == 0);
  CHECK(channel.pop(taken, std::chrono::milliseconds{1}) == FlowChannel::Popped::nothing);
  channel.close();
  CHECK(channel.pop(taken, std::chrono::milliseconds{1}) == FlowChannel::Popped::closed);
}

TEST_CASE("channel: nothing is lost between several workers and the Resolver") {
  constexpr std::size_t kWorkers = 3;
  constexpr std::size_t kParcels = 3'000;
  FlowChannel channel(1'000);
  std::vector<std::thread> workers;
  for (std::size_t w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&channel] {
      FlowParcel parcel;
      for (std::size_t i = 0; i < kParcels; ++i) {
        parcel.batch.flows.resize(1 + i % 97);
        parcel.sampled_out = 1;
        channel.push(parcel);
        CHECK(parcel.empty());
      }
    });
  }
  std::uint64_t flows = 0;
  std::uint64_t sampled_out = 0;
  std::thread resolver([&] {
    FlowParcel parcel;
    while (channel.pop(parcel, std::chrono::milliseconds{100}) != FlowChannel::Popped::closed) {
      flows += parcel.batch.flows.size();
      sampled_out += parcel.sampled_out;
      parcel.clear();
    }
  });
  for (std::thread& t : workers) t.join();
  channel.close();
  resolver.join();
  std::uint64_t want = 0;
  for (std::size_t i = 0; i < kParcels; ++i) want += 1 + i % 97;
  CHECK(flows == kWorkers * want);
  CHECK(sampled_out == kWorkers * kParcels);
  CHECK(channel.depth() == 0);
}

TEST_CASE("channel: closing frees a worker that waits for room") {
  FlowChannel channel(1);
  FlowParcel first = parcel_of(1);
  channel.push(first);
  std::thread worker([&] {
    FlowParcel second = parcel_of(1);
    channel.push(second);
  });
  channel.close();
  worker.join();
  CHECK(channel.depth() == 2);
}
