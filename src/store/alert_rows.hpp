/// \file
/// store: alerts as the columns of tables; sinks and sources as in rows.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "flowlens/alert_engine.hpp"
#include "flowlens/error.hpp"
#include "store/rows.hpp"

namespace flowlens::store {

inline AlertStatus status_from(const std::string& text) {
  if (const auto status = parse_alert_status(text)) return *status;
  throw IoError("the store holds `" + text + "`, which is no status of an alert");
}

inline AlertStep step_from(const std::string& text) {
  for (std::size_t i = 0; i < kAlertStepCount; ++i) {
    if (to_string(static_cast<AlertStep>(i)) == text) return static_cast<AlertStep>(i);
  }
  throw IoError("the store holds `" + text + "`, which is no step of an alert");
}

/// Without its history.
template <typename Sink>
void put(Sink& sink, const Alert& a) {
  sink.bind(a.id);
  sink.bind(a.key.rule);
  sink.bind(to_string(a.key.type));
  sink.bind(a.key.subject);
  sink.bind(std::uint64_t{a.key.protocol});
  sink.bind(std::uint64_t{a.key.port});
  sink.bind(to_string(a.status));
  sink.bind(to_string(a.severity));
  sink.bind(a.title);
  sink.bind(a.text);
  sink.bind(a.asset);
  sink.bind(a.environment);
  sink.bind(a.datacenter);
  sink.bind(a.address ? a.address->to_string() : std::string{});
  sink.bind(a.first_event);
  sink.bind(a.last_event);
  sink.bind(to_unix_ns(a.opened_at));
  sink.bind(to_unix_ns(a.last_at));
  sink.bind(to_unix_ns(a.noted_at));
  sink.bind(a.count);
  sink.bind(std::uint64_t{a.reopened});
  sink.bind(a.maintenance);
  sink.bind(a.acknowledged_by);
  put_time(sink, a.acknowledged_at);
  sink.bind(a.resolved_by);
  put_time(sink, a.resolved_at);
}
template <typename Source>
Alert take_alert(Source& row) {
  Alert a;
  a.id = row.id();
  a.key.rule = row.text();
  a.key.type = change_type_from(row.text());
  a.key.subject = row.id();
  a.key.protocol = static_cast<std::uint8_t>(row.u64());
  a.key.port = static_cast<std::uint16_t>(row.u64());
  a.status = status_from(row.text());
  a.severity = severity_from(row.text());
  a.title = row.text();
  a.text = row.text();
  a.asset = row.text();
  a.environment = row.text();
  a.datacenter = row.text();
  if (const std::string text = row.text(); !text.empty()) a.address = address_from(text);
  a.first_event = row.id();
  a.last_event = row.id();
  a.opened_at = from_unix_ns(row.i64());
  a.last_at = from_unix_ns(row.i64());
  a.noted_at = from_unix_ns(row.i64());
  a.count = row.u64();
  a.reopened = static_cast<std::uint32_t>(row.u64());
  a.maintenance = row.text();
  a.acknowledged_by = row.text();
  a.acknowledged_at = take_time(row);
  a.resolved_by = row.text();
  a.resolved_at = take_time(row);
  return a;
}

/// Behind the alert and its position there.
template <typename Sink>
void put(Sink& sink, const AlertEntry& entry) {
  sink.bind(to_string(entry.step));
  sink.bind(to_unix_ns(entry.at));
  sink.bind(entry.who);
  sink.bind(entry.note);
}
template <typename Source>
AlertEntry take_entry(Source& row) {
  AlertEntry entry;
  entry.step = step_from(row.text());
  entry.at = from_unix_ns(row.i64());
  entry.who = row.text();
  entry.note = row.text();
  return entry;
}

}  // namespace flowlens::store
