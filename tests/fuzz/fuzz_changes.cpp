// What a ChangeDetector has learned: octets to load, then two days of windows that it looks at. The
// input: an octet for what to do to the checksum (0: leave it), then the state.
#include <string>
#include <vector>

#include "flowlens/change_detector.hpp"
#include "fuzz/datagrams.hpp"
#include "wire/byte_reader.hpp"

namespace {

using namespace flowlens;

constexpr Timestamp kBegin{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};
constexpr std::size_t kEvery = 36;  // windows: pauses are part of it

ConnectionSummary row(std::uint32_t client, Timestamp window) {
  ConnectionSummary s;
  s.key = {{{}, IpAddress::v4(0x0a000000u + client)}, {{}, IpAddress::v4(0x0a000009u)}, 443, 6};
  s.window_start = s.first = s.last = window;
  s.counts.flows = 1;
  s.counts.octets_to_server = s.counts.octets_to_client = 1'000'000 * client;
  s.counts.packets_to_server = s.counts.packets_to_client = 10;
  s.counts.estimated_octets_to_server = s.counts.estimated_octets_to_client = 1'000'000 * client;
  s.added = s.counts;
  s.client_internal = s.server_internal = true;
  s.provisional = false;
  return s;
}

void look(ChangeDetector& detector, const DependencyGraph& graph,
          const std::vector<ConnectionSummary>& rows, const std::vector<Id>& ids) {
  std::vector<ChangeEvent> events;
  std::vector<Attempt> attempts;
  for (std::uint32_t i = 0; i < 30; ++i) {
    attempts.push_back({rows.front().key, rows.front().window_start});
    attempts.back().key.server.address = IpAddress::v4(0x0a010000u + i);
  }
  detector.look(graph, rows, ids, events, attempts);
  for (const ChangeEvent& event : events) {
    if (event.id.is_none() || event.reason.empty()) fuzz::fail("an event says nothing");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wire::ByteReader in{std::as_bytes(std::span{data, size})};
  const bool sealed = in.u8() != 0;
  const auto octets = in.rest();
  std::vector<std::byte> state{octets.begin(), octets.end()};
  if (sealed) fuzz::seal(state);

  ChangeDetectorOptions options;
  options.max_assets = options.max_services = options.max_dependencies = 1'000;
  options.max_baselines = options.max_attempts = 100;
  ChangeDetector detector{options};
  const bool loaded = detector.load(state).code == DiagnosticCode::none;
  const std::vector<std::byte> saved = detector.save();
  ChangeDetector other{options};
  if (other.load(saved).code != DiagnosticCode::none) fuzz::fail("saved state does not load");
  if (other.save() != saved) fuzz::fail("what was loaded is not what was saved");
  if (!loaded && detector.counters().assets != 0) fuzz::fail("damage was taken in");
  if (!loaded) return 0;

  DependencyGraph graph;
  std::vector<Id> ids;
  for (std::size_t n = 0; n < 16; ++n) {
    const Timestamp window = kBegin + std::chrono::minutes{5} * (kEvery * n);
    const std::vector<ConnectionSummary> rows{row(1, window), row(2 + n % 2, window)};
    (void)graph.apply(rows, &ids);
    if (n == 0) detector.begin(graph);
    look(detector, graph, rows, ids);
  }
  return 0;
}
