#include "store/sqlite_reader.hpp"

#include <algorithm>

#include "flowlens/enricher.hpp"

namespace flowlens::store {
namespace {

TrafficCounts read_counts(Statement& row) {
  TrafficCounts counts;
  counts.flows = row.u64();
  counts.octets_to_server = row.u64();
  counts.octets_to_client = row.u64();
  counts.packets_to_server = row.u64();
  counts.packets_to_client = row.u64();
  counts.estimated_octets_to_server = row.u64();
  counts.estimated_octets_to_client = row.u64();
  return counts;
}

HeldEndpoint read_endpoint(Statement& row, const SiteNames& sites) {
  HeldEndpoint held;
  held.endpoint.site = sites.id(row.text());
  held.endpoint.address = address_from(row.text());
  held.from = from_unix_ns(row.i64());
  if (const auto until = row.optional_i64()) held.until = from_unix_ns(*until);
  held.source = source_from(row.text());
  return held;
}

DependencyRow read_dependency(Statement& row, const SiteNames& sites) {
  DependencyRow d;
  d.id = row.id();
  d.client_asset = row.id();
  d.server_asset = row.id();
  d.key.client.site = sites.id(row.text());
  d.key.client.address = address_from(row.text());
  d.key.server.site = sites.id(row.text());
  d.key.server.address = address_from(row.text());
  d.key.protocol = static_cast<std::uint8_t>(row.u64());
  d.key.port = static_cast<std::uint16_t>(row.u64());
  // The name is there for readers of the table: this release may know the port by a better one.
  (void)row.text();
  d.service = find_service(d.key.protocol, d.key.port);
  d.direction = direction_from(row.text());
  d.rung = rung_from(row.text());
  d.provisional = row.boolean();
  d.first_seen = from_unix_ns(row.i64());
  d.last_seen = from_unix_ns(row.i64());
  d.totals = read_counts(row);
  read_observers(row.text(), d);
  d.hours = hours_from(row.blob());
  d.flips = static_cast<std::uint16_t>(row.u64());
  d.reasons = reasons_from(row.text());
  if (const std::string site = row.text(); !site.empty()) {
    d.via = {sites.id(site), address_from(row.text())};
  } else {
    (void)row.text();
  }
  d.client_count = static_cast<std::uint32_t>(row.u64());
  return d;
}

/// Collects rows and hands them on when there are enough.
class Loader {
 public:
  Loader(const Revision& frame, std::size_t rows_at_once, DependencyGraph& graph)
      : revision_(frame), rows_at_once_(rows_at_once), graph_(&graph) {}
  void add(AssetRow&& row) {
    revision_.assets.push_back(std::move(row));
    if (revision_.assets.size() >= rows_at_once_) flush();
  }
  void add(DependencyRow&& row) {
    revision_.dependencies.push_back(std::move(row));
    if (revision_.dependencies.size() >= rows_at_once_) flush();
  }
  void add(const Alias& alias) {
    revision_.aliases.push_back(alias);
    if (revision_.aliases.size() >= rows_at_once_) flush();
  }
  void add(ChangeEvent&& event) { revision_.events.push_back(std::move(event)); }
  void add(IntermediaryRow&& row) { revision_.intermediaries.push_back(std::move(row)); }
  void flush() {
    graph_->apply(revision_);
    revision_.assets.clear();
    revision_.dependencies.clear();
    revision_.aliases.clear();
    revision_.events.clear();
    revision_.intermediaries.clear();
  }

