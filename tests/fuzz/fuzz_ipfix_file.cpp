// Octets as an IPFIX file: everything is a message or skipped.
#include "flowlens/ipfix_file_reader.hpp"
#include "memory_file.hpp"

namespace {

using namespace flowlens;

void check(const fuzz::MemoryFile& file, std::size_t size) {
  IpfixFileReader reader(file.path());
  ReceivedDatagram message;
  std::uint64_t messages = 0, octets = 0;
  bool is_whole = true;
  try {
    while (reader.next(message)) {
      if (message.octets.size() < 16) __builtin_trap();
      ++messages;
      octets += message.octets.size();
    }
  } catch (const IoError& e) {
    fuzz::check_words(e.what());
    is_whole = false;
  }
  const IpfixFileCounters& c = reader.counters();
  if (c.messages != messages || c.octets != octets || messages == 0) __builtin_trap();
  if (is_whole && c.octets + c.skipped_octets != size) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Packed ones are another target's (fuzz_text_logs); their size says nothing of what is in them.
  if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) return 0;
  static const fuzz::MemoryFile file;
  file.write({reinterpret_cast<const char*>(data), size});
  try {
    check(file, size);
  } catch (const IoError& e) {
    fuzz::check_words(e.what());
  }
  return 0;
}
