/// \file
/// auth: random secrets, and how they are kept: as digests, so that whoever reads the store holds none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "flowlens/id.hpp"

namespace flowlensd {

/// `octets` from the system's generator, as base64url without padding.
/// \throws flowlens::IoError if there are none.
[[nodiscard]] std::string random_text(std::size_t octets);
/// Drawn, not derived: it must not be guessed.
[[nodiscard]] flowlens::Id random_id();
/// 16 letters and digits that are not taken for each other, with dashes between: 80 bits.
[[nodiscard]] std::string random_password();
/// SHA-256 as hexadecimal digits. For random secrets only: passwords need PasswordHasher.
[[nodiscard]] std::string digest_of(std::string_view secret);

}  // namespace flowlensd
