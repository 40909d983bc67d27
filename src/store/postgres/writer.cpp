#include "store/postgres/writer.hpp"

#include <set>
#include <tuple>

#include "store/postgres/upsert.hpp"
#include "store/roll_up.hpp"
#include "store/rows.hpp"

namespace flowlens::store::postgres {
namespace {

constexpr Column kAssetColumns[] = {
    {"id", "uuid"},           {"name", "text"},
    {"asset_type", "text"},   {"is_internal", "boolean"},
    {"first_seen", "bigint"}, {"last_seen", "bigint"},
    {"name_source", "text"},  {"name_at", "bigint"},
    {"type_source", "text"},  {"type_confidence_millionths", "bigint"},
    {"type_at", "bigint"}};
constexpr Column kEndpointColumns[] = {
    {"asset", "uuid"},       {"position", "bigint"},   {"site", "text"},  {"address", "text"},
    {"held_from", "bigint"}, {"held_until", "bigint"}, {"source", "text"}};
constexpr Column kDependencyColumns[] = {{"id", "uuid"},
                                         {"client_asset", "uuid"},
                                         {"server_asset", "uuid"},
                                         {"client_site", "text"},
                                         {"client_address", "text"},
                                         {"server_site", "text"},
                                         {"server_address", "text"},
                                         {"protocol", "bigint"},
                                         {"port", "bigint"},
                                         {"service", "text"},
                                         {"direction", "text"},
                                         {"rung", "text"},
                                         {"provisional", "boolean"},
                                         {"first_seen", "bigint"},
                                         {"last_seen", "bigint"},
                                         {"flows", "bigint"},
                                         {"octets_to_server", "bigint"},
                                         {"octets_to_client", "bigint"},
                                         {"packets_to_server", "bigint"},
                                         {"packets_to_client", "bigint"},
                                         {"estimated_octets_to_server", "bigint"},
                                         {"estimated_octets_to_client", "bigint"},
                                         {"observers", "text"},
                                         {"hours", "bytea"},
                                         {"flips", "bigint"},
                                         {"reasons", "text"},
                                         {"via_site", "text"},
                                         {"via_address", "text"},
                                         {"client_count", "bigint"}};
constexpr Column kWindowColumns[] = {{"window_start", "bigint"},
                                     {"dependency", "uuid"},
                                     {"epoch", "bigint"},
                                     {"flows", "bigint"},
                                     {"octets_to_server", "bigint"},
                                     {"octets_to_client", "bigint"},
                                     {"packets_to_server", "bigint"},
                                     {"packets_to_client", "bigint"},
                                     {"estimated_octets_to_server", "bigint"},
                                     {"estimated_octets_to_client", "bigint"}};
constexpr Column kEventColumns[] = {
    {"id", "uuid"},     {"type", "text"},      {"subject", "uuid"},     {"object", "uuid"},
    {"at", "bigint"},   {"reason", "text"},    {"severity", "text"},    {"cause", "uuid"},
    {"before", "text"}, {"after", "text"},     {"expected", "bigint"},  {"seen", "bigint"},
    {"site", "text"},   {"address", "text"},   {"client_site", "text"}, {"client_address", "text"},
    {"port", "bigint"}, {"protocol", "bigint"}};
constexpr Column kIntermediaryColumns[] = {{"id", "uuid"},
                                           {"kind", "text"},
                                           {"state", "text"},
                                           {"site", "text"},
                                           {"address", "text"},
                                           {"front_port", "bigint"},
                                           {"backend_port", "bigint"},
                                           {"protocol", "bigint"},
                                           {"clients", "bigint"},
                                           {"windows", "bigint"},
                                           {"confidence_millionths", "bigint"},
                                           {"first_seen", "bigint"},
                                           {"last_seen", "bigint"}};
constexpr Column kMemberColumns[] = {
    {"intermediary", "uuid"}, {"site", "text"}, {"address", "text"}};

constexpr Column kAnnotationColumns[] = {
    {"subject", "uuid"},         {"tags", "text"},        {"notes", "text"},
    {"owner", "text"},           {"criticality", "text"}, {"is_declared", "boolean"},
    {"is_confirmed", "boolean"}, {"said_by", "text"},     {"said_at", "bigint"}};

constexpr Column kFactColumns[] = {
    {"site", "text"},    {"address", "text"},  {"position", "bigint"}, {"attribute", "text"},
    {"value", "text"},   {"source", "text"},   {"origin", "text"},     {"at", "bigint"},
    {"since", "bigint"}, {"expires", "bigint"}};

constexpr Column kEpochColumns[] = {{"epoch", "bigint"},
                                    {"last_revision", "bigint"},
                                    {"revision_at", "bigint"},
                                    {"flows_normalized", "bigint"},
                                    {"flows_applied", "bigint"},
                                    {"flows_duplicate", "bigint"},
                                    {"flows_attempt", "bigint"},
                                    {"flows_control", "bigint"},
                                    {"flows_sampled_out", "bigint"},
                                    {"flows_dropped_pressure", "bigint"},
                                    {"flows_dropped_table_full", "bigint"},
                                    {"flows_dropped_incomplete", "bigint"},
                                    {"flows_late_carried", "bigint"}};

constexpr Table kAssets{"assets", kAssetColumns};
constexpr Table kEndpoints{"asset_endpoints", kEndpointColumns, 2};
constexpr Table kDependencies{"dependencies", kDependencyColumns};
constexpr Table kWindows{"dependency_windows", kWindowColumns, 3};
constexpr Table kEvents{"events", kEventColumns};
constexpr Table kIntermediaries{"intermediaries", kIntermediaryColumns};
constexpr Table kMembers{"intermediary_members", kMemberColumns, 3};
constexpr Table kAnnotations{"annotations", kAnnotationColumns};
constexpr Table kFacts{"endpoint_facts", kFactColumns, 3};
constexpr Table kEpochs{"epochs", kEpochColumns};

const auto by_id = [](const auto& row) { return row.id; };

/// Calls `write` for the rows in the order of their keys; of rows with the same key for the last.
template <typename Row, typename Key, typename Write>
void for_each_once(const std::vector<Row>& rows, Key key, Write write) {
  const auto order = in_order(rows, key);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool is_last = i + 1 == order.size() || order[i + 1].first != order[i].first;
    if (is_last) write(*order[i].second);
  }
}

/// These hours will be added up (again).
void mark_stale(Transaction& tx, const std::set<std::int64_t>& hours) {
  if (hours.empty()) return;
  Columns starts{1};
  for (const std::int64_t hour : hours) starts.bind(hour);
  tx.exec_params("INSERT INTO flowlens_store.stale_periods SELECT " + std::to_string(kHourNs) +
                     ", * FROM unnest($1::bigint[]) ON CONFLICT DO NOTHING",
                 pqxx::prepare::make_dynamic_params(starts.take()));
}

/// What pointed to the id goes on to its target, so that targets are never aliases.
void write_aliases(Transaction& tx, const std::vector<Alias>& aliases) {
  for (const Alias& alias : aliases) {
    const std::string id = alias.id.to_string(), target = alias.target.to_string();
    tx.exec_params(
        "UPDATE flowlens_store.aliases SET target = $1, is_turned = (is_turned <> $3) "
        "WHERE target = $2",
        target, id, alias.is_turned);
    tx.exec_params(
        "INSERT INTO flowlens_store.aliases VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (id, at) DO UPDATE SET target = excluded.target, "
        "is_turned = excluded.is_turned",
        id, to_unix_ns(alias.at), target, alias.is_turned);
    if (!alias.is_for_ever()) mark_stale(tx, {floor_to(to_unix_ns(alias.at), kHourNs)});
  }
}

/// With their windows; those that count as another's stay. What is removed is young, so few windows
/// are looked at.
void remove_dependencies(Transaction& tx, const std::vector<Id>& ids) {
  if (ids.empty()) return;
  constexpr const char* kRemoveWindows = R"sql(
WITH removed AS (
  SELECT d.id, greatest(d.first_seen - 86400000000000,
    (SELECT max(a.at) FROM flowlens_store.aliases a WHERE a.id = d.id)) AS since
  FROM flowlens_store.dependencies d WHERE d.id = ANY($1::uuid[])),
gone AS (
  DELETE FROM flowlens_store.dependency_windows w USING removed r
  WHERE w.dependency = r.id AND w.window_start >= r.since
    AND w.window_start >= (SELECT min(since) FROM removed)
  RETURNING w.window_start)
INSERT INTO flowlens_store.stale_periods
SELECT DISTINCT 3600000000000, window_start - window_start % 3600000000000 FROM gone
ON CONFLICT DO NOTHING
)sql";
  const std::string removed = array_of(ids);
  tx.exec_params(kRemoveWindows, removed);
  tx.exec_params("DELETE FROM flowlens_store.dependencies WHERE id = ANY($1::uuid[])", removed);
}

