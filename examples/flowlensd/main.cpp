#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "api_daemon.hpp"
#include "commands/commands.hpp"
#include "config/load.hpp"
#include "config/roles.hpp"
#include "daemon.hpp"
#include "flowlens/error.hpp"
#include "ingest_daemon.hpp"
#include "log.hpp"
#include "standby.hpp"

namespace {

using namespace flowlensd;

int run_daemon(const std::vector<std::string>& arguments, const Environment& environment) {
  const auto loaded = load(arguments, environment, std::cout);
  if (!loaded) return kGood;
  log::start(log::options_of(loaded->settings));
  for (const std::string& w : loaded->warnings) log::warning("config", w);
  const Configuration::Read read = [&] { return *load(arguments, environment, std::cout); };
  const Roles roles = parse_roles(loaded->settings.roles);
  if (roles.has(Role::resolve)) return Daemon(*loaded, read).run();
  if (roles.has(Role::api)) return ApiDaemon(*loaded, read).run();
  return IngestDaemon(*loaded, read).run();
}

int run(const std::vector<std::string>& arguments) {
  const Environment environment = process_environment();
  const Command* command = arguments.empty() ? nullptr : find_command(arguments.front());
  if (command == nullptr) return run_daemon(arguments, environment);
  return command->run({arguments.begin() + 1, arguments.end()}, environment, std::cout);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const StoppedStandingBy&) {
    log::flush();
    return kGood;
  } catch (const flowlens::ConfigError& e) {
    std::cerr << "flowlensd: " << e.what() << '\n';
    return kMisconfigured;
  } catch (const std::exception& e) {
    std::cerr << "flowlensd: " << e.what() << '\n';
    return kFailed;
  }
}
