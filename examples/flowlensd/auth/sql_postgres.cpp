#include <chrono>
#include <mutex>
#include <pqxx/pqxx>

#include "auth/sql.hpp"
#include "flowlens/error.hpp"

namespace flowlensd::sql {
namespace {

using flowlens::IoError;
using Clock = std::chrono::steady_clock;

// Settings of each transaction, because a pooler may give each another connection. The lock makes writers
// take turns; its number is drawn by lot.
constexpr const char* kBegin =
    "SET LOCAL search_path = flowlens_auth; SET LOCAL statement_timeout = '5s'; "
    "SET LOCAL lock_timeout = '5s'";
constexpr const char* kTakeTurn = "SELECT pg_advisory_xact_lock(7307196425166028)";

// Whoever asks waits while a server is silent; after that nobody does for a while.
constexpr std::chrono::seconds kRest{5};

constexpr pqxx::oid kBigInt = 20;

Value value_of(const pqxx::field& field) {
  if (field.is_null()) return nullptr;
  if (field.type() == kBigInt) return field.as<std::int64_t>();
  return std::string(field.c_str(), field.size());
}

class PostgresTransaction final : public Transaction {
 public:
  explicit PostgresTransaction(pqxx::work& work) : work_(work) {}

  Result run(const std::string& text, const std::vector<Value>& values) override {
    std::vector<std::string> texts(values.size());
    std::vector<const char*> parameters(values.size());  // null: NULL
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::holds_alternative<std::nullptr_t>(values[i])) continue;
      const auto* number = std::get_if<std::int64_t>(&values[i]);
      texts[i] = number != nullptr ? std::to_string(*number) : std::get<std::string>(values[i]);
      parameters[i] = texts[i].c_str();
    }
    const pqxx::result answer =
        work_.exec_params(text, pqxx::prepare::make_dynamic_params(parameters));
    Result result;
    result.changed = static_cast<std::int64_t>(answer.affected_rows());
    for (const auto& found : answer) {
      Row& row = result.rows.emplace_back();
      for (const auto& field : found) row.push_back(value_of(field));
    }
    return result;
  }

 private:
  pqxx::work& work_;
};

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(std::string connection) : connection_(std::move(connection)) {
    transact([](pqxx::work& tx) {
      tx.exec(kTakeTurn);
      tx.exec("SET LOCAL client_min_messages = warning");
      tx.exec("CREATE SCHEMA IF NOT EXISTS flowlens_auth");
    });
    write([this](Transaction& tx) { migrate(tx); });
  }

  void write(const std::function<void(Transaction&)>& work) override {
    transact([&](pqxx::work& tx) {
      tx.exec(kTakeTurn);
      PostgresTransaction transaction(tx);
      work(transaction);
    });
  }
  void read(const std::function<void(Transaction&)>& work) override {
    transact([&](pqxx::work& tx) {
      PostgresTransaction transaction(tx);
      work(transaction);
    });
  }

 private:
  void migrate(Transaction& tx) {
    tx.run("CREATE TABLE IF NOT EXISTS version (number bigint NOT NULL)");
    const Result found = tx.run("SELECT number FROM version");
    const auto version = found.rows.empty() ? 0 : std::get<std::int64_t>(found.rows[0][0]);
    check_version(version, "PostgreSQL, schema flowlens_auth");
    if (version == kSchemaVersion) return;
    for (const std::string& statement :
         schema("bigint", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY")) {
      tx.run(statement);
    }
    tx.run("CREATE RULE audit_stays AS ON UPDATE TO audit DO INSTEAD NOTHING");
    tx.run(
        "CREATE VIEW audit_log AS SELECT sequence, to_timestamp(at / 1e9) AS at, user_name, "
        "address, action, method, route, target, status FROM audit");
    tx.run("INSERT INTO version VALUES ($1)", {kSchemaVersion});
  }

  void transact(const std::function<void(pqxx::work&)>& work) {
    const std::lock_guard lock(mutex_);
    if (!handle_) connect();
    try {
      pqxx::work transaction{*handle_};
      transaction.exec(kBegin);
      work(transaction);
      transaction.commit();
    } catch (const pqxx::sql_error& e) {
      if (!handle_->is_open()) handle_.reset();
      throw IoError(text_of(e.what()));
    } catch (const pqxx::failure& e) {
      handle_.reset();
      throw IoError(text_of(e.what()));
    }
  }

  void connect() {
    if (Clock::now() < rest_until_) throw IoError(problem_);
    try {
      handle_ = std::make_unique<pqxx::connection>(with_limits(connection_));
      handle_->set_verbosity(pqxx::connection_base::terse);
    } catch (const pqxx::failure& e) {
      handle_.reset();
      problem_ = text_of(e.what());
      rest_until_ = Clock::now() + kRest;
      throw IoError(problem_);
    }
  }

  static std::string text_of(std::string reason) {
    while (reason.ends_with('\n')) reason.pop_back();
    return "PostgreSQL, users and audit: " + reason;
  }

  /// With limits to waiting that the string does not set itself. A URI takes its parameters behind a question mark, the other form between spaces.
  static std::string with_limits(const std::string& connection) {
    const bool is_uri = connection.find("://") != connection.npos;
    std::string text = connection;
    for (const char* limit : {"connect_timeout=5", "tcp_user_timeout=10000", "keepalives_idle=30",
                              "client_encoding=UTF8"}) {
      const std::string name = std::string(limit).substr(0, std::string(limit).find('=') + 1);
      if (connection.find(name) != connection.npos) continue;
      if (is_uri) {
        text += text.find('?') == text.npos ? '?' : '&';
      } else {
        text += ' ';
      }
      text += limit;
    }
    return text;
  }

  const std::string connection_;
  std::mutex mutex_;
  std::unique_ptr<pqxx::connection> handle_;
  Clock::time_point rest_until_{};
  std::string problem_;
};

}  // namespace

std::unique_ptr<Database> open_postgres(const std::string& connection) {
  return std::make_unique<PostgresDatabase>(connection);
}

}  // namespace flowlensd::sql
