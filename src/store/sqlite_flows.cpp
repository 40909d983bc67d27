// Single flows in a SQLite file of their own.
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "flowlens/flow_store.hpp"
#include "store/flow_rows.hpp"
#include "store/sqlite_database.hpp"
#include "store/sqlite_roll_up.hpp"

namespace flowlens {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

/// "FLfl", marks the file as ours.
constexpr std::int64_t kApplicationId = 0x464c'666c;
constexpr std::int64_t kVersion = 1;
/// What is removed at a time, so that no batch waits long.
constexpr std::int64_t kPieceNs = 300'000'000'000;

// Addresses are 16 octets (IPv4 as ::ffff:a.b.c.d), so that those of a network stand beside each other. The
// rows lie in the order of the time they came: old ones leave whole pages empty.
constexpr const char* kSchema = R"sql(
CREATE TABLE flows (
  received INTEGER NOT NULL,
  id INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  exporter BLOB NOT NULL,
  source_address BLOB NOT NULL,
  destination_address BLOB NOT NULL,
  source_port INTEGER NOT NULL,
  destination_port INTEGER NOT NULL,
  protocol INTEGER NOT NULL,
  tcp_flags INTEGER NOT NULL,
  octets INTEGER NOT NULL,
  packets INTEGER NOT NULL,
  sampling_rate INTEGER NOT NULL,
  observation_domain INTEGER NOT NULL,
  ingress_interface INTEGER NOT NULL,
  egress_interface INTEGER NOT NULL,
  next_hop BLOB,
  source_as INTEGER NOT NULL,
  destination_as INTEGER NOT NULL,
  vlan_id INTEGER NOT NULL,
  tos INTEGER NOT NULL,
  icmp_type_code INTEGER NOT NULL,
  present INTEGER NOT NULL,
  details INTEGER NOT NULL,
  PRIMARY KEY (received, id)
) WITHOUT ROWID;
CREATE INDEX flows_by_source ON flows (source_address);
CREATE INDEX flows_by_destination ON flows (destination_address);
CREATE TABLE batches (epoch INTEGER PRIMARY KEY, last_batch INTEGER NOT NULL);
)sql";

/// `192.0.2.1` of 16 octets, or all of them in hexadecimal digits: SQLite has no function for addresses.
std::string readable(const std::string& column) {
  std::string v4;
  for (const int octet : {13, 14, 15, 16}) {
    const auto digit = [&](int place) {
      return "(instr('123456789ABCDEF', substr(hex(substr(" + column + ", " +
             std::to_string(octet) + ", 1)), " + std::to_string(place) + ", 1)))";
    };
    v4 += (v4.empty() ? "" : " || '.' || ") + std::string{"("} + digit(1) + " * 16 + " + digit(2) +
          ")";
  }
  return "CASE WHEN substr(" + column + ", 1, 12) = x'00000000000000000000FFFF' THEN " + v4 +
         " ELSE lower(hex(" + column + ")) END";
}

void make_view(Database& db) {
  std::string sql = "CREATE VIEW readable_flows AS SELECT ";
  for (const std::string time : {"received", "started", "ended"}) {
    sql += "strftime('%Y-%m-%dT%H:%M:%fZ', " + time + " / 1000000000.0, 'unixepoch') AS " + time +
           ", ";
  }
  for (const std::string address : {"exporter", "source_address", "destination_address"}) {
    sql += readable(address) + " AS " + address + ", ";
  }
  sql +=
      "source_port, destination_port, protocol, tcp_flags, octets, packets, sampling_rate FROM "
      "flows";
  db.run(sql.c_str());
}

void prepare(Database& db) {
  const bool is_empty = db.number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!is_empty && db.number("PRAGMA application_id") != kApplicationId) {
    throw IoError("SQLite database " + db.path() +
                  " belongs to another program: its application_id is not that of FlowLens' flows; "
                  "move the file away");
  }
  if (!is_empty && db.number("PRAGMA user_version") > kVersion) {
    throw IoError("SQLite database " + db.path() +
                  " was written by a newer release: use that, or move the file away");
  }
  db.run("PRAGMA auto_vacuum = INCREMENTAL");
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.run("PRAGMA cache_size = -32768");
  db.run("PRAGMA journal_size_limit = 67108864");
  if (!is_empty) return;
  Transaction transaction{db, Transaction::Kind::write};
  db.run(kSchema);
  make_view(db);
  db.run(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  db.run(("PRAGMA user_version = " + std::to_string(kVersion)).c_str());
  transaction.commit();
}

void put_address(Statement& row, const IpAddress& a) {
  row.bind(std::span<const std::uint8_t>{a.octets()});
}

