#include "config/roles.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "config/suggest.hpp"
#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;

constexpr std::array<std::string_view, 6> kNames{"ingest",   "resolve", "enrich",
                                                 "classify", "notify",  "api"};

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw ConfigError("FLOWLENS_ROLES (roles): `" + std::string(text) + "`: " + why);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void add_named(Roles& roles, std::string_view name, std::string_view text) {
  if (name == "all") {
    for (std::size_t i = 0; i < kNames.size(); ++i) roles.add(static_cast<Role>(i));
    return;
  }
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    std::vector<std::string_view> candidates(kNames.begin(), kNames.end());
    candidates.push_back("all");
    refuse(text,
           "`" + std::string(name) + "` is no role" + suggestion(name, candidates) +
               "; give all, or names out of ingest, resolve, enrich, classify, notify and api "
               "with commas between");
  }
  roles.add(static_cast<Role>(found - kNames.begin()));
}

void check(const Roles& roles, std::string_view text) {
  if (roles.has(Role::resolve)) return;
  for (const Role part : {Role::enrich, Role::classify, Role::notify}) {
    if (!roles.has(part)) continue;
    const std::string name(kNames[static_cast<std::size_t>(part)]);
    refuse(text, name +
                     " is a part of resolve and runs in its process; name resolve here, or leave " +
                     name + " out");
  }
  if (roles.has(Role::ingest) && roles.has(Role::api)) {
    refuse(text,
           "without resolve between them ingest and api have nothing to do with each other; add "
           "resolve, or start one process for each");
  }
}

}  // namespace

std::uint16_t Roles::default_metrics_port() const noexcept {
  constexpr std::uint16_t kFirst = 8'001;
  return has(Role::ingest) ? kFirst : kFirst + 1;
}

Roles parse_roles(std::string_view text) {
  Roles roles;
  for (std::string_view rest = text; !rest.empty();) {
    const auto comma = rest.find(',');
    add_named(roles, trimmed(rest.substr(0, comma)), text);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    if (comma != std::string_view::npos && rest.empty()) refuse(text, "ends with a comma");
  }
  check(roles, text);
  return roles;
}

}  // namespace flowlensd
