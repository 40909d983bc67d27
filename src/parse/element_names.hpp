/// \file
/// parse: names and types of elements that no table lists: reverse ones, NetFlow v9 scopes, unknown
/// ones. Shared by the built-in elements and InformationModel.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "flowlens/information_element.hpp"

namespace flowlens::parse {

inline constexpr std::array<std::string_view, 5> kV9Scopes{
    "scopeSystem", "scopeInterface", "scopeLineCard", "scopeCache", "scopeTemplate"};

/// `octetDeltaCount` → `reverseOctetDeltaCount`
[[nodiscard]] std::string reverse_name(std::string_view forward);

/// \param find  ElementId → const InformationElement*
template <typename Find>
std::string name_of(ElementId id, const Find& find) {
  if (id.enterprise == kV9ScopeEnterprise && id.number >= 1 && id.number <= kV9Scopes.size()) {
    return std::string{kV9Scopes[id.number - 1u]};
  }
  if (const InformationElement* known = find(id)) return std::string{known->name};
  if (id.enterprise == kReverseEnterprise) {
    const InformationElement* forward = find(ElementId{0, id.number});
    if (forward != nullptr) return reverse_name(forward->name);
  }
  std::string name;
  if (id.enterprise != 0) name.append("e").append(std::to_string(id.enterprise));
  return name.append("id").append(std::to_string(id.number));
}

template <typename Find>
ElementType type_of(ElementId id, const Find& find) noexcept {
  if (id.enterprise == kV9ScopeEnterprise) return ElementType::unsigned_integer;
  if (id.enterprise == kReverseEnterprise) id.enterprise = 0;
  const InformationElement* known = find(id);
  return known != nullptr ? known->type : ElementType::octet_array;
}

}  // namespace flowlens::parse
