/// \file
/// auth: `flowlensd user`, for those who own the machine and cannot log in.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace flowlensd {

/// \param arguments  what follows `user`. \return exit status.
/// \throws flowlens::ConfigError, flowlens::IoError
int run_user_command(const std::vector<std::string>& arguments, const Environment& environment,
                     std::ostream& out);

}  // namespace flowlensd
