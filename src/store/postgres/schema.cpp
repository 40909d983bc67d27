#include "store/postgres/schema.hpp"

#include "flowlens/error.hpp"
#include "store/postgres/migrations.hpp"
#include "store/roll_up.hpp"

namespace flowlens::store::postgres {
namespace {

/// "FLns": whoever migrates holds this lock (pg_advisory_xact_lock).
constexpr const char* kLock = "1179414131";

std::uint32_t newest_version() { return static_cast<std::uint32_t>(migrations().size()); }

bool is_new(Transaction& tx) {
  return number(tx,
                "SELECT count(*) FROM information_schema.schemata "
                "WHERE schema_name = 'flowlens_store'") == 0;
}

}  // namespace

SchemaVersion version_of(Transaction& tx, const std::string& where) {
  SchemaVersion version{0, newest_version()};
  if (is_new(tx)) return version;
  version.found = static_cast<std::uint32_t>(
      number(tx, "SELECT coalesce(max(version), 0) FROM flowlens_store.migrations"));
  if (version.found > newest_version()) {
    throw IoError("PostgreSQL database " + where + " has schema version " +
                  std::to_string(version.found) + ", this release knows up to " +
                  std::to_string(newest_version()) +
                  ": use the newer release, or name another database");
  }
  return version;
}

void migrate(Transaction& tx, const std::string& where, std::uint32_t to) {
  tx.exec("SELECT pg_advisory_xact_lock(" + std::string{kLock} + ")");
  if (is_new(tx)) {
    tx.exec(
        "CREATE SCHEMA flowlens_store; CREATE SCHEMA IF NOT EXISTS flowlens; "
        "CREATE TABLE flowlens_store.migrations (version bigint PRIMARY KEY, "
        "applied_at timestamptz NOT NULL DEFAULT now())");
  }
  for (std::uint32_t n = version_of(tx, where).found; n < to; ++n) {
    const Migration& migration = migrations()[n];
    tx.exec(migration.sql);
    if (migration.ends_with_resolved_views) {
      tx.exec(resolved_views("CREATE OR REPLACE VIEW", "flowlens_store."));
    }
    tx.exec("INSERT INTO flowlens_store.migrations (version) VALUES (" + std::to_string(n + 1) +
            ")");
  }
}

void migrate(Transaction& tx, const std::string& where) { migrate(tx, where, newest_version()); }

std::uint64_t taken_position(Transaction& tx) {
  return static_cast<std::uint64_t>(
      number(tx, "SELECT max(input_position) FROM flowlens_store.epochs"));
}

NewestEpoch newest_epoch(Transaction& tx, const std::string& where) {
  const pqxx::result newest = tx.exec(
      "SELECT epoch, last_revision FROM flowlens_store.epochs ORDER BY epoch DESC LIMIT 1 "
      "FOR KEY SHARE");
  if (newest.empty()) {
    throw IoError("PostgreSQL database " + where +
                  " has lost the table of epochs since open(); restore a backup, or start anew");
  }
  Row row{newest[0]};
  const Epoch epoch{row.u64()};
  return {epoch, row.u64()};
}

}  // namespace flowlens::store::postgres
