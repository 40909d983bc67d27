// Single flows on PostgreSQL.
#include <array>
#include <set>
#include <string>
#include <vector>

#include "flowlens/postgres_store.hpp"
#include "store/flow_rows.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/schema.hpp"
#include "store/term.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;
using store::kFlowHourNs;

/// One row on its way to COPY, its columns as text: a sink as in rows.hpp.
class CopyLine {
 public:
  void bind(std::uint64_t value) { bind(std::to_string(static_cast<std::int64_t>(value))); }
  void bind(std::int64_t value) { bind(std::to_string(value)); }
  void bind(std::string value) {
    texts_[column_] = std::move(value);
    columns_[column_] = texts_[column_].c_str();
    ++column_;
  }
  void bind_null() { columns_[column_++] = nullptr; }

  /// Of a row that is complete; the next one takes its place.
  [[nodiscard]] const auto& take() noexcept {
    column_ = 0;
    return columns_;
  }

 private:
  static constexpr std::size_t kColumns = 25;
  std::array<std::string, kColumns> texts_;
  std::array<const char*, kColumns> columns_{};  ///< null: NULL
  std::size_t column_ = 0;
};

void put_address(CopyLine& row, const IpAddress& a) { row.bind(a.to_string()); }

IpAddress take_address(Row& row) { return IpAddress::parse(row.text()).value_or(IpAddress{}); }

constexpr const char* kPartitions =
    " FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
    "WHERE inhparent = 'flowlens_store.raw_flows'::regclass";

std::string partition_of(std::int64_t hour) {
  return "flowlens_store.raw_flows_" + std::to_string(hour);
}

class PostgresFlowStore final : public FlowStore {
 public:
  PostgresFlowStore(const PostgresStoreOptions& options, Epoch epoch)
      : connection_(options), term_{epoch, 0, connection_.where()}, ids_(epoch) {}

  void append(std::span<const FlowRecord> flows, std::uint64_t batch) override;
  bool expire(const FlowRetention& retention, Timestamp now) override;
  std::uint64_t octets() override;

 private:
  void check_epoch(Transaction& tx) {
    store::check_epoch(term_, newest_epoch(tx, connection_.where()).epoch, "the flows");
  }
  std::set<std::int64_t> make_partitions(Transaction& tx, std::span<const FlowRecord> flows) const;
  void write_rows(Transaction& tx, std::span<const FlowRecord> flows);

  Connection connection_;
  store::Term term_;
  store::FlowIds ids_;
  std::set<std::int64_t> hours_;  ///< that have a partition
};

/// Those of the batch, and the next hour's, so that the hour's first batch does not wait for a lock.
/// \return their hours.
std::set<std::int64_t> PostgresFlowStore::make_partitions(Transaction& tx,
                                                          std::span<const FlowRecord> flows) const {
  std::set<std::int64_t> hours;
  for (const FlowRecord& flow : flows) hours.insert(to_unix_ns(flow.received) / kFlowHourNs);
  if (!hours.empty()) hours.insert(*hours.rbegin() + 1);
  for (const std::int64_t hour : hours) {
    if (hours_.contains(hour)) continue;
    tx.exec("CREATE TABLE IF NOT EXISTS " + partition_of(hour) +
            " PARTITION OF flowlens_store.raw_flows FOR VALUES FROM (" +
            std::to_string(hour * kFlowHourNs) + ") TO (" +
            std::to_string((hour + 1) * kFlowHourNs) + ")");
  }
  return hours;
}

/// By COPY: faster than arrays, and there is nothing to replace (docs/benchmarks.md).
void PostgresFlowStore::write_rows(Transaction& tx, std::span<const FlowRecord> flows) {
  pqxx::stream_to copy{tx, std::string{"flowlens_store.raw_flows ("} + store::kFlowColumns + ")"};
  CopyLine line;
  for (const FlowRecord& flow : flows) {
    store::put_flow(line, ids_.take(), flow, put_address);
    copy << line.take();
  }
  copy.complete();
}

void PostgresFlowStore::append(std::span<const FlowRecord> flows, std::uint64_t batch) {
  std::set<std::int64_t> hours;
  connection_.transact([&](Transaction& tx) {
    check_epoch(tx);
    const pqxx::result noted = tx.exec_params(
        "INSERT INTO flowlens_store.raw_flow_batches AS t VALUES ($1, $2) ON CONFLICT (epoch) "
        "DO UPDATE SET last_batch = excluded.last_batch WHERE t.last_batch < excluded.last_batch",
        std::to_string(term_.epoch.value), std::to_string(batch));
    if (noted.affected_rows() == 0) return;
    hours = make_partitions(tx, flows);
    write_rows(tx, flows);
  });
  hours_.merge(hours);
}

std::uint64_t PostgresFlowStore::octets() {
  std::int64_t octets = 0;
  connection_.transact([&](Transaction& tx) {
    octets = number(
        tx, std::string{"SELECT sum(pg_total_relation_size(inhrelid))::bigint"} + kPartitions);
  });
  return static_cast<std::uint64_t>(octets);
}

