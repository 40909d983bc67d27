// Flows between processes on PostgreSQL.
#include <algorithm>
#include <string>
#include <string_view>

#include "flowlens/postgres_store.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/schema.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;

// A statement brings this much at least, if there is so much: many small parcels at once.
constexpr std::size_t kParcelsAtOnce = 1'000;

std::uint64_t flows_of(std::span<const StoredParcel> parcels) {
  std::uint64_t flows = 0;
  for (const StoredParcel& p : parcels) flows += p.flows + p.sampled_out;
  return flows;
}

std::uint64_t octets_of(std::span<const StoredParcel> parcels) {
  std::uint64_t octets = 0;
  for (const StoredParcel& p : parcels) octets += p.octets.size();
  return octets;
}

std::span<const std::uint8_t> blob_of(const StoredParcel& parcel) {
  return {reinterpret_cast<const std::uint8_t*>(parcel.octets.data()), parcel.octets.size()};
}

ParcelState read_state(Transaction& tx) {
  const pqxx::result found =
      tx.exec("SELECT last_position, flows, octets FROM flowlens_store.flow_channel");
  if (found.empty()) throw IoError("the table flowlens_store.flow_channel has lost its row");
  Row row{found[0]};
  ParcelState state;
  state.last_position = row.u64();
  state.flows = row.u64();
  state.octets = row.u64();
  state.taken_position = taken_position(tx);
  return state;
}

class PostgresParcelWriter final : public ParcelWriter {
 public:
  PostgresParcelWriter(const PostgresStoreOptions& options, const Id& writer,
                       std::uint64_t max_octets)
      : connection_(options), writer_(writer), max_octets_(max_octets) {}

  bool append(std::span<const StoredParcel> parcels, std::uint64_t batch) override;
  ParcelState state() override;

 private:
  void make_tables(Transaction& tx);
  [[nodiscard]] bool has_batch(Transaction& tx, std::uint64_t batch) const;
  void note_batch(Transaction& tx, std::uint64_t batch) const;
  [[nodiscard]] std::uint64_t take_positions(Transaction& tx,
                                             std::span<const StoredParcel> parcels) const;
  void write_rows(Transaction& tx, std::span<const StoredParcel> parcels,
                  std::uint64_t first) const;

  Connection connection_;
  const Id writer_;
  const std::uint64_t max_octets_;
  bool has_tables_ = false;
};

void PostgresParcelWriter::make_tables(Transaction& tx) {
  if (!has_tables_) migrate(tx, connection_.where());
}

bool PostgresParcelWriter::has_batch(Transaction& tx, std::uint64_t batch) const {
  const pqxx::result last = tx.exec_params(
      "SELECT last_batch FROM flowlens_store.flow_writers WHERE writer = $1", writer_.to_string());
  return !last.empty() && Row{last[0]}.u64() >= batch;
}

void PostgresParcelWriter::note_batch(Transaction& tx, std::uint64_t batch) const {
  tx.exec_params(
      "INSERT INTO flowlens_store.flow_writers VALUES ($1, $2, now()) ON CONFLICT (writer) "
      "DO UPDATE SET last_batch = excluded.last_batch, written_at = excluded.written_at",
      writer_.to_string(), batch);
}

/// The row stays locked until the transaction is through, so a higher position is never there before a
/// lower one. \return the first; 0 if there is no room.
std::uint64_t PostgresParcelWriter::take_positions(Transaction& tx,
                                                   std::span<const StoredParcel> parcels) const {
  // What alone is larger than the bound has room where nothing waits.
  const pqxx::result last = tx.exec_params(
      "UPDATE flowlens_store.flow_channel SET last_position = last_position + $1, "
      "flows = flows + $2, octets = octets + $3 WHERE octets = 0 OR octets + $3 <= $4 "
      "RETURNING last_position",
      parcels.size(), flows_of(parcels), octets_of(parcels), max_octets_);
  return last.empty() ? 0 : Row{last[0]}.u64() - parcels.size() + 1;
}

