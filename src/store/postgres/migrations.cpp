#include "store/postgres/migrations.hpp"

#include <array>

namespace flowlens::store::postgres {
namespace {

// Times are nanoseconds since 1970 UTC, exactly as the map has them; the views of schema `flowlens` show
// them as timestamps. Counts are 64 bits without sign in PostgreSQL's signed ones. Empty sites and
// addresses: there is none. `hours` as in sqlite_schema.cpp. No index on a column that every flush
// changes, and room in the pages, so that rows are changed where they lie.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE flowlens_store.epochs (
  epoch bigint PRIMARY KEY,
  first_revision bigint NOT NULL DEFAULT 0,
  last_revision bigint NOT NULL,
  revision_at bigint NOT NULL,
  flows_normalized bigint NOT NULL DEFAULT 0,
  flows_applied bigint NOT NULL DEFAULT 0,
  flows_duplicate bigint NOT NULL DEFAULT 0,
  flows_attempt bigint NOT NULL DEFAULT 0,
  flows_control bigint NOT NULL DEFAULT 0,
  flows_sampled_out bigint NOT NULL DEFAULT 0,
  flows_dropped_pressure bigint NOT NULL DEFAULT 0,
  flows_dropped_table_full bigint NOT NULL DEFAULT 0,
  flows_dropped_incomplete bigint NOT NULL DEFAULT 0,
  flows_late_carried bigint NOT NULL DEFAULT 0
);
CREATE TABLE flowlens_store.assets (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  asset_type text NOT NULL,
  is_internal boolean NOT NULL,
  first_seen bigint NOT NULL,
  last_seen bigint NOT NULL,
  name_source text NOT NULL,
  name_at bigint NOT NULL,
  type_source text NOT NULL,
  type_confidence_millionths bigint NOT NULL,
  type_at bigint NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE flowlens_store.asset_endpoints (
  asset uuid NOT NULL,
  position bigint NOT NULL,
  site text NOT NULL,
  address text NOT NULL,
  held_from bigint NOT NULL,
  held_until bigint,
  source text NOT NULL,
  PRIMARY KEY (asset, position)
);
CREATE INDEX asset_endpoints_by_address ON flowlens_store.asset_endpoints (address);
CREATE TABLE flowlens_store.dependencies (
  id uuid PRIMARY KEY,
  client_asset uuid NOT NULL,
  server_asset uuid NOT NULL,
  client_site text NOT NULL,
  client_address text NOT NULL,
  server_site text NOT NULL,
  server_address text NOT NULL,
  protocol bigint NOT NULL,
  port bigint NOT NULL,
  service text NOT NULL,
  direction text NOT NULL,
  rung text NOT NULL,
  provisional boolean NOT NULL,
  first_seen bigint NOT NULL,
  last_seen bigint NOT NULL,
  flows bigint NOT NULL,
  octets_to_server bigint NOT NULL,
  octets_to_client bigint NOT NULL,
  packets_to_server bigint NOT NULL,
  packets_to_client bigint NOT NULL,
  estimated_octets_to_server bigint NOT NULL,
  estimated_octets_to_client bigint NOT NULL,
  observers text NOT NULL,
  hours bytea NOT NULL,
  flips bigint NOT NULL,
  reasons text NOT NULL,
  via_site text NOT NULL,
  via_address text NOT NULL,
  client_count bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX dependencies_by_client ON flowlens_store.dependencies (client_asset);
CREATE INDEX dependencies_by_server ON flowlens_store.dependencies (server_asset, port);
CREATE TABLE flowlens_store.dependency_windows (
  window_start bigint NOT NULL,
  dependency uuid NOT NULL,
  epoch bigint NOT NULL,
  flows bigint NOT NULL,
  octets_to_server bigint NOT NULL,
  octets_to_client bigint NOT NULL,
  packets_to_server bigint NOT NULL,
  packets_to_client bigint NOT NULL,
  estimated_octets_to_server bigint NOT NULL,
  estimated_octets_to_client bigint NOT NULL,
  PRIMARY KEY (window_start, dependency, epoch)
) PARTITION BY RANGE (window_start);
CREATE TABLE flowlens_store.aliases (
  id uuid NOT NULL,
  at bigint NOT NULL,
  target uuid NOT NULL,
  PRIMARY KEY (id, at)
);
CREATE INDEX aliases_by_target ON flowlens_store.aliases (target);
CREATE TABLE flowlens_store.events (
  id uuid PRIMARY KEY,
  type text NOT NULL,
  subject uuid NOT NULL,
  object uuid NOT NULL,
  at bigint NOT NULL,
  reason text NOT NULL,
  severity text NOT NULL,
  cause uuid NOT NULL,
  before text NOT NULL,
  after text NOT NULL,
  expected bigint,
  seen bigint,
  site text NOT NULL,
  address text NOT NULL,
  client_site text NOT NULL,
  client_address text NOT NULL,
  port bigint NOT NULL,
  protocol bigint NOT NULL
);
CREATE INDEX events_by_time ON flowlens_store.events (at, id);
CREATE INDEX events_by_subject ON flowlens_store.events (subject);
CREATE TABLE flowlens_store.intermediaries (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  state text NOT NULL,
  site text NOT NULL,
  address text NOT NULL,
  front_port bigint NOT NULL,
  backend_port bigint NOT NULL,
  protocol bigint NOT NULL,
  clients bigint NOT NULL,
  windows bigint NOT NULL,
  confidence_millionths bigint NOT NULL,
  first_seen bigint NOT NULL,
  last_seen bigint NOT NULL
);
CREATE TABLE flowlens_store.intermediary_members (
  intermediary uuid NOT NULL,
  site text NOT NULL,
  address text NOT NULL,
  PRIMARY KEY (intermediary, site, address)
);
CREATE TABLE flowlens_store.alerts (
  id uuid PRIMARY KEY,
  rule text NOT NULL,
  type text NOT NULL,
  subject uuid NOT NULL,
  protocol bigint NOT NULL,
  port bigint NOT NULL,
  status text NOT NULL,
  severity text NOT NULL,
  title text NOT NULL,
  text text NOT NULL,
  asset text NOT NULL,
  environment text NOT NULL,
  datacenter text NOT NULL,
  address text NOT NULL,
  first_event uuid NOT NULL,
  last_event uuid NOT NULL,
  opened_at bigint NOT NULL,
  last_at bigint NOT NULL,
  noted_at bigint NOT NULL,
  count bigint NOT NULL,
  reopened bigint NOT NULL,
  maintenance text NOT NULL,
  acknowledged_by text NOT NULL,
  acknowledged_at bigint,
  resolved_by text NOT NULL,
  resolved_at bigint
);
CREATE INDEX alerts_by_status ON flowlens_store.alerts (status);
CREATE TABLE flowlens_store.alert_history (
  alert uuid NOT NULL,
  position bigint NOT NULL,
  step text NOT NULL,
  at bigint NOT NULL,
  who text NOT NULL,
  note text NOT NULL,
  PRIMARY KEY (alert, position)
);
CREATE TABLE flowlens_store.alert_rules (name text PRIMARY KEY, definition text NOT NULL);
CREATE TABLE flowlens_store.maintenance_windows (name text PRIMARY KEY, definition text NOT NULL);
CREATE TABLE flowlens_store.alert_events (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event uuid NOT NULL UNIQUE
);
CREATE TABLE flowlens_store.alert_state (
  one bigint PRIMARY KEY CHECK (one = 1),
  at bigint NOT NULL
);
CREATE TABLE flowlens_store.applications (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  is_confirmed boolean NOT NULL,
  is_hidden boolean NOT NULL
);
CREATE TABLE flowlens_store.application_words (
  application uuid NOT NULL,
  word text NOT NULL,
  id uuid NOT NULL,
  PRIMARY KEY (application, word, id)
);
CREATE TABLE flowlens_store.application_seats (
  asset uuid PRIMARY KEY,
  application uuid NOT NULL,
  proposed uuid NOT NULL,
  since bigint NOT NULL
);
CREATE TABLE flowlens_store.application_state (
  one bigint PRIMARY KEY CHECK (one = 1),
  begun bigint NOT NULL
);

-- For people: the names of the architecture document, where it has one.
CREATE FUNCTION flowlens.time_of(ns bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT
PARALLEL SAFE RETURN to_timestamp(0) + ns / 1000 * interval '1 microsecond';
CREATE VIEW flowlens.assets AS
SELECT a.id, coalesce(nullif(a.name, ''), e.addresses[1]) AS name, a.asset_type,
       e.addresses::inet[] AS ip_addresses, e.sites, a.is_internal,
       flowlens.time_of(a.first_seen) AS first_seen, flowlens.time_of(a.last_seen) AS last_seen,
       a.type_source, (a.type_confidence_millionths / 1e6)::real AS confidence
FROM flowlens_store.assets a
LEFT JOIN LATERAL (
  SELECT array_agg(address ORDER BY position) AS addresses, array_agg(site ORDER BY position) AS sites
  FROM flowlens_store.asset_endpoints WHERE asset = a.id AND held_until IS NULL) e ON true;
CREATE VIEW flowlens.dependencies AS
SELECT id, client_asset AS source_asset_id, server_asset AS target_asset_id,
       client_address::inet AS source_ip, server_address::inet AS target_ip,
       client_site AS source_site, server_site AS target_site, protocol, port,
       service AS inferred_service, direction, rung, provisional,
       flowlens.time_of(first_seen) AS first_seen, flowlens.time_of(last_seen) AS last_seen,
       estimated_octets_to_server + estimated_octets_to_client AS total_bytes, flows AS total_flows,
       nullif(via_address, '')::inet AS via, observers
FROM flowlens_store.dependencies;
CREATE VIEW flowlens.change_events AS
SELECT id, type AS change_type, subject AS entity_id, flowlens.time_of(at) AS detected_at, severity,
       before AS before_state, after AS after_state, reason,
       nullif(cause, '00000000-0000-0000-0000-000000000000') AS cause,
       nullif(address, '')::inet AS ip_address, nullif(client_address, '')::inet AS client_ip,
       protocol, port
FROM flowlens_store.events;
CREATE VIEW flowlens.alerts AS
SELECT id, first_event AS change_event_id, rule, severity, title, text AS description, status,
       flowlens.time_of(opened_at) AS created_at, flowlens.time_of(last_at) AS last_at, count,
       nullif(acknowledged_by, '') AS acknowledged_by,
       flowlens.time_of(acknowledged_at) AS acknowledged_at,
       nullif(resolved_by, '') AS resolved_by, flowlens.time_of(resolved_at) AS resolved_at
FROM flowlens_store.alerts;
CREATE VIEW flowlens.applications AS
SELECT p.id, p.name, p.is_confirmed, s.asset AS asset_id, a.name AS asset_name
FROM flowlens_store.applications p JOIN flowlens_store.application_seats s ON s.application = p.id
LEFT JOIN flowlens.assets a ON a.id = s.asset
WHERE NOT p.is_hidden;
CREATE VIEW flowlens_store.resolved_windows AS
SELECT w.window_start, coalesce((SELECT a.target FROM flowlens_store.aliases a
         WHERE a.id = w.dependency AND a.at > w.window_start ORDER BY a.at LIMIT 1),
         w.dependency) AS dependency, w.epoch, w.flows, w.octets_to_server, w.octets_to_client,
       w.packets_to_server, w.packets_to_client, w.estimated_octets_to_server,
       w.estimated_octets_to_client
FROM flowlens_store.dependency_windows w;
CREATE VIEW flowlens.flow_stats AS
SELECT flowlens.time_of(w.window_start) AS time, w.dependency AS dependency_id,
       d.client_asset AS source_asset_id, d.server_asset AS target_asset_id, d.protocol, d.port,
       sum(w.flows) AS flow_count,
       sum(w.estimated_octets_to_server + w.estimated_octets_to_client) AS byte_count,
       sum(w.packets_to_server + w.packets_to_client) AS packet_count
FROM flowlens_store.resolved_windows w JOIN flowlens_store.dependencies d ON d.id = w.dependency
GROUP BY w.window_start, w.dependency, d.client_asset, d.server_asset, d.protocol, d.port;
)sql";

// Hours and days that windows have been added up to, by roll_up.cpp. An alias speaks of whole hours and
// days only: one that parts an hour has it added up again.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE flowlens_store.dependency_hours (
  window_start bigint NOT NULL,
  dependency uuid NOT NULL,
  flows bigint NOT NULL,
  octets_to_server bigint NOT NULL,
  octets_to_client bigint NOT NULL,
  packets_to_server bigint NOT NULL,
  packets_to_client bigint NOT NULL,
  estimated_octets_to_server bigint NOT NULL,
  estimated_octets_to_client bigint NOT NULL,
  PRIMARY KEY (window_start, dependency)
) PARTITION BY RANGE (window_start);
CREATE TABLE flowlens_store.dependency_days (
  LIKE flowlens_store.dependency_hours INCLUDING ALL
) PARTITION BY RANGE (window_start);
CREATE TABLE flowlens_store.stale_periods (
  length bigint NOT NULL,
  start bigint NOT NULL,
  PRIMARY KEY (length, start)
);
CREATE TABLE flowlens_store.expired_periods (
  length bigint PRIMARY KEY,
  before bigint NOT NULL
);
INSERT INTO flowlens_store.stale_periods SELECT DISTINCT 3600000000000,
  window_start - window_start % 3600000000000 FROM flowlens_store.dependency_windows;
CREATE VIEW flowlens_store.resolved_hours AS
SELECT w.window_start, coalesce((SELECT a.target FROM flowlens_store.aliases a
         WHERE a.id = w.dependency AND a.at >= w.window_start + 3600000000000
         ORDER BY a.at LIMIT 1), w.dependency) AS dependency,
       w.flows, w.octets_to_server, w.octets_to_client, w.packets_to_server, w.packets_to_client,
       w.estimated_octets_to_server, w.estimated_octets_to_client
FROM flowlens_store.dependency_hours w;
CREATE VIEW flowlens_store.resolved_days AS
SELECT w.window_start, coalesce((SELECT a.target FROM flowlens_store.aliases a
         WHERE a.id = w.dependency AND a.at >= w.window_start + 86400000000000
         ORDER BY a.at LIMIT 1), w.dependency) AS dependency,
       w.flows, w.octets_to_server, w.octets_to_client, w.packets_to_server, w.packets_to_client,
       w.estimated_octets_to_server, w.estimated_octets_to_client
FROM flowlens_store.dependency_days w;
CREATE VIEW flowlens.flow_stats_hourly AS
SELECT flowlens.time_of(w.window_start) AS time, w.dependency AS dependency_id,
       d.client_asset AS source_asset_id, d.server_asset AS target_asset_id, d.protocol, d.port,
       sum(w.flows) AS flow_count,
       sum(w.estimated_octets_to_server + w.estimated_octets_to_client) AS byte_count,
       sum(w.packets_to_server + w.packets_to_client) AS packet_count
FROM flowlens_store.resolved_hours w JOIN flowlens_store.dependencies d ON d.id = w.dependency
GROUP BY w.window_start, w.dependency, d.client_asset, d.server_asset, d.protocol, d.port;
CREATE VIEW flowlens.flow_stats_daily AS
SELECT flowlens.time_of(w.window_start) AS time, w.dependency AS dependency_id,
       d.client_asset AS source_asset_id, d.server_asset AS target_asset_id, d.protocol, d.port,
       sum(w.flows) AS flow_count,
       sum(w.estimated_octets_to_server + w.estimated_octets_to_client) AS byte_count,
       sum(w.packets_to_server + w.packets_to_client) AS packet_count
FROM flowlens_store.resolved_days w JOIN flowlens_store.dependencies d ON d.id = w.dependency
GROUP BY w.window_start, w.dependency, d.client_asset, d.server_asset, d.protocol, d.port;
)sql";

// Nobody has filled the tables of applications of version 1, which knew less of them.
constexpr const char* kVersion3 = R"sql(
DROP VIEW flowlens.applications;
DROP TABLE flowlens_store.applications, flowlens_store.application_words,
           flowlens_store.application_seats, flowlens_store.application_state;
CREATE TABLE flowlens_store.applications (
  id uuid PRIMARY KEY,
  status text NOT NULL,
  name text NOT NULL,
  description text NOT NULL,
  criticality text NOT NULL,
  merged_into uuid NOT NULL,
  first_seen bigint NOT NULL,
  said_by text NOT NULL,
  said_at bigint NOT NULL
);
CREATE TABLE flowlens_store.application_words (
  application uuid NOT NULL,
  word text NOT NULL,
  asset uuid NOT NULL,
  PRIMARY KEY (application, word, asset)
);
CREATE TABLE flowlens_store.application_seats (
  asset uuid PRIMARY KEY,
  application uuid NOT NULL,
  proposed uuid NOT NULL,
  since bigint NOT NULL
);
CREATE VIEW flowlens.applications AS
SELECT p.id, nullif(p.name, '') AS name, p.status, p.description, p.criticality,
       s.asset AS asset_id, a.name AS asset_name, nullif(p.said_by, '') AS updated_by,
       CASE WHEN p.said_by <> '' THEN flowlens.time_of(p.said_at) END AS updated_at
FROM flowlens_store.application_seats s
JOIN flowlens_store.applications seated ON seated.id = s.application
JOIN flowlens_store.applications p
  ON p.id = CASE seated.status WHEN 'merged' THEN seated.merged_into ELSE seated.id END
LEFT JOIN flowlens.assets a ON a.id = s.asset
WHERE p.status <> 'rejected';
)sql";

