#include "flowlens/cloud_ranges.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

#include "flowlens/error.hpp"
#include "lookup/range_file.hpp"
#include "support/fact_lines.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

// The shapes are those of the published files; the networks are of documentation.
constexpr std::string_view kAws = R"({
  "syncToken": "1700000000", "createDate": "2023-11-14-22-13-20",
  "prefixes": [
    {"ip_prefix": "198.51.100.0/24", "region": "eu-west-1", "service": "AMAZON", "network_border_group": "eu-west-1"},
    {"ip_prefix": "198.51.100.0/25", "region": "eu-west-1", "service": "S3", "network_border_group": "eu-west-1"},
    {"ip_prefix": "198.51.100.0/25", "region": "eu-west-1", "service": "AMAZON", "network_border_group": "eu-west-1"},
    {"ip_prefix": "198.51.100.0/25", "region": "eu-west-1", "service": "EC2", "network_border_group": "eu-west-1"},
    {"ip_prefix": "203.0.113.0/26", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"},
    {"ip_prefix": "203.0.113.0/33", "region": "GLOBAL", "service": "S3", "network_border_group": "GLOBAL"}
  ],
  "ipv6_prefixes": [
    {"ipv6_prefix": "2001:db8:a::/48", "region": "us-east-1", "service": "EC2", "network_border_group": "us-east-1"}
  ]
})";

constexpr std::string_view kAzure = R"({
  "changeNumber": 300, "cloud": "Public",
  "values": [
    {"name": "ActionGroup", "id": "ActionGroup",
     "properties": {"changeNumber": 40, "region": "", "regionId": 0, "platform": "Azure",
       "systemService": "ActionGroup", "addressPrefixes": ["192.0.2.64/30"], "networkFeatures": ["API", "NSG"]}},
    {"name": "AzureCloud.westeurope", "id": "AzureCloud.westeurope",
     "properties": {"changeNumber": 80, "region": "westeurope", "regionId": 18, "platform": "Azure",
       "systemService": "", "addressPrefixes": ["192.0.2.0/25", "2001:db8:b::/48"], "networkFeatures": []}},
    {"name": "Storage.WestEurope", "id": "Storage.WestEurope",
     "properties": {"changeNumber": 5, "region": "westeurope", "regionId": 18, "platform": "Azure",
       "systemService": "AzureStorage", "addressPrefixes": ["192.0.2.0/28", 7], "networkFeatures": []}}
  ]
})";

constexpr std::string_view kGoogle = R"({
  "syncToken": "1700000000000", "creationTime": "2023-11-14T22:13:20",
  "prefixes": [
    {"ipv4Prefix": "198.18.0.0/20", "service": "Google Cloud", "scope": "africa-south1"},
    {"ipv6Prefix": "2001:db8:c::/48", "service": "Google Cloud", "scope": "global"}
  ]
})";

constexpr std::string_view kCloudflare = R"({"result": {
  "ipv4_cidrs": ["198.19.0.0/20"], "ipv6_cidrs": ["2001:db8:d::/48"], "etag": "38f79d0"},
  "success": true, "errors": [], "messages": []})";

CloudRanges ranges_of(const TemporaryFolder& folder,
                      const std::vector<std::pair<std::string, std::string_view>>& files,
                      const CloudRangesOptions& options = {}) {
  std::vector<std::filesystem::path> paths;
  for (const auto& [name, content] : files) {
    paths.push_back(write_file(folder.path / name, content));
  }
  return CloudRanges(paths, options);
}

/// `provider/region/service`
std::string found(const CloudRanges& ranges, std::string_view address) {
  const CloudRange* const range = ranges.find(IpAddress::parse(address).value());
  if (range == nullptr) return "nothing";
  return range->provider + "/" + range->region + "/" + range->service;
}

}  // namespace