bool PostgresFlowStore::expire(const FlowRetention& retention, Timestamp now) {
  const bool is_much = retention.max_octets > 0 && octets() > retention.max_octets;
  bool did = false;
  connection_.transact([&](Transaction& tx) {
    check_epoch(tx);
    const pqxx::result hours =
        tx.exec(std::string{"SELECT min(hour), count(*) FROM (SELECT "
                            "substring(relname FROM '_([0-9]+)$')::bigint AS hour"} +
                kPartitions + ") AS hours");
    Row row{hours[0]};
    const auto oldest = row.optional_i64();
    if (!oldest) return;
    const Timestamp end = from_unix_ns((*oldest + 1) * kFlowHourNs);
    const bool is_old = retention.keep.count() > 0 && end <= now - retention.keep;
    // The hour that goes on stays, whatever it takes, with the one that is made for the next.
    if (!is_old && !(is_much && end <= now)) return;
    tx.exec("DROP TABLE " + partition_of(*oldest));
    did = true;
  });
  if (did) hours_.clear();
  return did;
}

std::string where_of(const FlowScan& what) {
  std::string text = " WHERE received < " + std::to_string(to_unix_ns(what.to)) +
                     " AND received >= " + std::to_string(to_unix_ns(what.from));
  if (what.after) {
    text += " AND (received, id) > (" + std::to_string(to_unix_ns(what.after->received)) + ", " +
            std::to_string(what.after->id) + ")";
  }
  // Every address lies in ::/0, those of IPv4 too.
  const auto lies_in = [](const char* column, const IpPrefix& prefix) {
    return prefix.length == 0 ? std::string{"true"}
                              : std::string{column} + " <<= '" + prefix.to_string() + "'::inet";
  };
  if (what.either) {
    text += " AND (" + lies_in("source_address", *what.either) + " OR " +
            lies_in("destination_address", *what.either) + ")";
  }
  if (what.source) text += " AND " + lies_in("source_address", *what.source);
  if (what.destination) text += " AND " + lies_in("destination_address", *what.destination);
  if (what.exporter) text += " AND exporter = '" + what.exporter->to_string() + "'::inet";
  if (what.port) {
    const std::string port = std::to_string(*what.port);
    text += " AND (source_port = " + port + " OR destination_port = " + port + ")";
  }
  if (what.protocol) text += " AND protocol = " + std::to_string(*what.protocol);
  return text;
}

const char* column_of(FlowGrouping grouping) {
  switch (grouping) {
    case FlowGrouping::exporter:
      return "host(exporter)";
    case FlowGrouping::protocol:
      return "protocol";
    case FlowGrouping::source:
      return "host(source_address)";
    case FlowGrouping::destination:
      return "host(destination_address)";
    case FlowGrouping::port:
      return "destination_port";
    case FlowGrouping::none:
      break;
  }
  return "0";
}

class PostgresFlowReader final : public FlowReader {
 public:
  explicit PostgresFlowReader(const PostgresStoreOptions& options) : connection_(options) {}

  void scan(const FlowScan& what,
            const std::function<bool(const FlowPosition&, const FlowRecord&)>& visit) override {
    read("SELECT " + std::string{store::kFlowColumns} + " FROM flowlens_store.raw_flows" +
             where_of(what) + " ORDER BY received, id",
         [&](Row& row) {
           FlowRecord flow;
           const FlowPosition position = store::take_flow(row, flow, take_address);
           return visit(position, flow);
         });
  }

  std::vector<FlowSums> sum(const FlowScan& what, const FlowSumming& how) override;

 private:
  void read(const std::string& sql, const std::function<bool(Row&)>& visit) {
    connection_.read([&](Transaction& tx) {
      tx.exec("SET LOCAL statement_timeout = '" + std::to_string(kFlowQuestionTime.count()) + "s'");
      each_row(tx, sql, visit);
    });
  }

  Connection connection_;
};

std::vector<FlowSums> PostgresFlowReader::sum(const FlowScan& what, const FlowSumming& how) {
  const std::string from = std::to_string(to_unix_ns(what.from));
  const std::string step = std::to_string(std::chrono::nanoseconds{how.step}.count());
  const std::string start =
      how.step.count() == 0 ? from + "::bigint" : "received - (received - " + from + ") % " + step;
  const auto total = [](const std::string& count) {
    return "least(sum(CASE WHEN " + count + " < 0 THEN 9.2e18 ELSE " + count +
           "::numeric * sampling_rate END), 9.2e18)::bigint";
  };
  const bool is_address = how.grouping == FlowGrouping::exporter ||
                          how.grouping == FlowGrouping::source ||
                          how.grouping == FlowGrouping::destination;
  std::vector<FlowSums> sums;
  read("SELECT " + start + " AS start, " + column_of(how.grouping) + " AS part, count(*), " +
           total("octets") + " AS octets, " + total("packets") + " FROM flowlens_store.raw_flows" +
           where_of(what) + " GROUP BY 1, 2 ORDER BY 1, 4 DESC, 2 LIMIT " +
           std::to_string(how.most),
       [&](Row& row) {
         FlowSums& s = sums.emplace_back();
         s.start = from_unix_ns(row.i64());
         if (is_address) {
           s.address = take_address(row);
         } else {
           s.number = static_cast<std::uint32_t>(row.u64());
         }
         s.flows = row.u64();
         s.octets = row.u64();
         s.packets = row.u64();
         return true;
       });
  return sums;
}

}  // namespace

std::unique_ptr<FlowStore> make_postgres_flow_store(const PostgresStoreOptions& options,
                                                    Epoch epoch) {
  return std::make_unique<PostgresFlowStore>(options, epoch);
}

std::unique_ptr<FlowReader> make_postgres_flow_reader(const PostgresStoreOptions& options) {
  return std::make_unique<PostgresFlowReader>(options);
}

}  // namespace flowlens
