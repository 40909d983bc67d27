/// \file
/// pipeline: how a thread says that the daemon cannot go on.
#pragma once

#include <exception>
#include <functional>
#include <string>

namespace flowlensd {

/// Called from any thread; asks the daemon to stop with a failure. Returns at once.
using FatalHandler = std::function<void(const std::string& why)>;

/// Why, after a StaleEpochError: the same words from whichever thread is the first to meet it.
inline std::string taken_over(const std::exception& error) {
  return std::string("another flowlensd has taken over this store; this one ends: ") + error.what();
}

}  // namespace flowlensd
