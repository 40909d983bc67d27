#include "store/sqlite_schema.hpp"

#include <array>
#include <string>

#include "flowlens/error.hpp"
#include "store/roll_up.hpp"

namespace flowlens::store {
namespace {

/// "FLns", marks the file as ours (PRAGMA application_id).
constexpr std::int64_t kApplicationId = 0x464c'6e73;

// Ids are 16 octets, times nanoseconds since 1970 UTC, addresses text. Counts are 64 bits without
// sign, kept in SQLite's signed integers. No index on a column that every flush changes.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE epochs (
  epoch INTEGER PRIMARY KEY,
  first_revision INTEGER NOT NULL,
  last_revision INTEGER NOT NULL,
  revision_at INTEGER NOT NULL,
  flows_normalized INTEGER NOT NULL DEFAULT 0,
  flows_applied INTEGER NOT NULL DEFAULT 0,
  flows_duplicate INTEGER NOT NULL DEFAULT 0,
  flows_attempt INTEGER NOT NULL DEFAULT 0,
  flows_control INTEGER NOT NULL DEFAULT 0,
  flows_sampled_out INTEGER NOT NULL DEFAULT 0,
  flows_dropped_pressure INTEGER NOT NULL DEFAULT 0,
  flows_dropped_table_full INTEGER NOT NULL DEFAULT 0,
  flows_dropped_incomplete INTEGER NOT NULL DEFAULT 0,
  flows_late_carried INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE assets (
  id BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  asset_type TEXT NOT NULL,
  is_internal INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE asset_endpoints (
  asset BLOB NOT NULL,
  position INTEGER NOT NULL,
  site TEXT NOT NULL,
  address TEXT NOT NULL,
  held_from INTEGER NOT NULL,
  held_until INTEGER,
  PRIMARY KEY (asset, position)
) WITHOUT ROWID;
CREATE INDEX asset_endpoints_by_address ON asset_endpoints (address);
CREATE TABLE dependencies (
  id BLOB PRIMARY KEY,
  client_asset BLOB NOT NULL,
  server_asset BLOB NOT NULL,
  client_site TEXT NOT NULL,
  client_address TEXT NOT NULL,
  server_site TEXT NOT NULL,
  server_address TEXT NOT NULL,
  protocol INTEGER NOT NULL,
  port INTEGER NOT NULL,
  service TEXT NOT NULL,
  direction TEXT NOT NULL,
  rung TEXT NOT NULL,
  provisional INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  flows INTEGER NOT NULL,
  octets_to_server INTEGER NOT NULL,
  octets_to_client INTEGER NOT NULL,
  packets_to_server INTEGER NOT NULL,
  packets_to_client INTEGER NOT NULL,
  estimated_octets_to_server INTEGER NOT NULL,
  estimated_octets_to_client INTEGER NOT NULL,
  observers TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE dependency_windows (
  window_start INTEGER NOT NULL,
  dependency BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  flows INTEGER NOT NULL,
  octets_to_server INTEGER NOT NULL,
  octets_to_client INTEGER NOT NULL,
  packets_to_server INTEGER NOT NULL,
  packets_to_client INTEGER NOT NULL,
  estimated_octets_to_server INTEGER NOT NULL,
  estimated_octets_to_client INTEGER NOT NULL,
  PRIMARY KEY (window_start, dependency, epoch)
) WITHOUT ROWID;

CREATE VIEW readable_assets AS
SELECT lower(hex(a.id)) AS id, coalesce(nullif(a.name, ''), e.address) AS name, a.asset_type,
       a.is_internal, e.site, e.address,
       strftime('%Y-%m-%dT%H:%M:%SZ', a.first_seen / 1000000000, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%SZ', a.last_seen / 1000000000, 'unixepoch') AS last_seen
FROM assets a JOIN asset_endpoints e ON e.asset = a.id AND e.position = 0;
CREATE VIEW readable_dependencies AS
SELECT lower(hex(id)) AS id, client_address AS client, server_address AS server, protocol, port,
       service, direction, rung, provisional, flows,
       estimated_octets_to_server + estimated_octets_to_client AS bytes,
       strftime('%Y-%m-%dT%H:%M:%SZ', first_seen / 1000000000, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%SZ', last_seen / 1000000000, 'unixepoch') AS last_seen
FROM dependencies;
CREATE VIEW readable_windows AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', w.window_start / 1000000000, 'unixepoch') AS window_start,
       d.client_address AS client, d.server_address AS server, d.protocol, d.port, d.service,
       sum(w.flows) AS flows,
       sum(w.estimated_octets_to_server + w.estimated_octets_to_client) AS bytes
FROM dependency_windows w JOIN dependencies d ON d.id = w.dependency
GROUP BY w.window_start, w.dependency;
)sql";

// What the map knows of its past. `hours` holds the newest active hour (hours since 1970 UTC, four
// octets, highest first) and then one bit an hour back from it, lowest bit first, cut after the last
// octet that is not 0. A dependency's windows that start before `at` of its alias count as the
// target's; targets are never aliases themselves.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE assets ADD COLUMN name_source TEXT NOT NULL DEFAULT 'observed';
ALTER TABLE assets ADD COLUMN name_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE asset_endpoints ADD COLUMN source TEXT NOT NULL DEFAULT 'observed';
ALTER TABLE dependencies ADD COLUMN hours BLOB NOT NULL DEFAULT x'';
ALTER TABLE dependencies ADD COLUMN flips INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dependencies ADD COLUMN reasons TEXT NOT NULL DEFAULT '';
CREATE TABLE aliases (
  id BLOB NOT NULL,
  at INTEGER NOT NULL,
  target BLOB NOT NULL,
  PRIMARY KEY (id, at)
) WITHOUT ROWID;
CREATE INDEX aliases_by_target ON aliases (target);
CREATE TABLE events (
  id BLOB PRIMARY KEY,
  type TEXT NOT NULL,
  subject BLOB NOT NULL,
  object BLOB NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_by_time ON events (at);

DROP VIEW readable_windows;
CREATE VIEW resolved_windows AS
SELECT w.window_start, coalesce((SELECT a.target FROM aliases a
         WHERE a.id = w.dependency AND a.at > w.window_start ORDER BY a.at LIMIT 1),
         w.dependency) AS dependency, w.epoch, w.flows, w.octets_to_server, w.octets_to_client,
       w.packets_to_server, w.packets_to_client, w.estimated_octets_to_server,
       w.estimated_octets_to_client
FROM dependency_windows w;
CREATE VIEW readable_windows AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', w.window_start / 1000000000, 'unixepoch') AS window_start,
       d.client_address AS client, d.server_address AS server, d.protocol, d.port, d.service,
       sum(w.flows) AS flows,
       sum(w.estimated_octets_to_server + w.estimated_octets_to_client) AS bytes
FROM resolved_windows w JOIN dependencies d ON d.id = w.dependency
GROUP BY w.window_start, w.dependency;
CREATE VIEW readable_events AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000000000, 'unixepoch') AS at, type,
       lower(hex(subject)) AS subject, lower(hex(object)) AS object, reason
FROM events;
)sql";

// What stands between those who talk. Empty texts of a dependency: nothing stands for an end of it
// elsewhere.
constexpr const char* kVersion3 = R"sql(
ALTER TABLE dependencies ADD COLUMN via_site TEXT NOT NULL DEFAULT '';
ALTER TABLE dependencies ADD COLUMN via_address TEXT NOT NULL DEFAULT '';
ALTER TABLE dependencies ADD COLUMN client_count INTEGER NOT NULL DEFAULT 1;
CREATE TABLE intermediaries (
  id BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  site TEXT NOT NULL,
  address TEXT NOT NULL,
  front_port INTEGER NOT NULL,
  backend_port INTEGER NOT NULL,
  protocol INTEGER NOT NULL,
  clients INTEGER NOT NULL,
  windows INTEGER NOT NULL,
  confidence_millionths INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE intermediary_members (
  intermediary BLOB NOT NULL,
  site TEXT NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY (intermediary, site, address)
) WITHOUT ROWID;
)sql";

// Who says what an asset is; `observed`: nobody has.
constexpr const char* kVersion4 = R"sql(
ALTER TABLE assets ADD COLUMN type_source TEXT NOT NULL DEFAULT 'observed';
ALTER TABLE assets ADD COLUMN type_confidence_millionths INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assets ADD COLUMN type_at INTEGER NOT NULL DEFAULT 0;
)sql";

// What a change is about, how grave it is and what it is part of. `cause` of 16 zero octets: it stands
// for itself; empty sites and addresses: it is about none.
constexpr const char* kVersion5 = R"sql(
ALTER TABLE events ADD COLUMN severity TEXT NOT NULL DEFAULT 'info';
ALTER TABLE events ADD COLUMN cause BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
ALTER TABLE events ADD COLUMN before TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN after TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN expected INTEGER;
ALTER TABLE events ADD COLUMN seen INTEGER;
ALTER TABLE events ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN client_site TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN client_address TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN port INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN protocol INTEGER NOT NULL DEFAULT 0;
DROP VIEW readable_events;
CREATE VIEW readable_events AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000000000, 'unixepoch') AS at, type, severity,
       address, client_address AS client, protocol, port, before, after, reason,
       lower(hex(id)) AS id, lower(hex(cause)) AS cause, lower(hex(subject)) AS subject,
       lower(hex(object)) AS object
FROM events;
)sql";

// Alerts and what they are made by. Rules and windows are JSON, as docs/alerts.md shows them;
// alert_events holds the events that were taken, in that order. An empty address: none is known.
constexpr const char* kVersion6 = R"sql(
CREATE TABLE alerts (
  id BLOB PRIMARY KEY,
  rule TEXT NOT NULL,
  type TEXT NOT NULL,
  subject BLOB NOT NULL,
  protocol INTEGER NOT NULL,
  port INTEGER NOT NULL,
  status TEXT NOT NULL,
  severity TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  asset TEXT NOT NULL,
  environment TEXT NOT NULL,
  datacenter TEXT NOT NULL,
  address TEXT NOT NULL,
  first_event BLOB NOT NULL,
  last_event BLOB NOT NULL,
  opened_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  noted_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  reopened INTEGER NOT NULL,
  maintenance TEXT NOT NULL,
  acknowledged_by TEXT NOT NULL,
  acknowledged_at INTEGER,
  resolved_by TEXT NOT NULL,
  resolved_at INTEGER
) WITHOUT ROWID;
CREATE TABLE alert_history (
  alert BLOB NOT NULL,
  position INTEGER NOT NULL,
  step TEXT NOT NULL,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (alert, position)
) WITHOUT ROWID;
CREATE TABLE alert_rules (name TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE maintenance_windows (name TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE alert_events (position INTEGER PRIMARY KEY, event BLOB NOT NULL UNIQUE);
CREATE TABLE alert_state (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);
CREATE VIEW readable_alerts AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', opened_at / 1000000000, 'unixepoch') AS opened_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', last_at / 1000000000, 'unixepoch') AS last_at, count, status,
       severity, maintenance, rule, type, asset, address, title, acknowledged_by, resolved_by,
       lower(hex(id)) AS id
FROM alerts;
)sql";

// Hours and days that windows have been added up to, by roll_up.cpp. An alias speaks of whole hours and
// days only: one that parts an hour has it added up again.
constexpr const char* kVersion7 = R"sql(
CREATE TABLE dependency_hours (
  window_start INTEGER NOT NULL,
  dependency BLOB NOT NULL,
  flows INTEGER NOT NULL,
  octets_to_server INTEGER NOT NULL,
  octets_to_client INTEGER NOT NULL,
  packets_to_server INTEGER NOT NULL,
  packets_to_client INTEGER NOT NULL,
  estimated_octets_to_server INTEGER NOT NULL,
  estimated_octets_to_client INTEGER NOT NULL,
  PRIMARY KEY (window_start, dependency)
) WITHOUT ROWID;
CREATE TABLE dependency_days (
  window_start INTEGER NOT NULL,
  dependency BLOB NOT NULL,
  flows INTEGER NOT NULL,
  octets_to_server INTEGER NOT NULL,
  octets_to_client INTEGER NOT NULL,
  packets_to_server INTEGER NOT NULL,
  packets_to_client INTEGER NOT NULL,
  estimated_octets_to_server INTEGER NOT NULL,
  estimated_octets_to_client INTEGER NOT NULL,
  PRIMARY KEY (window_start, dependency)
) WITHOUT ROWID;
CREATE TABLE stale_periods (
  length INTEGER NOT NULL,
  start INTEGER NOT NULL,
  PRIMARY KEY (length, start)
) WITHOUT ROWID;
CREATE TABLE expired_periods (
  length INTEGER PRIMARY KEY,
  before INTEGER NOT NULL
);
INSERT INTO stale_periods SELECT DISTINCT 3600000000000,
  window_start - window_start % 3600000000000 FROM dependency_windows;
CREATE VIEW resolved_hours AS
SELECT w.window_start, coalesce((SELECT a.target FROM aliases a
         WHERE a.id = w.dependency AND a.at >= w.window_start + 3600000000000
         ORDER BY a.at LIMIT 1), w.dependency) AS dependency,
       w.flows, w.octets_to_server, w.octets_to_client, w.packets_to_server, w.packets_to_client,
       w.estimated_octets_to_server, w.estimated_octets_to_client
FROM dependency_hours w;
CREATE VIEW resolved_days AS
SELECT w.window_start, coalesce((SELECT a.target FROM aliases a
         WHERE a.id = w.dependency AND a.at >= w.window_start + 86400000000000
         ORDER BY a.at LIMIT 1), w.dependency) AS dependency,
       w.flows, w.octets_to_server, w.octets_to_client, w.packets_to_server, w.packets_to_client,
       w.estimated_octets_to_server, w.estimated_octets_to_client
FROM dependency_days w;
CREATE VIEW readable_hours AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', w.window_start / 1000000000, 'unixepoch') AS hour,
       d.client_address AS client, d.server_address AS server, d.protocol, d.port, d.service,
       sum(w.flows) AS flows,
       sum(w.estimated_octets_to_server + w.estimated_octets_to_client) AS bytes
FROM resolved_hours w JOIN dependencies d ON d.id = w.dependency
GROUP BY w.window_start, w.dependency;
CREATE VIEW readable_days AS
SELECT strftime('%Y-%m-%d', w.window_start / 1000000000, 'unixepoch') AS day,
       d.client_address AS client, d.server_address AS server, d.protocol, d.port, d.service,
       sum(w.flows) AS flows,
       sum(w.estimated_octets_to_server + w.estimated_octets_to_client) AS bytes
FROM resolved_days w JOIN dependencies d ON d.id = w.dependency
GROUP BY w.window_start, w.dependency;
)sql";

