#include <functional>
#include <memory>
#include <string>

#include "flowlens/store.hpp"
#include "store/row_text.hpp"
#include "store/sqlite_database.hpp"
#include "store/sqlite_reader.hpp"
#include "store/sqlite_roll_up.hpp"
#include "store/sqlite_schema.hpp"
#include "store/sqlite_writer.hpp"
#include "store/term.hpp"

namespace flowlens {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

constexpr std::size_t kRowsAtOnce = 10'000;

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(const SqliteStoreOptions& options)
      : options_(options), sites_(options.sites) {
    if (options.path.empty()) throw ConfigError("store: the path of the database is empty");
  }

  StoreOpened open() override;
  StoreOpened resume(Epoch epoch) override;
  void load(DependencyGraph& graph) override;
  void apply(const Revision& revision) override;
  void scan(const WindowScan& what, const std::function<bool(const WindowRow&)>& visit) override {
    store::scan_windows(database(), what, visit);
  }
  bool expire(const Retention& retention, Timestamp now) override;
  FlowLedger ledger() override { return store::read_ledger(database()); }

 private:
  Database& database();
  StoreOpened open_as(const std::function<void()>& take_term);
  void take_epoch();
  void retake(Epoch epoch);

  SqliteStoreOptions options_;
  store::SiteNames sites_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<store::SqliteWriter> writer_;
  store::Term term_;
  std::uint64_t last_revision_ = 0;
};

Database& SqliteStore::database() {
  if (!database_)
    throw ConfigError("store: " + options_.path.string() + " is not open yet; call open()");
  return *database_;
}

StoreOpened SqliteStore::open() {
  return open_as([this] { take_epoch(); });
}

StoreOpened SqliteStore::resume(Epoch epoch) {
  return open_as([this, epoch] { retake(epoch); });
}

StoreOpened SqliteStore::open_as(const std::function<void()>& take_term) {
  writer_.reset();
  database_ = std::make_unique<Database>(options_.path, options_.busy_timeout);
  store::check_schema(*database_);
  // Counts only before the first table.
  database_->run("PRAGMA auto_vacuum = INCREMENTAL");
  // A commit is safe against the end of the process at once, against loss of power soon after.
  database_->run("PRAGMA journal_mode = WAL");
  database_->run("PRAGMA synchronous = NORMAL");
  database_->run("PRAGMA cache_size = -65536");
  database_->run("PRAGMA wal_autocheckpoint = 4000");
  database_->run("PRAGMA journal_size_limit = 67108864");

  Transaction transaction{*database_, Transaction::Kind::write};
  store::migrate(*database_);
  take_term();
  StoreOpened opened{term_.epoch, last_revision_, store::read_sites(*database_)};
  transaction.commit();
  writer_ = std::make_unique<store::SqliteWriter>(*database_, sites_);
  return opened;
}

void SqliteStore::take_epoch() {
  const auto last_revision =
      database_->number("SELECT coalesce(max(last_revision), 0) FROM epochs");
  const auto revision_at = database_->number("SELECT coalesce(max(revision_at), 0) FROM epochs");
  last_revision_ = static_cast<std::uint64_t>(last_revision);
  term_ = {Epoch{store::newest_epoch(*database_).value + 1}, last_revision_ + 1,
           options_.path.string()};
  Statement{
      *database_,
      "INSERT INTO epochs (epoch, first_revision, last_revision, revision_at) VALUES (?,?,?,?)"}
      .begin()
      .bind(term_.epoch.value)
      .bind(term_.first_revision)
      .bind(last_revision_)
      .bind(revision_at)
      .run();
}

void SqliteStore::retake(Epoch epoch) {
  term_ = {epoch, 0, options_.path.string()};
  store::check_resumed(term_, store::newest_epoch(*database_));
  Statement row{*database_, "SELECT first_revision, last_revision FROM epochs WHERE epoch = ?"};
  if (!row.begin().bind(epoch.value).step()) return;  // there, as it is the newest
  term_.first_revision = row.u64();
  last_revision_ = row.u64();
}

void SqliteStore::load(DependencyGraph& graph) {
  Transaction transaction{database(), Transaction::Kind::read};
  Revision frame;
  frame.number = last_revision_;
  frame.epoch = term_.epoch;
  frame.at = from_unix_ns(database().number("SELECT max(revision_at) FROM epochs"));
  store::load_graph(database(), sites_, frame, kRowsAtOnce, graph);
  transaction.commit();
}

void SqliteStore::apply(const Revision& revision) {
  Transaction transaction{database(), Transaction::Kind::write};
  store::check_revision(term_, store::newest_epoch(database()), revision);
  if (revision.number <= last_revision_) return;
  writer_->write(revision);
  transaction.commit();
  last_revision_ = revision.number;
}

bool SqliteStore::expire(const Retention& retention, Timestamp now) {
  Transaction transaction{database(), Transaction::Kind::write};
  store::check_epoch(term_, store::newest_epoch(database()), "the windows");
  const bool did = store::roll_up_and_expire(database(), retention, now);
  transaction.commit();
  return did || store::give_disk_back(database());
}

class SqliteTrafficReader final : public TrafficReader {
 public:
  explicit SqliteTrafficReader(const SqliteStoreOptions& options)
      : database_(options.path, options.busy_timeout) {}

  void scan(const WindowScan& what, const std::function<bool(const WindowRow&)>& visit) override {
    Transaction transaction{database_, Transaction::Kind::read};
    store::scan_windows(database_, what, visit);
  }

 private:
  Database database_;
};

}  // namespace

std::unique_ptr<TrafficReader> make_sqlite_traffic_reader(const SqliteStoreOptions& options) {
  return std::make_unique<SqliteTrafficReader>(options);
}

std::unique_ptr<Store> make_sqlite_store(const SqliteStoreOptions& options) {
  return std::make_unique<SqliteStore>(options);
}

}  // namespace flowlens
