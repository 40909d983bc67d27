#include "normalize/options_record.hpp"

#include <algorithm>

#include "normalize/rates.hpp"

namespace flowlens::normalize {
namespace {

/// Text without the padding of fixed fields.
std::string_view text_of(std::span<const std::byte> octets) noexcept {
  std::string_view text{reinterpret_cast<const char*>(octets.data()), octets.size()};
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// Application ids (RFC 6759) are octets: their first is the engine, so none is lost as a number.
/// Longer ones than 8 octets (20: engine, enterprise, selector) are folded at their end.
std::uint64_t id_of(std::span<const std::byte> octets) noexcept {
  std::uint64_t id = 0;
  for (const std::byte b : octets) id = id << 8 ^ id >> 56 ^ std::to_integer<std::uint64_t>(b);
  return id;
}

using Numbers = OptionsRecord::Number OptionsRecord::*;
using Counts = std::optional<std::uint64_t> ExporterStatistics::*;
using Texts = std::string_view OptionsRecord::*;

struct NumberElement {
  std::uint16_t element;
  Numbers member;
};
constexpr NumberElement kNumbers[] = {
    {10, &OptionsRecord::interface},
    {14, &OptionsRecord::interface},
    {34, &OptionsRecord::interval},
    {35, &OptionsRecord::algorithm},
    {48, &OptionsRecord::sampler},
    {49, &OptionsRecord::algorithm},
    {50, &OptionsRecord::random_interval},
    {160, &OptionsRecord::boot_ms},
    {234, &OptionsRecord::vrf},
    {235, &OptionsRecord::vrf},
    {302, &OptionsRecord::selector},
    {304, &OptionsRecord::selector_method},
    {305, &OptionsRecord::packet_interval},
    {306, &OptionsRecord::packet_space},
    {309, &OptionsRecord::size},
    {310, &OptionsRecord::population},
};
struct CountElement {
  std::uint16_t element;
  Counts member;
};
constexpr CountElement kCounts[] = {
    {40, &ExporterStatistics::exported_octets},  {41, &ExporterStatistics::exported_messages},
    {42, &ExporterStatistics::exported_flows},   {163, &ExporterStatistics::observed_flows},
    {164, &ExporterStatistics::ignored_packets}, {165, &ExporterStatistics::ignored_octets},
    {166, &ExporterStatistics::not_sent_flows},  {167, &ExporterStatistics::not_sent_packets},
    {168, &ExporterStatistics::not_sent_octets},
};
struct TextElement {
  std::uint16_t element;
  Texts member;
};
constexpr TextElement kTexts[] = {
    {82, &OptionsRecord::interface_name},
    {83, &OptionsRecord::interface_description},
    {84, &OptionsRecord::sampler_name},
    {335, &OptionsRecord::sampler_name},
    {94, &OptionsRecord::application_description},
    {96, &OptionsRecord::application_name},
    {236, &OptionsRecord::vrf_name},
};

bool is_of_use(std::uint16_t element) noexcept {
  const auto is = [element](const auto& e) { return e.element == element; };
  return std::ranges::any_of(kNumbers, is) || std::ranges::any_of(kCounts, is) ||
         std::ranges::any_of(kTexts, is) || element == 95 || element == 311;
}

void take(OptionsRecord& out, std::uint16_t element, std::span<const std::byte> octets) noexcept {
  const std::optional<std::uint64_t> value = read_unsigned(octets);
  for (const NumberElement& n : kNumbers) {
    // What a record repeats counts by its first.
    if (n.element == element && !(out.*n.member)) out.*n.member = value;
  }
  for (const CountElement& c : kCounts) {
    if (c.element == element) out.statistics.*c.member = value;
  }
  for (const TextElement& t : kTexts) {
    if (t.element == element) out.*t.member = text_of(octets);
  }
  if (element == 34 || element == 50) out.interval_octets = octets.size();
  if (element == 95 && !octets.empty()) out.application = id_of(octets);
  if (element == 311) out.probability_rate = rate_of_probability(octets);
}

constexpr std::size_t kMaxFields = 32;  ///< of use, in one template
constexpr std::uint16_t kInterface = 10;

}  // namespace

OptionsPlan::OptionsPlan(const Template& layout)
    : fixed_runs(layout.fixed_runs().begin(), layout.fixed_runs().end()) {
  Field field;
  for (const FieldSpecifier& f : layout.fields()) {
    field.length_octets = f.length_octets;
    field.element = f.element.number;
    if (f.element == ElementId{kV9ScopeEnterprise, 2}) field.element = kInterface;
    const bool is_known = f.element.enterprise == 0 || field.element != f.element.number;
    if (is_known && f.length_octets != 0 && is_of_use(field.element) &&
        fields.size() < kMaxFields) {
      fields.push_back(field);
    }
    if (f.length_octets == kVariableLength) {
      ++field.segment;
      field.offset = 0;
    } else {
      field.offset += f.length_octets;
    }
  }
}

OptionsRecord::OptionsRecord(const OptionsPlan& plan, std::span<const std::byte> record) noexcept {
  auto field = plan.fields.begin();
  for (std::uint32_t segment = 0; field != plan.fields.end(); ++segment) {
    const std::size_t run = plan.fixed_runs[segment];
    std::span<const std::byte> rest = record.subspan(run);
    std::span<const std::byte> variable;
    if (segment + 1 < plan.fixed_runs.size()) variable = take_field({{}, kVariableLength}, rest);
    for (; field != plan.fields.end() && field->segment == segment; ++field) {
      const bool is_variable = field->length_octets == kVariableLength;
      take(*this, field->element,
           is_variable ? variable : record.subspan(field->offset, field->length_octets));
    }
    record = rest;
  }
}

std::uint32_t OptionsRecord::rate(bool& is_absurd) const noexcept {
  const auto of_interval = [&](std::uint64_t value) {
    return static_cast<std::uint32_t>(sensible_rate(value, interval_octets));
  };
  std::uint32_t rate = 0;
  bool is_told = true;
  if (random_interval.value_or(0) != 0) {
    rate = of_interval(*random_interval);
  } else if (interval.value_or(0) != 0) {
    rate = of_interval(*interval);
  } else if (packet_interval.value_or(0) != 0) {
    // Nokia and Cisco tell an interval of 1 and the space; others put the rate itself in 305.
    constexpr std::uint64_t kMost = 0xffff'ffff;
    const std::uint64_t taken = std::min(*packet_interval, kMost);
    rate =
        packet_space ? rate_of(taken, taken + std::min(*packet_space, kMost)) : rate_of(1, taken);
  } else if (size.value_or(0) != 0 && population) {
    rate = rate_of(*size, *population);
  } else {
    rate = probability_rate;
    is_told = false;
  }
  is_absurd = is_told && rate == 0;
  return rate;
}

SamplingScope OptionsRecord::scope() const noexcept {
  if (sampler) return SamplingScope::sampler;
  if (selector) return SamplingScope::selector;
  // softflowd names interface 0 and means all.
  return interface.value_or(0) != 0 ? SamplingScope::interface : SamplingScope::domain;
}

std::uint64_t OptionsRecord::scope_id() const noexcept {
  switch (scope()) {
    case SamplingScope::sampler:
      return *sampler;
    case SamplingScope::selector:
      return *selector;
    case SamplingScope::interface:
      return *interface;
    default:
      return 0;
  }
}

std::uint16_t OptionsRecord::selector_algorithm() const noexcept {
  if (selector_method) return static_cast<std::uint16_t>(*selector_method);
  // 35 and 49: 1 takes every n-th, 2 one at random out of n.
  if (algorithm == 1u) return 1;
  return algorithm == 2u ? 3 : 0;
}

bool OptionsRecord::has_statistics() const noexcept {
  for (const CountElement& c : kCounts) {
    if (statistics.*c.member) return true;
  }
  return false;
}

}  // namespace flowlens::normalize
