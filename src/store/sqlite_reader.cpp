#include "store/sqlite_reader.hpp"

#include <algorithm>

#include "store/roll_up.hpp"
#include "store/rows.hpp"

namespace flowlens::store {
namespace {

void load_assets(Database& database, const SiteNames& sites, Loader& loader) {
  Statement row{database,
                "SELECT a.id, a.name, a.asset_type, a.is_internal, a.first_seen, a.last_seen, "
                "a.name_source, a.name_at, a.type_source, a.type_confidence_millionths, a.type_at, "
                "e.site, e.address, e.held_from, e.held_until, e.source "
                "FROM assets a "
                "JOIN asset_endpoints e ON e.asset = a.id ORDER BY a.id, e.position"};
  std::optional<AssetRow> asset;
  while (row.step()) {
    AssetRow next = take_asset(row);
    HeldEndpoint held = take_endpoint(row, sites);
    if (!asset || asset->id != next.id) {
      if (asset) loader.add(std::move(*asset));
      asset = std::move(next);
    }
    asset->endpoints.push_back(held);
  }
  if (asset) loader.add(std::move(*asset));
}

void load_aliases(Database& database, Loader& loader) {
  // The newest of an id comes last, and stays.
  Statement row{database, "SELECT id, target, at, is_turned FROM aliases ORDER BY id, at"};
  while (row.step()) {
    Alias alias;
    alias.id = row.id();
    alias.target = row.id();
    alias.at = from_unix_ns(row.i64());
    alias.is_turned = row.boolean();
    loader.add(alias);
  }
}

/// The latest, in the order of their times.
void load_events(Database& database, const SiteNames& sites, std::size_t limit, Loader& loader) {
  Statement row{database,
                "SELECT * FROM (SELECT id, type, subject, object, at, reason, severity, cause, "
                "before, after, expected, seen, site, address, client_site, client_address, port, "
                "protocol FROM events ORDER BY at DESC, id DESC LIMIT ?) ORDER BY at, id"};
  row.begin().bind(std::uint64_t{limit});
  while (row.step()) loader.add(take_event(row, sites));
}

std::vector<Endpoint> members_of(Database& database, const SiteNames& sites, const Id& id) {
  Statement row{database, "SELECT site, address FROM intermediary_members WHERE intermediary = ?"};
  row.begin().bind(id);
  std::vector<Endpoint> members;
  while (row.step()) {
    const SiteId site = sites.id(row.text());
    members.push_back({site, address_from(row.text())});
  }
  std::sort(members.begin(), members.end());
  return members;
}

void load_intermediaries(Database& database, const SiteNames& sites, Loader& loader) {
  Statement row{database, "SELECT * FROM intermediaries ORDER BY id"};
  while (row.step()) {
    IntermediaryRow i = take_intermediary(row, sites);
    i.members = members_of(database, sites, i.id);
    loader.add(std::move(i));
  }
}

void load_annotations(Database& database, Loader& loader) {
  Statement row{database, "SELECT * FROM annotations ORDER BY subject"};
  while (row.step()) loader.add(take_annotation(row));
}

void load_facts(Database& database, const SiteNames& sites, Loader& loader) {
  Statement row{database,
                "SELECT site, address, attribute, value, source, origin, at, since, expires "
                "FROM endpoint_facts ORDER BY site, address, position"};
  while (row.step()) loader.add(take_fact(row, sites));
}

/// \return false if the visitor wants no more.
bool visit_rows(Statement& row, const std::function<bool(const WindowRow&)>& visit) {
  WindowSum sum{visit};
  while (row.step()) {
    if (!sum.add(take_window(row))) return false;
  }
  return sum.finish();
}

constexpr std::string_view kColumns =
    "SELECT window_start, dependency, flows, octets_to_server, octets_to_client, "
    "packets_to_server, packets_to_client, estimated_octets_to_server, "
    "estimated_octets_to_client FROM ";

/// Aliases cost a sort, so they are asked only where there are some.
Statement all_windows(Database& database, const Series& series) {
  const bool has_aliases = database.number("SELECT EXISTS (SELECT 1 FROM aliases)") != 0;
  std::string sql{kColumns};
  sql += has_aliases ? series.resolved : series.table;
  sql += " WHERE window_start >= ? AND window_start < ? ORDER BY window_start, dependency";
  return Statement{database, sql.c_str()};
}

/// Of one window start: the dependency's own rows, and those of its aliases that count as its own.
std::string windows_of_one(const Series& series) {
  const std::string last = std::to_string(std::max<std::int64_t>(series.length_ns - 1, 0));
  return std::string{"SELECT w.window_start, ?2, "} + kSidedCounts + " FROM " + series.table +
         " w LEFT JOIN aliases a ON a.id = w.dependency AND a.at = (SELECT min(b.at) "
         "FROM aliases b WHERE b.id = w.dependency AND b.at > w.window_start + " +
         last +
         ") WHERE w.window_start = ?1 "
         "AND w.dependency IN (SELECT ?2 UNION SELECT id FROM aliases WHERE target = ?2) "
         "AND coalesce(a.target, w.dependency) = ?2";
}

/// What an id names: itself where there is such a dependency, or else what it is an alias of.
Id resolve(Database& database, const Id& id) {
  Statement row{database,
                "SELECT coalesce((SELECT id FROM dependencies WHERE id = ?1), "
                "(SELECT target FROM aliases WHERE id = ?1 ORDER BY at DESC LIMIT 1), ?1)"};
  row.begin().bind(id);
  return row.step() ? row.id() : id;
}

}  // namespace

void load_graph(Database& database, const SiteNames& sites, const Revision& frame,
                std::size_t rows_at_once, DependencyGraph& graph) {
  Loader loader{frame, rows_at_once, graph};
  load_assets(database, sites, loader);
  loader.flush();  // dependencies name assets: those come first
  Statement row{database, "SELECT * FROM dependencies ORDER BY id"};
  while (row.step()) loader.add(take_dependency(row, sites));
  load_aliases(database, loader);
  load_events(database, sites, rows_at_once, loader);
  load_intermediaries(database, sites, loader);
  load_annotations(database, loader);
  load_facts(database, sites, loader);
  loader.flush();
}

void scan_windows(Database& database, const WindowScan& what,
                  const std::function<bool(const WindowRow&)>& visit) {
  const Series& series = series_of(what.period);
  if (!what.dependency) {
    Statement row = all_windows(database, series);
    row.begin().bind(to_unix_ns(what.from)).bind(to_unix_ns(what.to));
    visit_rows(row, visit);
    return;
  }
  // From one window start to the next: the key begins with it.
  const std::string next = "SELECT min(window_start) FROM " + std::string{series.table} +
                           " WHERE window_start >= ? AND window_start < ?";
  Statement next_start{database, next.c_str()};
  Statement row{database, windows_of_one(series).c_str()};
  const Id dependency = resolve(database, *what.dependency);
  std::int64_t from = to_unix_ns(what.from);
  while (next_start.begin().bind(from).bind(to_unix_ns(what.to)).step()) {
    const auto start = next_start.optional_i64();
    if (!start) return;
    row.begin().bind(*start).bind(dependency);
    if (!visit_rows(row, visit)) return;
    from = *start + 1;
  }
}

FlowLedger read_ledger(Database& database) {
  Statement row{
      database,
      "SELECT flows_normalized, flows_applied, flows_duplicate, flows_attempt, flows_control, "
      "flows_sampled_out, flows_dropped_pressure, flows_dropped_table_full, "
      "flows_dropped_incomplete, flows_late_carried FROM epochs"};
  FlowLedger sum;
  while (row.step()) sum += take_ledger(row);
  return sum;
}

std::vector<std::string> read_sites(Database& database) {
  // Every endpoint of a dependency is one of an asset.
  Statement row{database,
                "SELECT site FROM asset_endpoints UNION SELECT site FROM endpoint_facts "
                "ORDER BY site"};
  std::vector<std::string> names;
  while (row.step()) names.push_back(row.text());
  return names;
}

}  // namespace flowlens::store
