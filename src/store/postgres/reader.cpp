#include "store/postgres/reader.hpp"

#include <algorithm>

#include "store/roll_up.hpp"
#include "store/rows.hpp"

namespace flowlens::store::postgres {
namespace {

constexpr std::size_t kRowsAtOnce = 10'000;  // of a revision, and of events at all

void load_assets(Transaction& tx, const SiteNames& sites, Loader& loader) {
  std::optional<AssetRow> asset;
  each_row(tx,
           "SELECT a.id, a.name, a.asset_type, a.is_internal, a.first_seen, a.last_seen, "
           "a.name_source, a.name_at, a.type_source, a.type_confidence_millionths, a.type_at, "
           "e.site, e.address, e.held_from, e.held_until, e.source FROM flowlens_store.assets a "
           "JOIN flowlens_store.asset_endpoints e ON e.asset = a.id ORDER BY a.id, e.position",
           [&](Row& row) {
             AssetRow next = take_asset(row);
             HeldEndpoint held = take_endpoint(row, sites);
             if (!asset || asset->id != next.id) {
               if (asset) loader.add(std::move(*asset));
               asset = std::move(next);
             }
             asset->endpoints.push_back(held);
             return true;
           });
  if (asset) loader.add(std::move(*asset));
}

/// The newest of an id comes last, and stays.
void load_aliases(Transaction& tx, Loader& loader) {
  each_row(tx, "SELECT id, target, at, is_turned FROM flowlens_store.aliases ORDER BY id, at",
           [&](Row& row) {
             Alias alias;
             alias.id = row.id();
             alias.target = row.id();
             alias.at = from_unix_ns(row.i64());
             alias.is_turned = row.boolean();
             loader.add(alias);
             return true;
           });
}

/// The latest, in the order of their times.
void load_events(Transaction& tx, const SiteNames& sites, Loader& loader) {
  each_row(tx,
           "SELECT * FROM (SELECT id, type, subject, object, at, reason, severity, cause, before, "
           "after, expected, seen, site, address, client_site, client_address, port, protocol "
           "FROM flowlens_store.events ORDER BY at DESC, id DESC LIMIT " +
               std::to_string(kRowsAtOnce) + ") AS latest ORDER BY at, id",
           [&](Row& row) {
             loader.add(take_event(row, sites));
             return true;
           });
}

void load_intermediaries(Transaction& tx, const SiteNames& sites, Loader& loader) {
  std::vector<IntermediaryRow> rows;
  each_row(tx,
           "SELECT id, kind, state, site, address, front_port, backend_port, protocol, clients, "
           "windows, confidence_millionths, first_seen, last_seen "
           "FROM flowlens_store.intermediaries ORDER BY id",
           [&](Row& row) {
             rows.push_back(take_intermediary(row, sites));
             return true;
           });
  auto of = rows.begin();
  each_row(tx,
           "SELECT intermediary, site, address FROM flowlens_store.intermediary_members "
           "ORDER BY intermediary",
           [&](Row& row) {
             const Id id = row.id();
             while (of != rows.end() && of->id < id) ++of;
             if (of == rows.end()) return false;
             const SiteId site = sites.id(row.text());
             if (of->id == id) of->members.push_back({site, address_from(row.text())});
             return true;
           });
  for (IntermediaryRow& row : rows) {
    std::sort(row.members.begin(), row.members.end());
    loader.add(std::move(row));
  }
}

void load_annotations(Transaction& tx, Loader& loader) {
  each_row(tx,
           "SELECT subject, tags, notes, owner, criticality, is_declared, is_confirmed, said_by, "
           "said_at FROM flowlens_store.annotations ORDER BY subject",
           [&](Row& row) {
             loader.add(take_annotation(row));
             return true;
           });
}

void load_facts(Transaction& tx, const SiteNames& sites, Loader& loader) {
  each_row(tx,
           "SELECT site, address, attribute, value, source, origin, at, since, expires "
           "FROM flowlens_store.endpoint_facts ORDER BY site, address, position",
           [&](Row& row) {
             loader.add(take_fact(row, sites));
             return true;
           });
}

const std::string kColumns =
    "SELECT w.window_start, w.dependency, w.flows, w.octets_to_server, w.octets_to_client, "
    "w.packets_to_server, w.packets_to_client, w.estimated_octets_to_server, "
    "w.estimated_octets_to_client FROM ";

/// Aliases cost a sort, so they are asked only where there are some.
std::string all_windows(Transaction& tx, const Series& series, const std::string& from,
                        const std::string& to) {
  const bool has_aliases =
      number(tx, "SELECT count(*) FROM (SELECT FROM flowlens_store.aliases LIMIT 1) a") != 0;
  return kColumns + "flowlens_store." + (has_aliases ? series.resolved : series.table) +
         " w WHERE w.window_start >= " + from + " AND w.window_start < " + to +
         " ORDER BY w.window_start, w.dependency";
}

/// The dependency's own windows, and those of its aliases that count as its own, from one start to the
/// next: the key begins with it.
std::string windows_of(Transaction& tx, const Series& series, const Id& id, const std::string& from,
                       const std::string& to) {
  const pqxx::row resolved = tx.exec_params1(
      "SELECT coalesce((SELECT id FROM flowlens_store.dependencies WHERE id = $1), "
      "(SELECT target FROM flowlens_store.aliases WHERE id = $1 ORDER BY at DESC LIMIT 1), $1)",
      id.to_string());
  const std::string named = "'" + Row{resolved}.id().to_string() + "'::uuid";
  const std::string table = "flowlens_store." + std::string{series.table};
  const std::string first = "SELECT min(window_start) FROM " + table + " WHERE window_start < " +
                            to + " AND window_start >";
  return "WITH RECURSIVE starts (start) AS ((" + first + "= " + from + ") UNION ALL SELECT (" +
         first +
         " starts.start) FROM starts WHERE starts.start IS NOT NULL) "
         "SELECT w.window_start, " +
         named + ", " + kSidedCounts + " FROM starts JOIN " + table +
         " w ON w.window_start = starts.start AND w.dependency IN (SELECT " + named +
         " UNION SELECT id FROM flowlens_store.aliases WHERE target = " + named +
         ") LEFT JOIN flowlens_store.aliases a ON a.id = w.dependency AND a.at = "
         "(SELECT min(b.at) FROM flowlens_store.aliases b WHERE b.id = w.dependency "
         "AND b.at > w.window_start + " +
         std::to_string(std::max<std::int64_t>(series.length_ns - 1, 0)) +
         ") WHERE coalesce(a.target, w.dependency) = " + named + " ORDER BY w.window_start";
}

}  // namespace

void load_graph(Transaction& tx, const SiteNames& sites, const Revision& frame,
                DependencyGraph& graph) {
  Loader loader{frame, kRowsAtOnce, graph};
  load_assets(tx, sites, loader);
  loader.flush();  // dependencies name assets: those come first
  each_row(tx, "SELECT * FROM flowlens_store.dependencies ORDER BY id", [&](Row& row) {
    loader.add(take_dependency(row, sites));
    return true;
  });
  load_aliases(tx, loader);
  load_events(tx, sites, loader);
  load_intermediaries(tx, sites, loader);
  load_annotations(tx, loader);
  load_facts(tx, sites, loader);
  loader.flush();
}

void scan_windows(Transaction& tx, const WindowScan& what,
                  const std::function<bool(const WindowRow&)>& visit) {
  const Series& series = series_of(what.period);
  const std::string from = std::to_string(to_unix_ns(what.from));
  const std::string to = std::to_string(to_unix_ns(what.to));
  WindowSum sum{visit};
  bool wants_more = true;
  each_row(tx,
           what.dependency ? windows_of(tx, series, *what.dependency, from, to)
                           : all_windows(tx, series, from, to),
           [&](Row& row) { return wants_more = sum.add(take_window(row)); });
  if (wants_more) (void)sum.finish();
}

FlowLedger read_ledger(Transaction& tx) {
  FlowLedger sum;
  each_row(tx,
           "SELECT flows_normalized, flows_applied, flows_duplicate, flows_attempt, flows_control, "
           "flows_sampled_out, flows_dropped_pressure, flows_dropped_table_full, "
           "flows_dropped_incomplete, flows_late_carried FROM flowlens_store.epochs",
           [&](Row& row) {
             sum += take_ledger(row);
             return true;
           });
  return sum;
}

std::vector<std::string> read_sites(Transaction& tx) {
  // Every endpoint of a dependency is one of an asset.
  std::vector<std::string> names;
  each_row(tx,
           "SELECT site FROM flowlens_store.asset_endpoints UNION "
           "SELECT site FROM flowlens_store.endpoint_facts ORDER BY site",
           [&](Row& row) {
             names.push_back(row.text());
             return true;
           });
  return names;
}

}  // namespace flowlens::store::postgres
