#include "conformance/arguments.hpp"

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace flowlens::conformance {

std::optional<Arguments> read_arguments(int argc, char** argv, const char* fallback) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--corpus" && has_value) {
      arguments.corpus = argv[++i];
    } else if (word == "--case" && has_value) {
      arguments.cases.emplace_back(argv[++i]);
    } else if (word == "--json") {
      arguments.json = true;
    } else {
      std::cerr << argv[0] << ": '" << word << "' makes no sense here\n"
                << "usage: " << argv[0] << " [--corpus DIR] [--case GLOB]... [--json]\n";
      return std::nullopt;
    }
  }
  if (arguments.corpus.empty()) {
    const char* shared = std::getenv("FLOWLENS_SHARED");
    arguments.corpus = std::filesystem::path{shared != nullptr ? shared : "../shared"} / fallback;
  }
  return arguments;
}

}  // namespace flowlens::conformance
