/// \file
/// A database file of its own, and rows and revisions whose values follow from a number.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "flowlens/store.hpp"

namespace flowlens::test {

/// A folder that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    static int number = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("flowlens-store-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
    std::filesystem::create_directory(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path file() const { return path_ / "flowlens.db"; }

 private:
  std::filesystem::path path_;
};

template <typename Error = IoError, typename Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline void check_says(const std::string& text, std::initializer_list<const char*> wanted) {
  CAPTURE(text);
  for (const char* want : wanted) {
    CAPTURE(want);
    CHECK(text.find(want) != std::string::npos);
  }
}

inline SqliteStoreOptions options_for(const std::filesystem::path& file) {
  SqliteStoreOptions options;
  options.path = file;
  options.busy_timeout = std::chrono::milliseconds{0};
  return options;
}

inline Timestamp at_second(std::int64_t s) {
  return Timestamp{std::chrono::seconds{1'700'000'000 + s}};
}

inline Endpoint endpoint(std::uint32_t n, SiteId site = {}) {
  return {site, IpAddress::v4(0x0a00'0000u + n)};
}
inline Id asset_id(std::uint32_t n) { return derive_id(asset_namespace(), std::to_string(n)); }
inline Id dependency_id(std::uint32_t n) {
  return derive_id(dependency_namespace(), std::to_string(n));
}

inline TrafficCounts counts(std::uint64_t n) {
  return {n, 10 * n, 20 * n, 2 * n, 3 * n, 100 * n, 200 * n};
}

inline TrafficCounts turned_counts(std::uint64_t n) {
  return {n, 20 * n, 10 * n, 3 * n, 2 * n, 200 * n, 100 * n};
}

inline AssetRow asset_row(std::uint32_t n, std::int64_t last_seen = 0) {
  AssetRow row;
  row.id = asset_id(n);
  row.endpoints.push_back({endpoint(n), at_second(0), std::nullopt});
  row.is_internal = n % 2 == 0;
  row.first_seen = at_second(0);
  row.last_seen = at_second(last_seen);
  return row;
}

/// From asset n to asset n + 1, tcp/5432.
inline DependencyRow dependency_row(std::uint32_t n, std::uint64_t flows) {
  DependencyRow row;
  row.id = dependency_id(n);
  row.client_asset = asset_id(n);
  row.server_asset = asset_id(n + 1);
  row.key = {endpoint(n), endpoint(n + 1), 5432, 6};
  row.service = find_service(6, 5432);
  row.rung = DirectionRung::tcp_flags;
  row.first_seen = at_second(0);
  row.last_seen = at_second(static_cast<std::int64_t>(flows));
  row.totals = counts(flows);
  row.via = endpoint(n + 2);
  row.observers[0] = IpAddress::v4(0xc000'0201);
  row.observers[1] = *IpAddress::parse("2001:db8::1");
  row.observer_count = 2;
  return row;
}

inline FlowLedger flows_applied(std::uint64_t flows) {
  FlowLedger ledger;
  ledger.normalized = ledger.applied = flows;
  return ledger;
}

inline Revision revision(const StoreOpened& opened, std::uint64_t number) {
  Revision r;
  r.number = number;
  r.epoch = opened.epoch;
  r.at = at_second(static_cast<std::int64_t>(number));
  return r;
}

/// What a run of `step` flows of one dependency looks like, told once a revision.
inline Revision growing_revision(const StoreOpened& opened, std::uint64_t number) {
  Revision r = revision(opened, number);
  const std::uint64_t flows = number;
  const std::uint64_t of_this_epoch = number - opened.last_revision;
  r.assets = {asset_row(1), asset_row(2)};
  r.dependencies = {dependency_row(1, flows)};
  r.windows = {{at_second(0), dependency_id(1), counts(of_this_epoch)}};
  r.flows = flows_applied(of_this_epoch);
  return r;
}

/// Dependency 1 had windows 0 and 300 s, dependency 2 window 300 s; then 1 turned out to be 2.
inline Revision redirection(const StoreOpened& opened, std::uint64_t number) {
  Revision r = revision(opened, number);
  r.assets = {asset_row(1), asset_row(2), asset_row(3)};
  r.dependencies = {dependency_row(2, 12)};
  r.removed_dependencies = {dependency_id(1)};
  r.aliases = {{dependency_id(1), dependency_id(2), at_second(300)}};
  ChangeEvent event;
  event.id = derive_id(event_namespace(), "x");
  event.subject = dependency_id(1);
  event.object = dependency_id(2);
  event.at = at_second(300);
  event.reason = "1 is 2";
  event.severity = Severity::warning;
  event.cause = derive_id(event_namespace(), "y");
  event.before = "1";
  event.after = "2";
  event.expected = 7;
  event.endpoint = endpoint(2);
  event.client = endpoint(1);
  event.port = 443;
  event.protocol = 6;
  r.events = {event};
  return r;
}

inline void record_windows(Store& store, const StoreOpened& opened) {
  Revision r = revision(opened, 1);
  r.assets = {asset_row(1), asset_row(2), asset_row(3)};
  r.dependencies = {dependency_row(1, 6), dependency_row(2, 7)};
  r.windows = {{at_second(0), dependency_id(1), counts(5)},
               {at_second(300), dependency_id(1), counts(1)},
               {at_second(0), dependency_id(2), counts(3)},
               {at_second(300), dependency_id(2), counts(4)}};
  store.apply(r);
}

inline std::vector<WindowRow> scan_all(Store& store, std::optional<Id> dependency = {}) {
  std::vector<WindowRow> rows;
  store.scan({at_second(-1'000'000), at_second(1'000'000), dependency}, [&](const WindowRow& row) {
    rows.push_back(row);
    return true;
  });
  return rows;
}

}  // namespace flowlens::test