 private:
  Revision revision_;
  std::size_t rows_at_once_;
  DependencyGraph* graph_;
};

void load_assets(Database& database, const SiteNames& sites, Loader& loader) {
  Statement row{database,
                "SELECT a.id, a.name, a.asset_type, a.is_internal, a.first_seen, a.last_seen, "
                "a.name_source, a.name_at, a.type_source, a.type_confidence_millionths, a.type_at, "
                "e.site, e.address, e.held_from, e.held_until, e.source "
                "FROM assets a "
                "JOIN asset_endpoints e ON e.asset = a.id ORDER BY a.id, e.position"};
  std::optional<AssetRow> asset;
  while (row.step()) {
    AssetRow next;
    next.id = row.id();
    next.name = row.text();
    next.asset_type = row.text();
    next.is_internal = row.boolean();
    next.first_seen = from_unix_ns(row.i64());
    next.last_seen = from_unix_ns(row.i64());
    next.name_source = source_from(row.text());
    next.name_at = from_unix_ns(row.i64());
    next.type_source = source_from(row.text());
    next.type_confidence = static_cast<float>(row.u64()) / 1e6f;
    next.type_at = from_unix_ns(row.i64());
    HeldEndpoint held = read_endpoint(row, sites);
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
  Statement row{database, "SELECT id, target, at FROM aliases ORDER BY id, at"};
  while (row.step()) {
    Alias alias;
    alias.id = row.id();
    alias.target = row.id();
    alias.at = from_unix_ns(row.i64());
    loader.add(alias);
  }
}

/// Empty texts: there is none.
Endpoint read_if_any(Statement& row, const SiteNames& sites) {
  const std::string site = row.text();
  const std::string address = row.text();
  return address.empty() ? Endpoint{} : Endpoint{sites.id(site), address_from(address)};
}

/// The latest, in the order of their times.
void load_events(Database& database, const SiteNames& sites, std::size_t limit, Loader& loader) {
  Statement row{database,
                "SELECT * FROM (SELECT id, type, subject, object, at, reason, severity, cause, "
                "before, after, expected, seen, site, address, client_site, client_address, port, "
                "protocol FROM events ORDER BY at DESC, id DESC LIMIT ?) ORDER BY at, id"};
  row.begin().bind(std::uint64_t{limit});
  while (row.step()) {
    ChangeEvent event;
    event.id = row.id();
    event.type = change_type_from(row.text());
    event.subject = row.id();
    event.object = row.id();
    event.at = from_unix_ns(row.i64());
    event.reason = row.text();
    event.severity = severity_from(row.text());
    event.cause = row.id();
    event.before = row.text();
    event.after = row.text();
    event.expected = row.optional_i64();
    event.seen = row.optional_i64();
    event.endpoint = read_if_any(row, sites);
    event.client = read_if_any(row, sites);
    event.port = static_cast<std::uint16_t>(row.u64());
    event.protocol = static_cast<std::uint8_t>(row.u64());
    loader.add(std::move(event));
  }
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
    IntermediaryRow i;
    i.id = row.id();
    i.kind = intermediary_kind_from(row.text());
    i.state = intermediary_state_from(row.text());
    i.front.site = sites.id(row.text());
    i.front.address = address_from(row.text());
    i.front_port = static_cast<std::uint16_t>(row.u64());
    i.backend_port = static_cast<std::uint16_t>(row.u64());
    i.protocol = static_cast<std::uint8_t>(row.u64());
    i.clients = static_cast<std::uint32_t>(row.u64());
    i.windows = static_cast<std::uint32_t>(row.u64());
    i.confidence = static_cast<float>(row.u64()) / 1e6f;
    i.first_seen = from_unix_ns(row.i64());
    i.last_seen = from_unix_ns(row.i64());
    i.members = members_of(database, sites, i.id);
    loader.add(std::move(i));
  }
}

/// Goes on with the rows of `row`, summing those of one window and dependency.
/// \return false if `visit` wants no more.
bool visit_rows(Statement& row, const std::function<bool(const WindowRow&)>& visit) {
  std::optional<WindowRow> sum;
  while (row.step()) {
    WindowRow next;
    next.window_start = from_unix_ns(row.i64());
    next.dependency = row.id();
    next.counts = read_counts(row);
    if (sum && sum->window_start == next.window_start && sum->dependency == next.dependency) {
      sum->counts += next.counts;
      continue;
    }
    if (sum && !visit(*sum)) return false;
    sum = next;
  }
  return !sum || visit(*sum);
}

constexpr std::string_view kColumns =
    "SELECT window_start, dependency, flows, octets_to_server, octets_to_client, "
    "packets_to_server, packets_to_client, estimated_octets_to_server, "
    "estimated_octets_to_client FROM ";

/// Aliases cost a sort, so they are asked only where there are some.
Statement all_windows(Database& database) {
  const bool has_aliases = database.number("SELECT EXISTS (SELECT 1 FROM aliases)") != 0;
  std::string sql{kColumns};
  sql += has_aliases ? "resolved_windows " : "dependency_windows ";
  sql += "WHERE window_start >= ? AND window_start < ? ORDER BY window_start, dependency, epoch";
  return Statement{database, sql.c_str()};
}

/// Of one window start: the dependency's own rows, and those of its aliases that count as its own.
constexpr const char* kWindowsOfOne =
    "SELECT w.window_start, ?2, w.flows, w.octets_to_server, w.octets_to_client, "
    "w.packets_to_server, w.packets_to_client, w.estimated_octets_to_server, "
    "w.estimated_octets_to_client FROM dependency_windows w WHERE w.window_start = ?1 "
    "AND w.dependency IN (SELECT ?2 UNION SELECT id FROM aliases WHERE target = ?2) "
    "AND coalesce((SELECT a.target FROM aliases a WHERE a.id = w.dependency "
    "AND a.at > w.window_start ORDER BY a.at LIMIT 1), w.dependency) = ?2 ORDER BY w.epoch";

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
  while (row.step()) loader.add(read_dependency(row, sites));
  load_aliases(database, loader);
  load_events(database, sites, rows_at_once, loader);
  load_intermediaries(database, sites, loader);
  loader.flush();
}

void scan_windows(Database& database, const WindowScan& what,
                  const std::function<bool(const WindowRow&)>& visit) {
  if (!what.dependency) {
    Statement row = all_windows(database);
    row.begin().bind(to_unix_ns(what.from)).bind(to_unix_ns(what.to));
    visit_rows(row, visit);
    return;
  }
  // From one window start to the next: the key begins with it.
  Statement next_start{database,
                       "SELECT min(window_start) FROM dependency_windows "
                       "WHERE window_start >= ? AND window_start < ?"};
  Statement row{database, kWindowsOfOne};
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
  while (row.step()) {
    FlowLedger one;
    one.normalized = row.u64();
    one.applied = row.u64();
    one.duplicate = row.u64();
    one.attempt = row.u64();
    one.control = row.u64();
    one.sampled_out = row.u64();
    for (std::uint64_t& dropped : one.dropped) dropped = row.u64();
    one.late_carried = row.u64();
    sum += one;
  }
  return sum;
}

std::vector<std::string> read_sites(Database& database) {
  // Every endpoint of a dependency is one of an asset.
  Statement row{database, "SELECT DISTINCT site FROM asset_endpoints ORDER BY site"};
  std::vector<std::string> names;
  while (row.step()) names.push_back(row.text());
  return names;
}

}  // namespace flowlens::store
