// Applications and what people say of them, in SQLite.
#include <string>

#include "flowlens/application_store.hpp"
#include "store/application_rows.hpp"
#include "store/sqlite_database.hpp"
#include "store/sqlite_schema.hpp"
#include "store/term.hpp"

namespace flowlens {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

class SqliteApplicationStore final : public ApplicationStore {
 public:
  SqliteApplicationStore(const SqliteStoreOptions& options, Epoch epoch)
      : database_(options.path, options.busy_timeout), term_{epoch, 0, database_.path()} {
    database_.run("PRAGMA synchronous = NORMAL");
  }

  ApplicationState load() override;
  void save(const ApplicationChanges& changes) override;

 private:
  void write_entries(const ApplicationChanges& changes);
  void write_seats(const ApplicationChanges& changes);

  Database database_;
  store::Term term_;
};

ApplicationState SqliteApplicationStore::load() {
  Transaction transaction{database_, Transaction::Kind::read};
  ApplicationState state;
  Statement entries{database_,
                    "SELECT id, status, name, description, criticality, merged_into, first_seen, "
                    "said_by, said_at FROM applications ORDER BY id"};
  Statement words{database_,
                  "SELECT word, asset FROM application_words WHERE application = ? "
                  "ORDER BY asset"};
  for (entries.begin(); entries.step();) {
    ApplicationEntry& entry = state.entries.emplace_back(store::take_application(entries));
    for (words.begin().bind(entry.id); words.step();) {
      const std::string word = words.text();
      store::assets_of_word(entry, word).push_back(words.id());
    }
  }
  Statement seats{database_,
                  "SELECT asset, application, proposed, since FROM application_seats "
                  "ORDER BY asset"};
  for (seats.begin(); seats.step();) state.seats.push_back(store::take_seat(seats));
  transaction.commit();
  return state;
}

void SqliteApplicationStore::write_entries(const ApplicationChanges& changes) {
  Statement forget{database_, "DELETE FROM applications WHERE id = ?"};
  Statement unsay{database_, "DELETE FROM application_words WHERE application = ?"};
  for (const Id& id : changes.removed_entries) {
    forget.begin().bind(id).run();
    unsay.begin().bind(id).run();
  }
  Statement insert{database_, "INSERT OR REPLACE INTO applications VALUES (?,?,?,?,?,?,?,?,?)"};
  Statement say{database_, "INSERT INTO application_words VALUES (?,?,?)"};
  for (const ApplicationEntry& entry : changes.entries) {
    store::put(insert.begin(), entry);
    insert.run();
    unsay.begin().bind(entry.id).run();
    for (const store::ApplicationWord& w : store::kApplicationWords) {
      for (const Id& asset : entry.*w.assets) {
        say.begin().bind(entry.id).bind(w.word).bind(asset).run();
      }
    }
  }
}

void SqliteApplicationStore::write_seats(const ApplicationChanges& changes) {
  Statement forget{database_, "DELETE FROM application_seats WHERE asset = ?"};
  for (const Id& asset : changes.removed_seats) forget.begin().bind(asset).run();
  Statement insert{database_, "INSERT OR REPLACE INTO application_seats VALUES (?,?,?,?)"};
  for (const ApplicationSeat& seat : changes.seats) {
    store::put(insert.begin(), seat);
    insert.run();
  }
}

void SqliteApplicationStore::save(const ApplicationChanges& changes) {
  Transaction transaction{database_, Transaction::Kind::write};
  store::check_epoch(term_, store::newest_epoch(database_), "the applications");
  write_entries(changes);
  write_seats(changes);
  transaction.commit();
}

}  // namespace

std::unique_ptr<ApplicationStore> make_sqlite_application_store(const SqliteStoreOptions& options,
                                                                Epoch epoch) {
  return std::make_unique<SqliteApplicationStore>(options, epoch);
}

}  // namespace flowlens