/// Their windows stay on record.
void close_dependencies(Transaction& tx, const std::vector<Id>& ids) {
  if (ids.empty()) return;
  tx.exec_params("DELETE FROM flowlens_store.dependencies WHERE id = ANY($1::uuid[])",
                 array_of(ids));
}

void remove_assets(Transaction& tx, const std::vector<Id>& ids) {
  if (ids.empty()) return;
  const std::string removed = array_of(ids);
  tx.exec_params("DELETE FROM flowlens_store.asset_endpoints WHERE asset = ANY($1::uuid[])",
                 removed);
  tx.exec_params("DELETE FROM flowlens_store.assets WHERE id = ANY($1::uuid[])", removed);
}

void write_assets(Transaction& tx, const SiteNames& sites, const std::vector<AssetRow>& rows) {
  if (rows.empty()) return;
  Upsert assets{tx, kAssets}, endpoints{tx, kEndpoints};
  Columns held{2};  // how many each has, past which there are none any more
  for_each_once(rows, by_id, [&](const AssetRow& row) {
    put(assets.next(), row);
    std::uint64_t position = 0;
    for (const HeldEndpoint& endpoint : row.endpoints) {
      put(endpoints.next().bind(row.id).bind(position++), endpoint, sites);
    }
    held.bind(row.id).bind(position);
  });
  assets.write();
  endpoints.write();
  tx.exec_params(
      "DELETE FROM flowlens_store.asset_endpoints e USING unnest($1::uuid[], $2::bigint[]) "
      "AS held (asset, count) WHERE e.asset = held.asset AND e.position >= held.count",
      pqxx::prepare::make_dynamic_params(held.take()));
}

