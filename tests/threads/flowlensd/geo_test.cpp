// Many look addresses up while files take one another's place, damaged ones among them.
#include "pipeline/geo.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "support/mmdb_writer.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
namespace mmdb = flowlens::test::mmdb;

/// libmaxminddb 1.7 leaks some kilobytes for each file that it refuses for its last part.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libmaxminddb";
}

TEST_CASE("Geo: every look-up under reloads is answered by the old file or by the new one") {
  const flowlens::test::TemporaryFolder folder;
  const std::string path = (folder.path / "country.mmdb").string();
  const IpPrefix network = *IpPrefix::parse("198.51.100.0/24");
  const auto put = [&](const std::string& content) {
    const auto next = folder.path / "next.mmdb";
    std::ofstream(next, std::ios::binary) << content;
    std::filesystem::rename(next, path);
  };
  const std::string files[] = {mmdb::file({{network, mmdb::country("DE")}}),
                               mmdb::file({{network, mmdb::country("FR")}})};
  put(files[0]);
  Settings settings;
  settings.geoip_database_path = path;
  Geo geo{settings};

  std::atomic<bool> is_ending{false};
  std::atomic<std::uint64_t> wrong{0}, answered{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!is_ending) {
        const std::string country = geo.find(IpAddress::v4(0xc6336409)).country;
        if (country != "DE" && country != "FR") ++wrong;
        ++answered;
      }
    });
  }
  std::thread watcher{[&] {
    while (!is_ending) {
      static_cast<void>(geo.problems());
      static_cast<void>(geo.reload());
    }
  }};
  constexpr std::size_t kRounds = 60;
  std::size_t seen = 0;
  for (std::size_t i = 1; i <= kRounds; ++i) {
    const std::string& file = files[i % 2];
    if (i % 5 == 0) put(file.substr(0, file.size() / 2));
    static_cast<void>(geo.reload());
    put(file);
    static_cast<void>(geo.reload());
    const char* expected = i % 2 == 0 ? "DE" : "FR";
    if (geo.find(IpAddress::v4(0xc6336409)).country == expected) ++seen;
  }
  is_ending = true;
  for (std::thread& reader : readers) reader.join();
  watcher.join();
  CHECK(seen == kRounds);
  CHECK(wrong == 0);
  CHECK(answered > kRounds);
  CHECK(geo.reloads() >= kRounds - 1);
}
