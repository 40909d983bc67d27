#include "flowlens/annotation.hpp"

#include <algorithm>
#include <iterator>

namespace flowlens {
namespace {

constexpr std::string_view kCriticalities[] = {"unknown", "low", "medium", "high", "critical"};
static_assert(std::size(kCriticalities) == kCriticalityCount);

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::string_view to_string(Criticality c) noexcept {
  return kCriticalities[static_cast<std::size_t>(c)];
}
std::optional<Criticality> parse_criticality(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kCriticalityCount; ++i) {
    if (kCriticalities[i] == text) return static_cast<Criticality>(i);
  }
  return std::nullopt;
}

bool is_valid_tag(std::string_view tag) noexcept {
  if (tag.empty() || tag.size() > kLongestTag) return false;
  if (tag.front() == ' ' || tag.back() == ' ') return false;
  return std::none_of(tag.begin(), tag.end(), [](char c) { return c == ',' || is_control(c); });
}

bool is_valid(const Annotation& a) noexcept {
  const auto is_out_of_order = [](const std::string& x, const std::string& y) { return x >= y; };
  return a.tags.size() <= kMostTags && a.notes.size() <= kLongestNotes &&
         a.owner.size() <= kLongestOwner && a.said_by.size() <= kLongestOwner &&
         std::all_of(a.tags.begin(), a.tags.end(), is_valid_tag) &&
         std::adjacent_find(a.tags.begin(), a.tags.end(), is_out_of_order) == a.tags.end();
}

}  // namespace flowlens
