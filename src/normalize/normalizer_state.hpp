/// \file
/// normalize: the inside of a Normalizer.
#pragma once

#include <array>

#include "base/lru_table.hpp"
#include "flowlens/normalizer.hpp"
#include "flowlens/packet.hpp"
#include "normalize/exporter_table.hpp"
#include "normalize/plan.hpp"

namespace flowlens::normalize {

/// What a Normalizer holds.
struct NormalizerState {
  explicit NormalizerState(const NormalizerOptions& o)
      : options(o), plans(o.max_plans), options_plans(o.max_plans), exporters(o) {}

  /// The plan of a template, compiled at first use.
  /// \throws std::bad_alloc
  Plan& plan_of(const Template& layout);
  /// \throws std::bad_alloc
  const OptionsPlan& options_plan_of(const Template& layout);

  NormalizerOptions options;
  base::LruTable<std::uint64_t, Plan, NumberHash> plans;
  struct Recent {
    std::uint64_t serial = 0;
    Plan* plan = nullptr;
  };
  std::array<Recent, 16> recent{};  ///< by the low bits of the serial
  base::LruTable<std::uint64_t, OptionsPlan, NumberHash> options_plans;
  ExporterTable exporters;
  NormalizerCounters counters;
  FlowBatch* out = nullptr;
  Scratch scratch, reverse_scratch;
  NatScratch nat;
  Dissection dissection;                         ///< of the packet at hand; reused
  std::array<FlowRecord, kBlock> flows;          ///< where a record may give no flow or two
  std::array<FlowRecord, kBlock> reverse_flows;  ///< what reverse elements tell of biflows
};

/// A set on its way through, and whom it is from.
struct SetAtWork {
  const DataSet& set;
  Plan& plan;
  Exporter& exporter;
  Domain& domain;
  SetFacts facts;
  FlowRecord like;  ///< what all flows of the set share
};

/// Turns the records of a set into flows.
/// \throws std::bad_alloc
void normalize_set(NormalizerState& state, const DataSet& set);
/// \return whether it gave a flow.
/// \throws std::bad_alloc
bool normalize_sample(NormalizerState& state, const SflowSample& sample);
/// \throws std::bad_alloc
void normalize_packet(NormalizerState& state, const CapturedPacket& packet);

/// Puts the times of a block in order: from uptimes, the missing one, what cannot be.
void complete_times(NormalizerState& state, const SetAtWork& work, const TimeFields& fields,
                    const Block& block) noexcept;
/// Finds the sampling rates of a block's flows.
void complete_sampling(NormalizerState& state, const SetAtWork& work, const Block& block) noexcept;
/// Books a sampled packet and finds an overriding rate.
/// \throws std::bad_alloc
void complete_sample(NormalizerState& state, FlowRecord& flow);

/// Gives a flow's translated addresses out, if there are any. \param flow  of state.out.
/// \param of_reverse  it is the other half of a biflow.
/// \throws std::bad_alloc
void give_translation(NormalizerState& state, const NatEvent& told, std::size_t flow,
                      bool of_reverse);
class VrfFinder;

/// Gives the NAT events of a block out.
/// \throws std::bad_alloc
void give_nat_events(NormalizerState& state, const SetAtWork& work, VrfFinder& vrfs,
                     const Block& block);

/// Takes a packet apart into `state.dissection`, and copies what the headers say, of the layer the
/// options ask for.
/// \param frame_octets  of the whole packet, the link layer included; 0 if not known.
/// \return false if the headers have no addresses or no protocol: then there is no flow.
bool read_dissected(NormalizerState& state, std::span<const std::byte> frame, LinkType link,
                    std::uint64_t frame_octets, FlowRecord& flow) noexcept;
/// Gives the layers of the packet in `state.dissection` out, which has tunnels. Its flow is the last
/// one given out.
/// \throws std::bad_alloc
void give_layers(const NormalizerState& state);

}  // namespace flowlens::normalize