// What people say of assets and dependencies; tags with commas between.
constexpr const char* kVersion4 = R"sql(
CREATE TABLE flowlens_store.annotations (
  subject uuid PRIMARY KEY,
  tags text NOT NULL,
  notes text NOT NULL,
  owner text NOT NULL,
  criticality text NOT NULL,
  is_declared boolean NOT NULL,
  is_confirmed boolean NOT NULL,
  said_by text NOT NULL,
  said_at bigint NOT NULL
);
)sql";

// Single flows. A partition an hour; its number is the hour since 1970. `details` as in flow_rows.hpp.
constexpr const char* kVersion5 = R"sql(
CREATE TABLE flowlens_store.raw_flows (
  received bigint NOT NULL,
  id bigint NOT NULL,
  started bigint NOT NULL,
  ended bigint NOT NULL,
  exporter inet NOT NULL,
  source_address inet NOT NULL,
  destination_address inet NOT NULL,
  source_port integer NOT NULL,
  destination_port integer NOT NULL,
  protocol smallint NOT NULL,
  tcp_flags smallint NOT NULL,
  octets bigint NOT NULL,
  packets bigint NOT NULL,
  sampling_rate bigint NOT NULL,
  observation_domain bigint NOT NULL,
  ingress_interface bigint NOT NULL,
  egress_interface bigint NOT NULL,
  next_hop inet,
  source_as bigint NOT NULL,
  destination_as bigint NOT NULL,
  vlan_id integer NOT NULL,
  tos smallint NOT NULL,
  icmp_type_code integer NOT NULL,
  present bigint NOT NULL,
  details bigint NOT NULL,
  PRIMARY KEY (received, id)
) PARTITION BY RANGE (received);
CREATE INDEX raw_flows_by_source ON flowlens_store.raw_flows (source_address);
CREATE INDEX raw_flows_by_destination ON flowlens_store.raw_flows (destination_address);
CREATE TABLE flowlens_store.raw_flow_batches (
  epoch bigint PRIMARY KEY,
  last_batch bigint NOT NULL
);
CREATE VIEW flowlens.flows AS
SELECT flowlens.time_of(received) AS received, flowlens.time_of(started) AS start_time,
       flowlens.time_of(ended) AS end_time, exporter AS exporter_ip, source_address AS src_ip,
       destination_address AS dst_ip, source_port AS src_port, destination_port AS dst_port,
       protocol, tcp_flags, octets AS bytes, packets, sampling_rate,
       octets::numeric * sampling_rate AS estimated_bytes,
       ingress_interface AS input_interface, egress_interface AS output_interface, next_hop,
       source_as AS src_as, destination_as AS dst_as, vlan_id, tos, observation_domain, id
