/// \file
/// parse: what the versions of sFlow share.
#pragma once

#include "flowlens/sflow_sample.hpp"
#include "parse/parser_state.hpp"

namespace flowlens::parse {

/// An interface of compact samples: the format in the upper 2 bits.
inline void compact_interface(std::uint32_t word, std::uint32_t& format,
                              std::uint32_t& value) noexcept {
  format = word >> 30;
  value = word & 0x3fff'ffffu;
}

/// Hands a sample to the sink, and its counters if it has any.
template <bool OfCounters>
void give_sample(Walk& walk, const SflowSample& sample) noexcept {
  ++walk.result.sets;
  if (walk.records++ == 0) find_stream(walk);
  if (walk.stream != nullptr) walk.stream->note_sample(sample);
  walk.sink.on_sample(sample);
  if constexpr (OfCounters) walk.sink.on_counters(CounterSample{sample});
}

/// The samples of versions 2 and 4. Octets that are not read are accounted for.
void read_samples_v4(Walk& walk, wire::ByteReader& in, std::uint32_t samples) noexcept;

}  // namespace flowlens::parse
