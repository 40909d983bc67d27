// IPFIX: sequences of datagrams through a Decoder.
#include "fuzz/datagrams.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flowlens::fuzz::run(std::as_bytes(std::span{data, size}), {10, 10, 2});
  return 0;
}
