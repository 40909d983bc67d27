/// \file
/// normalize: the steps a plan is made of: one conversion each, over a block.
#pragma once

#include <algorithm>

#include "normalize/plan.hpp"
#include "normalize/rates.hpp"
#include "wire/load.hpp"

namespace flowlens::normalize {

/// Times past the year 2115 are held at it, so that differences of times never overflow.
inline constexpr std::uint64_t kMaxSeconds = 4'600'000'000;

inline Timestamp from_seconds(std::uint64_t s) noexcept {
  return Timestamp{std::chrono::seconds{static_cast<std::int64_t>(std::min(s, kMaxSeconds))}};
}
inline Timestamp from_milliseconds(std::uint64_t ms) noexcept {
  return Timestamp{
      std::chrono::milliseconds{static_cast<std::int64_t>(std::min(ms, kMaxSeconds * 1'000))}};
}
/// RFC 7011 §6.1.9: NTP seconds and fraction; seconds before 1970 are of the era that begins in
/// 2036.
inline Timestamp from_ntp(std::uint64_t ntp) noexcept {
  constexpr std::uint64_t k1970 = 2'208'988'800;
  if (ntp == 0) return {};
  std::uint64_t seconds = ntp >> 32;
  seconds = seconds >= k1970 ? seconds - k1970 : seconds + (std::uint64_t{1} << 32) - k1970;
  const std::uint64_t ns = ((ntp & 0xffff'ffffu) * 1'000'000'000) >> 32;
  return from_seconds(seconds) + std::chrono::nanoseconds{static_cast<std::int64_t>(ns)};
}
/// A time since boot, by what the boot clock said at export (RFC 3954 §5.1). Signed on purpose:
/// right across a wrap, and for a flow a moment ahead of its header.
inline Timestamp from_uptime(std::int64_t export_ns, std::uint32_t uptime_ms,
                             std::uint32_t switched_ms) noexcept {
  const auto age_ms = static_cast<std::int32_t>(uptime_ms - switched_ms);
  return from_unix_ns(export_ns - std::int64_t{age_ms} * 1'000'000);
}

/// Width is a constant for the usual ones, 0 for "as the argument says".
template <std::size_t Width>
std::uint64_t load(const std::byte* p, std::size_t width) noexcept {
  if constexpr (Width == 1)
    return wire::load8(p);
  else if constexpr (Width == 2)
    return wire::load16(p);
  else if constexpr (Width == 4)
    return wire::load32(p);
  else if constexpr (Width == 8)
    return wire::load64(p);
  else
    return wire::load_unsigned(p, width);
}

/// A value of variable length, by the length in front of it (RFC 7011 §7). The parser has measured
/// the record, so both are there.
inline std::span<const std::byte> variable_at(const std::byte* p) noexcept {
  const std::size_t length = wire::load8(p);
  if (length != 255) return {p + 1, length};
  return {p + 3, wire::load16(p + 1)};
}

/// Calls `each(record index, first octet of the field)`.
template <typename Each>
inline void for_block(const Block& block, std::size_t offset, Each&& each) noexcept {
  for (std::size_t i = 0; i < block.count; ++i) each(i, block.at[i] + offset);
}

/// An unsigned integer into a member of FlowRecord, narrowed where the member is (RFC 7011 §6.2).
template <auto Member, std::size_t Width>
void put_number(const Block& block, std::size_t offset, std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    auto& target = block.flows[i].*Member;
    target = static_cast<std::remove_reference_t<decltype(target)>>(load<Width>(p, width));
  });
}
template <auto Member, std::size_t Width>
void put_scratch(const Block& block, std::size_t offset, std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    auto& target = (block.scratch->*Member)[i];
    target = static_cast<std::remove_reference_t<decltype(target)>>(load<Width>(p, width));
  });
}

template <auto Member>
void put_v4(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset,
            [&](std::size_t i, const std::byte* p) { block.flows[i].*Member = wire::load_v4(p); });
}
/// Behind put_v6, where a template has both: the one that is not zero counts.
template <auto Member>
void put_v4_unless_zero(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    IpAddress& target = block.flows[i].*Member;
    if (wire::load32(p) != 0 || target == IpAddress{}) target = wire::load_v4(p);
  });
}
template <auto Member>
void put_v6(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset,
            [&](std::size_t i, const std::byte* p) { block.flows[i].*Member = wire::load_v6(p); });
}

/// How a field tells a time.
enum class TimeForm : std::uint8_t {
  uptime,  ///< milliseconds since boot, where the message header has the uptime
  seconds,
  milliseconds,
  ntp,
  delta_microseconds,  ///< before the export time
};

