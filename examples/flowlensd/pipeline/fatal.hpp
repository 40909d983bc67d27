/// \file
/// pipeline: how a thread says that the daemon cannot go on.
#pragma once

#include <functional>
#include <string>

namespace flowlensd {

/// Called from any thread; asks the daemon to stop with a failure. Returns at once.
using FatalHandler = std::function<void(const std::string& why)>;

}  // namespace flowlensd
