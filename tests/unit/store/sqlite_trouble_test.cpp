// What happens to the store when the process, the disk or the file is not what it should be.
#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "store_fixture.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

/// Runs `work` in a child process of its own.
template <typename Work>
pid_t in_child(Work&& work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    work();
  } catch (...) {
    ::_exit(2);
  }
  ::_exit(0);
}

std::string open_error(const std::filesystem::path& file) {
  return error_of([&] { (void)make_sqlite_store(options_for(file))->open(); });
}

/// Whoever may write anywhere becomes nobody for a while.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : was_(::geteuid()) {
    if (was_ == 0) (void)!::seteuid(65'534);
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;
  ~WithoutPrivileges() { (void)!::seteuid(was_); }

 private:
  uid_t was_;
};

/// Applies revision after revision and writes each number to `fd` once it is acknowledged.
void write_until_killed(const std::filesystem::path& file, int fd) {
  auto store = make_sqlite_store(options_for(file));
  const StoreOpened opened = store->open();
  for (std::uint64_t number = opened.last_revision + 1;; ++number) {
    Revision r = growing_revision(opened, number);
    for (std::uint32_t n = 10; n <= 60; ++n) r.assets.push_back(asset_row(n));
    for (std::uint32_t n = 10; n < 60; ++n) r.dependencies.push_back(dependency_row(n, number));
    store->apply(r);
    (void)!::write(fd, &number, sizeof number);
  }
}

}  // namespace

TEST_CASE(
    "kill -9 in the middle of writing: the store opens, each acknowledged revision is there once") {
  TemporaryFolder folder;
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = in_child([&] { write_until_killed(folder.file(), ends[1]); });
    ::close(ends[1]);
    // Some revisions in, at a moment that the child does not choose.
    for (int i = 0; i < 20 + 7 * round; ++i) {
      REQUIRE(::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    ::close(ends[0]);

    auto store = make_sqlite_store(options_for(folder.file()));
    const StoreOpened opened = store->open();
    CHECK(opened.last_revision >= acknowledged);
    CHECK(opened.last_revision <= acknowledged + 1);
    const auto windows = scan_all(*store);
    REQUIRE(windows.size() == 1);
    CHECK(windows[0].counts == counts(opened.last_revision));
    CHECK(store->ledger().applied == opened.last_revision);
    DependencyGraph graph;
    store->load(graph);
    CHECK(graph.counters().dependencies == 51);
    for (const std::uint32_t n : {1u, 10u, 59u}) {
      const auto row = graph.dependency(dependency_id(n));
      REQUIRE(row);
      CHECK(row->totals == counts(opened.last_revision));
    }
  }
}

TEST_CASE("a file that cannot grow: the revision fails whole, the store stays sound") {
  TemporaryFolder folder;
  std::uint64_t last = 0;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    auto store = make_sqlite_store(options_for(folder.file()));
    const StoreOpened opened = store->open();
    const rlimit limit{512 * 1024, 512 * 1024};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (std::uint64_t number = 1; number < 1'000; ++number) {
      Revision r = growing_revision(opened, number);
      for (std::uint32_t n = 0; n < 100; ++n) {
        r.dependencies.push_back(dependency_row(static_cast<std::uint32_t>(100 * number) + n, 1));
      }
      try {
        store->apply(r);
      } catch (const IoError& error) {
        const std::string text = error.what();
        if (text.find(folder.file().string()) == std::string::npos) ::_exit(3);
        if (text.find("disk") == std::string::npos) ::_exit(4);
        (void)!::write(ends[1], &number, sizeof number);
        ::_exit(0);
      }
    }
    ::_exit(5);
  });
  ::close(ends[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  REQUIRE(::read(ends[0], &last, sizeof last) == sizeof last);
  ::close(ends[0]);

  auto store = make_sqlite_store(options_for(folder.file()));
  const StoreOpened opened = store->open();
  CHECK(opened.last_revision == last - 1);
  CHECK(scan_all(*store).at(0).counts == counts(opened.last_revision));
  store->apply(growing_revision(opened, last));
  CHECK(store->ledger().applied == last);
}

TEST_CASE("an apply() that met a lock may be repeated") {
  TemporaryFolder folder;
  auto store = make_sqlite_store(options_for(folder.file()));
  const StoreOpened opened = store->open();
  {
    SQLite::Database other{folder.file().string(), SQLite::OPEN_READWRITE};
    other.exec("BEGIN IMMEDIATE");
    CHECK_THROWS_WITH_AS(store->apply(growing_revision(opened, 1)),
                         doctest::Contains("another process"), IoError);
  }
  store->apply(growing_revision(opened, 1));
  CHECK(scan_all(*store).at(0).counts == counts(1));
}

TEST_CASE("a file that is no database is refused and left as it is") {
  TemporaryFolder folder;
  const std::string text(5'000, 'x');
  std::ofstream{folder.file()} << text;
  check_says(open_error(folder.file()),
             {folder.file().c_str(), "not a database", "no SQLite database"});
  std::ifstream in{folder.file()};
  CHECK(std::string{std::istreambuf_iterator<char>{in}, {}} == text);
}

TEST_CASE("a database of another program is refused") {
  TemporaryFolder folder;
  SQLite::Database{folder.file().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE}.exec(
      "CREATE TABLE bookmarks (url TEXT)");
  check_says(open_error(folder.file()), {folder.file().c_str(), "another program"});
}

TEST_CASE("a newer schema is refused, and named") {
  TemporaryFolder folder;
  make_sqlite_store(options_for(folder.file()))->open();
  SQLite::Database{folder.file().string(), SQLite::OPEN_READWRITE}.exec("PRAGMA user_version = 99");
  check_says(open_error(folder.file()), {folder.file().c_str(), "version 99", "newer release"});
  SQLite::Database look{folder.file().string()};
  CHECK(look.execAndGet("SELECT count(*) FROM epochs").getInt() == 1);
}

TEST_CASE("a folder that is missing or not writable") {
  TemporaryFolder folder;
  const auto missing = folder.path() / "missing" / "flowlens.db";
  check_says(open_error(missing), {missing.c_str(), "unable to open", "folder must exist"});

  const auto closed = folder.path() / "closed";
  std::filesystem::create_directory(closed);
  std::filesystem::permissions(closed, std::filesystem::perms{0555});
  const WithoutPrivileges nobody;
  check_says(open_error(closed / "flowlens.db"), {closed.c_str(), "unable to open", "writable"});
}

TEST_CASE("a file that may only be read") {
  TemporaryFolder folder;
  make_sqlite_store(options_for(folder.file()))->open();
  std::filesystem::permissions(folder.file(), std::filesystem::perms{0444});
  std::filesystem::permissions(folder.path(), std::filesystem::perms{0555});
  {
    const WithoutPrivileges nobody;
    check_says(open_error(folder.file()), {folder.file().c_str(), "writable"});
  }
  std::filesystem::permissions(folder.path(), std::filesystem::perms{0755});
}

TEST_CASE("a damaged database says so") {
  TemporaryFolder folder;
  make_sqlite_store(options_for(folder.file()))->open();
  {
    std::fstream file{folder.file(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(100);
    file << std::string(3'000, '\x7f');
  }
  std::filesystem::remove(folder.file().string() + "-wal");
  check_says(open_error(folder.file()), {folder.file().c_str(), "malformed", "backup"});
}
