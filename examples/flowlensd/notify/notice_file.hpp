/// \file
/// notify: a file with one notice a line.
#pragma once

#include <filesystem>
#include <string_view>

namespace flowlensd {

/// Appends the text and an end of line, in one write. The file is opened each time, so that one moved away
/// is made anew.
/// \throws flowlens::IoError naming the file and the reason.
void append_line(const std::filesystem::path& file, std::string_view text);

}  // namespace flowlensd
