/// \file
/// store/postgres: revisions, alerts and applications in PostgreSQL 15 and later. Of flowlens::store, built with
/// FLOWLENS_WITH_POSTGRES.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "flowlens/alert_store.hpp"
#include "flowlens/application_store.hpp"
#include "flowlens/flow_store.hpp"
#include "flowlens/store.hpp"

namespace flowlens {

struct PostgresStoreOptions {
  /// As libpq takes it: `postgresql://flowlens@db.example.com/flowlens` or `host=/run/postgresql
  /// dbname=flowlens`. What it leaves out comes from PGHOST and its like; without time-outs of its own it
  /// gets 10 s to connect and 30 s for a peer that says nothing.
  std::string connection;
  /// How long a statement waits for a lock that somebody else holds, until the call throws IoError.
  std::chrono::milliseconds lock_timeout{30'000};
  SiteTable sites{};  ///< the graph's: rows keep names of sites, not their numbers
};

/// The store of a database server: the tables stand in its schema `flowlens_store`, views for people in
/// `flowlens`. One connection, made by the first call that needs one, and again after it broke; only
/// transactions are asked of it, so PgBouncer may stand between in transaction mode. Names of sites and
/// texts that are not UTF-8, or hold a NUL, are stored with U+FFFD in its place.
/// A server that keeps its connection but says nothing (it was stopped) is waited for: calls block.
/// \throws ConfigError for a connection string that libpq does not understand, with its reason unless
///         that could show a password.
[[nodiscard]] std::unique_ptr<Store> make_postgres_store(const PostgresStoreOptions& options);

/// \throws ConfigError as make_postgres_store() does.
[[nodiscard]] std::unique_ptr<TrafficReader> make_postgres_traffic_reader(
    const PostgresStoreOptions& options);

/// A partition an hour, which goes whole. \param epoch  what Store::open() gave.
[[nodiscard]] std::unique_ptr<FlowStore> make_postgres_flow_store(
    const PostgresStoreOptions& options, Epoch epoch);
[[nodiscard]] std::unique_ptr<FlowReader> make_postgres_flow_reader(
    const PostgresStoreOptions& options);

/// \param epoch  what Store::open() gave; it has brought the schema up to date.
[[nodiscard]] std::unique_ptr<AlertStore> make_postgres_alert_store(
    const PostgresStoreOptions& options, Epoch epoch);
/// \param epoch  the same.
[[nodiscard]] std::unique_ptr<ApplicationStore> make_postgres_application_store(
    const PostgresStoreOptions& options, Epoch epoch);

}  // namespace flowlens