// Applications: what people say of each (words: of which assets), and where each asset sits. Ids of 16
// zero octets: merged into none, in none, proposed for none.
constexpr const char* kVersion8 = R"sql(
CREATE TABLE applications (
  id BLOB PRIMARY KEY,
  status TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  criticality TEXT NOT NULL,
  merged_into BLOB NOT NULL,
  first_seen INTEGER NOT NULL,
  said_by TEXT NOT NULL,
  said_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE application_words (
  application BLOB NOT NULL,
  word TEXT NOT NULL,
  asset BLOB NOT NULL,
  PRIMARY KEY (application, word, asset)
) WITHOUT ROWID;
CREATE TABLE application_seats (
  asset BLOB PRIMARY KEY,
  application BLOB NOT NULL,
  proposed BLOB NOT NULL,
  since INTEGER NOT NULL
) WITHOUT ROWID;
CREATE VIEW readable_applications AS
SELECT p.name AS application, p.status, p.description, p.criticality,
       coalesce(nullif(a.name, ''), e.address) AS asset, p.said_by AS updated_by,
       lower(hex(p.id)) AS id, lower(hex(s.asset)) AS asset_id
FROM application_seats s
JOIN applications seated ON seated.id = s.application
JOIN applications p
  ON p.id = CASE seated.status WHEN 'merged' THEN seated.merged_into ELSE seated.id END
LEFT JOIN assets a ON a.id = s.asset
LEFT JOIN asset_endpoints e ON e.asset = s.asset AND e.position = 0
WHERE p.status <> 'rejected';
)sql";

