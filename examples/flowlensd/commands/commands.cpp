#include "commands/commands.hpp"

#include <algorithm>
#include <array>

#include "auth/user_command.hpp"

namespace flowlensd {
namespace {

constexpr std::array kCommands{Command{"config", run_config},   Command{"doctor", run_doctor},
                               Command{"migrate", run_migrate}, Command{"backup", run_backup},
                               Command{"restore", run_restore}, Command{"user", run_user_command}};

}  // namespace

const Command* find_command(std::string_view name) noexcept {
  const auto at = std::find_if(kCommands.begin(), kCommands.end(),
                               [&](const Command& c) { return c.name == name; });
  return at == kCommands.end() ? nullptr : &*at;
}

}  // namespace flowlensd
