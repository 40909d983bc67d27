/// \file
/// notify: the channel `log`: a line of the log for what becomes of an alert.
#pragma once

#include "library.hpp"

namespace flowlensd {

inline constexpr const char* kLogChannel = "log";

void tell_log(const AlertNotice& notice);

}  // namespace flowlensd
