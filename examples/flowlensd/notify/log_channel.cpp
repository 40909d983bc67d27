#include "notify/log_channel.hpp"

#include "log.hpp"

namespace flowlensd {
namespace {

LogLevel level_of(const AlertNotice& notice) noexcept {
  if (notice.step == AlertStep::cleared) return LogLevel::info;
  switch (notice.alert.severity) {
    case Severity::info:
      return LogLevel::info;
    case Severity::warning:
      return LogLevel::warning;
    case Severity::critical:
      return LogLevel::critical;
  }
  return LogLevel::warning;
}

}  // namespace

void tell_log(const AlertNotice& notice) {
  const Alert& a = notice.alert;
  log::write(level_of(notice), "alerts", a.title,
             {{"step", to_string(notice.step)},
              {"severity", to_string(a.severity)},
              {"rule", a.key.rule},
              {"type", to_string(a.key.type)},
              {"asset", a.asset},
              {"text", a.text},
              {"at", to_string(a.last_at)},
              {"id", a.id.to_string()}});
}

}  // namespace flowlensd