IpAddress take_address(Statement& row) {
  const std::vector<std::uint8_t> octets = row.blob();
  return IpAddress::from_octets(std::as_bytes(std::span{octets})).value_or(IpAddress{});
}

class SqliteFlowStore final : public FlowStore {
 public:
  SqliteFlowStore(const SqliteStoreOptions& options, Epoch epoch)
      : database_(options.path, options.busy_timeout), epoch_(epoch), ids_(epoch) {
    prepare(database_);
    insert_ = std::make_unique<Statement>(
        database_, ("INSERT INTO flows (" + std::string{store::kFlowColumns} +
                    ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
                       .c_str());
  }

  void append(std::span<const FlowRecord> flows, std::uint64_t batch) override;
  bool expire(const FlowRetention& retention, Timestamp now) override;
  std::uint64_t octets() override {
    return static_cast<std::uint64_t>(
        (database_.number("PRAGMA page_count") - database_.number("PRAGMA freelist_count")) *
        database_.number("PRAGMA page_size"));
  }

 private:
  [[nodiscard]] bool is_new(std::uint64_t batch);

  Database database_;
  Epoch epoch_;
  store::FlowIds ids_;
  std::unique_ptr<Statement> insert_;
};

bool SqliteFlowStore::is_new(std::uint64_t batch) {
  const auto newest = database_.number("SELECT coalesce(max(epoch), 0) FROM batches");
  if (static_cast<std::uint64_t>(newest) > epoch_.value) {
    throw StaleEpochError("store: epoch " + std::to_string(epoch_.value) + " of " +
                          database_.path() + " is over: another process keeps the flows now");
  }
  return Statement{database_,
                   "INSERT INTO batches VALUES (?, ?) ON CONFLICT DO UPDATE SET last_batch = "
                   "excluded.last_batch WHERE last_batch < excluded.last_batch"}
             .begin()
             .bind(epoch_.value)
             .bind(batch)
             .run() > 0;
}

void SqliteFlowStore::append(std::span<const FlowRecord> flows, std::uint64_t batch) {
  Transaction transaction{database_, Transaction::Kind::write};
  if (!is_new(batch)) return;
  for (const FlowRecord& flow : flows) {
    store::put_flow(insert_->begin(), ids_.take(), flow, put_address);
    insert_->run();
  }
  transaction.commit();
}

bool SqliteFlowStore::expire(const FlowRetention& retention, Timestamp now) {
  if (database_.number("SELECT EXISTS (SELECT 1 FROM flows)") == 0) return false;
  const std::int64_t oldest = database_.number("SELECT min(received) FROM flows");
  const std::int64_t end = oldest - oldest % kPieceNs + kPieceNs;
  const bool is_old = retention.keep.count() > 0 && end <= to_unix_ns(now - retention.keep);
  const bool is_much = retention.max_octets > 0 && octets() > retention.max_octets;
  if (is_old || is_much) {
    Transaction transaction{database_, Transaction::Kind::write};
    database_.run(("DELETE FROM flows WHERE received < " + std::to_string(end)).c_str());
    transaction.commit();
    return true;
  }
  return store::give_disk_back(database_);
}

/// The last address of a network.
IpAddress last_of(const IpPrefix& prefix) {
  auto octets = prefix.address.octets();
  for (std::size_t bit = prefix.length; bit < 128; ++bit) {
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | (0x80u >> bit % 8));
  }
  return IpAddress::v6(octets);
}

