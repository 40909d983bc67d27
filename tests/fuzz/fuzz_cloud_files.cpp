// Octets as a file of ranges, of instances or of Kubernetes objects; the first octet says as which.
#include "fact_check.hpp"
#include "flowlens/cloud_instances.hpp"
#include "flowlens/cloud_ranges.hpp"
#include "flowlens/kubernetes_objects.hpp"

namespace {

using namespace flowlens;

constexpr Timestamp kNow{std::chrono::hours{500'000}};
constexpr const char* kAddresses[] = {"0.0.0.0",   "10.0.0.1", "198.51.100.7",  "255.255.255.255",
                                      "192.0.2.1", "::",       "2001:db8:a::1", "ffff::1"};

void look_up(const std::filesystem::path& path) {
  CloudRangesOptions options;
  options.max_ranges = 100;
  const CloudRanges ranges({&path, 1}, options);
  if (ranges.size() > options.max_ranges) __builtin_trap();
  for (const char* address : kAddresses) {
    fuzz::check_facts(ranges.facts({{}, IpAddress::parse(address).value()}, kNow));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  if (size == 0) return 0;
  file.write({reinterpret_cast<const char*>(data) + 1, size - 1});
  try {
    switch (data[0] % 3) {
      case 0:
        look_up(file.path());
        break;
      case 1:
        fuzz::check_facts(CloudInstances({file.path(), {}}).list(kNow));
        break;
      default:
        fuzz::check_facts(KubernetesObjects({file.path(), "c", {}}).list(kNow));
    }
  } catch (const IoError& error) {
    fuzz::check_words(error.what());
  }
  return 0;
}
