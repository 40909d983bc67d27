/// \file
/// notify: alerts as JSON, as the API and channels give them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "library.hpp"

namespace flowlensd {

[[nodiscard]] nlohmann::ordered_json alert_json(const Alert& alert);
/// The same, and its history.
[[nodiscard]] nlohmann::ordered_json alert_detail_json(const Alert& alert);
/// What the channels `file` and `webhook` get, in one line. docs/alerts.md shows it.
[[nodiscard]] std::string notice_text(const AlertNotice& notice);

}  // namespace flowlensd
