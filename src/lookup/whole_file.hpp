/// \file
/// lookup: files that are read at once, within a limit.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace flowlens::lookup {

/// The whole file. \throws IoError if it is none (a pipe, a directory), or has more than `max_octets`.
[[nodiscard]] std::string read_file(const std::filesystem::path& path, std::size_t max_octets);

}  // namespace flowlens::lookup
