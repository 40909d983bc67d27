/// \file
/// store: windows add up to hours and hours to days, and all of them go when they are old. One course of
/// action for every database; only a few of its statements differ.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "flowlens/store.hpp"

namespace flowlens::store {

inline constexpr std::int64_t kHourNs = 3'600'000'000'000;
inline constexpr std::int64_t kDayNs = 24 * kHourNs;

/// What is kept of one period.
struct Series {
  Period period;
  const char* table;       ///< window_start, dependency, [epoch,] counts
  const char* resolved;    ///< the same as a view, with what aliases stand for now
  std::int64_t length_ns;  ///< of windows: what the next series adds up
};
inline constexpr std::array<Series, 3> kSeries{{
    {Period::window, "dependency_windows", "resolved_windows", 0},
    {Period::hour, "dependency_hours", "resolved_hours", kHourNs},
    {Period::day, "dependency_days", "resolved_days", kDayNs},
}};
constexpr const Series& series_of(Period period) noexcept {
  return kSeries[static_cast<std::size_t>(period)];
}

/// The counts of `w`, windows, as they are of what alias `a` (or none) makes of them: a list of columns.
inline constexpr const char* kSidedCounts =
    "w.flows, "
    "CASE WHEN a.is_turned THEN w.octets_to_client ELSE w.octets_to_server END, "
    "CASE WHEN a.is_turned THEN w.octets_to_server ELSE w.octets_to_client END, "
    "CASE WHEN a.is_turned THEN w.packets_to_client ELSE w.packets_to_server END, "
    "CASE WHEN a.is_turned THEN w.packets_to_server ELSE w.packets_to_client END, "
    "CASE WHEN a.is_turned THEN w.estimated_octets_to_client "
    "ELSE w.estimated_octets_to_server END, "
    "CASE WHEN a.is_turned THEN w.estimated_octets_to_server "
    "ELSE w.estimated_octets_to_client END";

/// The views Series::resolved, as SQL. \param make  `CREATE VIEW`, or how the database changes one.
/// \param schema  `flowlens_store.`, or nothing. A migration that was released makes them: never changed.
[[nodiscard]] std::string resolved_views(const std::string& make, const std::string& schema);

constexpr std::int64_t floor_to(std::int64_t at, std::int64_t length) noexcept {
  return at - ((at % length) + length) % length;
}

/// A database, within a write transaction.
class RollUpPort {
 public:
  virtual ~RollUpPort() = default;
  virtual void run(const std::string& sql) = 0;
  /// The first column of the first row; none for NULL and no row.
  virtual std::optional<std::int64_t> number(const std::string& sql) = 0;
  /// As it is written in SQL: `flowlens_store.` before the name, perhaps.
  virtual std::string table(const char* name) const = 0;
  /// The sum of a column of counts within a group, and of two numbers, as SQL. 64 bits without sign lie
  /// in numbers with one: what is below 0 counts as kMost, which no sum exceeds.
  virtual std::string sum(const std::string& column) const = 0;
  virtual std::string plus(const std::string& one, const std::string& other) const = 0;
  /// Whatever rows of this time need.
  virtual void make_room(const Series& series, std::int64_t start) = 0;
  /// What is removed of a series at a time: the start of the oldest such piece that is there, its length,
  /// and how to remove it.
  virtual std::optional<std::int64_t> oldest(const Series& series) = 0;
  virtual std::int64_t piece_ns(const Series& series) const = 0;
  virtual void remove(const Series& series, std::int64_t start) = 0;
};
inline constexpr const char* kMost = "9200000000000000000";

/// One step, see Store::expire(). \return false if there was nothing to do.
bool roll_up_and_expire(RollUpPort& port, const Retention& retention, Timestamp now);

}  // namespace flowlens::store
