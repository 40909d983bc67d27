/// \file
/// A real PostgreSQL server of this test's own, and PgBouncer before it: in a temporary folder, by Unix
/// sockets alone, as the user `postgres` where the test is run by root.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace flowlens::test {

class TestPostgres {
 public:
  /// Started by the first call, stopped when the program ends.
  static TestPostgres& instance();

  TestPostgres(const TestPostgres&) = delete;
  TestPostgres& operator=(const TestPostgres&) = delete;

  /// Makes a database. \return its connection string.
  std::string make_database(const std::string& name);
  /// The same database by way of PgBouncer in transaction mode.
  [[nodiscard]] std::string by_pgbouncer(const std::string& name);
  /// Ends the server at once, as a loss of power would, or starts it again.
  void kill();
  void start();
  [[nodiscard]] std::string connection(const std::string& database) const;

 private:
  TestPostgres();
  ~TestPostgres();

  pid_t spawn(const std::vector<std::string>& command, const std::string& log) const;
  void run(const std::vector<std::string>& command) const;
  void wait_for(const std::string& connection) const;
  void stop(pid_t& pid, int signal) const;

  std::filesystem::path folder_;
  std::string programs_;  ///< folder of initdb and postgres
  pid_t server_ = 0;
  pid_t pgbouncer_ = 0;
};

}  // namespace flowlens::test
