/// \file
/// pipeline: files that are whole at all times.
#pragma once

#include <filesystem>
#include <string_view>

namespace flowlensd {

/// Replaces the file in one step, or makes it: a crash leaves the old one or the new one.
/// \throws flowlens::IoError naming the file and the reason.
void replace_file(const std::filesystem::path& file, std::string_view octets);

}  // namespace flowlensd
