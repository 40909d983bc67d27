// Versions of the schema, and how the server looks.
#include "flowlens/postgres_store.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/schema.hpp"
#include "store/schema_step.hpp"

namespace flowlens {

using store::postgres::Connection;
using store::postgres::number;
using store::postgres::Transaction;

SchemaVersion postgres_schema_version(const PostgresStoreOptions& options) {
  Connection connection(options);
  SchemaVersion version;
  connection.read(
      [&](Transaction& tx) { version = store::postgres::version_of(tx, connection.where()); });
  return version;
}

SchemaVersion migrate_postgres(const PostgresStoreOptions& options, std::uint32_t to) {
  Connection connection(options);
  SchemaVersion version;
  connection.transact([&](Transaction& tx) {
    version = store::postgres::version_of(tx, connection.where());
    store::check_step(version, to);
    store::postgres::migrate(tx, connection.where(), to);
  });
  return version;
}

PostgresServer inspect_postgres(const PostgresStoreOptions& options) {
  Connection connection(options);
  PostgresServer server;
  server.where = connection.where();
  connection.read([&](Transaction& tx) {
    const auto count = [&](const char* sql) { return static_cast<std::uint32_t>(number(tx, sql)); };
    server.version = count("SELECT current_setting('server_version_num')::bigint");
    server.is_read_only = count("SELECT pg_is_in_recovery()::int") != 0;
    server.may_create =
        count(
            "SELECT (has_database_privilege(current_database(), 'CREATE') OR EXISTS (SELECT FROM "
            "pg_namespace WHERE nspname = 'flowlens_store' AND "
            "pg_has_role(nspowner, 'USAGE')))::int") != 0;
    server.max_connections = count("SELECT current_setting('max_connections')::bigint");
    server.connections =
        count("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'");
    server.database_octets =
        static_cast<std::uint64_t>(number(tx, "SELECT pg_database_size(current_database())"));
  });
  return server;
}

}  // namespace flowlens
