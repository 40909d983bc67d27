#include "store/postgres/connection.hpp"

#include <libpq-fe.h>

#include <map>

#include "flowlens/error.hpp"

namespace flowlens::store::postgres {
namespace {

constexpr int kRowsAtOnce = 10'000;

using Settings = std::map<std::string, std::string, std::less<>>;

/// The settings that a connection string names, by libpq's own understanding of it.
Settings parse(const std::string& text) {
  char* reason = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options{
      PQconninfoParse(text.c_str(), &reason), PQconninfoFree};
  if (!options) {
    const std::unique_ptr<char, void (*)(void*)> owned{reason, PQfreemem};
    std::string why = owned ? std::string{": "} + owned.get() : ": out of memory";
    while (why.ends_with('\n')) why.pop_back();
    // The reason quotes the part it is about, which may be a password.
    if (text.find('@') != text.npos || text.find("pass") != text.npos) why.clear();
    throw ConfigError("store: the PostgreSQL connection string is not understood" + why +
                      "; write it as postgresql://USER@HOST:PORT/DATABASE, with %XX for what is no "
                      "letter, digit or one of -._~ in a name or password");
  }
  Settings found;
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->val != nullptr) found[o->keyword] = o->val;
  }
  return found;
}

std::string written(const Settings& settings) {
  std::string text;
  for (const auto& [name, value] : settings) {
    text += (text.empty() ? "" : " ") + name + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    text += '\'';
  }
  return text;
}

std::string place_of(const Settings& settings) {
  const auto get = [&](std::string_view name, const char* otherwise) {
    const auto found = settings.find(name);
    return found == settings.end() ? std::string{otherwise} : found->second;
  };
  return get("host", "localhost") + ":" + get("port", "5432") + "/" + get("dbname", "");
}

template <typename Kind>
bool is(const pqxx::failure& error) noexcept {
  return dynamic_cast<const Kind*>(&error) != nullptr;
}

/// What would help. libpqxx 6 tells some errors by their type, and the SQLSTATE of the others.
std::string_view advice(const pqxx::failure& error) {
  if (is<pqxx::disk_full>(error)) {
    return "the server's disk is full: free some space, or let windows expire earlier";
  }
  if (is<pqxx::insufficient_privilege>(error)) {
    return "grant the user CREATE on the database, or make it the owner of the schemas";
  }
  if (is<pqxx::insufficient_resources>(error)) {
    return "the server is short of resources: see its log";
  }
  if (is<pqxx::transaction_rollback>(error)) {
    return "another transaction was in the way; the next attempt may pass";
  }
  const auto* refused = dynamic_cast<const pqxx::sql_error*>(&error);
  if (refused == nullptr) {
    return "check that the server runs, and host, port, database, user and password";
  }
  if (refused->sqlstate() == "55P03") {
    return "somebody else holds a lock on a table of FlowLens; see the view pg_locks";
  }
  if (refused->sqlstate() == "25006") {
    return "the server takes no writes: name the primary, not a standby";
  }
  if (refused->sqlstate().starts_with("57"))
    return "the server stops or starts; it will be tried again";
  return {};
}

/// Being woken is all that is asked of a NOTIFY.
class Listener final : public pqxx::notification_receiver {
 public:
  using pqxx::notification_receiver::notification_receiver;
  void operator()(const std::string& /*payload*/, int /*backend*/) override {}
};

/// Counts for as long as it lives.
class Active {
 public:
  explicit Active(std::atomic<std::size_t>& count) : count_(count) { ++count_; }
  ~Active() { --count_; }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;

 private:
  std::atomic<std::size_t>& count_;
};

}  // namespace

/// Who is stopped in the middle of a transaction loses it, and its locks, before those who wait for them
/// give up: or nobody could take over from a process that is frozen.
Connection::Connection(const PostgresStoreOptions& options)
    : lock_timeout_(options.lock_timeout),
      first_("SET LOCAL lock_timeout = " + std::to_string(options.lock_timeout.count()) +
             "; SET LOCAL idle_in_transaction_session_timeout = " +
             std::to_string(options.lock_timeout.count() / 2)),
      activity_(options.activity ? options.activity : std::make_shared<PostgresActivity>()) {
  if (options.connection.empty()) {
    throw ConfigError("store: the PostgreSQL connection string is empty");
  }
  Settings settings = parse(options.connection);
  settings.try_emplace("connect_timeout", "10");
  settings.try_emplace("tcp_user_timeout", "30000");
  settings.try_emplace("keepalives_idle", "30");
  settings.try_emplace("application_name", "flowlens");
  settings["client_encoding"] = "UTF8";
  text_ = written(settings);
  where_ = place_of(settings);
}

Connection::~Connection() { drop(); }

void Connection::drop() {
  listener_.reset();
  if (handle_) --activity_->open;
  handle_.reset();
}

pqxx::connection& Connection::handle() {
  if (!handle_) {
    handle_ = std::make_unique<pqxx::connection>(text_);
    ++activity_->open;
    handle_->set_verbosity(pqxx::connection_base::terse);
  }
  return *handle_;
}

void Connection::transact(const std::function<void(Transaction&)>& work) {
  const Active active{activity_->active};
  try {
    pqxx::work transaction{handle()};
    transaction.exec(first_);
    work(transaction);
    transaction.commit();
  } catch (const pqxx::sql_error& error) {
    if (!handle_->is_open()) drop();
    fail(error.query(), error);
  } catch (const pqxx::failure& error) {
    // The connection broke; if that was during the commit, whether it came through is in doubt.
    drop();
    fail("connection", error);
  }
}

void Connection::read(const std::function<void(Transaction&)>& work) {
  transact([&](Transaction& tx) {
    // Holds up nobody, and may wait for whom the rows are for.
    tx.exec(
        "SET LOCAL idle_in_transaction_session_timeout = 0; "
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    work(tx);
  });
}

void Connection::wait(const std::string& channel, std::chrono::milliseconds most) {
  try {
    if (!listener_) listener_ = std::make_unique<Listener>(handle(), channel);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(most);
    handle_->await_notification(static_cast<long>(seconds.count()),
                                static_cast<long>((most - seconds).count() * 1'000));
  } catch (const pqxx::failure&) {
    drop();  // the next statement says what is wrong
  }
}

void Connection::fail(std::string_view what, const pqxx::failure& error) const {
  constexpr std::size_t kShown = 60;
  std::string text = "PostgreSQL database " + where_ + ": ";
  text += std::string{what.substr(0, kShown)} + (what.size() > kShown ? " …: " : ": ");
  text += error.what();
  while (text.ends_with('\n')) text.pop_back();
  if (const auto hint = advice(error); !hint.empty()) text += "; " + std::string{hint};
  throw IoError(text);
}

std::int64_t number(Transaction& tx, const std::string& sql) {
  const pqxx::result result = tx.exec(sql);
  return result.empty() ? 0 : Row{result[0]}.optional_i64().value_or(0);
}

void each_row(Transaction& tx, const std::string& sql, const std::function<bool(Row&)>& visit) {
  tx.exec("DECLARE flowlens_rows NO SCROLL CURSOR FOR " + sql);
  const std::string fetch = "FETCH " + std::to_string(kRowsAtOnce) + " FROM flowlens_rows";
  for (bool wants_more = true; wants_more;) {
    const pqxx::result part = tx.exec(fetch);
    if (part.empty()) break;
    for (const auto& row : part) {
      Row source{row};
      wants_more = visit(source);
      if (!wants_more) break;
    }
  }
  tx.exec("CLOSE flowlens_rows");
}

}  // namespace flowlens::store::postgres
