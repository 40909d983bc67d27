#include "store/postgres_server.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <pqxx/pqxx>
#include <stdexcept>
#include <thread>

namespace flowlens::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPort = "5432";

/// Debian keeps each version's programs in a folder of its own.
std::string find_programs() {
  const fs::path root = "/usr/lib/postgresql";
  std::string newest;
  if (fs::exists(root)) {
    for (const auto& entry : fs::directory_iterator{root}) {
      if (fs::exists(entry.path() / "bin/initdb")) newest = std::max(newest, entry.path().string());
    }
  }
  if (newest.empty())
    throw std::runtime_error("no PostgreSQL server here: ./dev setup test installs it");
  return newest + "/bin/";
}

const passwd* unprivileged() {
  if (::geteuid() != 0) return nullptr;
  const passwd* user = ::getpwnam("postgres");
  if (user == nullptr) throw std::runtime_error("no user `postgres` to run the server as");
  return user;
}

/// In the child: becomes `user`, and ends with the test whatever becomes of it.
[[noreturn]] void become(const passwd* user, const std::string& log,
                         const std::vector<std::string>& command) {
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (user != nullptr) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)
      ::_exit(126);
  }
  (void)::prctl(PR_SET_PDEATHSIG, SIGINT);
  std::vector<char*> arguments;
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

TestPostgres& TestPostgres::instance() {
  static TestPostgres server;
  return server;
}

TestPostgres::TestPostgres() : programs_(find_programs()) {
  std::string name = (fs::temp_directory_path() / "flowlens-pg-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder: " + name);
  folder_ = name;
  if (const passwd* user = unprivileged()) {
    if (::chown(name.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("chown " + name);
  }
  run({programs_ + "initdb", "--no-sync", "--auth=trust", "--username=flowlens", "--encoding=UTF8",
       "--locale=C.UTF-8", "--pgdata=" + (folder_ / "data").string()});
  start();
}

TestPostgres::~TestPostgres() {
  stop(pgbouncer_, SIGTERM);
  stop(server_, SIGINT);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

pid_t TestPostgres::spawn(const std::vector<std::string>& command, const std::string& log) const {
  const passwd* user = unprivileged();
  const std::string file = (folder_ / log).string();
  const pid_t child = ::fork();
  if (child == 0) become(user, file, command);
  return child;
}

void TestPostgres::run(const std::vector<std::string>& command) const {
  const pid_t child = spawn(command, "run.log");
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status == 0) return;
  std::ifstream log{folder_ / "run.log"};
  throw std::runtime_error(command[0] +
                           " failed: " + std::string{std::istreambuf_iterator<char>{log}, {}});
}

void TestPostgres::start() {
  if (server_ != 0) return;
  server_ =
      spawn({programs_ + "postgres", "-D", (folder_ / "data").string(), "-k", folder_.string(),
             "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100"},
            "server.log");
  wait_for(connection("postgres"));
}

void TestPostgres::kill() { stop(server_, SIGQUIT); }

void TestPostgres::stop(pid_t& pid, int signal) const {
  if (pid == 0) return;
  ::kill(pid, signal);
  ::waitpid(pid, nullptr, 0);
  pid = 0;
}

void TestPostgres::wait_for(const std::string& connection) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (true) {
    try {
      const pqxx::connection one{connection};
      return;
    } catch (const pqxx::failure& error) {
      if (std::chrono::steady_clock::now() > until) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
  }
}

std::string TestPostgres::connection(const std::string& database) const {
  return "host=" + folder_.string() + " port=" + kPort + " user=flowlens dbname=" + database;
}

std::string TestPostgres::make_database(const std::string& name) {
  pqxx::connection c{connection("postgres")};
  pqxx::nontransaction{c}.exec("CREATE DATABASE " + name);
  return connection(name);
}

std::string TestPostgres::by_pgbouncer(const std::string& name) {
  const std::string address = "host=" + folder_.string() + " port=6432 user=flowlens dbname=";
  if (pgbouncer_ == 0) {
    const fs::path file = folder_ / "pgbouncer.ini";
    std::ofstream{file} << "[databases]\n* = host=" << folder_.string()
                        << " user=flowlens port=" << kPort
                        << "\n[pgbouncer]\nlisten_port = 6432\nlisten_addr =\nunix_socket_dir = "
                        << folder_.string()
                        << "\nauth_type = any\npool_mode = transaction\n"
                           "default_pool_size = 2\nserver_reset_query =\n"
                           "server_login_retry = 1\nquery_wait_timeout = 5\n";
    pgbouncer_ = spawn({"/usr/sbin/pgbouncer", file.string()}, "pgbouncer.log");
    wait_for(address + name);
  }
  return address + name;
}

}  // namespace flowlens::test
