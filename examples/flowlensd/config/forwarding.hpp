/// \file
/// config: where flows are sent on to, and which.
#pragma once

#include <string_view>

#include "config/settings.hpp"
#include "flowlens/filter.hpp"
#include "library.hpp"

namespace flowlensd {

/// Empty for an empty text. \throws ConfigError that points at what is wrong.
[[nodiscard]] Filter<FlowRecord> parse_forward_filter(std::string_view text);

/// \throws ConfigError for what cannot be, and for a collector that is this process itself.
void check_forwarding(const Settings& settings);

/// Ports, certificates and folders that do not go together. \throws ConfigError
void check_streams(const Settings& settings);

}  // namespace flowlensd
