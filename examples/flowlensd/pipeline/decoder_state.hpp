/// \file
/// pipeline: a file that keeps over a restart what decoders know of templates and sampling rates.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace flowlensd {

using DecoderStates = std::vector<std::vector<std::byte>>;

/// Replaces the file in one step: a crash leaves the old one or the new one.
/// \throws flowlens::IoError naming the file and the reason.
void write_decoder_states(const std::filesystem::path& file, const DecoderStates& states);

/// \return empty if there is no such file.
/// \throws flowlens::IoError if it cannot be read or is damaged.
[[nodiscard]] DecoderStates read_decoder_states(const std::filesystem::path& file);

}  // namespace flowlensd
