// flowlens-bench-ranges: look-ups in the published ranges of clouds, on one core. --json: one JSON document.
// As many ranges as AWS and Azure publish together, of sizes like theirs, nested as theirs are.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/cloud_ranges.hpp"

namespace {

using namespace flowlens;
using Json = nlohmann::ordered_json;

constexpr std::size_t kRanges = 60'000;
constexpr std::size_t kLookUps = 2'000'000;
constexpr int kRuns = 7;  // the median is printed

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Numbers that look drawn, the same each time.
class Dice {
 public:
  std::uint32_t roll() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  /// In one of 8,192 /32: about half of them are in some range. \param count  of octets; zeros behind.
  IpAddress v6(std::size_t count = 8) {
    std::array<std::uint8_t, 16> octets{0x26, 0x00};
    octets[2] = static_cast<std::uint8_t>(roll() >> 27);
    for (std::size_t i = 3; i < count; ++i) octets[i] = static_cast<std::uint8_t>(roll() >> 24);
    return IpAddress::v6(octets);
  }

 private:
  std::uint64_t state_ = 1;
};

/// The format of AWS; a third of the ranges are IPv6.
void write_ranges(const std::filesystem::path& path) {
  Dice dice;
  Json document = {{"prefixes", Json::array()}, {"ipv6_prefixes", Json::array()}};
  for (std::size_t i = 0; i < kRanges; ++i) {
    const std::string region = "region-" + std::to_string(dice.roll() % 40);
    const std::string service = "SERVICE_" + std::to_string(dice.roll() % 100);
    if (i % 3 == 0) {
      const std::size_t octets = 4 + dice.roll() % 4;
      const std::string prefix = dice.v6(octets).to_string() + "/" + std::to_string(8 * octets);
      document["ipv6_prefixes"].push_back(
          {{"ipv6_prefix", prefix}, {"region", region}, {"service", service}});
      continue;
    }
    const unsigned length = 12 + dice.roll() % 20;
    const std::uint32_t host = ~std::uint32_t{0} >> length;
    const std::uint32_t network = ((dice.roll() % 120) << 24 | dice.roll() >> 8) & ~host;
    document["prefixes"].push_back(
        {{"ip_prefix", IpAddress::v4(network).to_string() + "/" + std::to_string(length)},
         {"region", region},
         {"service", service}});
  }
  std::ofstream(path) << document;
}

Json measure(const CloudRanges& ranges, bool is_v6) {
  Dice dice;
  std::vector<IpAddress> addresses(65'536);
  for (IpAddress& a : addresses) a = is_v6 ? dice.v6() : IpAddress::v4(dice.roll());
  std::vector<double> seconds;
  std::size_t found = 0;
  for (int run = 0; run < kRuns; ++run) {
    const double before = thread_cpu_seconds();
    found = 0;
    for (std::size_t i = 0; i < kLookUps; ++i) {
      found += ranges.find(addresses[i % addresses.size()]) != nullptr;
    }
    seconds.push_back(thread_cpu_seconds() - before);
  }
  std::sort(seconds.begin(), seconds.end());
  Json row;
  row["addresses"] = is_v6 ? "IPv6" : "IPv4";
  row["ranges"] = ranges.size();
  row["ns_per_look_up"] = seconds[kRuns / 2] * 1e9 / static_cast<double>(kLookUps);
  row["found_share"] = static_cast<double>(found) / static_cast<double>(kLookUps);
  return row;
}

}  // namespace

int main(int argc, char** argv) {
  const bool as_json = argc > 1 && std::string_view(argv[1]) == "--json";
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("flowlens-bench-ranges-" + std::to_string(::getpid()));
  write_ranges(path);
  const CloudRanges ranges({&path, 1});
  std::filesystem::remove(path);
  Json rows = {measure(ranges, false), measure(ranges, true)};
  if (as_json) {
    std::printf("%s\n", rows.dump(2).c_str());
    return 0;
  }
  for (const Json& row : rows) {
    std::printf("  %s in %zu ranges  %6.1f ns a look-up  %3.0f %% found\n",
                row["addresses"].get<std::string>().c_str(), row["ranges"].get<std::size_t>(),
                row["ns_per_look_up"].get<double>(), row["found_share"].get<double>() * 100);
  }
  return 0;
}
