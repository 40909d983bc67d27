/// \file
/// pipeline: the files that settings name, read as the daemon would.
#pragma once

#include "config/settings.hpp"

namespace flowlensd {

/// \throws flowlens::ConfigError naming setting, file, line and what would be right.
void check_setting_files(const Settings& settings);

}  // namespace flowlensd
