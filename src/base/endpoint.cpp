#include "flowlens/endpoint.hpp"

#include <algorithm>

#include "flowlens/error.hpp"

namespace flowlens {

SiteTable::SiteTable() : names_{"default"} {}

SiteId SiteTable::add(std::string_view name) {
  if (name.empty()) throw ConfigError("a site needs a name, e.g. `berlin`");
  const auto known = std::find(names_.begin(), names_.end(), name);
  if (known == names_.end()) {
    if (names_.size() > 0xffff) throw ConfigError("more than 65,536 sites");
    names_.emplace_back(name);
    return SiteId{static_cast<std::uint16_t>(names_.size() - 1)};
  }
  return SiteId{static_cast<std::uint16_t>(known - names_.begin())};
}

std::string_view SiteTable::name(SiteId id) const noexcept {
  return id.value < names_.size() ? names_[id.value] : names_[0];
}

}  // namespace flowlens
