// Flows as processes hand them on by a database: any octets are read or refused, and what was read is sound,
// and is written and read again as the same. The input: an octet for what to do to the checksum (0: leave it),
// then the parcel.
#include <vector>

#include "flowlens/flow_codec.hpp"
#include "fuzz/datagrams.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowlens;
  if (size == 0) return 0;
  const auto input = std::as_bytes(std::span{data, size});
  std::vector<std::byte> octets{input.begin() + 1, input.end()};
  if (data[0] != 0) fuzz::seal(octets);
  FlowBatch batch;
  if (decode_flows(octets, batch).code != DiagnosticCode::none) return 0;
  for (const FlowRecord& flow : batch.flows) {
    if (flow.end < flow.start || flow.sampling_rate == 0) fuzz::fail("a flow that cannot be");
  }
  for (const Translation& t : batch.translations) {
    if (t.flow >= batch.flows.size()) fuzz::fail("a translation of no flow");
  }
  for (const FlowVrf& v : batch.vrfs) {
    if (v.flow >= batch.flows.size()) fuzz::fail("a VRF of no flow");
  }
  const std::vector<std::byte> written = encode_flows(batch);
  FlowBatch again;
  if (decode_flows(written, again).code != DiagnosticCode::none) {
    fuzz::fail("flows that were written cannot be read");
  }
  if (encode_flows(again) != written) fuzz::fail("what was read is not what was written");
  return 0;
}