TEST_CASE("each provider's file is known by what is in it, and the smallest range counts") {
  const TemporaryFolder folder;
  const CloudRanges ranges = ranges_of(folder, {{"a", kAws},
                                                {"b", kAzure},
                                                {"c", kGoogle},
                                                {"d", kCloudflare},
                                                {"e", "# list\n\n 192.0.2.192/26 \r\nwrong\n"}});
  const std::pair<const char*, const char*> cases[] = {
      {"198.51.100.0", "aws/eu-west-1/EC2,S3"},
      {"198.51.100.127", "aws/eu-west-1/EC2,S3"},
      {"198.51.100.128", "aws/eu-west-1/"},
      {"198.51.100.255", "aws/eu-west-1/"},
      {"198.51.101.0", "nothing"},
      {"198.51.99.255", "nothing"},
      {"203.0.113.63", "aws//CLOUDFRONT"},
      {"203.0.113.64", "nothing"},
      {"2001:db8:a::1", "aws/us-east-1/EC2"},
      {"2001:db8:9:ffff:ffff:ffff:ffff:ffff", "nothing"},
      {"192.0.2.1", "azure/westeurope/AzureStorage"},
      {"192.0.2.65", "azure/westeurope/ActionGroup"},
      {"192.0.2.70", "azure/westeurope/"},
      {"192.0.2.128", "nothing"},
      {"2001:db8:b:1::", "azure/westeurope/"},
      {"198.18.15.255", "gcp/africa-south1/"},
      {"198.18.16.0", "nothing"},
      {"2001:db8:c::", "gcp//"},
      {"198.19.1.1", "cloudflare//"},
      {"2001:db8:d::", "cloudflare//"},
      {"192.0.2.200", "cloudflare//"},
      {"0.0.0.0", "nothing"},
      {"255.255.255.255", "nothing"},
      {"::", "nothing"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "nothing"},
  };
  for (const auto& [address, want] : cases) {
    CAPTURE(address);
    CHECK(found(ranges, address) == want);
  }
  CHECK(ranges.refused() == 3);
}

TEST_CASE("what is found is facts") {
  const TemporaryFolder folder;
  const CloudRanges ranges = ranges_of(folder, {{"ip-ranges.json", kAws}});
  const Endpoint subject{SiteId{3}, IpAddress::parse("198.51.100.7").value()};
  const Timestamp now{std::chrono::hours{500'000}};
  const auto facts = ranges.facts(subject, now);
  CHECK(fact_lines(facts) == Lines{"198.51.100.7 cloud.provider=aws",
                                   "198.51.100.7 cloud.region=eu-west-1",
                                   "198.51.100.7 cloud.service=EC2,S3"});
  for (const Fact& fact : facts) {
    CHECK(fact.source == FactSource::cloud);
    CHECK(fact.origin == "ranges:ip-ranges.json");
    CHECK(fact.subject == subject);
    CHECK(fact.at == now);
  }
  CHECK(ranges.facts({{}, IpAddress::parse("10.0.0.1").value()}, now).empty());
}

TEST_CASE("networks at the ends of all addresses") {
  const TemporaryFolder folder;
  const CloudRanges ranges = ranges_of(
      folder,
      {{"a", "0.0.0.0/8\n255.0.0.0/8\n2::/16\nffff::/16\n"},
       {"b",
        R"({"prefixes": [{"ip_prefix": "255.255.255.255/32", "region": "x", "service": "Y"}]})"}});
  CHECK(found(ranges, "0.0.0.0") == "cloudflare//");
  CHECK(found(ranges, "1.0.0.0") == "nothing");
  CHECK(found(ranges, "255.255.255.254") == "cloudflare//");
  CHECK(found(ranges, "255.255.255.255") == "aws/x/Y");
  CHECK(found(ranges, "1:ffff::") == "nothing");
  CHECK(found(ranges, "2:ffff::") == "cloudflare//");
  CHECK(found(ranges, "3::") == "nothing");
  CHECK(found(ranges, "ffff:ffff::") == "cloudflare//");
}

TEST_CASE("any networks: the answer is that of looking at each") {
  std::mt19937 engine(7);
  const auto random = [&] { return static_cast<std::uint32_t>(engine()); };
  std::map<IpPrefix, std::string> regions;
  std::string json =
      R"({"prefixes": [{"ip_prefix": "10.0.0.0/9", "region": "r", "service": "AMAZON"})";
  for (int i = 0; i < 2'000; ++i) {
    const unsigned length = 9 + random() % 24;
    const std::uint32_t host = length == 32 ? 0 : ~std::uint32_t{0} >> length;
    const IpAddress address = IpAddress::v4((0x0a000000u + (random() & 0x7fffff)) & ~host);
    const IpPrefix prefix{address, static_cast<std::uint8_t>(96 + length)};
    const std::string region = "r" + std::to_string(i);
    if (!regions.emplace(prefix, region).second) continue;
    json += R"(, {"ip_prefix": ")" + prefix.to_string() + R"(", "region": ")" + region +
            R"(", "service": "AMAZON"})";
  }
  regions.erase(IpPrefix::parse("10.0.0.0/9").value());
  regions.emplace(IpPrefix::parse("10.0.0.0/9").value(), "r");
  const TemporaryFolder folder;
  const CloudRanges ranges = ranges_of(folder, {{"a", json + "]}"}});
  const auto look = [&](const IpAddress& address) {
    std::string best;
    int longest = -1;
    for (const auto& [prefix, region] : regions) {
      if (prefix.length > longest && prefix.contains(address)) {
        longest = prefix.length;
        best = region;
      }
    }
    return best;
  };
  int checked = 0;
  for (const auto& [prefix, region] : regions) {
    if (++checked > 300) break;
    const std::uint32_t first = prefix.address.to_v4();
    for (const std::uint32_t a : {first - 1, first, first + (random() & 0xff)}) {
      const IpAddress address = IpAddress::v4(a);
      const CloudRange* const range = ranges.find(address);
      CAPTURE(address.to_string());
      CHECK((range == nullptr ? "" : range->region) == look(address));
    }
  }
}

