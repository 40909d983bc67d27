// The five verbs on PostgreSQL.
#include <set>
#include <string>

#include "flowlens/postgres_store.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/feed.hpp"
#include "store/postgres/reader.hpp"
#include "store/postgres/roll_up.hpp"
#include "store/postgres/schema.hpp"
#include "store/postgres/writer.hpp"
#include "store/row_text.hpp"
#include "store/term.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;

class PostgresStore final : public Store {
 public:
  explicit PostgresStore(const PostgresStoreOptions& options)
      : connection_(options), sites_(options.sites), site_table_(options.sites) {}

  StoreOpened open() override;
  StoreOpened resume(Epoch epoch) override;
  void load(DependencyGraph& graph) override;
  void apply(const Revision& revision) override;
  void scan(const WindowScan& what, const std::function<bool(const WindowRow&)>& visit) override;
  bool expire(const Retention& retention, Timestamp now) override;
  FlowLedger ledger() override;

 private:
  void check_open() const;
  std::set<Timestamp> make_partitions(Transaction& tx, const Revision& revision) const;

  Connection connection_;
  store::SiteNames sites_;
  const SiteTable site_table_;
  store::Term term_;
  std::set<Timestamp> days_;  ///< that have a partition
};

void PostgresStore::check_open() const {
  if (term_.epoch.value == 0) {
    throw ConfigError("store: " + connection_.where() + " is not open yet; call open()");
  }
}

/// Waits for a revision that is being written, and lets none begin. Whoever is in the way for too long is cut
/// off: a process that was stopped in the middle of a COPY would hold its lock for ever, and the new term
/// ends its right to write anyway.
void lock_epochs(Transaction& tx, std::chrono::milliseconds timeout) {
  tx.exec("SET LOCAL lock_timeout = " + std::to_string(timeout.count() / 4));
  tx.exec(
      "DO $$ BEGIN "
      "LOCK TABLE flowlens_store.epochs IN EXCLUSIVE MODE; "
      "EXCEPTION WHEN lock_not_available THEN "
      "PERFORM pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = "
      "l.pid "
      "WHERE l.relation = 'flowlens_store.epochs'::regclass AND l.granted "
      "AND a.datname = current_database() AND a.usename = current_user "
      "AND l.mode <> 'AccessShareLock' AND l.pid <> pg_backend_pid(); "
      "END $$");
  tx.exec("SET LOCAL lock_timeout = " + std::to_string(timeout.count()));
  tx.exec("LOCK TABLE flowlens_store.epochs IN EXCLUSIVE MODE");
}

StoreOpened PostgresStore::open() {
  StoreOpened opened;
  connection_.transact([&](Transaction& tx) {
    migrate(tx, connection_.where());
    lock_epochs(tx, connection_.lock_timeout());
    const pqxx::result last = tx.exec(
        "INSERT INTO flowlens_store.epochs (epoch, first_revision, last_revision, revision_at) "
        "SELECT coalesce(max(epoch), 0) + 1, coalesce(max(last_revision), 0) + 1, "
        "coalesce(max(last_revision), 0), coalesce(max(revision_at), 0) FROM flowlens_store.epochs "
        "RETURNING epoch, last_revision");
    Row row{last[0]};
    opened.epoch = Epoch{row.u64()};
    opened.last_revision = row.u64();
    // Announced by a writer that has not come to write them.
    tx.exec_params("DELETE FROM flowlens_store.revisions WHERE number > $1", opened.last_revision);
    opened.sites = read_sites(tx);
    opened.input_position = taken_position(tx);
  });
  term_ = {opened.epoch, opened.last_revision + 1, connection_.where()};
  days_.clear();
  return opened;
}

StoreOpened PostgresStore::resume(Epoch epoch) {
  StoreOpened opened{epoch, 0, {}};
  store::Term term{epoch, 0, connection_.where()};
  connection_.transact([&](Transaction& tx) {
    migrate(tx, connection_.where());
    const std::string newest = "(SELECT coalesce(max(epoch), 0) FROM flowlens_store.epochs)";
    store::check_resumed(term, Epoch{static_cast<std::uint64_t>(number(tx, "SELECT " + newest))});
    const pqxx::result last = tx.exec(
        "SELECT first_revision, last_revision FROM flowlens_store.epochs WHERE epoch = " + newest);
    Row row{last[0]};
    term.first_revision = row.u64();
    opened.last_revision = row.u64();
    opened.sites = read_sites(tx);
    opened.input_position = taken_position(tx);
  });
  term_ = term;
  days_.clear();
  return opened;
}

void PostgresStore::load(DependencyGraph& graph) {
  check_open();
  connection_.read([&](Transaction& tx) {
    Revision frame;
    frame.number = term_.first_revision - 1;
    frame.epoch = term_.epoch;
    frame.at = from_unix_ns(number(tx, "SELECT max(revision_at) FROM flowlens_store.epochs"));
    load_graph(tx, sites_, frame, graph);
  });
}

/// Those of its windows, and the next day's, so that midnight finds it made.
/// \return their days.
std::set<Timestamp> PostgresStore::make_partitions(Transaction& tx,
                                                   const Revision& revision) const {
  std::set<Timestamp> days;
  for (const WindowRow& row : revision.windows) {
    days.insert(Timestamp{std::chrono::floor<std::chrono::days>(row.window_start)});
  }
  if (!days.empty()) days.insert(*days.rbegin() + std::chrono::days{1});
  for (const Timestamp day : days) {
    if (!days_.contains(day)) make_partition(tx, store::series_of(Period::window), day);
  }
  return days;
}

void PostgresStore::apply(const Revision& revision) {
  check_open();
  std::set<Timestamp> days;
  connection_.transact([&](Transaction& tx) {
    const NewestEpoch newest = newest_epoch(tx, connection_.where());
    store::check_revision(term_, newest.epoch, revision);
    if (revision.number <= newest.last_revision) return;
    days = make_partitions(tx, revision);
    write_revision(tx, sites_, revision);
    feed_followers(tx, site_table_, revision);
  });
  days_.merge(days);
}

void PostgresStore::scan(const WindowScan& what,
                         const std::function<bool(const WindowRow&)>& visit) {
  check_open();
  connection_.read([&](Transaction& tx) { scan_windows(tx, what, visit); });
}

bool PostgresStore::expire(const Retention& retention, Timestamp now) {
  check_open();
  bool did = false;
  connection_.transact([&](Transaction& tx) {
    store::check_epoch(term_, newest_epoch(tx, connection_.where()).epoch, "the windows");
    did = roll_up_and_expire(tx, retention, now);
    if (!did) trim_feed(tx);
  });
  if (did) days_.clear();
  return did;
}

FlowLedger PostgresStore::ledger() {
  check_open();
  FlowLedger sum;
  connection_.read([&](Transaction& tx) { sum = read_ledger(tx); });
  return sum;
}

class PostgresTrafficReader final : public TrafficReader {
 public:
  explicit PostgresTrafficReader(const PostgresStoreOptions& options) : connection_(options) {}

  void scan(const WindowScan& what, const std::function<bool(const WindowRow&)>& visit) override {
    connection_.read([&](Transaction& tx) { scan_windows(tx, what, visit); });
  }

 private:
  Connection connection_;
};

}  // namespace

std::unique_ptr<TrafficReader> make_postgres_traffic_reader(const PostgresStoreOptions& options) {
  return std::make_unique<PostgresTrafficReader>(options);
}

std::unique_ptr<Store> make_postgres_store(const PostgresStoreOptions& options) {
  return std::make_unique<PostgresStore>(options);
}

}  // namespace flowlens
