// Saved state: octets to load, then datagrams that are read by what was loaded. The input: an octet
// for what to do to the checksums (0: leave them), 2 octets for the length of the state, the state,
// then datagrams as datagrams.hpp has them.
#include <algorithm>
#include <vector>

#include "flowlens/decoder.hpp"
#include "fuzz/datagrams.hpp"
#include "wire/byte_reader.hpp"

namespace {

using namespace flowlens;

/// The state of a Decoder holds two others, each sealed by itself.
void seal_parts(std::span<std::byte> state) {
  std::size_t at = 6;
  for (int part = 0; part < 2 && at + 4 <= state.size(); ++part) {
    wire::ByteReader in{state.subspan(at)};
    const std::size_t length = std::min<std::size_t>(in.u32(), state.size() - at - 4);
    fuzz::seal(state.subspan(at + 4, length));
    at += 4 + length;
  }
  fuzz::seal(state);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wire::ByteReader in{std::as_bytes(std::span{data, size})};
  const bool sealed = in.u8() != 0;
  const std::size_t claimed = in.u16();
  const auto octets = in.take(std::min(claimed, in.remaining()));
  if (!in.ok()) return 0;
  std::vector<std::byte> state{octets.begin(), octets.end()};
  if (sealed) seal_parts(state);

  Decoder decoder;
  const bool loaded = decoder.load_state(state).code == DiagnosticCode::none;
  const std::vector<std::byte> again = decoder.save_state();
  Decoder other;
  if (other.load_state(again).code != DiagnosticCode::none) fuzz::fail("saved state does not load");
  if (!loaded && decoder.parser().counters().templates != 0) fuzz::fail("damage was taken in");
  fuzz::run(in.rest(), {9, 10, 2}, state);
  return 0;
}