FROM flowlens_store.raw_flows;
)sql";

// For other processes that follow the map. `body` is what encode_revision() gives, and is not compressed: that
// costs more than it saves. A revision and a fact are written once and removed by age; `fact_answers` has a row
// from the moment on at which a fact is taken, so that it is taken once; epoch 0: by nobody, its sender has
// given up.
constexpr const char* kVersion6 = R"sql(
CREATE TABLE flowlens_store.followers (
  name text PRIMARY KEY,
  seen_at timestamptz NOT NULL
);
CREATE TABLE flowlens_store.revisions (
  number bigint PRIMARY KEY,
  epoch bigint NOT NULL,
  revision_at bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  octets bigint NOT NULL,
  body bytea NOT NULL
);
ALTER TABLE flowlens_store.revisions ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE flowlens_store.facts (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  body bytea NOT NULL
);
CREATE INDEX facts_by_time ON flowlens_store.facts (made_at);
CREATE TABLE flowlens_store.fact_answers (
  position bigint PRIMARY KEY,
  epoch bigint NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  answered_at timestamptz,
  revision bigint NOT NULL DEFAULT 0,
  head bytea,
  body bytea
);
ALTER TABLE flowlens_store.fact_answers ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE flowlens_store.resolver_lease (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  holder text NOT NULL,
  renewals bigint NOT NULL,
  renewed_at timestamptz NOT NULL
);
)sql";

