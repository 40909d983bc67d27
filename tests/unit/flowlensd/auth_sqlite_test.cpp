// The auth store's contract on SQLite, and what only a file promises.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "auth_backend.hpp"
#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

class Folder {
 public:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "flowlens-auth-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

class SqliteBackend final : public AuthBackend {
 public:
  std::unique_ptr<sql::Database> open() override { return sql::open_sqlite(folder_.path / "a"); }

 private:
  Folder folder_;
};

}  // namespace

std::unique_ptr<AuthBackend> make_auth_backend() { return std::make_unique<SqliteBackend>(); }

TEST_CASE("auth store: the file and its journal are for the owner's eyes") {
  const Folder folder;
  std::ofstream(folder.path / "auth.sqlite");  // as a careless copy would leave it
  chmod((folder.path / "auth.sqlite").c_str(), 0644);
  const auto database = sql::open_sqlite(folder.path / "auth.sqlite");
  for (const char* name : {"auth.sqlite", "auth.sqlite-wal", "auth.sqlite-shm"}) {
    CAPTURE(name);
    struct stat found {};
    REQUIRE(stat((folder.path / name).c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
}

TEST_CASE("auth store: what is no database, or of a later release, is refused with its name") {
  const Folder folder;
  std::ofstream(folder.path / "text") << "this is no database at all, but a text of some length";
  CHECK_THROWS_AS(static_cast<void>(sql::open_sqlite(folder.path / "text")), flowlens::IoError);
  CHECK_THROWS_AS(static_cast<void>(sql::open_sqlite(folder.path / "none" / "a")),
                  flowlens::IoError);
  sql::open_sqlite(folder.path / "later")->write([](sql::Transaction& tx) {
    tx.run("PRAGMA user_version = 2");
  });
  CHECK_THROWS_WITH_AS(static_cast<void>(sql::open_sqlite(folder.path / "later")),
                       doctest::Contains("form 2"), flowlens::IoError);
}

}  // namespace flowlensd
