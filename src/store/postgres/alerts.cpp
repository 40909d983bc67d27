// Alerts, their rules and maintenance windows in PostgreSQL.
#include <string>
#include <unordered_map>

#include "flowlens/postgres_store.hpp"
#include "store/alert_rows.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/schema.hpp"
#include "store/postgres/upsert.hpp"
#include "store/term.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;

constexpr Column kAlertColumns[] = {{"id", "uuid"},
                                    {"rule", "text"},
                                    {"type", "text"},
                                    {"subject", "uuid"},
                                    {"protocol", "bigint"},
                                    {"port", "bigint"},
                                    {"status", "text"},
                                    {"severity", "text"},
                                    {"title", "text"},
                                    {"text", "text"},
                                    {"asset", "text"},
                                    {"environment", "text"},
                                    {"datacenter", "text"},
                                    {"address", "text"},
                                    {"first_event", "uuid"},
                                    {"last_event", "uuid"},
                                    {"opened_at", "bigint"},
                                    {"last_at", "bigint"},
                                    {"noted_at", "bigint"},
                                    {"count", "bigint"},
                                    {"reopened", "bigint"},
                                    {"maintenance", "text"},
                                    {"acknowledged_by", "text"},
                                    {"acknowledged_at", "bigint"},
                                    {"resolved_by", "text"},
                                    {"resolved_at", "bigint"}};
constexpr Column kHistoryColumns[] = {{"alert", "uuid"}, {"position", "bigint"}, {"step", "text"},
                                      {"at", "bigint"},  {"who", "text"},        {"note", "text"}};
constexpr Column kDefinitionColumns[] = {{"name", "text"}, {"definition", "text"}};
constexpr Table kAlerts{"alerts", kAlertColumns};
constexpr Table kHistory{"alert_history", kHistoryColumns, 2};

class PostgresAlertStore final : public AlertStore {
 public:
  PostgresAlertStore(const PostgresStoreOptions& options, Epoch epoch)
      : connection_(options), term_{epoch, 0, connection_.where()} {}

  AlertState load() override;
  void save(const AlertChanges& changes) override;

 private:
  void read_definitions(Transaction& tx, AlertState& state) const;

  Connection connection_;
  store::Term term_;
};

void read_alerts(Transaction& tx, AlertState& state) {
  std::unordered_map<std::string, std::size_t> places;
  each_row(
      tx,
      "SELECT id, rule, type, subject, protocol, port, status, severity, title, text, asset, "
      "environment, datacenter, address, first_event, last_event, opened_at, last_at, noted_at, "
      "count, reopened, maintenance, acknowledged_by, acknowledged_at, resolved_by, resolved_at "
      "FROM flowlens_store.alerts ORDER BY id",
      [&](Row& row) {
        state.alerts.push_back(store::take_alert(row));
        places.emplace(state.alerts.back().id.to_string(), state.alerts.size() - 1);
        return true;
      });
  each_row(tx,
           "SELECT alert, step, at, who, note FROM flowlens_store.alert_history "
           "ORDER BY alert, position",
           [&](Row& row) {
             const auto alert = places.find(row.text());
             if (alert == places.end()) return true;
             state.alerts[alert->second].history.push_back(store::take_entry(row));
             return true;
           });
}

/// Rules, or maintenance windows: all of them anew.
template <typename Item>
void replace(Transaction& tx, const char* table, const std::vector<Item>& items) {
  tx.exec("DELETE FROM flowlens_store." + std::string{table});
  const Table description{table, kDefinitionColumns};
  Upsert rows{tx, description};
  for (const Item& item : items) rows.next().bind(item.name).bind(to_json(item));
  rows.write();
}

void remove_alerts(Transaction& tx, const std::vector<Id>& ids) {
  const std::string removed = array_of(ids);
  tx.exec_params("DELETE FROM flowlens_store.alerts WHERE id = ANY($1::uuid[])", removed);
  tx.exec_params("DELETE FROM flowlens_store.alert_history WHERE alert = ANY($1::uuid[])", removed);
}

void write_alerts(Transaction& tx, const std::vector<Alert>& alerts) {
  Upsert rows{tx, kAlerts}, history{tx, kHistory};
  for (const Alert& alert : alerts) {
    store::put(rows.next(), alert);
    std::uint64_t position = 0;
    for (const AlertEntry& entry : alert.history) {
      store::put(history.next().bind(alert.id).bind(position++), entry);
    }
  }
  rows.write();
  history.write();
}

void PostgresAlertStore::read_definitions(Transaction& tx, AlertState& state) const {
  each_row(tx, "SELECT name, definition FROM flowlens_store.alert_rules ORDER BY name",
           [&](Row& row) {
             const std::string name = connection_.where() + ": alert rule " + row.text();
             state.rules.push_back(parse_alert_rule(row.text(), name));
             return true;
           });
  each_row(tx, "SELECT name, definition FROM flowlens_store.maintenance_windows ORDER BY name",
           [&](Row& row) {
             const std::string name = connection_.where() + ": maintenance window " + row.text();
             state.windows.push_back(parse_maintenance_window(row.text(), name));
             return true;
           });
}

AlertState PostgresAlertStore::load() {
  AlertState state;
  connection_.read([&](Transaction& tx) {
    state.at = from_unix_ns(number(tx, "SELECT max(at) FROM flowlens_store.alert_state"));
    read_definitions(tx, state);
    each_row(tx, "SELECT event FROM flowlens_store.alert_events ORDER BY position", [&](Row& row) {
      state.seen.push_back(row.id());
      return true;
    });
    read_alerts(tx, state);
  });
  return state;
}

void PostgresAlertStore::save(const AlertChanges& changes) {
  connection_.transact([&](Transaction& tx) {
    store::check_epoch(term_, newest_epoch(tx, connection_.where()).epoch, "the alerts");
    if (changes.rules) replace(tx, "alert_rules", *changes.rules);
    if (changes.windows) replace(tx, "maintenance_windows", *changes.windows);
    // An alert that has gone may have come again; a history may have become shorter.
    std::vector<Id> gone = changes.removed;
    for (const Alert& alert : changes.alerts) gone.push_back(alert.id);
    remove_alerts(tx, gone);
    write_alerts(tx, changes.alerts);
    tx.exec_params(
        "INSERT INTO flowlens_store.alert_events (event) SELECT event FROM "
        "unnest($1::uuid[]) WITH ORDINALITY AS seen (event, place) ORDER BY place "
        "ON CONFLICT DO NOTHING",
        array_of(changes.seen));
    tx.exec_params("DELETE FROM flowlens_store.alert_events WHERE event = ANY($1::uuid[])",
                   array_of(changes.unseen));
    tx.exec_params(
        "INSERT INTO flowlens_store.alert_state VALUES (1, $1) "
        "ON CONFLICT (one) DO UPDATE SET at = excluded.at",
        to_unix_ns(changes.at));
  });
}

}  // namespace

std::unique_ptr<AlertStore> make_postgres_alert_store(const PostgresStoreOptions& options,
                                                      Epoch epoch) {
  return std::make_unique<PostgresAlertStore>(options, epoch);
}

}  // namespace flowlens
