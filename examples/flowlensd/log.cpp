#include "log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

#include "flowlens/time.hpp"

namespace flowlensd::log {
namespace {

using Json = nlohmann::ordered_json;

struct State {
  std::shared_ptr<spdlog::logger> out;
  bool as_json = true;
  bool with_time = true;
};

// The log is the one thing every part of the program shares; set once by start().
State& state() {
  static State s;
  return s;
}

constexpr std::array<std::string_view, 5> kNames{"debug", "info", "warning", "error", "critical"};
constexpr std::array<std::string_view, 5> kLabels{"DEBUG   ", "INFO    ", "WARNING ", "ERROR   ",
                                                  "CRITICAL"};

spdlog::level::level_enum severity(LogLevel level) {
  return static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1);
}

std::string time_text() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return flowlens::to_string(flowlens::Timestamp{now});
}

std::string dump(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string json_line(LogLevel level, std::string_view logger, std::string_view message,
                      const Fields& fields) {
  Json line;
  if (state().with_time) line["timestamp"] = time_text();
  line["level"] = kNames[static_cast<std::size_t>(level)];
  line["logger"] = "flowlens." + std::string(logger);
  line["message"] = message;
  for (const auto& [key, value] : fields.items()) line[key] = value;
  return dump(line);
}

/// Control characters could forge lines or drive the terminal.
void append_printable(std::string& line, std::string_view text) {
  for (const char c : text) {
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
}

std::string console_line(LogLevel level, std::string_view logger, std::string_view message,
                         const Fields& fields) {
  std::string line;
  if (state().with_time) line += time_text() + " ";
  line += kLabels[static_cast<std::size_t>(level)];
  line += " ";
  line += logger;
  line += ": ";
  append_printable(line, message);
  for (const auto& [key, value] : fields.items()) {
    line += "  " + key + "=";
    append_printable(line, value.is_string() ? value.get<std::string>() : dump(value));
  }
  return line;
}

}  // namespace

void start(LogLevel level, LogFormat format, bool include_timestamp) {
  State& s = state();
  s.as_json =
      format == LogFormat::json || (format == LogFormat::automatic && isatty(STDERR_FILENO) == 0);
  s.with_time = include_timestamp;
  s.out = std::make_shared<spdlog::logger>("flowlensd",
                                           std::make_shared<spdlog::sinks::stderr_sink_mt>());
  s.out->set_pattern("%v");  // lines come escaped and complete
  s.out->set_level(severity(level));
  s.out->flush_on(spdlog::level::warn);
}

void flush() noexcept {
  if (state().out) state().out->flush();
}

void write(LogLevel level, std::string_view logger, std::string_view message,
           const Fields& fields) noexcept {
  const auto& out = state().out;
  if (!out || !out->should_log(severity(level))) return;
  try {
    out->log(severity(level), spdlog::string_view_t{[&] {
               static thread_local std::string line;
               line = state().as_json ? json_line(level, logger, message, fields)
                                      : console_line(level, logger, message, fields);
               return spdlog::string_view_t{line.data(), line.size()};
             }()});
  } catch (const std::exception&) {
    // Nothing sensible can be done about a log that cannot be written.
  }
}

}  // namespace flowlensd::log
