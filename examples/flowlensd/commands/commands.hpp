/// \file
/// commands: what flowlensd does besides running: `flowlensd config`, `flowlensd doctor` and so on.
#pragma once

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace flowlensd {

inline constexpr int kGood = 0;
inline constexpr int kFailed = 1;
inline constexpr int kMisconfigured = 2;

/// \param arguments  after the command's name.
/// \return the exit status. \throws flowlens::ConfigError, flowlens::IoError.
using CommandRun = int (*)(const std::vector<std::string>& arguments,
                           const Environment& environment, std::ostream& out);

struct Command {
  std::string_view name;
  CommandRun run;
};

/// \return null if there is no command of that name.
[[nodiscard]] const Command* find_command(std::string_view name) noexcept;

int run_config(const std::vector<std::string>& arguments, const Environment& environment,
               std::ostream& out);
int run_doctor(const std::vector<std::string>& arguments, const Environment& environment,
               std::ostream& out);
int run_migrate(const std::vector<std::string>& arguments, const Environment& environment,
                std::ostream& out);
int run_backup(const std::vector<std::string>& arguments, const Environment& environment,
               std::ostream& out);
int run_restore(const std::vector<std::string>& arguments, const Environment& environment,
                std::ostream& out);

}  // namespace flowlensd
