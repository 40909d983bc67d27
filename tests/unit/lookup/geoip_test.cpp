#include "flowlens/geoip.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "flowlens/error.hpp"
#include "support/mmdb_writer.hpp"
#include "support/temporary_folder.hpp"

/// libmaxminddb 1.7 leaks some kilobytes for each file that it refuses for its last part.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libmaxminddb";
}

using namespace flowlens;
using namespace flowlens::test;

namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
IpPrefix network(std::string_view text) { return IpPrefix::parse(text).value(); }

void write(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary).write(content.data(), std::ssize(content));
}

/// A file with one of each kind.
std::string small_file() {
  using namespace mmdb;
  const std::string berlin =
      map({{"continent", map({{"code", text("EU")}})},
           {"country", map({{"iso_code", text("DE")}, {"names", map({{"en", text("Germany")}})}})},
           {"subdivisions", array({map({{"iso_code", text("BE")}})})},
           {"city",
            map({{"names", map({{"de", text("Berlin an der Spree")}, {"en", text("Berlin")}})}})},
           {"location", map({{"latitude", real(52.5)}, {"longitude", real(13.25)}})}});
  return file({{network("198.51.100.0/24"), berlin},
               {network("203.0.113.0/25"), country("FR", "registered_country")},
               {network("192.0.2.128/32"), as(64'500, "Example Networks")}});
}

std::filesystem::path shared_files() {
  const char* shared = std::getenv("FLOWLENS_SHARED");
  return std::filesystem::path(shared != nullptr ? shared : "../shared") / "geoip";
}

/// MaxMind writes IPv4 networks plainly or as `::a.b.c.d/N`.
IpPrefix told_network(std::string text) {
  if (text.starts_with("::") && text.find('.') != std::string::npos) {
    const std::size_t slash = text.find('/');
    const int length = std::stoi(text.substr(slash + 1)) - 96;
    text = text.substr(2, slash - 2) + "/" + std::to_string(length);
  }
  return network(text);
}

GeoRecord expected(const nlohmann::json& told) {
  const auto text = [&](const char* pointer) {
    const nlohmann::json::json_pointer at{pointer};
    return told.contains(at) ? told.at(at).get<std::string>() : std::string();
  };
  const auto real = [&](const char* pointer) -> std::optional<double> {
    const nlohmann::json::json_pointer at{pointer};
    if (!told.contains(at)) return std::nullopt;
    return told.at(at).get<double>();
  };
  GeoRecord r;
  const std::string place = text("/country/iso_code").empty() ? "/registered_country" : "/country";
  r.continent = text("/continent/code");
  r.country = text((place + "/iso_code").c_str());
  r.country_name = text((place + "/names/en").c_str());
  r.region = text("/subdivisions/0/iso_code");
  r.city = text("/city/names/en");
  r.latitude = real("/location/latitude");
  r.longitude = real("/location/longitude");
  r.as_number = told.value("autonomous_system_number", 0u);
  r.as_organization = told.value("autonomous_system_organization", "");
  return r;
}

std::string refusal(const std::filesystem::path& path) {
  try {
    const GeoDatabase opened{path};
  } catch (const IoError& e) {
    return e.what();
  }
  return "opened";
}

}  // namespace

TEST_CASE("geoip: what a file tells of an address, and of which it tells nothing") {
  const TemporaryFolder folder;
  write(folder.path / "a.mmdb", small_file());
  const GeoDatabase geo{folder.path / "a.mmdb"};
  CHECK(geo.type() == "Test-City");
  CHECK(geo.built() == Timestamp{std::chrono::seconds{1'700'000'000}});

  const GeoAnswer berlin = geo.find(address("198.51.100.9"));
  REQUIRE(berlin.status == GeoStatus::found);
  CHECK(berlin.record == GeoRecord{"EU", "DE", "Germany", "BE", "Berlin", 52.5, 13.25, 0, ""});
  CHECK(geo.find(address("203.0.113.127")).record.country == "FR");
  const GeoRecord as = geo.find(address("192.0.2.128")).record;
  CHECK(as.as_number == 64'500);
  CHECK(as.as_organization == "Example Networks");
  for (const char* nobody : {"203.0.113.128", "192.0.2.129", "0.0.0.0", "2001:db8::1", "::1"}) {
    CAPTURE(std::string(nobody));
    const GeoAnswer answer = geo.find(address(nobody));
    CHECK(answer.status == GeoStatus::unknown);
    CHECK(answer.record == GeoRecord{});
  }
}

TEST_CASE("geoip: what is no database is refused by name, cut short anywhere too") {
  const TemporaryFolder folder;
  const auto path = folder.path / "a.mmdb";
  CHECK(refusal(path) == path.string() + ": No such file or directory");
  const std::string whole = small_file();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    write(path, std::string_view(whole).substr(0, length));
    const std::string why = refusal(path);
    CHECK(why.find("a.mmdb: is no sound database in MaxMind's format") != std::string::npos);
  }
  CHECK(refusal(folder.path) != "opened");
}

TEST_CASE("geoip: any octet of a file may be wrong") {
  const TemporaryFolder folder;
  const std::string whole = small_file();
  std::size_t answers = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int wrong : {0x00, 0xff, whole[at] ^ 0x20, whole[at] ^ 0x81}) {
      CAPTURE(at);
      std::string damaged = whole;
      damaged[at] = static_cast<char>(wrong);
      write(folder.path / "a.mmdb", damaged);
      try {
        const GeoDatabase geo{folder.path / "a.mmdb"};
        for (const char* who : {"198.51.100.9", "203.0.113.1", "192.0.2.128", "8.8.8.8"}) {
          const GeoAnswer answer = geo.find(address(who));
          if (answer.status != GeoStatus::found) CHECK(answer.record == GeoRecord{});
          ++answers;
        }
      } catch (const IoError&) {
      }
    }
  }
  CHECK(answers > 0);
}

TEST_CASE("geoip: MaxMind's own files say what their sources say") {
  if (!std::filesystem::exists(shared_files())) {
    MESSAGE("skipped: there is no " << shared_files().string());
    return;
  }
  for (const char* name :
       {"GeoIP2-City-Test", "GeoLite2-City-Test", "GeoLite2-Country-Test", "GeoLite2-ASN-Test"}) {
    CAPTURE(std::string(name));
    const GeoDatabase geo{shared_files() / (std::string(name) + ".mmdb")};
    std::ifstream in(shared_files() / (std::string(name) + ".json"));
    std::vector<std::pair<IpPrefix, nlohmann::json>> sources;
    for (const auto& entry : nlohmann::json::parse(in)) {
      for (const auto& [text, told] : entry.items()) sources.push_back({told_network(text), told});
    }
    REQUIRE(sources.size() > 200);
    for (const auto& source : sources) {
      const IpPrefix& prefix = source.first;
      CAPTURE(prefix.to_string());
      const nlohmann::json* closest = &source.second;
      std::uint8_t length = prefix.length;
      for (const auto& [other, says] : sources) {
        if (other.length < length || !other.contains(prefix.address)) continue;
        closest = &says;
        length = other.length;
      }
      const GeoAnswer answer = geo.find(prefix.address);
      CHECK(answer.status == GeoStatus::found);
      CHECK(answer.record == expected(*closest));
    }
  }
}

TEST_CASE("geoip: MaxMind's broken files are refused, or say that they are damaged") {
  if (!std::filesystem::exists(shared_files())) {
    MESSAGE("skipped: there is no " << shared_files().string());
    return;
  }
  CHECK(refusal(shared_files() / "GeoIP2-City-Test-Invalid-Node-Count.mmdb")
            .find("is no sound database") != std::string::npos);
  for (const char* name :
       {"GeoIP2-City-Test-Broken-Double-Format", "MaxMind-DB-test-broken-pointers-24",
        "MaxMind-DB-test-broken-search-tree-24", "MaxMind-DB-test-decoder"}) {
    CAPTURE(std::string(name));
    const GeoDatabase geo{shared_files() / (std::string(name) + ".mmdb")};
    for (std::uint32_t i = 0; i < 4'096; ++i) {
      const GeoAnswer answer = geo.find(IpAddress::v4(i << 20 | 0x101));
      if (answer.status != GeoStatus::found) CHECK(answer.record == GeoRecord{});
    }
  }
}

TEST_CASE("geoip: broken files are seen without asking for the address that is broken") {
  const TemporaryFolder folder;
  write(folder.path / "a.mmdb", small_file());
  CHECK(GeoDatabase{folder.path / "a.mmdb"}.seems_sound());
  if (!std::filesystem::exists(shared_files())) {
    MESSAGE("skipped: there is no " << shared_files().string());
    return;
  }
  for (const char* name :
       {"GeoIP2-City-Test", "GeoLite2-City-Test", "GeoLite2-Country-Test", "GeoLite2-ASN-Test"}) {
    CAPTURE(std::string(name));
    CHECK(GeoDatabase{shared_files() / (std::string(name) + ".mmdb")}.seems_sound());
  }
  CHECK_FALSE(
      GeoDatabase{shared_files() / "MaxMind-DB-test-broken-pointers-24.mmdb"}.seems_sound());
}

TEST_CASE("geoip: a record as facts, what it does not tell left out") {
  const Endpoint endpoint{SiteId{2}, address("198.51.100.9")};
  const Timestamp now{std::chrono::seconds{1'700'000'000}};
  const GeoRecord berlin{"EU",  "DE",   "Germany",         "BE", "Berlin", 52.5,
                         13.25, 64'500, "Example Networks"};
  const auto facts = geo_facts(berlin, endpoint, now);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"country", "DE"},
      {"region", "BE"},
      {"city", "Berlin"},
      {"as_number", "64500"},
      {"as_organization", "Example Networks"}};
  REQUIRE(facts.size() == expected.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    CHECK(facts[i].attribute == expected[i].first);
    CHECK(facts[i].value == expected[i].second);
    CHECK(facts[i].subject == endpoint);
    CHECK(facts[i].source == FactSource::inferred);
    CHECK(facts[i].origin == "geoip");
    CHECK(facts[i].at == now);
    CHECK_FALSE(facts[i].expires);
  }
  GeoRecord odd;
  odd.country = "FR";
  odd.city = std::string(kLongestFactValue + 1, 'x');
  CHECK(geo_facts(odd, endpoint, now).size() == 1);
  CHECK(geo_facts({}, endpoint, now).empty());
}
