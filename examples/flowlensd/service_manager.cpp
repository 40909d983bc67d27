#include "service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace flowlensd {
namespace {

void tell(const std::string& state) { sd_notify(0, state.c_str()); }

/// A line end would begin a variable of its own.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

}  // namespace

ServiceManager::ServiceManager() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) > 0) {
    watchdog_ = std::chrono::microseconds(microseconds);
  }
}

void ServiceManager::ready(const std::string& status) {
  tell("READY=1\nSTATUS=" + one_line(status));
}

void ServiceManager::reloading() {
  // Type=notify-reload compares the time with that of its signal.
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch());
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void ServiceManager::stopping(const std::string& status) {
  tell("STOPPING=1\nSTATUS=" + one_line(status));
}

void ServiceManager::status(const std::string& text) { tell("STATUS=" + one_line(text)); }

void ServiceManager::alive() { tell("WATCHDOG=1"); }

}  // namespace flowlensd
