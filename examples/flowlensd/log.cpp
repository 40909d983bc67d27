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
  std::shared_ptr<spdlog::logger> out;  ///< set once, by start()
  std::atomic<bool> as_json{true};
  std::atomic<bool> with_time{true};
  std::atomic<bool> with_caller{true};
};

// The log is the one thing every part of the program shares.
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

/// `pipeline/ingest.cpp:120`: the path from the folder of the program on.
std::string place(const Caller& caller) {
  constexpr std::string_view kFolder = "flowlensd/";
  std::string_view file = caller.file;
  if (const auto at = file.rfind(kFolder); at != file.npos) file.remove_prefix(at + kFolder.size());
  return std::string(file) + ":" + std::to_string(caller.line);
}

std::string json_line(LogLevel level, std::string_view logger, std::string_view message,
                      const Fields& fields, const Caller& caller) {
  Json line;
  if (state().with_time) line["timestamp"] = time_text();
  line["level"] = kNames[static_cast<std::size_t>(level)];
  line["logger"] = "flowlens." + std::string(logger);
  line["message"] = message;
  if (state().with_caller) line["caller"] = place(caller);
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
                         const Fields& fields, const Caller& caller) {
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
  if (state().with_caller) line += "  (" + place(caller) + ")";
  return line;
}

}  // namespace

Options options_of(const Settings& s) {
  return {s.log_level, s.log_format, s.log_include_timestamp, s.log_include_caller};
}

void change(const Options& o) {
  State& s = state();
  s.as_json = o.format == LogFormat::json ||
              (o.format == LogFormat::automatic && isatty(STDERR_FILENO) == 0);
  s.with_time = o.include_timestamp;
  s.with_caller = o.include_caller;
  if (s.out) s.out->set_level(severity(o.level));
}

void start(const Options& options) {
  State& s = state();
  s.out = std::make_shared<spdlog::logger>("flowlensd",
                                           std::make_shared<spdlog::sinks::stderr_sink_mt>());
  s.out->set_pattern("%v");  // lines come escaped and complete
  s.out->flush_on(spdlog::level::warn);
  change(options);
}

void flush() noexcept {
  if (state().out) state().out->flush();
}

void write(LogLevel level, std::string_view logger, std::string_view message, const Fields& fields,
           Caller caller) noexcept {
  const auto& out = state().out;
  if (!out || !out->should_log(severity(level))) return;
  try {
    out->log(severity(level), spdlog::string_view_t{[&] {
               static thread_local std::string line;
               line = state().as_json ? json_line(level, logger, message, fields, caller)
                                      : console_line(level, logger, message, fields, caller);
               return spdlog::string_view_t{line.data(), line.size()};
             }()});
  } catch (const std::exception&) {
    // Nothing sensible can be done about a log that cannot be written.
  }
}

}  // namespace flowlensd::log
