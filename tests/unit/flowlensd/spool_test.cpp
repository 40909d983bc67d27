// Revisions on disk: what is there after the end of a process, in whatever state it left the files.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>

#include "pipeline/revision_queue.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using flowlens::test::TemporaryFolder;

namespace {

Revision revision(std::uint64_t number, std::size_t text = 10) {
  Revision r;
  r.number = number;
  r.epoch = Epoch{3};
  r.assets.emplace_back().name = std::string(text, 'x');
  return r;
}

std::shared_ptr<const Revision> shared(Revision r) {
  return std::make_shared<const Revision>(std::move(r));
}

/// Each file holds two of the small revisions.
SpoolOptions options_for(const std::filesystem::path& folder, std::uint64_t segment = 200) {
  SpoolOptions o;
  o.folder = folder / "spool";
  o.segment_octets = segment;
  return o;
}

std::vector<std::uint64_t> numbers(Spool& spool) {
  std::vector<std::uint64_t> found;
  for (; !spool.empty(); spool.pop()) found.push_back(spool.front().number);
  return found;
}

std::vector<std::filesystem::path> files(const std::filesystem::path& folder,
                                         const char* suffix = ".spool") {
  std::vector<std::filesystem::path> found;
  if (!std::filesystem::exists(folder / "spool")) return found;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "spool")) {
    if (entry.path().extension() == suffix) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const std::filesystem::path& file, const std::string& octets) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << octets;
}

void fill(const SpoolOptions& options, std::uint64_t first, std::uint64_t last) {
  Spool spool{options, SiteTable{}};
  for (std::uint64_t n = first; n <= last; ++n) spool.append(revision(n));
}

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("spool: another process finds all of it, in order, and nothing is left behind") {
  const TemporaryFolder folder;
  const SpoolOptions o = options_for(folder.path);
  fill(o, 5, 11);
  CHECK(files(folder.path).size() > 2);
  Spool spool{o, SiteTable{}};
  CHECK(spool.findings().revisions == 7);
  CHECK(spool.findings().torn_octets == 0);
  CHECK(spool.epoch() == Epoch{3});
  CHECK(spool.front_number() == 5);
  spool.append(revision(12));
  CHECK(numbers(spool) == Numbers{5, 6, 7, 8, 9, 10, 11, 12});
  CHECK(spool.octets() == 0);
  CHECK(files(folder.path).empty());
  spool.append(revision(13));
  CHECK(numbers(spool) == Numbers{13});
}

TEST_CASE(
    "spool: a process that ended while it wrote leaves whole revisions, whatever octet it came "
    "to") {
  const TemporaryFolder folder;
  const SpoolOptions o = options_for(folder.path, 1'000'000);
  fill(o, 1, 2);
  REQUIRE(files(folder.path).size() == 1);
  const auto file = files(folder.path).front();
  const std::string whole = content(file);
  std::size_t seen = 0;
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    CAPTURE(n);
    write(file, whole.substr(0, n));
    Spool spool{o, SiteTable{}};
    const std::size_t found = spool.size();
    CHECK(found >= seen);
    seen = found;
    CHECK(found == (n < whole.size() ? (n >= whole.size() / 2 + 4 ? 1 : 0) : 2));
    const bool is_torn = spool.findings().torn_octets > 0;
    const bool is_whole = n == 0 || n == 8 || n == whole.size() / 2 + 4 || n == whole.size();
    CHECK(is_torn == !is_whole);
    // It goes on behind what was cut off.
    spool.append(revision(found + 1));
    Spool again{o, SiteTable{}};
    CHECK(again.size() == found + 1);
    CHECK(again.findings().torn_octets == 0);
    while (!again.empty()) again.pop();
  }
}

TEST_CASE("spool: no changed octet goes unseen, and nothing behind it is used") {
  const TemporaryFolder folder;
  const SpoolOptions o = options_for(folder.path);
  fill(o, 1, 6);
  const auto all = files(folder.path);
  REQUIRE(all.size() == 3);
  const std::string whole = content(all[1]);
  std::vector<std::string> rest{content(all[0]), content(all[2])};
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    std::string changed = whole;
    changed[n] = static_cast<char>(changed[n] ^ 0x10);
    write(all[0], rest[0]);
    write(all[1], changed);
    write(all[2], rest[1]);
    Spool spool{o, SiteTable{}};
    CHECK(spool.findings().torn_octets > 0);
    CHECK(spool.findings().set_aside == 1);
    const Numbers found = numbers(spool);
    CHECK(found.size() >= 2);
    CHECK(found.size() < 4);
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == i + 1);
    CHECK(files(folder.path, ".damaged").size() == 1);
  }
}

