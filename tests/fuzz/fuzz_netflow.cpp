// NetFlow v5 and v9: sequences of datagrams through a Decoder.
#include "fuzz/datagrams.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flowlens::fuzz::run(std::as_bytes(std::span{data, size}), {9, 5, 2});
  return 0;
}
