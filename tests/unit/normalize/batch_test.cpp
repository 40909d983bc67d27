// A FlowBatch: what stands beside its flows follows them.
#include <doctest/doctest.h>

#include "flowlens/flow_record.hpp"

using namespace flowlens;

namespace {

/// Flows with source ports 0, 1, 2, …; each third one has a translation to port + 100.
FlowBatch numbered(std::uint16_t count) {
  FlowBatch batch;
  for (std::uint16_t i = 0; i < count; ++i) {
    batch.flows.emplace_back().source_port = i;
    if (i % 3 != 0) continue;
    batch.translations.emplace_back().flow = i;
    batch.translations.back().source_port = static_cast<std::uint16_t>(i + 100);
  }
  return batch;
}

void check_follows(const FlowBatch& batch, std::size_t translations) {
  CHECK(batch.translations.size() == translations);
  for (const Translation& t : batch.translations) {
    REQUIRE(t.flow < batch.flows.size());
    CHECK(t.source_port == batch.flows[t.flow].source_port + 100);
  }
}

}  // namespace

TEST_CASE("batch: flows that are removed take their translations with them") {
  FlowBatch batch = numbered(10);
  CHECK(batch.keep_if(2, [](const FlowRecord& f) { return f.source_port % 2 == 0; }) == 4);
  CHECK(batch.flows.size() == 6);  // 0 1 | 2 4 6 8
  CHECK(batch.flows[1].source_port == 1);
  check_follows(batch, 2);
}

TEST_CASE("batch: appended flows bring their translations along") {
  FlowBatch batch = numbered(4);
  batch.append(numbered(10), 3, 8);
  CHECK(batch.flows.size() == 9);
  CHECK(batch.flows[4].source_port == 3);
  check_follows(batch, 4);
}
