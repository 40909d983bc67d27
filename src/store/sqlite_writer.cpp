#include "store/sqlite_writer.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "store/roll_up.hpp"
#include "store/rows.hpp"

namespace flowlens::store {
namespace {

constexpr std::int64_t kLongestWindowNs = kDayNs;

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
      retarget_aliases_(
          db, "UPDATE aliases SET target = ?1, is_turned = (is_turned <> ?3) WHERE target = ?2"),
      insert_alias_(db, "INSERT OR REPLACE INTO aliases VALUES (?,?,?,?)"),
      insert_event_(db,
                    "INSERT OR REPLACE INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
      upsert_intermediary_(db,
                           "INSERT OR REPLACE INTO intermediaries VALUES "
                           "(?,?,?,?,?,?,?,?,?,?,?,?,?)"),
      insert_member_(db, "INSERT OR IGNORE INTO intermediary_members VALUES (?,?,?)"),
      mark_stale_(db, "INSERT OR IGNORE INTO stale_periods VALUES (3600000000000, ?)"),
      update_epoch_(
          db,
          "UPDATE epochs SET last_revision = ?, revision_at = ?, flows_normalized = ?, "
          "flows_applied = ?, flows_duplicate = ?, flows_attempt = ?, flows_control = ?, "
          "flows_sampled_out = ?, flows_dropped_pressure = ?, flows_dropped_table_full = ?, "
          "flows_dropped_incomplete = ?, flows_late_carried = ? WHERE epoch = ?"),
      upsert_annotation_(db, "INSERT OR REPLACE INTO annotations VALUES (?,?,?,?,?,?,?,?,?)"),
      remove_annotation_(db, "DELETE FROM annotations WHERE subject = ?"),
      insert_fact_(db, "INSERT INTO endpoint_facts VALUES (?,?,?,?,?,?,?,?,?,?)"),
      remove_facts_(db, "DELETE FROM endpoint_facts WHERE site = ? AND address = ?") {}

/// Aliases before all, as what is removed may have become one; removals next: whatever a revision both removes and names is there afterwards.
void SqliteWriter::write(const Revision& revision) {
  for (const Alias& alias : revision.aliases) write_alias(alias);
  for (const Id& id : revision.removed_dependencies) remove_dependency(id);
  for (const Id& id : revision.closed_dependencies) remove_dependency_.begin().bind(id).run();
  for (const Id& id : revision.removed_assets) remove_asset(id);
  const auto by_id = [](const auto& row) { return row.id; };
  const auto by_window = [](const WindowRow& row) {
    return std::tuple{row.window_start, row.dependency};
  };
  for (const auto& [id, row] : in_order(revision.assets, by_id)) write_asset(*row);
  for (const auto& [id, row] : in_order(revision.dependencies, by_id)) write_dependency(*row);
  std::int64_t marked = 0;
  for (const auto& [key, row] : in_order(revision.windows, by_window)) {
    write_window(*row, revision.epoch);
    const std::int64_t hour = floor_to(to_unix_ns(row->window_start), kHourNs);
    if (std::exchange(marked, hour) != hour) mark_stale(hour);
  }
  for (const ChangeEvent& event : revision.events) write_event(event);
  for (const IntermediaryRow& row : revision.intermediaries) write_intermediary(row);
  for (const Annotation& said : revision.annotations) write_annotation(said);
  for (const EndpointFacts& said : revision.facts) write_facts(said);
  write_epoch(revision);
}

void SqliteWriter::write_asset(const AssetRow& row) {
  put(upsert_asset_.begin(), row);
  upsert_asset_.run();
  std::uint64_t position = 0;
  for (const HeldEndpoint& held : row.endpoints) {
    put(upsert_endpoint_.begin().bind(row.id).bind(position++), held, *sites_);
    upsert_endpoint_.run();
  }
  trim_endpoints_.begin().bind(row.id).bind(position).run();
}

void SqliteWriter::write_dependency(const DependencyRow& row) {
  put(upsert_dependency_.begin(), row, *sites_);
  upsert_dependency_.run();
}

/// What pointed to the id goes on to its target, so that targets are never aliases.
void SqliteWriter::write_alias(const Alias& alias) {
  retarget_aliases_.begin().bind(alias.target).bind(alias.id).bind(alias.is_turned).run();
  insert_alias_.begin().bind(alias.id).bind(to_unix_ns(alias.at)).bind(alias.target);
  insert_alias_.bind(alias.is_turned).run();
  if (!alias.is_for_ever()) mark_stale(to_unix_ns(alias.at));
}

/// The hour of `at` will be added up (again).
void SqliteWriter::mark_stale(std::int64_t at) {
  mark_stale_.begin().bind(floor_to(at, kHourNs)).run();
}

void SqliteWriter::write_event(const ChangeEvent& event) {
  put(insert_event_.begin(), event, *sites_);
  insert_event_.run();
}

void SqliteWriter::write_annotation(const Annotation& said) {
  if (said.empty()) {
    remove_annotation_.begin().bind(said.subject).run();
    return;
  }
  put(upsert_annotation_.begin(), said);
  upsert_annotation_.run();
}

void SqliteWriter::write_facts(const EndpointFacts& said) {
  const std::string_view site = sites_->name(said.subject.site);
  const std::string address = said.subject.address.to_string();
  remove_facts_.begin().bind(site).bind(address).run();
  std::uint64_t position = 0;
  for (const Fact& fact : said.facts) {
    put(insert_fact_.begin().bind(site).bind(address).bind(position++), fact);
    insert_fact_.run();
  }
}

/// Members are only ever added.
void SqliteWriter::write_intermediary(const IntermediaryRow& row) {
  put(upsert_intermediary_.begin(), row, *sites_);
  upsert_intermediary_.run();
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
  put(upsert_window_, row.counts);
  upsert_window_.run();
}

void SqliteWriter::write_epoch(const Revision& revision) {
  update_epoch_.begin().bind(revision.number).bind(to_unix_ns(revision.at));
  put(update_epoch_, revision.flows);
  update_epoch_.bind(revision.epoch.value).run();
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
    if (remove_windows_.begin().bind(*start).bind(id).run() > 0) mark_stale(*start);
    from = *start + 1;
  }
  next_window_start_.begin();
  remove_dependency_.begin().bind(id).run();
}

}  // namespace flowlens::store
