// Alerts, their rules and maintenance windows in SQLite.
#include <string>
#include <utility>

#include "flowlens/alert_store.hpp"
#include "store/row_text.hpp"
#include "store/sqlite_database.hpp"

namespace flowlens {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

AlertStatus status_from(const std::string& text) {
  if (const auto status = parse_alert_status(text)) return *status;
  throw IoError("the store holds `" + text + "`, which is no status of an alert");
}

AlertStep step_from(const std::string& text) {
  for (std::size_t i = 0; i < kAlertStepCount; ++i) {
    if (to_string(static_cast<AlertStep>(i)) == text) return static_cast<AlertStep>(i);
  }
  throw IoError("the store holds `" + text + "`, which is no step of an alert");
}

std::optional<Timestamp> optional_time(Statement& row) {
  const auto ns = row.optional_i64();
  if (!ns) return std::nullopt;
  return from_unix_ns(*ns);
}

void bind_time(Statement& s, const std::optional<Timestamp>& time) {
  time ? s.bind(to_unix_ns(*time)) : s.bind_null();
}

class SqliteAlertStore final : public AlertStore {
 public:
  SqliteAlertStore(const SqliteStoreOptions& options, Epoch epoch)
      : database_(options.path, options.busy_timeout), epoch_(epoch) {
    database_.run("PRAGMA synchronous = NORMAL");
  }

  AlertState load() override;
  void save(const AlertChanges& changes) override;

 private:
  void check_epoch();
  void write_alert(const Alert& alert);
  void remove_alert(const Id& id);
  template <typename Item>
  void replace(const char* clear, const char* insert, const std::vector<Item>& items);

  Database database_;
  Epoch epoch_;
};

Alert read_alert(Statement& row) {
  Alert a;
  a.id = row.id();
  a.key.rule = row.text();
  a.key.type = store::change_type_from(row.text());
  a.key.subject = row.id();
  a.key.protocol = static_cast<std::uint8_t>(row.u64());
  a.key.port = static_cast<std::uint16_t>(row.u64());
  a.status = status_from(row.text());
  a.severity = store::severity_from(row.text());
  a.title = row.text();
  a.text = row.text();
  a.asset = row.text();
  a.environment = row.text();
  a.datacenter = row.text();
  if (const std::string text = row.text(); !text.empty()) a.address = store::address_from(text);
  a.first_event = row.id();
  a.last_event = row.id();
  a.opened_at = from_unix_ns(row.i64());
  a.last_at = from_unix_ns(row.i64());
  a.noted_at = from_unix_ns(row.i64());
  a.count = row.u64();
  a.reopened = static_cast<std::uint32_t>(row.u64());
  a.maintenance = row.text();
  a.acknowledged_by = row.text();
  a.acknowledged_at = optional_time(row);
  a.resolved_by = row.text();
  a.resolved_at = optional_time(row);
  return a;
}

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
    Alert& alert = state.alerts.emplace_back(read_alert(alerts));
    for (history.begin().bind(alert.id); history.step();) {
      AlertEntry& entry = alert.history.emplace_back();
      entry.step = step_from(history.text());
      entry.at = from_unix_ns(history.i64());
      entry.who = history.text();
      entry.note = history.text();
    }
  }
  transaction.commit();
  return state;
}

void SqliteAlertStore::check_epoch() {
  const auto current =
      static_cast<std::uint64_t>(database_.number("SELECT coalesce(max(epoch), 0) FROM epochs"));
  if (current == epoch_.value) return;
  throw StaleEpochError("store: epoch " + std::to_string(epoch_.value) + " of " + database_.path() +
                        " is over, epoch " + std::to_string(current) +
                        " has begun: another process keeps the alerts of this map now");
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
  insert.begin()
      .bind(a.id)
      .bind(a.key.rule)
      .bind(to_string(a.key.type))
      .bind(a.key.subject)
      .bind(std::uint64_t{a.key.protocol})
      .bind(std::uint64_t{a.key.port})
      .bind(to_string(a.status))
      .bind(to_string(a.severity))
      .bind(a.title)
      .bind(a.text)
      .bind(a.asset)
      .bind(a.environment)
      .bind(a.datacenter)
      .bind(a.address ? a.address->to_string() : std::string{})
      .bind(a.first_event)
      .bind(a.last_event)
      .bind(to_unix_ns(a.opened_at))
      .bind(to_unix_ns(a.last_at))
      .bind(to_unix_ns(a.noted_at))
      .bind(a.count)
      .bind(std::uint64_t{a.reopened})
      .bind(a.maintenance)
      .bind(a.acknowledged_by);
  bind_time(insert, a.acknowledged_at);
  insert.bind(a.resolved_by);
  bind_time(insert, a.resolved_at);
  insert.run();
  Statement line{database_, "INSERT INTO alert_history VALUES (?,?,?,?,?,?)"};
  std::uint64_t position = 0;
  for (const AlertEntry& entry : a.history) {
    line.begin()
        .bind(a.id)
        .bind(position++)
        .bind(to_string(entry.step))
        .bind(to_unix_ns(entry.at))
        .bind(entry.who)
        .bind(entry.note)
        .run();
  }
}

void SqliteAlertStore::save(const AlertChanges& changes) {
  Transaction transaction{database_, Transaction::Kind::write};
  check_epoch();
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