// Flows between processes. Positions are given by the one row of flow_channel, which a writer holds until
// its transaction is through. `octets` there is of parcels that wait.
constexpr const char* kVersion7 = R"sql(
ALTER TABLE flowlens_store.epochs ADD COLUMN input_position bigint NOT NULL DEFAULT 0;
CREATE TABLE flowlens_store.flow_channel (
  is_it boolean PRIMARY KEY DEFAULT true CHECK (is_it),
  last_position bigint NOT NULL,
  flows bigint NOT NULL,
  octets bigint NOT NULL
);
INSERT INTO flowlens_store.flow_channel VALUES (true, 0, 0, 0);
CREATE TABLE flowlens_store.flow_writers (
  writer uuid PRIMARY KEY,
  last_batch bigint NOT NULL,
  written_at timestamptz NOT NULL
);
CREATE TABLE flowlens_store.flow_parcels (
  position bigint PRIMARY KEY,
  writer uuid NOT NULL,
  made_at bigint NOT NULL,
  first_received bigint NOT NULL,
  flows bigint NOT NULL,
  sampled_out bigint NOT NULL,
  content bytea NOT NULL
);
ALTER TABLE flowlens_store.flow_parcels ALTER COLUMN content SET STORAGE EXTERNAL;
)sql";

// What is said of endpoints, each with its position among those of its endpoint. Names and types that
// somebody said in earlier versions become facts of the first endpoint that the asset holds now.
constexpr const char* kVersion8 = R"sql(
CREATE TABLE flowlens_store.endpoint_facts (
  site text NOT NULL,
  address text NOT NULL,
  position bigint NOT NULL,
  attribute text NOT NULL,
  value text NOT NULL,
  source text NOT NULL,
  origin text NOT NULL,
  at bigint NOT NULL,
  since bigint,
  expires bigint,
  PRIMARY KEY (site, address, position)
);
WITH first_held AS (
  SELECT DISTINCT ON (a.id) a.*, e.site, e.address FROM flowlens_store.assets a
  JOIN flowlens_store.asset_endpoints e ON e.asset = a.id AND e.held_until IS NULL
  ORDER BY a.id, e.position)
