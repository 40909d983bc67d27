/// \file
/// store: applications as the columns of tables; sinks and sources as in rows.hpp.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/application_book.hpp"
#include "flowlens/error.hpp"
#include "store/rows.hpp"

namespace flowlens::store {

inline ApplicationStatus application_status_from(const std::string& text) {
  if (const auto status = parse_application_status(text)) return *status;
  throw IoError("the store holds `" + text + "`, which is no status of an application");
}

/// Without the assets that people have named.
template <typename Sink>
void put(Sink& sink, const ApplicationEntry& e) {
  sink.bind(e.id);
  sink.bind(to_string(e.status));
  sink.bind(e.name);
  sink.bind(e.description);
  sink.bind(to_string(e.criticality));
  sink.bind(e.into);
  sink.bind(to_unix_ns(e.first_seen));
  sink.bind(e.said_by);
  sink.bind(to_unix_ns(e.said_at));
}
template <typename Source>
ApplicationEntry take_application(Source& row) {
  ApplicationEntry e;
  e.id = row.id();
  e.status = application_status_from(row.text());
  e.name = row.text();
  e.description = row.text();
  e.criticality = criticality_from(row.text());
  e.into = row.id();
  e.first_seen = from_unix_ns(row.i64());
  e.said_by = row.text();
  e.said_at = from_unix_ns(row.i64());
  return e;
}

template <typename Sink>
void put(Sink& sink, const ApplicationSeat& seat) {
  sink.bind(seat.asset);
  sink.bind(seat.application);
  sink.bind(seat.proposed);
  sink.bind(to_unix_ns(seat.since));
}
template <typename Source>
ApplicationSeat take_seat(Source& row) {
  ApplicationSeat seat;
  seat.asset = row.id();
  seat.application = row.id();
  seat.proposed = row.id();
  seat.since = from_unix_ns(row.i64());
  return seat;
}

/// What people say of an asset, and where an entry holds it.
struct ApplicationWord {
  std::string_view word;
  std::vector<Id> ApplicationEntry::*assets;
};
inline constexpr std::array<ApplicationWord, 3> kApplicationWords{
    {{"added", &ApplicationEntry::added},
     {"removed", &ApplicationEntry::removed},
     {"rejected", &ApplicationEntry::rejected}}};

inline std::vector<Id>& assets_of_word(ApplicationEntry& entry, const std::string& word) {
  for (const ApplicationWord& w : kApplicationWords) {
    if (w.word == word) return entry.*w.assets;
  }
  throw IoError("the store holds `" + word + "`, which nobody says of an application's asset");
}

}  // namespace flowlens::store
