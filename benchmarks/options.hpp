/// \file
/// What flowlens-bench was asked to do.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

namespace flowlens::bench {

struct Options {
  std::vector<std::filesystem::path> captures;   ///< pcap or pcapng
  std::vector<std::filesystem::path> datagrams;  ///< genflows' format
  std::size_t repetitions = 7;
  int core = -1;  ///< the last one the process may use
  bool decode_only = false;
  bool json = false;
  bool help = false;
};

/// The text of --help.
[[nodiscard]] std::string_view usage() noexcept;
/// \throws ConfigError that names the option, what was wrong and what would be right.
[[nodiscard]] Options parse_options(int count, const char* const* arguments);

}  // namespace flowlens::bench