/// Conditions, and what they compare with.
class Where {
 public:
  explicit Where(const FlowScan& what) : what_(&what) {
    add(what.after ? "(received, id) > (?, ?)" : "received >= ?");
    add("received < ?");
    if (what.either) {
      add("(source_address BETWEEN ? AND ? OR destination_address BETWEEN ? AND ?)");
    }
    if (what.source) add("source_address BETWEEN ? AND ?");
    if (what.destination) add("destination_address BETWEEN ? AND ?");
    if (what.exporter) add("exporter = ?");
    if (what.port) add("(source_port = ? OR destination_port = ?)");
    if (what.protocol) add("protocol = ?");
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  void bind(Statement& row) const {
    if (what_->after) {
      row.bind(to_unix_ns(std::max(what_->after->received, what_->from))).bind(what_->after->id);
    } else {
      row.bind(to_unix_ns(what_->from));
    }
    row.bind(to_unix_ns(what_->to));
    for (int end = 0; what_->either && end < 2; ++end) bind(row, *what_->either);
    if (what_->source) bind(row, *what_->source);
    if (what_->destination) bind(row, *what_->destination);
    if (what_->exporter) put_address(row, *what_->exporter);
    for (int end = 0; what_->port && end < 2; ++end) row.bind(std::uint64_t{*what_->port});
    if (what_->protocol) row.bind(std::uint64_t{*what_->protocol});
  }

 private:
  void add(const char* condition) {
    text_ += (text_.empty() ? " WHERE " : " AND ") + std::string{condition};
  }
  static void bind(Statement& row, const IpPrefix& prefix) {
    put_address(row, prefix.address);
    put_address(row, last_of(prefix));
  }

  const FlowScan* what_;
  std::string text_;
};

const char* column_of(FlowGrouping grouping) {
  switch (grouping) {
    case FlowGrouping::exporter:
      return "exporter";
    case FlowGrouping::protocol:
      return "protocol";
    case FlowGrouping::source:
      return "source_address";
    case FlowGrouping::destination:
      return "destination_address";
    case FlowGrouping::port:
      return "destination_port";
    case FlowGrouping::none:
      break;
  }
  return "0";
}

/// Interrupts what takes too long.
class Deadline {
 public:
  explicit Deadline(Database& database)
      : handle_(database.handle().getHandle()), end_(Clock::now() + kFlowQuestionTime) {
    constexpr int kSteps = 100'000;  // of SQLite's machine: some milliseconds
    sqlite3_progress_handler(
        handle_, kSteps,
        [](void* self) { return Clock::now() > static_cast<Deadline*>(self)->end_ ? 1 : 0; }, this);
  }
  ~Deadline() { sqlite3_progress_handler(handle_, 0, nullptr, nullptr); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  sqlite3* handle_;
  Clock::time_point end_;
};

class SqliteFlowReader final : public FlowReader {
 public:
  explicit SqliteFlowReader(const SqliteStoreOptions& options)
      : database_(options.path, options.busy_timeout) {}

  void scan(const FlowScan& what,
            const std::function<bool(const FlowPosition&, const FlowRecord&)>& visit) override {
    const Deadline deadline{database_};
    const Where where{what};
    const std::string sql = "SELECT " + std::string{store::kFlowColumns} + " FROM flows" +
                            where.text() + " ORDER BY received, id";
    Statement row{database_, sql.c_str()};
    where.bind(row.begin());
    while (row.step()) {
      FlowRecord flow;
      const FlowPosition position = store::take_flow(row, flow, take_address);
      if (!visit(position, flow)) return;
    }
  }

  std::vector<FlowSums> sum(const FlowScan& what, const FlowSumming& how) override;

 private:
  Database database_;
};

std::vector<FlowSums> SqliteFlowReader::sum(const FlowScan& what, const FlowSumming& how) {
  const Deadline deadline{database_};
  const Where where{what};
  const std::string from = std::to_string(to_unix_ns(what.from));
  const std::string step = std::to_string(std::chrono::nanoseconds{how.step}.count());
  const std::string start =
      how.step.count() == 0 ? from : "received - (received - " + from + ") % " + step;
  const auto total = [](const std::string& count) {
    return "CAST(min(total(CASE WHEN " + count + " < 0 THEN 9.2e18 ELSE 1.0 * " + count +
           " * sampling_rate END), 9.2e18) AS INTEGER)";
  };
  const std::string sql =
      "SELECT " + start + " AS start, " + column_of(how.grouping) + " AS part, count(*), " +
      total("octets") + " AS octets, " + total("packets") + " FROM flows" + where.text() +
      " GROUP BY 1, 2 ORDER BY start, octets DESC, part LIMIT " + std::to_string(how.most);
  const bool is_address = how.grouping == FlowGrouping::exporter ||
                          how.grouping == FlowGrouping::source ||
                          how.grouping == FlowGrouping::destination;
  Statement row{database_, sql.c_str()};
  where.bind(row.begin());
  std::vector<FlowSums> sums;
  while (row.step()) {
    FlowSums& s = sums.emplace_back();
    s.start = from_unix_ns(row.i64());
    if (is_address) {
      s.address = take_address(row);
    } else {
      s.number = static_cast<std::uint32_t>(row.u64());
    }
    s.flows = row.u64();
    s.octets = row.u64();
    s.packets = row.u64();
  }
  return sums;
}

void check_path(const SqliteStoreOptions& options) {
  if (options.path.empty()) throw ConfigError("store: the path of the file of flows is empty");
}

}  // namespace

std::unique_ptr<FlowStore> make_sqlite_flow_store(const SqliteStoreOptions& options, Epoch epoch) {
  check_path(options);
  return std::make_unique<SqliteFlowStore>(options, epoch);
}

std::unique_ptr<FlowReader> make_sqlite_flow_reader(const SqliteStoreOptions& options) {
  check_path(options);
  return std::make_unique<SqliteFlowReader>(options);
}

}  // namespace flowlens
