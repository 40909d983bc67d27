/// \file
/// discovery: asks addresses whether they answer, many at once and no faster than it may.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "library.hpp"

namespace flowlensd {

/// One thing to try.
struct Probe {
  IpAddress address;
  std::uint16_t port = 0;  ///< TCP; 0: an ICMP echo request
};

struct ProbeLimits {
  std::size_t at_once = 64;  ///< sockets
  std::size_t per_second = 500;
  std::chrono::milliseconds patience{1'000};  ///< for one answer
};

/// Tries all of them: TCP by connecting and closing at once, ICMP by one echo request through a datagram
/// socket (Linux gives those to the groups of net.ipv4.ping_group_range).
/// \param answered  called for each that did; \param done  for each that is over; both by this thread.
/// \return empty, or why it could not go on.
std::string run_probes(std::span<const Probe> probes, const ProbeLimits& limits,
                       const std::atomic<bool>& is_cancelled,
                       const std::function<void(const Probe&)>& answered,
                       const std::function<void()>& done);

}  // namespace flowlensd
