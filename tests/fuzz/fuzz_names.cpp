// Octets as a hosts file or a zone; the first octet says which.
#include "fact_file_check.hpp"
#include "flowlens/hosts_file.hpp"
#include "flowlens/zone_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowlens;
  static const fuzz::MemoryFile file;
  if (size == 0) return 0;
  constexpr const char* kFronts[] = {"", "$ORIGIN 0.10.in-addr.arpa.\n", "a A 10.0.0.1\n", "x ("};
  file.write(kFronts[data[0] & 3] + std::string{reinterpret_cast<const char*>(data) + 1, size - 1});
  if ((data[0] & 4) != 0) {
    HostsFile hosts{fuzz::fact_options(file)};
    fuzz::check_fact_file(hosts);
  } else {
    ZoneFile zone{fuzz::fact_options(file), (data[0] & 8) != 0 ? "" : "example.com"};
    fuzz::check_fact_file(zone);
  }
  return 0;
}
