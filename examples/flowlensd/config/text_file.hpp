/// \file
/// config: texts that the administrator wrote into files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace flowlensd {

inline constexpr std::size_t kMaxTextFileOctets = std::size_t{64} << 20;

/// \throws flowlens::IoError "path: cannot be read: why"
[[nodiscard]] std::string read_text_file(const std::string& path,
                                         std::size_t max_octets = kMaxTextFileOctets);
/// Reads the file that a setting names.
/// \throws flowlens::ConfigError "key: path: cannot be read: why"
[[nodiscard]] std::string read_file_of(std::string_view key, const std::string& path,
                                       std::size_t max_octets = kMaxTextFileOctets);

}  // namespace flowlensd