TEST_CASE("spool: a file that is missing leaves a gap that nothing is read across") {
  const TemporaryFolder folder;
  const SpoolOptions o = options_for(folder.path);
  fill(o, 1, 6);
  std::filesystem::remove(files(folder.path)[1]);
  Spool spool{o, SiteTable{}};
  CHECK(numbers(spool) == Numbers{1, 2});
}

TEST_CASE("spool: no file is longer than the disk allows, and the next one fits again") {
  const TemporaryFolder folder;
  const SpoolOptions o = options_for(folder.path, 1'000'000);
  Spool spool{o, SiteTable{}};
  spool.append(revision(1));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_THROWS_AS(spool.append(revision(2, 5'000)), IoError);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  CHECK(spool.size() == 1);
  spool.append(revision(2));
  Spool again{o, SiteTable{}};
  CHECK(again.findings().torn_octets == 0);
  CHECK(numbers(again) == Numbers{1, 2});
}

TEST_CASE("spool: what another map superseded is set aside, one time's worth of it") {
  const TemporaryFolder folder;
  const SpoolOptions o = options_for(folder.path);
  for (int time = 0; time < 2; ++time) {
    fill(o, 1, time == 0 ? 4 : 2);
    Spool spool{o, SiteTable{}};
    spool.set_aside();
    CHECK(spool.empty());
    CHECK(files(folder.path).empty());
    CHECK(files(folder.path, ".superseded").size() == (time == 0 ? 2 : 1));
  }
}

TEST_CASE("revision queue: in memory while the store answers, on disk while it is away") {
  const TemporaryFolder folder;
  RevisionQueue queue{std::make_unique<Spool>(options_for(folder.path), SiteTable{})};
  queue.submit(shared(revision(1)), false);
  queue.submit(shared(revision(2)), false);
  CHECK(files(folder.path).empty());
  CHECK_FALSE(queue.has_room(false));
  CHECK(queue.has_room(false, true));  // for what people say
  CHECK(queue.has_room(true));
  queue.submit(shared(revision(3)), true);
  CHECK(queue.is_all_on_disk());
  CHECK(queue.view().revisions == 3);
  CHECK(queue.size() == 3);
  queue.submit(shared(revision(4)), false);  // behind them, or the order would be lost
  CHECK(queue.is_all_on_disk());
  for (std::uint64_t n = 1; n <= 4; ++n) {
    REQUIRE(queue.front());
    CHECK(queue.front()->number == n);
    queue.pop(n);
  }
  CHECK(queue.empty());
  CHECK(queue.view().kept == 4);
  queue.submit(shared(revision(5)), false);
  CHECK_FALSE(queue.is_all_on_disk());
}

TEST_CASE("revision queue: one that is being written to the store may go to disk meanwhile") {
  const TemporaryFolder folder;
  RevisionQueue queue{std::make_unique<Spool>(options_for(folder.path), SiteTable{})};
  queue.submit(shared(revision(1)), false);
  const auto writing = queue.front();
  queue.keep();
  CHECK(writing->number == 1);
  queue.pop(1);
  CHECK(queue.empty());
}

TEST_CASE("revision queue: past the bound it has room for two in memory, and says so") {
  const TemporaryFolder folder;
  SpoolOptions o = options_for(folder.path);
  o.max_octets = 300;
  RevisionQueue queue{std::make_unique<Spool>(o, SiteTable{})};
  std::uint64_t n = 0;
  while (queue.has_room(true)) queue.submit(shared(revision(++n)), true);
  CHECK(queue.view().is_full);
  CHECK(queue.view().octets < 500);
  CHECK(queue.size() == queue.view().revisions + 2);
  for (std::uint64_t next = 1; next <= n; ++next) {
    REQUIRE(queue.front());
    CHECK(queue.front()->number == next);
    queue.pop(next);
  }
  CHECK(queue.empty());
}

TEST_CASE("revision queue: what the disk does not take stays in memory, and goes there later") {
  const TemporaryFolder folder;
  RevisionQueue queue{std::make_unique<Spool>(options_for(folder.path), SiteTable{})};
  write(folder.path / "spool", "a file where the folder should be");
  queue.submit(shared(revision(1)), true);
  CHECK(queue.view().problem.find("spool") != std::string::npos);
  CHECK(queue.view().failures == 1);
  queue.submit(shared(revision(2)), true);
  CHECK_FALSE(queue.has_room(true));
  CHECK_FALSE(queue.is_all_on_disk());
  std::filesystem::remove(folder.path / "spool");
  queue.keep();
  CHECK(queue.is_all_on_disk());
  CHECK(queue.view().problem.empty());
  CHECK(queue.view().revisions == 2);
}

TEST_CASE("revision queue: without a spool two wait, and no more") {
  RevisionQueue queue{nullptr};
  queue.submit(shared(revision(1)), true);
  CHECK(queue.has_room(true));
  queue.submit(shared(revision(2)), true);
  CHECK_FALSE(queue.has_room(true));
  CHECK(queue.view().limit == 0);
}
