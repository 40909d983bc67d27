/// \file
/// What systemd is told of this process (sd_notify), and its watchdog.
#pragma once

#include <chrono>
#include <string>

namespace flowlensd {

/// Does nothing where no service manager asked to be told. Thread-compatible.
class ServiceManager {
 public:
  using Clock = std::chrono::steady_clock;

  ServiceManager();

  void ready(const std::string& status);
  void reloading();
  void stopping(const std::string& status);
  /// One line that `systemctl status` shows.
  void status(const std::string& text);

  /// How long a part may be silent before the watchdog is left to bite; zero: there is none.
  [[nodiscard]] Clock::duration watchdog() const noexcept { return watchdog_; }
  /// Call several times within watchdog(), as long as all is alive.
  void alive();

 private:
  Clock::duration watchdog_{};
};

}  // namespace flowlensd