template <TimeForm Form>
Timestamp time_of(const SetFacts& set, std::uint64_t value) noexcept {
  if constexpr (Form == TimeForm::uptime) {
    // Cisco NX-OS: 8 octets, an uptime all the same or milliseconds since 1970.
    if (value > 0xffff'ffffu) return from_milliseconds(value);
    return from_uptime(set.export_ns, set.uptime_ms, static_cast<std::uint32_t>(value));
  } else if constexpr (Form == TimeForm::seconds) {
    return from_seconds(value);
  } else if constexpr (Form == TimeForm::milliseconds) {
    return from_milliseconds(value);
  } else if constexpr (Form == TimeForm::ntp) {
    return from_ntp(value);
  } else {
    const std::uint64_t us = std::min<std::uint64_t>(value, 0xffff'ffffu);
    return from_unix_ns(set.export_ns - static_cast<std::int64_t>(us) * 1'000);
  }
}
template <auto Member, TimeForm Form, std::size_t Width>
void put_time(const Block& block, std::size_t offset, std::size_t width) noexcept {
  const SetFacts set = *block.set;
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    block.flows[i].*Member = time_of<Form>(set, load<Width>(p, width));
  });
}
template <TimeForm Form>
void put_both_times(const Block& block, std::size_t offset, std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    const std::uint64_t value = wire::load_unsigned(p, width);
    block.flows[i].start = block.flows[i].end = time_of<Form>(*block.set, value);
  });
}
/// NTP times, or what Citrix Netscaler sends as such: microseconds in place of the fraction. Those
/// are below a million, which a true fraction is once in 4295 times; so one that is not settles it
/// for the template.
template <auto Member>
void put_ntp_time(const Block& block, std::size_t offset, std::size_t) noexcept {
  bool& saw_fraction = *block.saw_ntp_fraction;
  for (std::size_t i = 0; i < block.count && !saw_fraction; ++i) {
    saw_fraction = wire::load32(block.at[i] + offset + 4) >= 1'000'000;
  }
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    const std::uint64_t ntp = wire::load64(p);
    block.flows[i].*Member = saw_fraction
                                 ? from_ntp(ntp)
                                 : from_ntp(ntp & ~std::uint64_t{0xffff'ffffu}) +
                                       std::chrono::microseconds{ntp == 0 ? 0 : ntp & 0xffff'ffffu};
  });
}

/// flowDurationMilliseconds, flowDurationMicroseconds. \tparam Unit  nanoseconds
template <std::uint64_t Unit>
void put_duration(const Block& block, std::size_t offset, std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    block.scratch->duration_ns[i] =
        std::min<std::uint64_t>(wire::load_unsigned(p, width), 0xffff'ffffu) * Unit;
  });
}

inline void put_icmp_type(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    block.flows[i].icmp_type_code |= static_cast<std::uint16_t>(wire::load8(p) << 8);
  });
}
inline void put_icmp_code(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    block.flows[i].icmp_type_code |= wire::load8(p);
  });
}

/// A sampling rate in the record itself; 0 says nothing.
inline void put_rate(const Block& block, std::size_t offset, std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    const std::uint64_t rate = sensible_rate(wire::load_unsigned(p, width), width);
    if (rate == 0) return;
    block.flows[i].sampling_rate = static_cast<std::uint32_t>(rate);
    block.flows[i].sampling_source = SamplingSource::record;
  });
}
/// samplingProbability (RFC 5477 §8.2.11): float64, or float32 reduced.
inline void put_probability(const Block& block, std::size_t offset, std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    const std::uint32_t rate = rate_of_probability({p, width});
    if (rate == 0) return;
    block.flows[i].sampling_rate = rate;
    block.flows[i].sampling_source = SamplingSource::record;
  });
}

/// firewallEvent: 3 is "flow denied".
inline void put_firewall_event(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    if (wire::load8(p) == 3) block.flows[i].kind = FlowKind::denied;
  });
}

/// biflowDirection (RFC 5103 §6.3): 1 the source began, 2 the destination did.
inline void put_biflow_direction(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    const std::uint8_t direction = wire::load8(p);
    block.flows[i].initiator = direction == 1   ? Initiator::source
                               : direction == 2 ? Initiator::destination
                                                : Initiator::not_stated;
  });
}

inline void put_frame(const Block& block, std::size_t offset, std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    block.scratch->frame[i] = {p, width};
  });
}

}  // namespace flowlens::normalize
