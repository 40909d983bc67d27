// sFlow v5: sequences of datagrams through a Decoder.
#include "fuzz/datagrams.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flowlens::fuzz::run(std::as_bytes(std::span{data, size}), {5, 5, 4});
  return 0;
}