void PostgresParcelWriter::write_rows(Transaction& tx, std::span<const StoredParcel> parcels,
                                      std::uint64_t first) const {
  Columns rows{6};
  for (const StoredParcel& p : parcels) {
    rows.bind(first++).bind(to_unix_ns(p.made_at)).bind(to_unix_ns(p.first_received));
    rows.bind(p.flows).bind(p.sampled_out).bind(blob_of(p));
  }
  const std::vector<std::string> arrays = rows.take();
  tx.exec_params(
      "INSERT INTO flowlens_store.flow_parcels (writer, position, made_at, first_received, flows, "
      "sampled_out, content) SELECT '" +
          writer_.to_string() +
          "', * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], "
          "$6::bytea[])",
      pqxx::prepare::make_dynamic_params(arrays));
}

bool PostgresParcelWriter::append(std::span<const StoredParcel> parcels, std::uint64_t batch) {
  if (parcels.empty()) return true;
  bool has_room = true;
  connection_.transact([&](Transaction& tx) {
    make_tables(tx);
    if (has_batch(tx, batch)) return;
    const std::uint64_t first = take_positions(tx, parcels);
    has_room = first != 0;
    if (!has_room) return;
    write_rows(tx, parcels, first);
    note_batch(tx, batch);
  });
  has_tables_ = true;
  return has_room;
}

ParcelState PostgresParcelWriter::state() {
  ParcelState state;
  connection_.transact([&](Transaction& tx) {
    make_tables(tx);
    state = read_state(tx);
  });
  has_tables_ = true;
  return state;
}

class PostgresParcelReader final : public ParcelReader {
 public:
  explicit PostgresParcelReader(const PostgresStoreOptions& options) : connection_(options) {}

  std::vector<StoredParcel> read(std::uint64_t after, std::uint64_t max_flows) override;
  void remove_taken() override;
  ParcelState state() override;

 private:
  Connection connection_;
};

StoredParcel take_parcel(Row row) {
  StoredParcel p;
  p.position = row.u64();
  p.made_at = from_unix_ns(row.i64());
  p.first_received = from_unix_ns(row.i64());
  p.flows = row.u64();
  p.sampled_out = row.u64();
  const std::vector<std::uint8_t> content = row.blob();
  const auto octets = std::as_bytes(std::span{content});
  p.octets.assign(octets.begin(), octets.end());
  return p;
}

std::vector<StoredParcel> PostgresParcelReader::read(std::uint64_t after, std::uint64_t max_flows) {
  std::vector<StoredParcel> parcels;
  connection_.read([&](Transaction& tx) {
    const pqxx::result found = tx.exec_params(
        "SELECT position, made_at, first_received, flows, sampled_out, content FROM (SELECT *, "
        "sum(flows) OVER (ORDER BY position) AS so_far FROM (SELECT * FROM "
        "flowlens_store.flow_parcels WHERE position > $1 ORDER BY position LIMIT $2) AS next) "
        "AS summed WHERE so_far <= $3 OR so_far = flows ORDER BY position",
        after, kParcelsAtOnce, max_flows);
    for (const auto& row : found) parcels.push_back(take_parcel(Row{row}));
  });
  return parcels;
}

void PostgresParcelReader::remove_taken() {
  connection_.transact([&](Transaction& tx) {
    tx.exec_params(
        "WITH gone AS (DELETE FROM flowlens_store.flow_parcels WHERE position <= $1 "
        "RETURNING octet_length(content) AS octets), "
        "summed AS (SELECT sum(octets) AS octets FROM gone) "
        "UPDATE flowlens_store.flow_channel c SET octets = greatest(0, c.octets - summed.octets) "
        "FROM summed WHERE summed.octets IS NOT NULL",
        taken_position(tx));
    tx.exec("DELETE FROM flowlens_store.flow_writers WHERE written_at < now() - interval '1 day'");
  });
}

ParcelState PostgresParcelReader::state() {
  ParcelState state;
  connection_.read([&](Transaction& tx) { state = read_state(tx); });
  return state;
}

}  // namespace

std::unique_ptr<ParcelWriter> make_postgres_parcel_writer(const PostgresStoreOptions& options,
                                                          const Id& writer,
                                                          std::uint64_t max_octets) {
  return std::make_unique<PostgresParcelWriter>(options, writer, max_octets);
}

std::unique_ptr<ParcelReader> make_postgres_parcel_reader(const PostgresStoreOptions& options) {
  return std::make_unique<PostgresParcelReader>(options);
}

}  // namespace flowlens
