/// \file
/// commands: what `flowlensd doctor` looks at.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace flowlensd {

struct Check {
  enum class Result { good, unknown, warning, bad };
  std::string name;
  Result result = Result::good;
  std::string says;
  std::string advice;  ///< what would help; empty: nothing need be done
};
[[nodiscard]] std::string_view to_string(Check::Result result) noexcept;

/// A flowlensd that runs by the same settings.
struct RunningDaemon {
  bool holds_data_dir = false;
  std::optional<std::string> health;   ///< its /health; nothing: it does not answer
  std::optional<std::string> metrics;  ///< its /metrics
};
[[nodiscard]] RunningDaemon find_running(const Settings& settings);

// Each adds what it finds; none throws.
void check_settings(const Loaded& loaded, std::vector<Check>& checks);
/// Files that settings name, certificates among them.
void check_files(const Settings& settings, std::vector<Check>& checks);
/// Asks each source of facts that the settings name, as the daemon would.
void check_lookups(const Settings& settings, std::vector<Check>& checks);
void check_data_dir(const Settings& settings, const RunningDaemon& running,
                    std::vector<Check>& checks);
void check_database(const Settings& settings, const RunningDaemon& running,
                    std::vector<Check>& checks);
/// Whether the servers that are asked for names answer.
void check_dns(const Settings& settings, std::vector<Check>& checks);
void check_clock(std::vector<Check>& checks);
/// Ports, and the receive buffer that the kernel grants.
void check_sockets(const Settings& settings, const RunningDaemon& running,
                   std::vector<Check>& checks);
/// What a running daemon says of itself, and which exporters it hears.
void check_daemon(const RunningDaemon& running, std::vector<Check>& checks);

}  // namespace flowlensd
