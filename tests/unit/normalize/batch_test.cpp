// A FlowBatch: what stands beside its flows follows them.
#include <doctest/doctest.h>

#include "flowlens/flow_record.hpp"

using namespace flowlens;

namespace {

/// Flows with source ports 0, 1, 2, …; each third one has a translation to port + 100
/// two layers with that port and a VRF of that number.
FlowBatch numbered(std::uint16_t count) {
  FlowBatch batch;
  for (std::uint16_t i = 0; i < count; ++i) {
    batch.flows.emplace_back().source_port = i;
    if (i % 3 != 0) continue;
    batch.translations.emplace_back().flow = i;
    batch.translations.back().source_port = static_cast<std::uint16_t>(i + 100);
    batch.vrfs.push_back({i, Vrf{i, 0}, {}});
    for (std::uint8_t depth = 0; depth < 2; ++depth) {
      batch.layers.push_back({i, depth, {}});
      batch.layers.back().headers.source_port = i;
    }
  }
  return batch;
}

void check_follows(const FlowBatch& batch, std::size_t translations) {
  CHECK(batch.translations.size() == translations);
  for (const Translation& t : batch.translations) {
    REQUIRE(t.flow < batch.flows.size());
    CHECK(t.source_port == batch.flows[t.flow].source_port + 100);
  }
  REQUIRE(batch.vrfs.size() == translations);
  for (const FlowVrf& vrf : batch.vrfs) {
    CHECK(vrf.ingress->id == batch.flows[vrf.flow].source_port);
  }
  REQUIRE(batch.layers.size() == 2 * translations);
  for (std::size_t i = 0; i < batch.layers.size(); ++i) {
    const PacketLayer& layer = batch.layers[i];
    CHECK(layer.flow == batch.translations[i / 2].flow);
    CHECK(layer.depth == i % 2);
    CHECK(layer.headers.source_port == batch.flows[layer.flow].source_port);
  }
}

}  // namespace

TEST_CASE("batch: flows that are removed take what stands beside them along") {
  FlowBatch batch = numbered(10);
  CHECK(batch.keep_if(2, [](const FlowRecord& f) { return f.source_port % 2 == 0; }) == 4);
  CHECK(batch.flows.size() == 6);  // 0 1 | 2 4 6 8
  CHECK(batch.flows[1].source_port == 1);
  check_follows(batch, 2);
}

TEST_CASE("batch: appended flows bring what stands beside them") {
  FlowBatch batch = numbered(4);
  batch.append(numbered(10), 3, 8);
  CHECK(batch.flows.size() == 9);
  CHECK(batch.flows[4].source_port == 3);
  check_follows(batch, 4);
}