// What people say of assets and dependencies; tags with commas between.
constexpr const char* kVersion9 = R"sql(
CREATE TABLE annotations (
  subject BLOB PRIMARY KEY,
  tags TEXT NOT NULL,
  notes TEXT NOT NULL,
  owner TEXT NOT NULL,
  criticality TEXT NOT NULL,
  is_declared INTEGER NOT NULL,
  is_confirmed INTEGER NOT NULL,
  said_by TEXT NOT NULL,
  said_at INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// What is said of endpoints, each with its position among those of its endpoint. Names and types that
// somebody said in earlier versions become facts of the first endpoint that the asset holds now.
constexpr const char* kVersion10 = R"sql(
CREATE TABLE endpoint_facts (
  site TEXT NOT NULL,
  address TEXT NOT NULL,
  position INTEGER NOT NULL,
  attribute TEXT NOT NULL,
  value TEXT NOT NULL,
  source TEXT NOT NULL,
  origin TEXT NOT NULL,
  at INTEGER NOT NULL,
  since INTEGER,
  expires INTEGER,
  PRIMARY KEY (site, address, position)
) WITHOUT ROWID;
CREATE TEMP TABLE first_held AS
SELECT a.*, e.site, e.address FROM main.assets a
JOIN main.asset_endpoints e ON e.asset = a.id AND e.position =
  (SELECT min(o.position) FROM main.asset_endpoints o
   WHERE o.asset = a.id AND o.held_until IS NULL);
INSERT INTO endpoint_facts
SELECT site, address, 0, 'name', name, name_source, '', name_at, NULL, NULL
FROM temp.first_held WHERE name <> '';
INSERT INTO endpoint_facts
SELECT site, address, 1, 'type', printf('%s %.6f', asset_type, type_confidence_millionths / 1e6),
       type_source, '', type_at, NULL, NULL
FROM temp.first_held WHERE type_source NOT IN ('observed', 'inferred');
DROP TABLE temp.first_held;
CREATE VIEW readable_facts AS
SELECT f.address, coalesce(nullif(a.name, ''), f.address) AS asset, f.attribute, f.value, f.source,
       f.origin, strftime('%Y-%m-%dT%H:%M:%SZ', f.at / 1000000000, 'unixepoch') AS at,
       strftime('%Y-%m-%dT%H:%M:%SZ', f.since / 1000000000, 'unixepoch') AS since,
       strftime('%Y-%m-%dT%H:%M:%SZ', f.expires / 1000000000, 'unixepoch') AS expires
FROM endpoint_facts f
LEFT JOIN asset_endpoints e
  ON e.site = f.site AND e.address = f.address AND e.held_until IS NULL
LEFT JOIN assets a ON a.id = e.asset;
)sql";

