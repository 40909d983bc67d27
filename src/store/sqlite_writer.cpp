#include "store/sqlite_writer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

namespace flowlens::store {
namespace {

constexpr std::int64_t kLongestWindowNs = 86'400'000'000'000;

void bind_counts(Statement& statement, const TrafficCounts& counts) {
  statement.bind(counts.flows)
      .bind(counts.octets_to_server)
      .bind(counts.octets_to_client)
      .bind(counts.packets_to_server)
      .bind(counts.packets_to_client)
      .bind(counts.estimated_octets_to_server)
      .bind(counts.estimated_octets_to_client);
}

/// The rows in the order of their key. Ids are spread evenly, so in any other order each row would
/// meet another page of the tree. Keys stand beside each other while they are sorted, rows do not.
template <typename Row, typename Key>
auto in_order(const std::vector<Row>& rows, Key key) {
  std::vector<std::pair<decltype(key(rows.front())), const Row*>> order;
  order.reserve(rows.size());
  for (const Row& row : rows) order.emplace_back(key(row), &row);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return order;
}

}  // namespace

SqliteWriter::SqliteWriter(Database& db, const SiteNames& sites)
    : sites_(&sites),
      upsert_asset_(db,
                    "INSERT INTO assets VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
                    "name = excluded.name, asset_type = excluded.asset_type, "
                    "is_internal = excluded.is_internal, first_seen = excluded.first_seen, "
                    "last_seen = excluded.last_seen, name_source = excluded.name_source, "
                    "name_at = excluded.name_at, type_source = excluded.type_source, "
                    "type_confidence_millionths = excluded.type_confidence_millionths, "
                    "type_at = excluded.type_at"),
      // Endpoints seldom change: a row that is there already is left alone.
      upsert_endpoint_(
          db,
          "INSERT INTO asset_endpoints VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
          "site = excluded.site, address = excluded.address, "
          "held_from = excluded.held_from, held_until = excluded.held_until, "
          "source = excluded.source "
          "WHERE site <> excluded.site OR address <> excluded.address OR "
          "held_from <> excluded.held_from OR held_until IS NOT excluded.held_until "
          "OR source <> excluded.source"),
      trim_endpoints_(db, "DELETE FROM asset_endpoints WHERE asset = ? AND position >= ?"),
      remove_asset_(db, "DELETE FROM assets WHERE id = ?"),
      remove_endpoints_(db, "DELETE FROM asset_endpoints WHERE asset = ?"),
      upsert_dependency_(
          db,
          "INSERT INTO dependencies VALUES "
          "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
          "ON CONFLICT DO UPDATE SET client_asset = excluded.client_asset, "
          "server_asset = excluded.server_asset, service = excluded.service, "
          "direction = excluded.direction, rung = excluded.rung, "
          "provisional = excluded.provisional, first_seen = excluded.first_seen, "
          "last_seen = excluded.last_seen, flows = excluded.flows, "
          "octets_to_server = excluded.octets_to_server, "
          "octets_to_client = excluded.octets_to_client, "
          "packets_to_server = excluded.packets_to_server, "
          "packets_to_client = excluded.packets_to_client, "
          "estimated_octets_to_server = excluded.estimated_octets_to_server, "
          "estimated_octets_to_client = excluded.estimated_octets_to_client, "
          "observers = excluded.observers, hours = excluded.hours, flips = excluded.flips, "
          "reasons = excluded.reasons, via_site = excluded.via_site, "
          "via_address = excluded.via_address, client_count = excluded.client_count"),
      remove_dependency_(db, "DELETE FROM dependencies WHERE id = ?"),
      first_seen_(db,
                  "SELECT first_seen, (SELECT max(at) FROM aliases WHERE id = ?1) "
                  "FROM dependencies WHERE id = ?1"),
      next_window_start_(
          db, "SELECT min(window_start) FROM dependency_windows WHERE window_start >= ?"),
      upsert_window_(db,
                     "INSERT INTO dependency_windows VALUES (?,?,?,?,?,?,?,?,?,?) "
                     "ON CONFLICT DO UPDATE SET flows = excluded.flows, "
                     "octets_to_server = excluded.octets_to_server, "
                     "octets_to_client = excluded.octets_to_client, "
                     "packets_to_server = excluded.packets_to_server, "
                     "packets_to_client = excluded.packets_to_client, "
                     "estimated_octets_to_server = excluded.estimated_octets_to_server, "
                     "estimated_octets_to_client = excluded.estimated_octets_to_client"),
      remove_window_(
          db,
          "DELETE FROM dependency_windows WHERE window_start = ? AND dependency = ? AND epoch = ?"),
      remove_windows_(db,
                      "DELETE FROM dependency_windows WHERE window_start = ? AND dependency = ?"),
      retarget_aliases_(db, "UPDATE aliases SET target = ? WHERE target = ?"),
      insert_alias_(db, "INSERT OR REPLACE INTO aliases VALUES (?,?,?)"),
      insert_event_(db,
                    "INSERT OR REPLACE INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
      upsert_intermediary_(db,
                           "INSERT OR REPLACE INTO intermediaries VALUES "
                           "(?,?,?,?,?,?,?,?,?,?,?,?,?)"),
      insert_member_(db, "INSERT OR IGNORE INTO intermediary_members VALUES (?,?,?)"),
      update_epoch_(
          db,
          "UPDATE epochs SET last_revision = ?, revision_at = ?, flows_normalized = ?, "
          "flows_applied = ?, flows_duplicate = ?, flows_attempt = ?, flows_control = ?, "
          "flows_sampled_out = ?, flows_dropped_pressure = ?, flows_dropped_table_full = ?, "
          "flows_dropped_incomplete = ?, flows_late_carried = ? WHERE epoch = ?") {}

/// Aliases before all, as what is removed may have become one; removals next: whatever a revision both removes and names is there afterwards.
void SqliteWriter::write(const Revision& revision) {
  for (const Alias& alias : revision.aliases) write_alias(alias);
  for (const Id& id : revision.removed_dependencies) remove_dependency(id);
  for (const Id& id : revision.removed_assets) remove_asset(id);
  const auto by_id = [](const auto& row) { return row.id; };
  const auto by_window = [](const WindowRow& row) {
    return std::tuple{row.window_start, row.dependency};
  };
  for (const auto& [id, row] : in_order(revision.assets, by_id)) write_asset(*row);
  for (const auto& [id, row] : in_order(revision.dependencies, by_id)) write_dependency(*row);
  for (const auto& [key, row] : in_order(revision.windows, by_window)) {
    write_window(*row, revision.epoch);
  }
  for (const ChangeEvent& event : revision.events) write_event(event);
  for (const IntermediaryRow& row : revision.intermediaries) write_intermediary(row);
  write_epoch(revision);
}

void SqliteWriter::write_asset(const AssetRow& row) {
  upsert_asset_.begin()
      .bind(row.id)
      .bind(row.name)
      .bind(row.asset_type)
      .bind(row.is_internal)
      .bind(to_unix_ns(row.first_seen))
      .bind(to_unix_ns(row.last_seen))
      .bind(to_string(row.name_source))
      .bind(to_unix_ns(row.name_at))
      .bind(to_string(row.type_source))
      .bind(static_cast<std::uint64_t>(std::lround(row.type_confidence * 1e6f)))
      .bind(to_unix_ns(row.type_at))
      .run();
  std::uint64_t position = 0;
  for (const HeldEndpoint& held : row.endpoints) {
    upsert_endpoint_.begin()
        .bind(row.id)
        .bind(position++)
        .bind(sites_->name(held.endpoint.site))
        .bind(held.endpoint.address.to_string())
        .bind(to_unix_ns(held.from));
    if (held.until) {
      upsert_endpoint_.bind(to_unix_ns(*held.until));
    } else {
      upsert_endpoint_.bind_null();
    }
    upsert_endpoint_.bind(to_string(held.source)).run();
  }
  trim_endpoints_.begin().bind(row.id).bind(position).run();
}

void SqliteWriter::write_dependency(const DependencyRow& row) {
  upsert_dependency_.begin()
      .bind(row.id)
      .bind(row.client_asset)
      .bind(row.server_asset)
      .bind(sites_->name(row.key.client.site))
      .bind(row.key.client.address.to_string())
      .bind(sites_->name(row.key.server.site))
      .bind(row.key.server.address.to_string())
      .bind(std::uint64_t{row.key.protocol})
      .bind(std::uint64_t{row.key.port})
      .bind(service_name(row.service))
      .bind(to_string(row.direction))
      .bind(to_string(row.rung))
      .bind(row.provisional)
      .bind(to_unix_ns(row.first_seen))
      .bind(to_unix_ns(row.last_seen));
  bind_counts(upsert_dependency_, row.totals);
  upsert_dependency_.bind(observers_text(row))
      .bind(std::span<const std::uint8_t>{hours_blob(row.hours)})
      .bind(std::uint64_t{row.flips})
      .bind(reasons_text(row.reasons));
  bind_if_any(upsert_dependency_, row.via);
  upsert_dependency_.bind(std::uint64_t{row.client_count}).run();
}

/// What pointed to the id goes on to its target, so that targets are never aliases.
void SqliteWriter::write_alias(const Alias& alias) {
  retarget_aliases_.begin().bind(alias.target).bind(alias.id).run();
  insert_alias_.begin().bind(alias.id).bind(to_unix_ns(alias.at)).bind(alias.target).run();
}

/// Empty texts where there is none.
void SqliteWriter::bind_if_any(Statement& statement, const Endpoint& end) {
  const bool is_any = !end.address.is_unspecified();
  statement.bind(is_any ? sites_->name(end.site) : std::string_view{})
      .bind(is_any ? end.address.to_string() : std::string{});
}

void SqliteWriter::write_event(const ChangeEvent& event) {
  insert_event_.begin()
      .bind(event.id)
      .bind(to_string(event.type))
      .bind(event.subject)
      .bind(event.object)
      .bind(to_unix_ns(event.at))
      .bind(event.reason)
      .bind(to_string(event.severity))
      .bind(event.cause)
      .bind(event.before)
      .bind(event.after);
  for (const auto& count : {event.expected, event.seen}) {
    count ? insert_event_.bind(*count) : insert_event_.bind_null();
  }
  for (const Endpoint& end : {event.endpoint, event.client}) bind_if_any(insert_event_, end);
  insert_event_.bind(std::uint64_t{event.port}).bind(std::uint64_t{event.protocol}).run();
}

/// Members are only ever added.
void SqliteWriter::write_intermediary(const IntermediaryRow& row) {
  upsert_intermediary_.begin()
      .bind(row.id)
      .bind(to_string(row.kind))
      .bind(to_string(row.state))
      .bind(sites_->name(row.front.site))
      .bind(row.front.address.to_string())
      .bind(std::uint64_t{row.front_port})
      .bind(std::uint64_t{row.backend_port})
      .bind(std::uint64_t{row.protocol})
      .bind(std::uint64_t{row.clients})
      .bind(std::uint64_t{row.windows})
      .bind(static_cast<std::uint64_t>(std::lround(row.confidence * 1e6f)))
      .bind(to_unix_ns(row.first_seen))
      .bind(to_unix_ns(row.last_seen))
      .run();
  for (const Endpoint& member : row.members) {
    insert_member_.begin()
        .bind(row.id)
        .bind(sites_->name(member.site))
        .bind(member.address.to_string())
        .run();
  }
}

void SqliteWriter::write_window(const WindowRow& row, Epoch epoch) {
  if (row.counts.is_zero()) {
    remove_window_.begin()
        .bind(to_unix_ns(row.window_start))
        .bind(row.dependency)
        .bind(epoch.value)
        .run();
    return;
  }
  upsert_window_.begin().bind(to_unix_ns(row.window_start)).bind(row.dependency).bind(epoch.value);
  bind_counts(upsert_window_, row.counts);
  upsert_window_.run();
}

void SqliteWriter::write_epoch(const Revision& revision) {
  const FlowLedger& flows = revision.flows;
  update_epoch_.begin()
      .bind(revision.number)
      .bind(to_unix_ns(revision.at))
      .bind(flows.normalized)
      .bind(flows.applied)
      .bind(flows.duplicate)
      .bind(flows.attempt)
      .bind(flows.control)
      .bind(flows.sampled_out);
  for (const std::uint64_t dropped : flows.dropped) update_epoch_.bind(dropped);
  update_epoch_.bind(flows.late_carried).bind(revision.epoch.value).run();
}

void SqliteWriter::remove_asset(const Id& id) {
  remove_endpoints_.begin().bind(id).run();
  remove_asset_.begin().bind(id).run();
}

/// Its windows are found by going from one window start to the next, from the one that holds its
/// first traffic: what is removed is young, so they are few, and no index by dependency is needed.
/// Windows that count as another's stay.
void SqliteWriter::remove_dependency(const Id& id) {
  if (!first_seen_.begin().bind(id).step()) return;
  const std::int64_t first_seen = first_seen_.i64();
  const std::optional<std::int64_t> aliased_until = first_seen_.optional_i64();
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  if (first_seen > from + kLongestWindowNs) from = first_seen - kLongestWindowNs;
  if (aliased_until) from = std::max(from, *aliased_until);
  first_seen_.begin();
  while (next_window_start_.begin().bind(from).step()) {
    const auto start = next_window_start_.optional_i64();
    if (!start) break;
    remove_windows_.begin().bind(*start).bind(id).run();
    from = *start + 1;
  }
  next_window_start_.begin();
  remove_dependency_.begin().bind(id).run();
}

}  // namespace flowlens::store
