/// \file
/// tests/support: waiting for what another thread is about to do.
#pragma once

#include <chrono>
#include <thread>

namespace flowlens::test {

/// \return false if it has not come within half a minute.
template <typename Is>
bool wait_until(Is is_so) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace flowlens::test
