#include "conditions.hpp"

#include <sched.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include <fstream>
#include <iostream>
#include <thread>

#include "flowlens/error.hpp"
#include "flowlens/version.hpp"

namespace flowlens::bench {
namespace {

std::string cpu_model() {
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string system_name() {
  utsname names{};
  if (::uname(&names) != 0) return "unknown";
  return std::string(names.sysname) + " " + names.release + " " + names.machine;
}

std::string compiler_name() {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace

int pin_to_core(int core) {
  cpu_set_t ours;
  CPU_ZERO(&ours);
  ::sched_getaffinity(0, sizeof ours, &ours);
  for (int i = 0; core < 0 && i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(CPU_SETSIZE - 1 - i, &ours)) core = CPU_SETSIZE - 1 - i;
  }
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  if (core >= 0) CPU_SET(core, &wanted);
  if (::sched_setaffinity(0, sizeof wanted, &wanted) != 0) {
    throw ConfigError("--core: this process may not run on core " + std::to_string(core) +
                      "; there are " + std::to_string(std::thread::hardware_concurrency()));
  }
  return core;
}

std::array<double, 3> load_average() {
  std::array<double, 3> load{};
  ::getloadavg(load.data(), 3);
  return load;
}

Conditions conditions(int core) {
  Conditions now;
  now.cpu = cpu_model();
  now.cores = std::thread::hardware_concurrency();
  now.core = core;
  now.load_before = load_average();
  now.system = system_name();
  now.compiler = compiler_name();
  now.flags = FLOWLENS_BENCH_FLAGS;
  now.version = kVersion;
  return now;
}

nlohmann::ordered_json with_conditions(Conditions c, const std::string& name,
                                       nlohmann::ordered_json figures) {
  c.load_after = load_average();
  nlohmann::ordered_json told{{"cpu", c.cpu},
                              {"cores", c.cores},
                              {"load_before", c.load_before},
                              {"load_after", c.load_after},
                              {"system", c.system},
                              {"compiler", c.compiler},
                              {"flags", c.flags}};
  told[name] = std::move(figures);
  return told;
}

bool print(const nlohmann::ordered_json& told, const std::string& name, bool as_json) {
  if (as_json) {
    std::cout << told.dump(2) << "\n";
    return true;
  }
  for (const auto& [member, value] : told.items()) {
    if (member != name) std::cout << member << ": " << value.dump() << "\n";
  }
  return false;
}

}  // namespace flowlens::bench