INSERT INTO flowlens_store.endpoint_facts
SELECT site, address, 0, 'name', name, name_source, '', name_at, NULL::bigint, NULL::bigint
FROM first_held WHERE name <> ''
UNION ALL
SELECT site, address, 1, 'type',
       asset_type || ' ' || round(type_confidence_millionths / 1000000.0, 6),
       type_source, '', type_at, NULL::bigint, NULL::bigint
FROM first_held WHERE type_source NOT IN ('observed', 'inferred');
CREATE VIEW flowlens.facts AS
SELECT f.address AS ip_address, e.asset AS asset_id, f.attribute, f.value, f.source, f.origin,
       flowlens.time_of(f.at) AS said_at, flowlens.time_of(f.since) AS since,
       flowlens.time_of(f.expires) AS expires
FROM flowlens_store.endpoint_facts f
LEFT JOIN flowlens_store.asset_endpoints e
  ON e.site = f.site AND e.address = f.address AND e.held_until IS NULL;
)sql";

// What people and later evidence turn round: its windows change sides. Of what was turned before, only what
// people said (for ever) had its totals turned, too.
constexpr const char* kVersion9 = R"sql(
ALTER TABLE flowlens_store.aliases ADD COLUMN is_turned boolean NOT NULL DEFAULT false;
UPDATE flowlens_store.aliases SET is_turned = true WHERE at = 9223372036854775807;
)sql";

constexpr std::array kMigrations{
    Migration{kVersion1}, Migration{kVersion2}, Migration{kVersion3},
    Migration{kVersion4}, Migration{kVersion5}, Migration{kVersion6},
    Migration{kVersion7}, Migration{kVersion8}, Migration{kVersion9, true}};

}  // namespace

std::span<const Migration> migrations() noexcept { return kMigrations; }

}  // namespace flowlens::store::postgres
