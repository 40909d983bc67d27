/// \file
/// What the programs here share: finding the corpus, and saying so where it is absent.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace flowlens::conformance {

/// Exit status that ctest counts as skipped.
inline constexpr int kSkipped = 77;

struct Arguments {
  std::filesystem::path corpus;
  std::vector<std::string> cases;  ///< globs; none: all
  bool json = false;
};

/// Reads `--corpus DIR [--case GLOB]... [--json]`. Without `--corpus`, takes `fallback` below
/// $FLOWLENS_SHARED or `../shared`.
/// \return nothing if the arguments make no sense; then says why on standard error.
[[nodiscard]] std::optional<Arguments> read_arguments(int argc, char** argv, const char* fallback);

}  // namespace flowlens::conformance