TEST_CASE("what is no list of ranges is refused, and it is said where and why") {
  const TemporaryFolder folder;
  struct Case {
    std::string_view content, why;
  };
  const Case cases[] = {
      {"", "file: is empty"},
      {"\n\n", "file: is empty"},
      {"hello\n", "file:1: is no network such as"},
      {"# nothing\n", "file: has no network"},
      {"{\"prefixes\": [\n{\"ip_prefix\": ]}", "file:2:15: syntax error"},
      {"{}", "file: is none of the lists"},
      {"[]", "file: is none of the lists"},
      {"{\"prefixes\": []}", "file: has no network"},
      {"{\"prefixes\": [7, {\"ip_prefix\": 7}, {\"ip_prefix\": \"10.0.0.1/8\"}]}",
       "file: has no network"},
      {"{\"values\": 7}", "file: is none of the lists"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.content);
    const std::string said = message_of<IoError>([&] { ranges_of(folder, {{"file", c.content}}); });
    CHECK(said.find(c.why) != std::string::npos);
    CAPTURE(said);
    CHECK(said.starts_with(folder.path.string()));
  }
  CHECK_THROWS_AS(ranges_of(folder, {{"deep", std::string(100, '[')}}), IoError);
  const std::vector<std::filesystem::path> missing = {folder.path / "missing"};
  CHECK_THROWS_AS(CloudRanges{missing}, IoError);
  const std::vector<std::filesystem::path> no_file = {folder.path};
  CHECK_THROWS_AS(CloudRanges{no_file}, IoError);
}

TEST_CASE("limits: too large a file is refused, too many ranges are counted") {
  const TemporaryFolder folder;
  CloudRangesOptions options;
  options.max_octets = kAws.size() - 1;
  CHECK_THROWS_AS(ranges_of(folder, {{"a", kAws}}, options), IoError);
  options.max_octets = kAws.size();
  options.max_ranges = 2;
  const CloudRanges ranges = ranges_of(folder, {{"a", kAws}, {"b", kGoogle}}, options);
  CHECK(ranges.size() == 2);
  CHECK(ranges.refused() == 1 + 4 + 2);
}
