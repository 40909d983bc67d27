#include "store/sqlite_roll_up.hpp"

#include "store/roll_up.hpp"

namespace flowlens::store {
namespace {

class SqlitePort final : public RollUpPort {
 public:
  explicit SqlitePort(Database& database) : database_(database) {}

  void run(const std::string& sql) override { database_.run(sql.c_str()); }
  std::optional<std::int64_t> number(const std::string& sql) override {
    Statement row{database_, sql.c_str()};
    if (!row.step()) return std::nullopt;
    return row.optional_i64();
  }
  std::string table(const char* name) const override { return name; }
  /// total() never overflows; it is exact up to 2^53.
  std::string sum(const std::string& column) const override {
    return "CAST(min(total(CASE WHEN " + column + " < 0 THEN " + kMost + " ELSE " + column +
           " END), " + kMost + ") AS INTEGER)";
  }
  /// An overflow becomes a floating-point number.
  std::string plus(const std::string& one, const std::string& other) const override {
    return "min(" + one + " + " + other + ", " + kMost + ")";
  }
  void make_room(const Series&, std::int64_t) override {}
  std::optional<std::int64_t> oldest(const Series& series) override {
    const auto start = number("SELECT min(window_start) FROM " + std::string{series.table});
    if (!start) return std::nullopt;
    return floor_to(*start, piece_ns(series));
  }
  /// Small, as nobody else writes meanwhile.
  std::int64_t piece_ns(const Series& series) const override {
    return series.period == Period::window ? kHourNs : kDayNs;
  }
  void remove(const Series& series, std::int64_t start) override {
    run("DELETE FROM " + std::string{series.table} + " WHERE window_start >= " +
        std::to_string(start) + " AND window_start < " + std::to_string(start + piece_ns(series)));
  }

 private:
  Database& database_;
};

}  // namespace

bool roll_up_and_expire(Database& database, const Retention& retention, Timestamp now) {
  SqlitePort port{database};
  return roll_up_and_expire(port, retention, now);
}

bool give_disk_back(Database& database) {
  constexpr std::int64_t kPages = 4'096;  // a step of 16 MiB
  const std::int64_t empty = database.number("PRAGMA freelist_count");
  const bool can = database.number("PRAGMA auto_vacuum") == 2;  // files made before have it not
  if (!can || empty < kPages || 4 * empty < database.number("PRAGMA page_count")) return false;
  database.run(("PRAGMA incremental_vacuum(" + std::to_string(kPages) + ")").c_str());
  return true;
}

}  // namespace flowlens::store
