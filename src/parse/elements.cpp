#include <algorithm>
#include <array>
#include <cctype>

#include "flowlens/information_element.hpp"
#include "flowlens/template.hpp"
#include "parse/element_table.hpp"

namespace flowlens {
namespace {

using parse::kElements;

static_assert(std::is_sorted(std::begin(kElements), std::end(kElements),
                             [](const InformationElement& a, const InformationElement& b) {
                               return a.id < b.id;
                             }));

constexpr std::array<std::string_view, 5> kV9Scopes{"scopeSystem", "scopeInterface",
                                                    "scopeLineCard", "scopeCache", "scopeTemplate"};

}  // namespace

const InformationElement* find_element(ElementId id) noexcept {
  const auto* found =
      std::lower_bound(std::begin(kElements), std::end(kElements), id,
                       [](const InformationElement& e, ElementId wanted) { return e.id < wanted; });
  return found != std::end(kElements) && found->id == id ? found : nullptr;
}

const InformationElement* find_element(std::string_view name) noexcept {
  const auto* found = std::find_if(std::begin(kElements), std::end(kElements),
                                   [name](const InformationElement& e) { return e.name == name; });
  return found != std::end(kElements) ? found : nullptr;
}

std::span<const InformationElement> all_elements() noexcept { return kElements; }

std::string element_name(ElementId id) {
  if (id.enterprise == kV9ScopeEnterprise && id.number >= 1 && id.number <= kV9Scopes.size()) {
    return std::string{kV9Scopes[id.number - 1u]};
  }
  if (const InformationElement* known = find_element(id)) return std::string{known->name};
  if (id.enterprise == kReverseEnterprise) {
    if (const InformationElement* forward = find_element(ElementId{0, id.number})) {
      std::string name{"reverse"};
      name += static_cast<char>(std::toupper(static_cast<unsigned char>(forward->name[0])));
      return name.append(forward->name.substr(1));
    }
  }
  std::string name;
  if (id.enterprise != 0) name.append("e").append(std::to_string(id.enterprise));
  return name.append("id").append(std::to_string(id.number));
}

bool is_legal_length(ElementType type, std::uint16_t length_octets) noexcept {
  if (length_octets == 0 || length_octets == kVariableLength) return true;
  switch (type) {
    case ElementType::unsigned_integer:
    case ElementType::signed_integer:
      return length_octets <= 8;
    case ElementType::floating:
      return length_octets == 4 || length_octets == 8;
    case ElementType::boolean:
      return length_octets == 1;
    case ElementType::mac_address:
      return length_octets == 6;
    case ElementType::date_time_seconds:
    case ElementType::ipv4_address:
      return length_octets == 4;
    case ElementType::date_time_milliseconds:
    case ElementType::date_time_microseconds:
    case ElementType::date_time_nanoseconds:
      return length_octets == 8;
    case ElementType::ipv6_address:
      return length_octets == 16;
    case ElementType::octet_array:
    case ElementType::string:
    case ElementType::basic_list:
    case ElementType::sub_template_list:
    case ElementType::sub_template_multi_list:
      return true;
  }
  return true;
}

}  // namespace flowlens
