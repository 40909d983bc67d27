/// \file
/// base: SHA-1 (RFC 3174), for UUIDv5 and nothing else: it is no protection against forgery.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace flowlens::base {

[[nodiscard]] std::array<std::uint8_t, 20> sha1(std::span<const std::uint8_t> message);

}  // namespace flowlens::base
