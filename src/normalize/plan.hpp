/// \file
/// normalize: a template compiled into steps. A step handles one field of a whole block of records,
/// so that nothing is decided per record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "flowlens/flow_record.hpp"
#include "flowlens/packet.hpp"
#include "flowlens/record.hpp"

namespace flowlens::normalize {

/// Records handled together: small enough that records and flows stay in the first-level cache.
inline constexpr std::size_t kBlock = 32;

/// Values that are no members of a FlowRecord themselves, one entry a record. Only what a plan has
/// a step for is ever read.
struct Scratch {
  std::array<std::uint64_t, kBlock> sampler;        ///< elements 48, 302
  std::array<std::uint64_t, kBlock> packet_space;   ///< element 306
  std::array<std::uint64_t, kBlock> sampling_size;  ///< element 309
  std::array<std::uint64_t, kBlock> population;     ///< element 310
  std::array<std::uint64_t, kBlock> duration_ns;
  std::array<std::uint64_t, kBlock> boot_ms;       ///< element 160
  std::array<std::uint64_t, kBlock> frame_size;    ///< element 312
  std::array<std::uint32_t, kBlock> start_uptime;  ///< elements 22, 21 of IPFIX
  std::array<std::uint32_t, kBlock> end_uptime;
  std::array<std::uint32_t, kBlock> ingress_vrf;
  std::array<std::uint32_t, kBlock> egress_vrf;
  std::array<std::uint16_t, kBlock> extended_event;  ///< FW_EXT_EVENT of Cisco ASA
  std::array<std::span<const std::byte>, kBlock> frame;
};

/// What records say of address translation, one entry a record.
struct NatScratch {
  std::array<NatEvent, kBlock> events;
  std::array<std::uint16_t, kBlock> port_block_size;
};

/// What all records of a set share.
struct SetFacts {
  std::int64_t export_ns = 0;   ///< export time of the message
  std::uint32_t uptime_ms = 0;  ///< NetFlow: of the exporter at that time
  bool has_boot = false;        ///< IPFIX: told in options
  std::uint64_t boot_ms = 0;
};

struct Move;

/// The block a step works on.
struct Block {
  const std::byte** at = nullptr;  ///< where offset 0 of the step lies, for each record
  std::size_t count = 0;
  FlowRecord* flows = nullptr;
  Scratch* scratch = nullptr;
  NatScratch* nat = nullptr;
  const SetFacts* set = nullptr;
  bool* saw_ntp_fraction = nullptr;  ///< see put_ntp_time()
  const Move* moves = nullptr;       ///< of the plan
  const FlowRecord* like = nullptr;  ///< what the flows of the block have in common
};

using StepFunction = void (*)(const Block& block, std::size_t offset, std::size_t width);

struct Step {
  StepFunction run = nullptr;
  std::uint32_t offset = 0;  ///< from the start of the segment; of moves: the first of them
  std::uint32_t width = 0;   ///< octets of the field; of moves: 0
  bool of_reverse = false;   ///< fills the reverse half of a biflow
};

/// 16 octets of a record that are put in order and laid over 16 octets of a flow. Many fields go at
/// once: numbers into the machine's order, addresses as they are.
struct Move {
  std::int32_t from = 0;  ///< from the start of the segment; may lie before it
  std::uint32_t to = 0;   ///< in the FlowRecord
  alignas(16) std::array<std::uint8_t, 16> order{};  ///< of the octets; 0x80: none
};

/// Fields up to and with one of variable length; the last segment ends with the record.
struct Segment {
  std::uint32_t first_step = 0;
  std::uint32_t end_step = 0;
  std::uint32_t fixed_octets = 0;  ///< before the field of variable length
  bool has_fields = false;         ///< that fill something, unless others come first
  bool ends_variable = false;
  bool variable_is_frame = false;  ///< a packet section: keep where it lies
};

/// Which times one direction of a record has, and how they are told.
struct TimeFields {
  bool has_start = false;
  bool has_end = false;
  bool has_duration = false;     ///< and one of the two only
  bool start_is_uptime = false;  ///< IPFIX: start_uptime of the scratch is filled
  bool end_is_uptime = false;
};

/// What to do behind the steps, because a template asks for it.
struct Plan {
  enum class Kind : std::uint8_t { nothing, flows, frames, nat_events };

  Kind kind = Kind::nothing;
  bool is_biflow = false;       ///< a record may give a second flow, the other way round
  bool icmp_from_port = false;  ///< no ICMP element: exporters put type and code in the port
  LinkType frame_link = LinkType::ethernet;  ///< what element 315, 104 or 313 begins with
  bool has_rate = false;                     ///< elements 34, 50, 305, 311
  bool has_sampler = false;
  bool sampler_is_selector = false;  ///< element 302
  bool has_packet_space = false;
  bool has_population = false;
  bool has_boot = false;
  bool has_frame_size = false;
  bool has_extended_event = false;
  bool has_translation = false;
  bool has_ingress_vrf = false;
  bool has_egress_vrf = false;
  bool moves_lay_flows = false;   ///< all but `start`, so that nothing has to be filled in before
  bool saw_ntp_fraction = false;  ///< a true NTP fraction came: no microseconds in its place
  TimeFields times, reverse_times;
  std::uint32_t present = 0;          ///< FlowField bits of every flow
  std::uint32_t reverse_present = 0;  ///< what reverse elements tell
  std::uint16_t nat_present = 0;      ///< NatField bits
  FlowRecord like;                    ///< what the flows of the template have in common
  std::size_t record_octets = 0;      ///< 0: of variable length
  std::vector<Step> steps;
  std::vector<Move> moves;
  std::vector<Segment> segments;
};

/// \param with_moves  false: steps alone, as on machines that cannot shuffle octets.
/// \throws std::bad_alloc
[[nodiscard]] Plan compile(const Template& layout, bool with_moves = true);

/// Runs the steps of a plan over a block whose `at` points to the records' starts. The flows must
/// have been filled with `block.like`, unless `plan.moves_lay_flows`.
/// \param reverse  where the reverse halves of biflows go; unused for other plans.
void run_steps(const Plan& plan, Block& block, const Block& reverse) noexcept;

}  // namespace flowlens::normalize
