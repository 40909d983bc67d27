// Alerts, their rules and maintenance windows in SQLite.
#include <string>
#include <utility>

#include "flowlens/alert_store.hpp"
#include "store/alert_rows.hpp"
#include "store/sqlite_database.hpp"
#include "store/sqlite_schema.hpp"
#include "store/term.hpp"

namespace flowlens {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

class SqliteAlertStore final : public AlertStore {
 public:
  SqliteAlertStore(const SqliteStoreOptions& options, Epoch epoch)
      : database_(options.path, options.busy_timeout), term_{epoch, 0, database_.path()} {
    database_.run("PRAGMA synchronous = NORMAL");
  }

  AlertState load() override;
  void save(const AlertChanges& changes) override;

 private:
  void write_alert(const Alert& alert);
  void remove_alert(const Id& id);
  template <typename Item>
  void replace(const char* clear, const char* insert, const std::vector<Item>& items);

  Database database_;
  store::Term term_;
};

AlertState SqliteAlertStore::load() {
  Transaction transaction{database_, Transaction::Kind::read};
  AlertState state;
  state.at = from_unix_ns(database_.number("SELECT coalesce(max(at), 0) FROM alert_state"));
  Statement rules{database_, "SELECT name, definition FROM alert_rules ORDER BY name"};
  for (rules.begin(); rules.step();) {
    const std::string name = database_.path() + ": alert rule " + rules.text();
    state.rules.push_back(parse_alert_rule(rules.text(), name));
  }
  Statement windows{database_, "SELECT name, definition FROM maintenance_windows ORDER BY name"};
  for (windows.begin(); windows.step();) {
    const std::string name = database_.path() + ": maintenance window " + windows.text();
    state.windows.push_back(parse_maintenance_window(windows.text(), name));
  }
  Statement seen{database_, "SELECT event FROM alert_events ORDER BY position"};
  for (seen.begin(); seen.step();) state.seen.push_back(seen.id());
  Statement alerts{database_,
                   "SELECT id, rule, type, subject, protocol, port, status, severity, title, text, "
                   "asset, environment, datacenter, address, first_event, last_event, opened_at, "
                   "last_at, noted_at, count, reopened, maintenance, acknowledged_by, "
                   "acknowledged_at, resolved_by, resolved_at FROM alerts ORDER BY id"};
  Statement history{database_,
                    "SELECT step, at, who, note FROM alert_history WHERE alert = ? "
                    "ORDER BY position"};
  for (alerts.begin(); alerts.step();) {
    Alert& alert = state.alerts.emplace_back(store::take_alert(alerts));
    for (history.begin().bind(alert.id); history.step();) {
      alert.history.push_back(store::take_entry(history));
    }
  }
  transaction.commit();
  return state;
}

template <typename Item>
void SqliteAlertStore::replace(const char* clear, const char* insert,
                               const std::vector<Item>& items) {
  database_.run(clear);
  Statement statement{database_, insert};
  for (const Item& item : items) statement.begin().bind(item.name).bind(to_json(item)).run();
}

void SqliteAlertStore::remove_alert(const Id& id) {
  Statement{database_, "DELETE FROM alerts WHERE id = ?"}.begin().bind(id).run();
  Statement{database_, "DELETE FROM alert_history WHERE alert = ?"}.begin().bind(id).run();
}

void SqliteAlertStore::write_alert(const Alert& a) {
  remove_alert(a.id);
  Statement insert{
      database_, "INSERT INTO alerts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
  store::put(insert.begin(), a);
  insert.run();
  Statement line{database_, "INSERT INTO alert_history VALUES (?,?,?,?,?,?)"};
  std::uint64_t position = 0;
  for (const AlertEntry& entry : a.history) {
    store::put(line.begin().bind(a.id).bind(position++), entry);
    line.run();
  }
}

void SqliteAlertStore::save(const AlertChanges& changes) {
  Transaction transaction{database_, Transaction::Kind::write};
  store::check_epoch(term_, store::newest_epoch(database_), "the alerts");
  if (changes.rules) {
    replace("DELETE FROM alert_rules", "INSERT INTO alert_rules VALUES (?,?)", *changes.rules);
  }
  if (changes.windows) {
    replace("DELETE FROM maintenance_windows", "INSERT INTO maintenance_windows VALUES (?,?)",
            *changes.windows);
  }
  // An alert that has gone may have come again.
  for (const Id& id : changes.removed) remove_alert(id);
  for (const Alert& alert : changes.alerts) write_alert(alert);
  Statement see{database_, "INSERT OR IGNORE INTO alert_events (event) VALUES (?)"};
  for (const Id& id : changes.seen) see.begin().bind(id).run();
  Statement forget{database_, "DELETE FROM alert_events WHERE event = ?"};
  for (const Id& id : changes.unseen) forget.begin().bind(id).run();
  Statement{database_, "INSERT OR REPLACE INTO alert_state VALUES (1, ?)"}
      .begin()
      .bind(to_unix_ns(changes.at))
      .run();
  transaction.commit();
}

}  // namespace

std::unique_ptr<AlertStore> make_sqlite_alert_store(const SqliteStoreOptions& options,
                                                    Epoch epoch) {
  return std::make_unique<SqliteAlertStore>(options, epoch);
}

}  // namespace flowlens
