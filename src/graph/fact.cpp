#include "flowlens/fact.hpp"

namespace flowlens {

namespace {

bool is_word_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::string_view to_string(FactSource s) noexcept {
  constexpr std::string_view kNames[] = {"observed", "inferred",  "dns",
                                         "cloud",    "inventory", "declared"};
  return kNames[static_cast<std::size_t>(s)];
}

bool is_valid_attribute(std::string_view attribute) noexcept {
  if (attribute.empty() || attribute.size() > kLongestAttribute) return false;
  bool in_word = false;
  for (const char c : attribute) {
    const bool is_point = c == '.';
    if (is_point ? !in_word : !is_word_character(c)) return false;
    in_word = !is_point;
  }
  return in_word;
}

}  // namespace flowlens
