// Octets as one JSON object: what the scanner takes, the parser takes too, and both find the same.
#include "support/json_readings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!flowlens::test::read_both_ways(text).do_agree) __builtin_trap();
  return 0;
}
