/// \file
/// The machine's conditions: a figure without them says nothing.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace flowlens::bench {

struct Conditions {
  std::string cpu;
  unsigned cores = 0;
  int core = 0;                         ///< the one the process was pinned to
  std::array<double, 3> load_before{};  ///< load average over 1, 5 and 15 minutes
  std::array<double, 3> load_after{};
  std::string system;  ///< `Linux 6.1.0 x86_64`
  std::string compiler;
  std::string_view flags;
  std::string_view version;
};

/// Runs the calling thread on `core` only; −1: the last core it may use.
/// \return the core. \throws ConfigError if that is none of ours.
int pin_to_core(int core);
[[nodiscard]] Conditions conditions(int core);
[[nodiscard]] std::array<double, 3> load_average();
/// The conditions, the load as it is now among them, and `figures` as member `name`.
[[nodiscard]] nlohmann::ordered_json with_conditions(Conditions c, const std::string& name,
                                                     nlohmann::ordered_json figures);
/// All of `told` as JSON, or its members other than `name`, a line each.
/// \return false: the figures themselves are still to be printed.
bool print(const nlohmann::ordered_json& told, const std::string& name, bool as_json);

}  // namespace flowlens::bench