void write_dependencies(Transaction& tx, const SiteNames& sites,
                        const std::vector<DependencyRow>& rows) {
  Upsert dependencies{tx, kDependencies};
  for_each_once(rows, by_id,
                [&](const DependencyRow& row) { put(dependencies.next(), row, sites); });
  dependencies.write();
}

void write_windows(Transaction& tx, const Revision& revision) {
  Upsert windows{tx, kWindows};
  Columns gone{2};
  std::set<std::int64_t> hours;
  const auto key = [](const WindowRow& row) {
    return std::tuple{row.window_start, row.dependency};
  };
  for_each_once(revision.windows, key, [&](const WindowRow& row) {
    const std::int64_t start = to_unix_ns(row.window_start);
    hours.insert(floor_to(start, kHourNs));
    if (row.counts.is_zero()) {
      gone.bind(start).bind(row.dependency);
      return;
    }
    put(windows.next().bind(start).bind(row.dependency).bind(revision.epoch.value), row.counts);
  });
  windows.write();
  mark_stale(tx, hours);
  if (gone.rows() == 0) return;
  std::vector<std::string> parameters = gone.take();
  parameters.push_back(std::to_string(revision.epoch.value));
  tx.exec_params(
      "DELETE FROM flowlens_store.dependency_windows w USING unnest($1::bigint[], $2::uuid[]) "
      "AS gone (start, dependency) WHERE w.window_start = gone.start "
      "AND w.dependency = gone.dependency AND w.epoch = $3",
      pqxx::prepare::make_dynamic_params(parameters));
}

