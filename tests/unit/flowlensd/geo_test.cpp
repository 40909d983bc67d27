#include "pipeline/geo.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "flowlens/error.hpp"
#include "service_fixture.hpp"
#include "support/mmdb_writer.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using flowlens::testing::address;
using flowlens::testing::kNoon;
namespace mmdb = flowlens::test::mmdb;

namespace {

/// Two files: 198.51.100.0/24 is in Germany and of AS 64500.
struct Files {
  flowlens::test::TemporaryFolder folder;
  Settings settings;

  Files() {
    const IpPrefix network = *IpPrefix::parse("198.51.100.0/24");
    settings.geoip_database_path =
        write("country.mmdb", mmdb::file({{network, mmdb::country("DE")}}));
    settings.geoip_asn_database_path =
        write("asn.mmdb", mmdb::file({{network, mmdb::as(64'500, "Example Networks")}}));
  }
  std::string write(const char* name, const std::string& content) const {
    const auto path = folder.path / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }
};

std::string refusal(const Settings& settings) {
  try {
    const Geo geo{settings};
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("geoip files: what both tell together, and neither where they are switched off") {
  Files files;
  const Geo geo{files.settings};
  const GeoRecord found = geo.find(address("198.51.100.9"));
  CHECK(found.country == "DE");
  CHECK(found.as_number == 64'500);
  CHECK(found.as_organization == "Example Networks");
  CHECK(geo.find(address("192.0.2.1")) == GeoRecord{});
  CHECK_FALSE(geo.empty());
  files.settings.geoip_enabled = false;
  CHECK(Geo{files.settings}.empty());
  CHECK(Geo{Settings{}}.empty());
}

TEST_CASE("geoip files: one that is not there, or none, is refused by its setting") {
  Files files;
  const std::string missing = (files.folder.path / "none.mmdb").string();
  files.settings.geoip_database_path = missing;
  CHECK(refusal(files.settings) ==
        "enrichment.geoip.database_path: " + missing + ": No such file or directory");
  files.settings.geoip_database_path.clear();
  files.settings.geoip_asn_database_path = files.write("text.mmdb", "city,country\n");
  CHECK(refusal(files.settings)
            .starts_with("enrichment.geoip.asn_database_path: " + files.folder.path.string()));
}

TEST_CASE("geoip files: a new one that takes the place is used, a damaged one is not") {
  Files files;
  const IpPrefix network = *IpPrefix::parse("198.51.100.0/24");
  const auto replace = [&](const std::string& content) {
    std::filesystem::rename(files.write("new.mmdb", content), files.settings.geoip_database_path);
  };
  const std::string french = mmdb::file({{network, mmdb::country("FR")}});
  Geo geo{files.settings};
  const auto country = [&] { return geo.find(address("198.51.100.9")).country; };
  CHECK(geo.reload().empty());

  replace(french);
  CHECK(country() == "DE");
  REQUIRE(geo.reload().size() == 1);
  CHECK(country() == "FR");
  CHECK(geo.find(address("198.51.100.9")).as_number == 64'500);
  CHECK(geo.reload().empty());
  CHECK(geo.reloads() == 1);

  for (const std::string& bad :
       {french.substr(0, french.size() / 2), std::string("no database"), std::string()}) {
    CAPTURE(bad.size());
    replace(bad);
    const auto told = geo.reload();
    REQUIRE(told.size() == 1);
    CHECK(told[0].starts_with(files.settings.geoip_database_path + ": is no sound database"));
    CHECK(told[0].ends_with("; the one before stays in use"));
    CHECK(geo.problems() == told);
    CHECK(country() == "FR");
    CHECK(geo.reload().empty());  // told once
  }
  std::filesystem::remove(files.settings.geoip_database_path);
  REQUIRE(geo.reload().size() == 1);
  CHECK(country() == "FR");

  replace(mmdb::file({{network, mmdb::country("IT")}}));
  REQUIRE(geo.reload().size() == 1);
  CHECK(country() == "IT");
  CHECK(geo.problems().empty());
  CHECK(geo.reloads() == 2);
}

TEST_CASE("asset routes: external assets tell where they are and whose, others do not") {
  const Files files;
  const Geo geo{files.settings};
  ServiceFixture f;
  f.service.geo = &geo;
  add_map_routes(f.router, f.service);
  f.use("198.51.100.9", "10.0.0.2", 443, std::chrono::hours{0});
  f.use("192.0.2.77", "10.0.0.2", 443, std::chrono::hours{0});
  f.writer.finish(kNoon + std::chrono::minutes{20}, std::chrono::milliseconds{0});
  const Answer asset = f.get("/api/v1/assets/" + f.id("198.51.100.9"));
  CHECK(asset["origin"]["country"] == "DE");
  CHECK(asset["origin"]["as_number"] == 64'500);
  CHECK(asset["origin"]["as_organization"] == "Example Networks");
  CHECK(asset["origin"]["city"].is_null());
  CHECK(f.get("/api/v1/assets/" + f.id("10.0.0.2"))["origin"].is_null());
  CHECK(f.get("/api/v1/assets/" + f.id("192.0.2.77"))["origin"].is_null());
  std::size_t told = 0;
  const Answer list = f.get("/api/v1/assets");
  for (const Answer& each : list["items"]) {
    told += each["origin"].is_null() ? 0 : 1;
  }
  CHECK(told == 1);
}

TEST_CASE("fact routes: what GeoIP files say of external assets counts where nobody else says it") {
  const Files files;
  const Geo geo{files.settings};
  ServiceFixture f;
  f.service.geo = &geo;
  add_fact_routes(f.router, f.service);
  f.use("198.51.100.9", "10.0.0.2", 443, std::chrono::hours{0});
  f.writer.finish(kNoon + std::chrono::minutes{20}, std::chrono::milliseconds{0});
  const auto facts = [&] {
    const Answer answer = f.get("/api/v1/assets/" + f.id("198.51.100.9") + "/facts");
    std::map<std::string, std::string> said;
    for (const Answer& item : answer["items"]) {
      const std::string who =
          item["origin"].get<std::string>() + (item["counts"].get<bool>() ? " +" : "");
      said[item["attribute"].get<std::string>() + ' ' + who] = item["value"];
    }
    return said;
  };
  CHECK(facts() ==
        std::map<std::string, std::string>{{"as_number geoip +", "64500"},
                                           {"as_organization geoip +", "Example Networks"},
                                           {"country geoip +", "DE"}});
  Fact told{{{}, address("198.51.100.9")}, "country", "FR",
            FactSource::inventory,         kNoon,     std::nullopt};
  told.origin = "sheet";
  REQUIRE(f.service.tell(told));
  const auto both = facts();
  CHECK(both.at("country sheet +") == "FR");
  CHECK(both.at("country geoip") == "DE");
  const Answer internal = f.get("/api/v1/assets/" + f.id("10.0.0.2") + "/facts");
  CHECK(internal["items"].empty());
}
