// The data folder: who may look into it, and that one daemon has it.
#include "pipeline/data_dir.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "flowlens/error.hpp"

using namespace flowlensd;

namespace {

namespace fs = std::filesystem;

/// A path that is not there, gone at the end.
struct NoFolder {
  fs::path path = fs::temp_directory_path() / ("flowlens-data-dir-" + std::to_string(::getpid()));
  ~NoFolder() { fs::remove_all(path); }
};

fs::perms permissions(const fs::path& path) { return fs::status(path).permissions(); }

}  // namespace

TEST_CASE("data folder: a new one is the owner's alone, one that is there stays as it is") {
  NoFolder folder;
  { const DataDir dir(folder.path / "data"); }
  CHECK(permissions(folder.path / "data") == fs::perms::owner_all);
  const fs::perms wider = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec;
  fs::permissions(folder.path / "data", wider);
  { const DataDir dir(folder.path / "data"); }
  CHECK(permissions(folder.path / "data") == wider);
}

TEST_CASE("data folder: one daemon at a time") {
  NoFolder folder;
  const DataDir first(folder.path);
  CHECK_THROWS_AS(DataDir(folder.path), flowlens::IoError);
}