// What people and later evidence turn round: its windows change sides. Of what was turned before, only what
// people said (for ever) had its totals turned, too.
constexpr const char* kVersion11 = R"sql(
ALTER TABLE aliases ADD COLUMN is_turned INTEGER NOT NULL DEFAULT 0;
UPDATE aliases SET is_turned = 1 WHERE at = 9223372036854775807;
DROP VIEW resolved_windows;
DROP VIEW resolved_hours;
DROP VIEW resolved_days;
)sql";

/// Brings a file to the next version. Never changed once released.
struct Migration {
  const char* sql;
  bool ends_with_resolved_views = false;
};
constexpr std::array kMigrations{
    Migration{kVersion1}, Migration{kVersion2},  Migration{kVersion3},       Migration{kVersion4},
    Migration{kVersion5}, Migration{kVersion6},  Migration{kVersion7},       Migration{kVersion8},
    Migration{kVersion9}, Migration{kVersion10}, Migration{kVersion11, true}};
constexpr auto kNewestVersion = static_cast<std::uint32_t>(kMigrations.size());

}  // namespace

void check_schema(Database& database) {
  const std::int64_t application = database.number("PRAGMA application_id");
  const std::uint32_t version = version_of(database);
  const bool is_empty = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  if (is_empty) return;
  if (application != kApplicationId) {
    throw IoError(
        "SQLite database " + database.path() +
        " belongs to another program: its application_id is not FlowLens'; name another path");
  }
  if (version > kNewestVersion) {
    throw IoError("SQLite database " + database.path() + " has schema version " +
                  std::to_string(version) + ", this release knows up to " +
                  std::to_string(kNewestVersion) + ": use the newer release, or name another path");
  }
}

std::uint32_t newest_version() noexcept { return kNewestVersion; }

std::uint32_t version_of(Database& database) {
  return static_cast<std::uint32_t>(database.number("PRAGMA user_version"));
}

void migrate(Database& database, std::uint32_t to) {
  const std::uint32_t version = version_of(database);
  if (version >= to) return;
  for (std::uint32_t n = version; n < to; ++n) {
    database.run(kMigrations[n].sql);
    if (kMigrations[n].ends_with_resolved_views) {
      database.run(resolved_views("CREATE VIEW", "").c_str());
    }
  }
  database.run(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  database.run(("PRAGMA user_version = " + std::to_string(to)).c_str());
}

Epoch newest_epoch(Database& database) {
  return Epoch{
      static_cast<std::uint64_t>(database.number("SELECT coalesce(max(epoch), 0) FROM epochs"))};
}

}  // namespace flowlens::store
