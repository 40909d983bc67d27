// Applications and what people say of them, in PostgreSQL.
#include <algorithm>
#include <string>

#include "flowlens/postgres_store.hpp"
#include "store/application_rows.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/schema.hpp"
#include "store/postgres/upsert.hpp"
#include "store/term.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;

constexpr Column kEntryColumns[] = {
    {"id", "uuid"},           {"status", "text"},      {"name", "text"},
    {"description", "text"},  {"criticality", "text"}, {"merged_into", "uuid"},
    {"first_seen", "bigint"}, {"said_by", "text"},     {"said_at", "bigint"}};
constexpr Column kWordColumns[] = {{"application", "uuid"}, {"word", "text"}, {"asset", "uuid"}};
constexpr Column kSeatColumns[] = {
    {"asset", "uuid"}, {"application", "uuid"}, {"proposed", "uuid"}, {"since", "bigint"}};
constexpr Table kEntries{"applications", kEntryColumns};
constexpr Table kWords{"application_words", kWordColumns, 3};
constexpr Table kSeats{"application_seats", kSeatColumns};

class PostgresApplicationStore final : public ApplicationStore {
 public:
  PostgresApplicationStore(const PostgresStoreOptions& options, Epoch epoch)
      : connection_(options), term_{epoch, 0, connection_.where()} {}

  ApplicationState load() override;
  void save(const ApplicationChanges& changes) override;

 private:
  Connection connection_;
  store::Term term_;
};

void read_words(Transaction& tx, std::vector<ApplicationEntry>& entries) {
  each_row(tx,
           "SELECT application, word, asset FROM flowlens_store.application_words "
           "ORDER BY application, asset",
           [&](Row& row) {
             const Id id = row.id();
             const auto entry = std::lower_bound(
                 entries.begin(), entries.end(), id,
                 [](const ApplicationEntry& e, const Id& wanted) { return e.id < wanted; });
             if (entry == entries.end() || entry->id != id) return true;
             const std::string word = row.text();
             store::assets_of_word(*entry, word).push_back(row.id());
             return true;
           });
}

ApplicationState PostgresApplicationStore::load() {
  ApplicationState state;
  connection_.read([&](Transaction& tx) {
    state = {};
    each_row(tx,
             "SELECT id, status, name, description, criticality, merged_into, first_seen, "
             "said_by, said_at FROM flowlens_store.applications ORDER BY id",
             [&](Row& row) {
               state.entries.push_back(store::take_application(row));
               return true;
             });
    read_words(tx, state.entries);
    each_row(tx,
             "SELECT asset, application, proposed, since FROM flowlens_store.application_seats "
             "ORDER BY asset",
             [&](Row& row) {
               state.seats.push_back(store::take_seat(row));
               return true;
             });
  });
  return state;
}

void write_entries(Transaction& tx, const ApplicationChanges& changes) {
  const std::string removed = array_of(changes.removed_entries);
  tx.exec_params("DELETE FROM flowlens_store.applications WHERE id = ANY($1::uuid[])", removed);
  std::vector<Id> unsaid = changes.removed_entries;
  Upsert rows{tx, kEntries};
  for (const ApplicationEntry& entry : changes.entries) {
    store::put(rows.next(), entry);
    unsaid.push_back(entry.id);
  }
  rows.write();
  tx.exec_params("DELETE FROM flowlens_store.application_words WHERE application = ANY($1::uuid[])",
                 array_of(unsaid));
  Upsert words{tx, kWords};
  for (const ApplicationEntry& entry : changes.entries) {
    for (const store::ApplicationWord& w : store::kApplicationWords) {
      for (const Id& asset : entry.*w.assets) words.next().bind(entry.id).bind(w.word).bind(asset);
    }
  }
  words.write();
}

void PostgresApplicationStore::save(const ApplicationChanges& changes) {
  connection_.transact([&](Transaction& tx) {
    store::check_epoch(term_, newest_epoch(tx, connection_.where()).epoch, "the applications");
    write_entries(tx, changes);
    tx.exec_params("DELETE FROM flowlens_store.application_seats WHERE asset = ANY($1::uuid[])",
                   array_of(changes.removed_seats));
    Upsert seats{tx, kSeats};
    for (const ApplicationSeat& seat : changes.seats) store::put(seats.next(), seat);
    seats.write();
  });
}

}  // namespace

std::unique_ptr<ApplicationStore> make_postgres_application_store(
    const PostgresStoreOptions& options, Epoch epoch) {
  return std::make_unique<PostgresApplicationStore>(options, epoch);
}

}  // namespace flowlens
