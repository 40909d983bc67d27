/// \file
/// config: variables in values of the file, as compose files have them.
#pragma once

#include <string>
#include <string_view>

#include "config/load.hpp"

namespace flowlensd {

/// Puts values in the places of `${NAME}` and `${NAME:-default}`; the default also for one that is empty.
/// `$$` is a dollar sign. A value is put in as it is, and not looked at again.
/// \param where  for messages: `f.yaml:3:7: api.port`.
/// \throws flowlens::ConfigError for a variable that is not set, or what is no such place.
[[nodiscard]] std::string interpolated(std::string_view text, const Environment& environment,
                                       const std::string& where);

}  // namespace flowlensd