/// Members are only ever added.
void write_intermediaries(Transaction& tx, const SiteNames& sites,
                          const std::vector<IntermediaryRow>& rows) {
  if (rows.empty()) return;
  Upsert intermediaries{tx, kIntermediaries}, members{tx, kMembers};
  for_each_once(rows, by_id, [&](const IntermediaryRow& row) {
    put(intermediaries.next(), row, sites);
    for (const Endpoint& member : row.members) {
      members.next().bind(row.id).bind(sites.name(member.site)).bind(member.address.to_string());
    }
  });
  intermediaries.write();
  members.write();
}

void write_events(Transaction& tx, const SiteNames& sites, const std::vector<ChangeEvent>& rows) {
  Upsert events{tx, kEvents};
  for_each_once(rows, by_id, [&](const ChangeEvent& event) { put(events.next(), event, sites); });
  events.write();
}

void write_annotations(Transaction& tx, const std::vector<Annotation>& rows) {
  if (rows.empty()) return;
  Upsert said{tx, kAnnotations};
  std::vector<Id> unsaid;
  const auto by_subject = [](const Annotation& a) { return a.subject; };
  for_each_once(rows, by_subject, [&](const Annotation& a) {
    if (a.empty()) {
      unsaid.push_back(a.subject);
    } else {
      put(said.next(), a);
    }
  });
  said.write();
  tx.exec_params("DELETE FROM flowlens_store.annotations WHERE subject = ANY($1::uuid[])",
                 array_of(unsaid));
}

/// Of each endpoint what is said now, and no row past that.
void write_facts(Transaction& tx, const SiteNames& sites, const std::vector<EndpointFacts>& rows) {
  if (rows.empty()) return;
  Upsert facts{tx, kFacts};
  Columns kept{3};  // how many each endpoint has
  const auto by_subject = [](const EndpointFacts& said) { return said.subject; };
  for_each_once(rows, by_subject, [&](const EndpointFacts& said) {
    const std::string_view site = sites.name(said.subject.site);
    const std::string address = said.subject.address.to_string();
    std::uint64_t position = 0;
    for (const Fact& fact : said.facts) {
      put(facts.next().bind(site).bind(address).bind(position++), fact);
    }
    kept.bind(site).bind(address).bind(position);
  });
  facts.write();
  tx.exec_params(
      "DELETE FROM flowlens_store.endpoint_facts f "
      "USING unnest($1::text[], $2::text[], $3::bigint[]) AS kept (site, address, count) "
      "WHERE f.site = kept.site AND f.address = kept.address AND f.position >= kept.count",
      pqxx::prepare::make_dynamic_params(kept.take()));
}

/// The row is there since open().
void write_epoch(Transaction& tx, const Revision& revision) {
  Upsert epochs{tx, kEpochs};
  put(epochs.next().bind(revision.epoch.value).bind(revision.number).bind(to_unix_ns(revision.at)),
      revision.flows);
  epochs.write();
  if (revision.input_position == 0) return;
  tx.exec_params("UPDATE flowlens_store.epochs SET input_position = $1 WHERE epoch = $2",
                 revision.input_position, revision.epoch.value);
}

}  // namespace

/// The order is that of the SQLite store: what a revision both removes and names is there afterwards.
void write_revision(Transaction& tx, const SiteNames& sites, const Revision& revision) {
  write_aliases(tx, revision.aliases);
  remove_dependencies(tx, revision.removed_dependencies);
  close_dependencies(tx, revision.closed_dependencies);
  remove_assets(tx, revision.removed_assets);
  write_assets(tx, sites, revision.assets);
  write_dependencies(tx, sites, revision.dependencies);
  write_windows(tx, revision);
  write_events(tx, sites, revision.events);
  write_intermediaries(tx, sites, revision.intermediaries);
  write_annotations(tx, revision.annotations);
  write_facts(tx, sites, revision.facts);
  write_epoch(tx, revision);
}

}  // namespace flowlens::store::postgres
