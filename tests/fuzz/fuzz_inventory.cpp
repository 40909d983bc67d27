// Octets as an inventory. The first octet says what stands in front of them, so that rows are reached.
#include "fact_file_check.hpp"
#include "flowlens/inventory_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowlens;
  static const fuzz::MemoryFile file;
  if (size == 0) return 0;
  constexpr const char* kFronts[] = {
      "", "address,name,site,type,mac,asset\n", "[{\"ip\":\"10.0.0.1\",",
      "{\"results\":[{\"primary_ip4\":{\"address\":\"10.0.0.1/8\"},"};
  file.write(kFronts[data[0] & 3] + std::string{reinterpret_cast<const char*>(data) + 1, size - 1});
  FactFileOptions options = fuzz::fact_options(file);
  if ((data[0] & 4) != 0) options.sites.add("berlin");
  InventoryFile inventory{options};
  fuzz::check_fact_file(inventory);
  return 0;
}
