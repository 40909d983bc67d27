/// \file
/// normalize: the inside of a Normalizer.
#pragma once

#include <array>

#include "base/lru_table.hpp"
#include "flowlens/normalizer.hpp"
#include "flowlens/packet.hpp"
#include "normalize/exporter_facts.hpp"
#include "normalize/plan.hpp"

namespace flowlens::normalize {

struct SerialHash {
  std::size_t operator()(std::uint64_t serial) const noexcept { return base::hash_of(serial, 0); }
};

/// What a Normalizer holds.
struct NormalizerState {
  explicit NormalizerState(const NormalizerOptions& o)
      : tunnel_view(o.tunnel_view), plans(o.max_plans), facts(o.max_samplers) {}

  /// The plan of a template, compiled at first use.
  /// \throws std::bad_alloc
  const Plan& plan_of(const Template& layout);

  TunnelView tunnel_view;
  base::LruTable<std::uint64_t, Plan, SerialHash> plans;
  struct Recent {
    std::uint64_t serial = 0;
    const Plan* plan = nullptr;
  };
  std::array<Recent, 16> recent{};  ///< by the low bits of the serial
  ExporterFacts facts;
  NormalizerCounters counters;
  FlowBatch* out = nullptr;
  Scratch scratch;
  Dissection dissection;                 ///< of the packet at hand; reused
  std::array<FlowRecord, kBlock> flows;  ///< where a record may give no flow or two
};

/// A flow with all that the records of a set share.
[[nodiscard]] FlowRecord prototype(NormalizerState& state, const DataSet& set,
                                   std::uint32_t present) noexcept;

/// Turns the records of a set into flows.
/// \throws std::bad_alloc
void normalize_set(NormalizerState& state, const DataSet& set);
/// \throws std::bad_alloc
void normalize_sample(NormalizerState& state, const SflowSample& sample);

/// Copies what the headers of the packet in `state.dissection` say, of the layer the options ask
/// for.
/// \param frame_octets  of the whole packet, the link layer included; 0 if not known.
/// \return false if the headers have no addresses or no protocol: then there is no flow.
bool apply_dissection(NormalizerState& state, std::uint64_t frame_octets,
                      FlowRecord& flow) noexcept;
/// Gives the flow of the packet in `state.dissection` out, and its layers if it has tunnels.
/// \throws std::bad_alloc
void give_packet(const NormalizerState& state, const FlowRecord& flow);

}  // namespace flowlens::normalize
