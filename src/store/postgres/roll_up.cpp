#include "store/postgres/roll_up.hpp"

namespace flowlens::store::postgres {
namespace {

/// A day of windows, thirty of hours, a year or nearly of days: some hundred partitions of each at most.
constexpr std::int64_t partition_ns(Period period) noexcept {
  switch (period) {
    case Period::window:
      return kDayNs;
    case Period::hour:
      return 30 * kDayNs;
    case Period::day:
      break;
  }
  return 360 * kDayNs;
}

std::string parent_of(const Series& series) {
  return "flowlens_store." + std::string{series.table};
}

/// Partitions are numbered from 1970 on.
std::string partition_at(const Series& series, std::int64_t start) {
  const std::int64_t number =
      floor_to(start, partition_ns(series.period)) / partition_ns(series.period);
  return "flowlens_store.\"" + std::string{series.table} + '_' + std::to_string(number) + '"';
}

class PostgresPort final : public RollUpPort {
 public:
  explicit PostgresPort(Transaction& tx) : tx_(tx) {}

  void run(const std::string& sql) override { tx_.exec(sql); }
  std::optional<std::int64_t> number(const std::string& sql) override {
    const pqxx::result result = tx_.exec(sql);
    if (result.empty()) return std::nullopt;
    return Row{result[0]}.optional_i64();
  }
  std::string table(const char* name) const override {
    return "flowlens_store." + std::string{name};
  }
  std::string sum(const std::string& column) const override {
    return "least(sum(CASE WHEN " + column + " < 0 THEN " + kMost + " ELSE " + column + " END), " +
           kMost + ")::bigint";
  }
  std::string plus(const std::string& one, const std::string& other) const override {
    return "least(" + one + "::numeric + " + other + ", " + kMost + ")::bigint";
  }
  void make_room(const Series& series, std::int64_t start) override {
    make_partition(tx_, series, from_unix_ns(start));
  }
  std::optional<std::int64_t> oldest(const Series& series) override {
    const auto found = number(
        "SELECT min(substring(relname FROM '_(-?[0-9]+)$')::bigint) FROM pg_inherits "
        "JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = '" +
        parent_of(series) + "'::regclass");
    if (!found) return std::nullopt;
    return *found * piece_ns(series);
  }
  std::int64_t piece_ns(const Series& series) const override { return partition_ns(series.period); }
  void remove(const Series& series, std::int64_t start) override {
    run("DROP TABLE " + partition_at(series, start));
  }

 private:
  Transaction& tx_;
};

}  // namespace

void make_partition(Transaction& tx, const Series& series, Timestamp start) {
  const std::int64_t at = to_unix_ns(start);
  const std::int64_t length = partition_ns(series.period);
  const std::int64_t from = floor_to(at, length);
  const std::string name = partition_at(series, at);
  if (number(tx, "SELECT count(to_regclass('" + name + "'))") > 0) return;
  tx.exec("CREATE TABLE " + name + " PARTITION OF " + parent_of(series) + " FOR VALUES FROM (" +
          std::to_string(from) + ") TO (" + std::to_string(from + length) + ")");
}

bool roll_up_and_expire(Transaction& tx, const Retention& retention, Timestamp now) {
  PostgresPort port{tx};
  return roll_up_and_expire(port, retention, now);
}

}  // namespace flowlens::store::postgres
