#include "config/interpolate.hpp"

#include <algorithm>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;

bool is_name(std::string_view text) noexcept {
  const auto is_letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

/// \param place  `NAME` or `NAME:-default`.
std::string value_of(std::string_view place, const Environment& environment,
                     const std::string& where) {
  const std::size_t colon = place.find(":-");
  const std::string_view name = place.substr(0, colon);
  if (!is_name(name)) {
    throw ConfigError(where + ": `${" + std::string(place) +
                      "}` names no variable; give ${NAME} or ${NAME:-default}, and $$ for a dollar "
                      "sign");
  }
  const auto found = std::find_if(environment.begin(), environment.end(),
                                  [&](const auto& variable) { return variable.first == name; });
  const bool is_set = found != environment.end();
  if (colon == std::string_view::npos) {
    if (is_set) return found->second;
    throw ConfigError(where + ": the variable " + std::string(name) +
                      " is not set; set it, or give a default: ${" + std::string(name) +
                      ":-default}");
  }
  return is_set && !found->second.empty() ? found->second : std::string(place.substr(colon + 2));
}

}  // namespace

std::string interpolated(std::string_view text, const Environment& environment,
                         const std::string& where) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dollar = std::min(text.find('$'), text.size());
    out += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos) {
        throw ConfigError(where + ": `${` opens and no } closes it; give $$ for a dollar sign");
      }
      out += value_of(text.substr(2, end - 2), environment, where);
      text.remove_prefix(end + 1);
    } else if (!text.empty()) {
      out += '$';
      text.remove_prefix(text.starts_with("$$") ? 2 : 1);
    }
  }
  return out;
}

}  // namespace flowlensd
