/// \file
/// Scenarios: what happens in the simulated network, as a YAML file.
#pragma once

#include <string>

namespace simnet {

struct Options;

/// Sets what the file says and leaves the rest as it is.
/// \throws std::invalid_argument naming file, line and key, what is wrong and what would be right.
void load_scenario(const std::string& path, Options& options);

/// All keys with their ranges and meanings, a line each.
[[nodiscard]] std::string scenario_help();

}  // namespace simnet
