/// \file
/// normalize: a template compiled into steps. A step handles one field of a whole block of records,
/// so that nothing is decided per record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "flowlens/flow_record.hpp"
#include "flowlens/record.hpp"

namespace flowlens::normalize {

/// Records handled together: small enough that records and flows stay in the first-level cache.
inline constexpr std::size_t kBlock = 32;

/// Values that are no members of a FlowRecord themselves, one entry a record.
struct Scratch {
  std::array<std::uint64_t, kBlock> reverse_octets;
  std::array<std::uint64_t, kBlock> reverse_packets;
  std::array<std::uint64_t, kBlock> sampler;
  std::array<std::uint64_t, kBlock> packet_space;   ///< element 306
  std::array<std::uint64_t, kBlock> sampling_size;  ///< element 309
  std::array<std::uint64_t, kBlock> population;     ///< element 310
  std::array<std::uint64_t, kBlock> duration_ns;
  std::array<std::uint64_t, kBlock> boot_ms;       ///< element 160
  std::array<std::uint64_t, kBlock> frame_size;    ///< element 312
  std::array<std::uint32_t, kBlock> start_uptime;  ///< elements 22, 21 of IPFIX
  std::array<std::uint32_t, kBlock> end_uptime;
  std::array<Timestamp, kBlock> reverse_start;
  std::array<Timestamp, kBlock> reverse_end;
  std::array<std::span<const std::byte>, kBlock> frame;
  std::array<std::uint8_t, kBlock> reverse_tcp_flags;
};

/// What all records of a set share.
struct SetFacts {
  std::int64_t export_ns = 0;   ///< export time of the message
  std::uint32_t uptime_ms = 0;  ///< NetFlow: of the exporter at that time
  bool has_boot = false;        ///< IPFIX: told in options
  std::uint64_t boot_ms = 0;
};

/// The block a step works on.
struct Block {
  std::array<const std::byte*, kBlock> at;  ///< where offset 0 of the step lies, for each record
  std::size_t count = 0;
  FlowRecord* flows = nullptr;
  Scratch* scratch = nullptr;
  const SetFacts* set = nullptr;
};

using StepFunction = void (*)(const Block& block, std::size_t offset, std::size_t width);

struct Step {
  StepFunction run = nullptr;
  std::uint32_t offset = 0;  ///< from the start of the segment
  std::uint32_t width = 0;   ///< octets of the field
};

/// Fields up to and with one of variable length; the last segment ends with the record.
struct Segment {
  std::uint32_t first_step = 0;
  std::uint32_t end_step = 0;
  std::uint32_t fixed_octets = 0;  ///< before the field of variable length
  bool ends_variable = false;
  bool variable_is_frame = false;  ///< a packet section: keep where it lies
};

/// What to do behind the steps, because a template asks for it.
struct Plan {
  enum class Kind : std::uint8_t { nothing, flows, frames };

  Kind kind = Kind::nothing;
  bool is_biflow = false;  ///< a record may give a second flow, the other way round
  bool reverse_has_times = false;
  bool icmp_from_port = false;  ///< no ICMP element: exporters put type and code in the port
  LinkType frame_link = LinkType::ethernet;  ///< what element 315, 104 or 313 begins with
  bool has_sampler = false;
  bool has_packet_space = false;
  bool has_population = false;
  bool has_boot = false;
  bool has_duration = false;
  bool has_frame_size = false;
  bool start_is_uptime = false;  ///< IPFIX: start_uptime of the scratch is filled
  bool end_is_uptime = false;
  bool needs_scratch = false;
  std::uint32_t present = 0;  ///< FlowField bits of every flow
  Initiator initiator = Initiator::not_stated;
  std::size_t record_octets = 0;  ///< 0: of variable length
  std::vector<Step> steps;
  std::vector<Segment> segments;
};

/// \throws std::bad_alloc
[[nodiscard]] Plan compile(const Template& layout);

/// Runs the steps of a plan over a block whose `at` points to the records' starts.
void run_steps(const Plan& plan, Block& block) noexcept;

}  // namespace flowlens::normalize
