/// \file
/// What the log says of a process's API at its start.
#pragma once

#include <cstdint>

#include "config/settings.hpp"

namespace flowlensd {

/// Where it is, and what is open about it.
void announce_api(const Settings& settings, std::uint16_t port);

}  // namespace flowlensd
