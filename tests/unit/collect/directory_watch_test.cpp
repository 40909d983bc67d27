// Files that appear in a directory: each once, when it is whole, also after a restart.
#include "flowlens/directory_watch.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>

#include "flowlens/error.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr Timestamp kNow = from_unix_ns(1'700'000'000'000'000'000);

struct Directory {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path / "in";
  DirectoryWatchOptions options;

  Directory() {
    std::filesystem::create_directory(path);
    options.directory = path;
    options.state_file = folder.path / "taken";
    options.settle = std::chrono::seconds{60};
  }
  void write(const std::string& name,
             std::chrono::seconds age = std::chrono::seconds{3'600}) const {
    std::ofstream(path / name) << name;
    timespec times[2] = {};
    times[0].tv_sec = times[1].tv_sec =
        std::chrono::duration_cast<std::chrono::seconds>((kNow - age).time_since_epoch()).count();
    REQUIRE(::utimensat(AT_FDCWD, (path / name).c_str(), times, 0) == 0);
  }
};

std::vector<std::string> names(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> out;
  for (const auto& p : paths) out.push_back(p.filename().string());
  return out;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("directory: whole files by name, each once") {
  Directory d;
  d.write("nfcapd.202311142210");
  d.write("nfcapd.202311142205");
  DirectoryWatch watch(d.options);
  CHECK(names(watch.poll(kNow)) == Names{"nfcapd.202311142205", "nfcapd.202311142210"});
  CHECK(names(watch.poll(kNow)).size() == 2);  // nobody has taken them
  watch.took(d.path / "nfcapd.202311142205");
  CHECK(names(watch.poll(kNow)) == Names{"nfcapd.202311142210"});
  CHECK(watch.counters().known == 1);
}

TEST_CASE("directory: unfinished files wait") {
  Directory d;
  d.write("old");
  d.write("being-written", std::chrono::seconds{59});
  d.write("nfcapd.current.123");
  d.write(".hidden");
  d.write("upload.part");
  d.write("upload.tmp");
  std::filesystem::create_directory(d.path / "folder");
  DirectoryWatch watch(d.options);
  CHECK(names(watch.poll(kNow)) == Names{"old"});
  CHECK(watch.counters().unsettled == 1);
  CHECK(watch.counters().passed_over == 5);
  CHECK(names(watch.poll(kNow + std::chrono::seconds{1})) == Names{"being-written", "old"});
}

TEST_CASE(
    "directory: what was taken is remembered over a restart, also if the state file is in it") {
  Directory d;
  SUBCASE("beside it") {}
  SUBCASE("in it") { d.options.state_file = d.path / "state"; }
  d.write("a");
  d.write("b");
  DirectoryWatch(d.options).took(d.path / "a");
  CHECK(names(DirectoryWatch(d.options).poll(kNow)) == Names{"b"});
  DirectoryWatch(d.options).took(d.path / "b");
  CHECK(DirectoryWatch(d.options).poll(kNow).empty());
}

TEST_CASE("directory: another file under the same name is another file, more of the same is not") {
  Directory d;
  d.write("log");
  DirectoryWatch watch(d.options);
  watch.took(d.path / "log");
  std::ofstream(d.path / "log", std::ios::app) << "more";
  CHECK(watch.poll(kNow + std::chrono::hours{100'000}).empty());
  d.write("new");  // beside it, so that the inode is another one
  std::filesystem::rename(d.path / "new", d.path / "log");
  CHECK(names(watch.poll(kNow)) == Names{"log"});
}

TEST_CASE("directory: a state file cut short by a crash forgets its last line only") {
  Directory d;
  d.write("a");
  d.write("b");
  {
    DirectoryWatch watch(d.options);
    watch.took(d.path / "a");
    watch.took(d.path / "b");
  }
  std::filesystem::resize_file(d.options.state_file,
                               std::filesystem::file_size(d.options.state_file) - 1);
  CHECK(names(DirectoryWatch(d.options).poll(kNow)) == Names{"b"});
}

TEST_CASE("directory: the state file forgets files that are gone") {
  Directory d;
  d.write("a");
  DirectoryWatch(d.options).took(d.path / "a");
  std::filesystem::remove(d.path / "a");
  const DirectoryWatch watch(d.options);
  CHECK(std::filesystem::file_size(d.options.state_file) == 0);
}

TEST_CASE("directory: limits and what cannot be") {
  Directory d;
  d.options.max_files = 2;
  for (const char* name : {"a", "b", "c"}) d.write(name);
  DirectoryWatch watch(d.options);
  CHECK(names(watch.poll(kNow)) == Names{"a", "b"});
  CHECK(watch.counters().beyond == 1);
  d.options.max_files = 0;
  CHECK_THROWS_AS(DirectoryWatch{d.options}, ConfigError);
  CHECK_THROWS_AS(DirectoryWatch{DirectoryWatchOptions{}}, ConfigError);
  DirectoryWatchOptions missing;
  missing.directory = d.path / "nowhere";
  CHECK_THROWS_AS(DirectoryWatch{missing}, IoError);
}
