#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "auth/user_command.hpp"
#include "config/load.hpp"
#include "daemon.hpp"
#include "flowlens/error.hpp"
#include "log.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kMisconfigured = 2;

int run(const std::vector<std::string>& arguments) {
  using namespace flowlensd;
  const Environment environment = process_environment();
  if (!arguments.empty() && arguments[0] == "user") {
    return run_user_command({arguments.begin() + 1, arguments.end()}, environment, std::cout);
  }
  auto loaded = load(arguments, environment, std::cout);
  if (!loaded) return 0;
  const Settings& s = loaded->settings;
  log::start(s.log_level, s.log_format, s.log_include_timestamp);
  for (const std::string& w : loaded->warnings) log::warning("config", w);
  // Reading captures for their summary needs no folder; everything else keeps what it learns.
  if (s.data_dir.empty() && loaded->run.inputs.empty()) {
    loaded->settings.data_dir = default_data_dir(environment);
  }
  return Daemon(*loaded).run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const flowlens::ConfigError& e) {
    std::cerr << "flowlensd: " << e.what() << '\n';
    return kMisconfigured;
  } catch (const std::exception& e) {
    std::cerr << "flowlensd: " << e.what() << '\n';
    return kFailed;
  }
}
