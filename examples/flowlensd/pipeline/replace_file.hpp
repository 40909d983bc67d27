/// \file
/// pipeline: files that are read and written as a whole, and whole at all times.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace flowlensd {

/// Replaces the file in one step, or makes it: a crash leaves the old one or the new one.
/// \throws flowlens::IoError naming the file and the reason.
void replace_file(const std::filesystem::path& file, std::string_view octets);

/// \return nothing if there is no such file.
/// \throws flowlens::IoError naming the file and the reason.
[[nodiscard]] std::optional<std::string> read_file(const std::filesystem::path& file);

}  // namespace flowlensd
