/// \file
/// normalize: which element fills what, and how it is read.
#pragma once

#include <cstdint>
#include <span>

#include "normalize/plan.hpp"

namespace flowlens::normalize {

/// What a step fills. Of several fields for one target, the one with the lowest rank counts.
enum class Target : std::uint8_t {
  source_v6,
  destination_v6,
  next_hop_v6,  // before the v4 ones: see put_v4_unless_zero
  source_v4,
  destination_v4,
  next_hop_v4,
  protocol,
  source_port,
  destination_port,
  octets,
  packets,
  start,
  end,
  duration,
  tcp_flags,
  ingress,
  egress,
  source_as,
  destination_as,
  source_length,
  destination_length,
  tos,
  vlan,
  icmp,
  icmp_type,
  icmp_code,
  direction,
  rate,
  packet_space,
  sampling_size,
  population,
  sampler,
  boot,
  firewall_event,
  extended_event,
  biflow_direction,
  frame,
  ip_section,
  frame_size,
  observed,
  nat_event,
  post_source_v6,
  post_destination_v6,
  post_source_v4,
  post_destination_v4,
  post_source_port,
  post_destination_port,
  ingress_vrf,
  egress_vrf,
  nat_pool,
  port_block_start,
  port_block_end,
  port_block_size,
  count,
};
inline constexpr std::size_t kTargets = static_cast<std::size_t>(Target::count);

/// Where a value lies in a FlowRecord, if its octets only have to be put there.
struct Place {
  std::uint16_t offset = 0;
  std::uint16_t octets = 0;  ///< 0: it takes a step
};

inline constexpr std::uint8_t kAnyWidth = 0;  ///< 1 to 8 octets

/// How one element is read.
struct Rule {
  std::uint16_t number;
  Target target;
  std::uint8_t rank;
  std::uint8_t width;        ///< octets it must have, or kAnyWidth
  StepFunction by_width[5];  ///< for 1, 2, 4, 8 and other widths
  Place place{};
  bool fills_reverse = false;  ///< without being a reverse element: responder's counts
  bool is_vendors_v9 = false;  ///< a type of NetFlow v9 that IPFIX has no number for
  CounterSource counts = CounterSource::none;
};

/// \return null for an element that fills nothing.
[[nodiscard]] const Rule* rule_of(std::uint16_t number) noexcept;

/// The step for a field of that length.
[[nodiscard]] StepFunction function_of(const Rule& rule, std::uint16_t length) noexcept;

}  // namespace flowlens::normalize
