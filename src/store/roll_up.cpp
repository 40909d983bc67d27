#include "store/roll_up.hpp"

namespace flowlens::store {
namespace {

/// Windows are final soon after their end; what comes later has the hour added up once more.
constexpr std::int64_t kSettleNs = kHourNs / 4;

constexpr std::array<const char*, 7> kCounts{"flows",
                                             "octets_to_server",
                                             "octets_to_client",
                                             "packets_to_server",
                                             "packets_to_client",
                                             "estimated_octets_to_server",
                                             "estimated_octets_to_client"};

std::string text(std::int64_t number) { return std::to_string(number); }

/// `stale_periods` has what is to be added up; `expired_periods` until when the rows of a length are gone.
class Step {
 public:
  Step(RollUpPort& port, std::int64_t now)
      : port_(port),
        now_(now),
        stale_(port.table("stale_periods")),
        expired_(port.table("expired_periods")) {}

  bool add_up(const Series& from, const Series& to);
  bool expire(const Series& series, std::chrono::days keep);
  bool expire_events(std::chrono::days keep);

 private:
  [[nodiscard]] std::optional<std::int64_t> oldest_stale(const Series& series);
  [[nodiscard]] bool is_awaited(const Series& series, std::int64_t start, std::int64_t end);
  void insert_sums(const Series& from, const Series& to, std::int64_t start);
  void remove_rows(const Series& series, std::int64_t start, std::int64_t end);
  void note_expired(const Series& series, std::int64_t before);

  RollUpPort& port_;
  std::int64_t now_;
  std::string stale_, expired_;
};

std::optional<std::int64_t> Step::oldest_stale(const Series& series) {
  return port_.number("SELECT min(start) FROM " + stale_ +
                      " WHERE length = " + text(series.length_ns) +
                      " AND start <= " + text(now_ - series.length_ns - kSettleNs));
}

void Step::insert_sums(const Series& from, const Series& to, std::int64_t start) {
  std::string names, sums, merged;
  for (const std::string count : kCounts) {
    names += ", " + count;
    sums += ", " + port_.sum(count);
    merged += (merged.empty() ? "" : ", ") + count + " = " +
              port_.plus("t." + count, "excluded." + count);
  }
  port_.run("INSERT INTO " + port_.table(to.table) + " AS t (window_start, dependency" + names +
            ") SELECT " + text(start) + ", dependency" + sums + " FROM " +
            port_.table(from.resolved) + " WHERE window_start >= " + text(start) +
            " AND window_start < " + text(start + to.length_ns) +
            " GROUP BY dependency ORDER BY dependency ON CONFLICT (window_start, dependency) "
            "DO UPDATE SET " +
            merged);
}

void Step::remove_rows(const Series& series, std::int64_t start, std::int64_t end) {
  port_.run("DELETE FROM " + port_.table(series.table) + " WHERE window_start >= " + text(start) +
            " AND window_start < " + text(end));
}

bool Step::add_up(const Series& from, const Series& to) {
  const auto start = oldest_stale(to);
  if (!start) return false;
  const std::int64_t end = *start + to.length_ns;
  const auto expired_before =
      port_.number("SELECT before FROM " + expired_ + " WHERE length = " + text(from.length_ns));
  const bool is_late = expired_before && *start < *expired_before;
  port_.make_room(to, *start);
  if (!is_late) remove_rows(to, *start, end);
  insert_sums(from, to, *start);
  // What has been added to a sum whose parts are gone must not be added again.
  if (is_late) remove_rows(from, *start, end);
  if (to.period == Period::hour) {
    port_.run("INSERT INTO " + stale_ + " VALUES (" + text(kDayNs) + ", " +
              text(floor_to(*start, kDayNs)) + ") ON CONFLICT DO NOTHING");
  }
  port_.run("DELETE FROM " + stale_ + " WHERE length = " + text(to.length_ns) +
            " AND start = " + text(*start));
  return true;
}

/// Whether something in this time is still to be added up.
bool Step::is_awaited(const Series& series, std::int64_t start, std::int64_t end) {
  if (series.period == Period::day) return false;
  const std::int64_t length = series.period == Period::window ? kHourNs : kDayNs;
  return port_
      .number("SELECT start FROM " + stale_ + " WHERE length = " + text(length) + " AND start >= " +
              text(floor_to(start, length)) + " AND start < " + text(end) + " LIMIT 1")
      .has_value();
}

void Step::note_expired(const Series& series, std::int64_t before) {
  port_.run("INSERT INTO " + expired_ + " AS t VALUES (" + text(series.length_ns) + ", " +
            text(before) +
            ") ON CONFLICT (length) DO UPDATE SET before = excluded.before "
            "WHERE t.before < excluded.before");
}

bool Step::expire(const Series& series, std::chrono::days keep) {
  if (keep.count() == 0) return false;
  const auto start = port_.oldest(series);
  if (!start) return false;
  const std::int64_t end = *start + port_.piece_ns(series);
  if (end > now_ - keep.count() * kDayNs || is_awaited(series, *start, end)) return false;
  port_.remove(series, *start);
  note_expired(series, end);
  return true;
}

bool Step::expire_events(std::chrono::days keep) {
  if (keep.count() == 0) return false;
  const std::string events = port_.table("events");
  const std::string old = " FROM " + events + " WHERE at < " + text(now_ - keep.count() * kDayNs);
  if (!port_.number("SELECT at" + old + " LIMIT 1")) return false;
  port_.run("DELETE FROM " + events + " WHERE id IN (SELECT id" + old +
            " ORDER BY at LIMIT 10000)");
  return true;
}

}  // namespace

std::string resolved_views(const std::string& make, const std::string& schema) {
  std::string sql;
  for (const Series& series : kSeries) {
    const std::string epoch = series.period == Period::window ? ", epoch" : "";
    const std::string is_later =  // an alias speaks of whole hours and days
        series.length_ns == 0 ? "> w.window_start"
                              : ">= w.window_start + " + std::to_string(series.length_ns);
    sql += make + " " + schema + series.resolved + " (window_start, dependency" + epoch +
           ", flows, octets_to_server, octets_to_client, packets_to_server, packets_to_client, "
           "estimated_octets_to_server, estimated_octets_to_client) AS "
           "SELECT w.window_start, coalesce(a.target, w.dependency)" +
           (epoch.empty() ? "" : ", w.epoch") + ", " + kSidedCounts + " FROM " + schema +
           series.table + " w LEFT JOIN " + schema +
           "aliases a ON a.id = w.dependency AND a.at = (SELECT min(b.at) FROM " + schema +
           "aliases b WHERE b.id = w.dependency AND b.at " + is_later + ");\n";
  }
  return sql;
}

bool roll_up_and_expire(RollUpPort& port, const Retention& retention, Timestamp now) {
  Step step{port, to_unix_ns(now)};
  const auto& [windows, hours, days] = kSeries;
  // Hours first: those of a day that is over are over, too.
  return step.add_up(windows, hours) || step.add_up(hours, days) ||
         step.expire(windows, retention.windows) || step.expire(hours, retention.hours) ||
         step.expire(days, retention.days) || step.expire_events(retention.events);
}

}  // namespace flowlens::store
