/// \file
/// The daemon's log: one event a line, JSON or console, on standard error.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "config/settings.hpp"

namespace flowlensd::log {

using Fields = nlohmann::ordered_json;

struct Options {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::automatic;  ///< console where standard error is a terminal
  bool include_timestamp = true;
  bool include_caller = true;  ///< `pipeline/ingest.cpp:120`
};

[[nodiscard]] Options options_of(const Settings& settings);

/// Call once, before the first line.
void start(const Options& options);
/// At any time after that; thread-safe.
void change(const Options& options);
/// Writes out what is buffered.
void flush() noexcept;

/// The line of code that writes a line of the log.
struct Caller {
  const char* file;
  int line;
  // As default arguments these two name the place of the call.
  static constexpr Caller here(const char* file = __builtin_FILE(),
                               int line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

/// One line. `logger` names the part (`ingest`, `store`), `fields` is an object with details.
/// Thread-safe. Text from outside is escaped.
void write(LogLevel level, std::string_view logger, std::string_view message,
           const Fields& fields = Fields::object(), Caller caller = Caller::here()) noexcept;

inline void debug(std::string_view logger, std::string_view message,
                  const Fields& f = Fields::object(), Caller caller = Caller::here()) noexcept {
  write(LogLevel::debug, logger, message, f, caller);
}
inline void info(std::string_view logger, std::string_view message,
                 const Fields& f = Fields::object(), Caller caller = Caller::here()) noexcept {
  write(LogLevel::info, logger, message, f, caller);
}
inline void warning(std::string_view logger, std::string_view message,
                    const Fields& f = Fields::object(), Caller caller = Caller::here()) noexcept {
  write(LogLevel::warning, logger, message, f, caller);
}
inline void error(std::string_view logger, std::string_view message,
                  const Fields& f = Fields::object(), Caller caller = Caller::here()) noexcept {
  write(LogLevel::error, logger, message, f, caller);
}

}  // namespace flowlensd::log
