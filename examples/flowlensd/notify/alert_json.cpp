#include "notify/alert_json.hpp"

#include <optional>

namespace flowlensd {
namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }
Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(to_string(*time)) : Json(nullptr);
}

}  // namespace

Json alert_json(const Alert& a) {
  const bool has_service = a.key.protocol != 0;
  const std::string_view protocol = protocol_name(a.key.protocol);
  const Json protocol_text =
      protocol.empty() ? std::to_string(a.key.protocol) : std::string(protocol);
  return {{"id", a.id.to_string()},
          {"status", to_string(a.status)},
          {"severity", to_string(a.severity)},
          {"title", a.title},
          {"description", a.text},
          {"rule", a.key.rule},
          {"type", to_string(a.key.type)},
          {"subject", a.key.subject.to_string()},
          {"asset", text_or_null(a.asset)},
          {"address", a.address ? Json(a.address->to_string()) : Json(nullptr)},
          {"environment", text_or_null(a.environment)},
          {"datacenter", text_or_null(a.datacenter)},
          {"protocol", has_service ? protocol_text : Json(nullptr)},
          {"port", has_service ? Json(a.key.port) : Json(nullptr)},
          {"count", a.count},
          {"created_at", to_string(a.opened_at)},
          {"last_at", to_string(a.last_at)},
          {"change_event_id", a.first_event.to_string()},
          {"last_event_id", a.last_event.to_string()},
          {"suppressed", a.is_suppressed()},
          {"maintenance", text_or_null(a.maintenance)},
          {"reopened", a.reopened},
          {"acknowledged_by", text_or_null(a.acknowledged_by)},
          {"acknowledged_at", time_or_null(a.acknowledged_at)},
          {"resolved_by", text_or_null(a.resolved_by)},
          {"resolved_at", time_or_null(a.resolved_at)}};
}

Json alert_detail_json(const Alert& a) {
  Json json = alert_json(a);
  Json history = Json::array();
  for (const AlertEntry& e : a.history) {
    history.push_back({{"step", to_string(e.step)},
                       {"at", to_string(e.at)},
                       {"by", text_or_null(e.who)},
                       {"note", text_or_null(e.note)}});
  }
  json["history"] = std::move(history);
  return json;
}

std::string notice_text(const AlertNotice& notice) {
  const Alert& alert = notice.alert;
  // `text` is what receivers for chat show.
  const Json json = {{"text", "[" + std::string(to_string(alert.severity)) + ", " +
                                  std::string(to_string(notice.step)) + "] " + alert.title},
                     {"step", to_string(notice.step)},
                     {"alert", alert_detail_json(alert)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace flowlensd
