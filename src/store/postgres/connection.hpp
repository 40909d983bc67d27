/// \file
/// store: PostgreSQL through libpqxx, with errors that say where, why and what would help.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <string_view>

#include "flowlens/postgres_store.hpp"
#include "store/postgres/columns.hpp"

namespace flowlens::store::postgres {

using Transaction = pqxx::transaction_base;

/// One connection, made when it is needed and again after it broke.
class Connection {
 public:
  /// \throws ConfigError
  explicit Connection(const PostgresStoreOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs `work` in one transaction: all of it, or nothing. What PostgreSQL refuses becomes an IoError;
  /// other exceptions pass.
  void transact(const std::function<void(Transaction&)>& work);
  /// The same, of one moment and without changing anything.
  void read(const std::function<void(Transaction&)>& work);
  /// Waits for a NOTIFY on a channel, always the same one, at most so long; one that came since the last call
  /// counts, too. Returns early where the connection breaks.
  void wait(const std::string& channel, std::chrono::milliseconds most);
  /// `db.example.com:5432/flowlens`, without user and password.
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  /// How long a statement waits for somebody else's lock.
  [[nodiscard]] std::chrono::milliseconds lock_timeout() const noexcept { return lock_timeout_; }

 private:
  pqxx::connection& handle();
  void drop();
  [[noreturn]] void fail(std::string_view what, const pqxx::failure& error) const;

  std::string text_;
  std::chrono::milliseconds lock_timeout_;
  std::string first_;  ///< statement of each transaction
  std::string where_;
  std::unique_ptr<pqxx::connection> handle_;
  std::unique_ptr<pqxx::notification_receiver> listener_;  ///< of handle_
  std::shared_ptr<PostgresActivity> activity_;
};

/// The first column of the first row; 0 if it is NULL or there is none.
[[nodiscard]] std::int64_t number(Transaction& tx, const std::string& sql);
/// Calls `visit` for each row of a query, which is read in parts; stops when it returns false.
void each_row(Transaction& tx, const std::string& sql, const std::function<bool(Row&)>& visit);

}  // namespace flowlens::store::postgres
