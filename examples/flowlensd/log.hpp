/// \file
/// The daemon's log: one event a line, JSON or console, on standard error.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "config/settings.hpp"

namespace flowlensd::log {

using Fields = nlohmann::ordered_json;

/// Call once, before the first line. `automatic` is console where standard error is a terminal.
void start(LogLevel level, LogFormat format, bool include_timestamp);
/// Writes out what is buffered.
void flush() noexcept;

/// One line. `logger` names the part (`ingest`, `store`), `fields` is an object with details.
/// Thread-safe. Text from outside is escaped.
void write(LogLevel level, std::string_view logger, std::string_view message,
           const Fields& fields = Fields::object()) noexcept;

inline void debug(std::string_view logger, std::string_view message,
                  const Fields& f = Fields::object()) noexcept {
  write(LogLevel::debug, logger, message, f);
}
inline void info(std::string_view logger, std::string_view message,
                 const Fields& f = Fields::object()) noexcept {
  write(LogLevel::info, logger, message, f);
}
inline void warning(std::string_view logger, std::string_view message,
                    const Fields& f = Fields::object()) noexcept {
  write(LogLevel::warning, logger, message, f);
}
inline void error(std::string_view logger, std::string_view message,
                  const Fields& f = Fields::object()) noexcept {
  write(LogLevel::error, logger, message, f);
}

}  // namespace flowlensd::log
