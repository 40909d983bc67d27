#include "pipeline/decoder_state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

using flowlens::IoError;

// Then for each decoder: its length (8 octets, big-endian) and its octets, which carry a checksum.
constexpr std::string_view kMagic = "flowlensd decoder state 1\n";

[[noreturn]] void fail(const std::filesystem::path& file, std::string_view what, int error) {
  throw IoError(file.string() + ": " + std::string(what) + ": " + std::strerror(error));
}

class File {
 public:
  File(const std::filesystem::path& path, int flags)
      : path_(path), descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0) fail(path_, "cannot be opened", errno);
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write_all(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t n = ::write(descriptor_, octets.data(), octets.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(path_, "cannot be written", errno);
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void sync() {
    if (fsync(descriptor_) != 0) fail(path_, "cannot be synced to disk", errno);
  }

 private:
  const std::filesystem::path& path_;
  int descriptor_;
};

std::string packed(const DecoderStates& states) {
  std::string out(kMagic);
  for (const auto& state : states) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      out += static_cast<char>(std::uint64_t{state.size()} >> shift);
    }
    out.append(reinterpret_cast<const char*>(state.data()), state.size());
  }
  return out;
}

}  // namespace

void write_decoder_states(const std::filesystem::path& file, const DecoderStates& states) {
  std::filesystem::path fresh = file;
  fresh += ".new";
  {
    File out(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    out.write_all(packed(states));
    out.sync();
  }
  if (rename(fresh.c_str(), file.c_str()) != 0) fail(file, "cannot be replaced", errno);
  const std::filesystem::path folder = file.parent_path();
  File(folder, O_RDONLY | O_DIRECTORY).sync();
}

DecoderStates read_decoder_states(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {};
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) fail(file, "cannot be read", errno);
  std::string_view rest = text;
  if (!rest.starts_with(kMagic)) {
    throw IoError(file.string() + ": is no decoder state of this release");
  }
  rest.remove_prefix(kMagic.size());
  DecoderStates states;
  while (!rest.empty()) {
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8 && i < rest.size(); ++i) {
      length = length << 8 | static_cast<unsigned char>(rest[i]);
    }
    if (rest.size() < 8 || length > rest.size() - 8) {
      throw IoError(file.string() + ": is cut short");
    }
    const auto* begin = reinterpret_cast<const std::byte*>(rest.data() + 8);
    states.emplace_back(begin, begin + length);
    rest.remove_prefix(8 + length);
  }
  return states;
}

}  // namespace flowlensd
