#include "copy_rows.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

namespace flowlens::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

class Server {
 public:
  explicit Server(const std::string& connection)
      : connection_(PQconnectdb(connection.c_str()), &PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) fail();
  }

  /// \return how many rows it was about.
  std::uint64_t run(const std::string& sql, ExecStatusType expected = PGRES_COMMAND_OK) {
    const Result result{PQexec(connection_.get(), sql.c_str()), &PQclear};
    if (PQresultStatus(result.get()) != expected) fail();
    const std::string rows = PQcmdTuples(result.get());
    return rows.empty() ? 0 : std::stoull(rows);
  }

  std::string text(const std::string& sql) {
    const Result result{PQexec(connection_.get(), sql.c_str()), &PQclear};
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) == 0) fail();
    return PQgetvalue(result.get(), 0, 0);
  }

  std::vector<std::string> lines_of(const std::string& table) {
    run("COPY (SELECT * FROM " + table + ") TO STDOUT", PGRES_COPY_OUT);
    std::vector<std::string> lines;
    char* line = nullptr;
    for (int size = 0; (size = PQgetCopyData(connection_.get(), &line, 0)) > 0;) {
      lines.emplace_back(line, static_cast<std::size_t>(size));
      PQfreemem(line);
    }
    end_copy();
    return lines;
  }

  void put(const std::string& table, std::span<const std::string> lines) {
    run("COPY " + table + " FROM STDIN", PGRES_COPY_IN);
    for (const std::string& line : lines) {
      if (PQputCopyData(connection_.get(), line.data(), static_cast<int>(line.size())) != 1) fail();
    }
    if (PQputCopyEnd(connection_.get(), nullptr) != 1) fail();
    end_copy();
  }

 private:
  void end_copy() {
    bool is_good = true;
    while (PGresult* next = PQgetResult(connection_.get())) {
      const Result result{next, &PQclear};
      is_good = is_good && PQresultStatus(next) == PGRES_COMMAND_OK;
    }
    if (!is_good) fail();
  }
  [[noreturn]] void fail() const {
    throw std::runtime_error(std::string("COPY: ") + PQerrorMessage(connection_.get()));
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::uint64_t rate(std::size_t rows, double seconds) {
  return static_cast<std::uint64_t>(static_cast<double>(rows) / seconds);
}

std::uint64_t flow_rate(Server& server, std::size_t batch) {
  const std::string table = "flowlens_store.raw_flows";
  const std::vector<std::string> lines = server.lines_of(table);
  server.run("TRUNCATE " + table);
  const auto begin = Clock::now();
  for (std::size_t done = 0; done < lines.size(); done += batch) {
    server.run("BEGIN");
    server.put(table, std::span{lines}.subspan(done, std::min(batch, lines.size() - done)));
    server.run("COMMIT");
  }
  return rate(lines.size(), seconds_since(begin));
}

/// `a = excluded.a, b = excluded.b`, for all columns but those of the key.
std::string columns_set(Server& server, const std::string& table, const std::string& key) {
  return server.text(
      "SELECT string_agg(column_name || ' = excluded.' || column_name, ', ') FROM "
      "information_schema.columns WHERE table_schema = 'flowlens_store' AND table_name = '" +
      table + "' AND column_name <> ALL (string_to_array('" + key + "', ', '))");
}

/// With numbers that have changed, so that every row is written.
void stage_and_replace(Server& server, const std::string& table, const std::string& key,
                       std::span<const std::string> lines) {
  server.run("CREATE TEMP TABLE staged (LIKE flowlens_store." + table + ") ON COMMIT DROP");
  server.put("staged", lines);
  server.run("INSERT INTO flowlens_store." + table + " SELECT * FROM staged ON CONFLICT (" + key +
             ") DO UPDATE SET " + columns_set(server, table, key));
  server.run("DROP TABLE staged");
}

std::uint64_t summary_rate(Server& server) {
  for (const char* table : {"dependencies", "dependency_windows"}) {
    server.run(std::string("UPDATE flowlens_store.") + table + " SET flows = flows + 1");
  }
  const auto dependencies = server.lines_of("flowlens_store.dependencies");
  const auto windows = server.lines_of("flowlens_store.dependency_windows");
  const auto begin = Clock::now();
  server.run("BEGIN");
  stage_and_replace(server, "dependencies", "id", dependencies);
  stage_and_replace(server, "dependency_windows", "window_start, dependency, epoch", windows);
  server.run("COMMIT");
  return rate(dependencies.size(), seconds_since(begin));
}

}  // namespace

nlohmann::ordered_json measure_copy(const std::string& connection, std::size_t batch) {
  Server server{connection};
  return {{"flows_a_second", flow_rate(server, batch)},
          {"summaries_updated_a_second", summary_rate(server)}};
}

}  // namespace flowlens::bench
