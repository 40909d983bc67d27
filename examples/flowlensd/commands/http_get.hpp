/// \file
/// commands: asks a running daemon, by HTTP.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "flowlens/ip_address.hpp"

namespace flowlensd {

/// \return the body of the answer, whatever its status; nothing if there is no answer in time.
[[nodiscard]] std::optional<std::string> http_get(const flowlens::IpAddress& host,
                                                  std::uint16_t port, const std::string& target,
                                                  std::chrono::milliseconds wait);

}  // namespace flowlensd
