/// \file
/// config: information elements that the administrator adds by a file.
#pragma once

#include <memory>
#include <string>

#include "library.hpp"

namespace flowlensd {

/// Reads a table as InformationModel::add_table() takes it.
/// \throws ConfigError naming the file, and the line if one is wrong.
[[nodiscard]] std::shared_ptr<const InformationModel> read_elements(const std::string& path);

}  // namespace flowlensd
