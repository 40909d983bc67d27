#include "pipeline/decoder_state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowlens/error.hpp"
#include "pipeline/replace_file.hpp"

namespace flowlensd {
namespace {

using flowlens::IoError;

// Then for each decoder: its length (8 octets, big-endian) and its octets, which carry a checksum.
constexpr std::string_view kMagic = "flowlensd decoder state 1\n";

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
  replace_file(file, packed(states));
}

DecoderStates read_decoder_states(const std::filesystem::path& file) {
  const std::optional<std::string> text = read_file(file);
  if (!text) return {};
  std::string_view rest = *text;
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
