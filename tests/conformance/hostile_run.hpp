/// \file
/// Runs the hostile cases of the corpus (`malformed/`) and checks each verdict.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "flowlens/parser.hpp"

namespace flowlens::conformance {

/// What a parser did with one datagram.
struct Outcome {
  ParseResult result;
  std::size_t length_octets = 0;
  std::size_t records = 0;    ///< for sFlow: samples; those that had waited are not counted
  std::size_t templates = 0;  ///< learned, new or again
  bool is_v9 = false;
  [[nodiscard]] std::string to_text() const;
};

/// Whether the outcome is what the verdict says (corpus README, "malformed/").
[[nodiscard]] bool agrees(const std::string& verdict, const Outcome& outcome);

/// The outcome of one hostile case.
struct HostileReport {
  std::string name;
  std::size_t datagrams = 0;
  std::size_t right = 0;
  std::size_t reported = 0;  ///< datagrams with a diagnostic
  std::size_t silent = 0;    ///< the main verdict asks for a diagnostic, an alternative does not
  std::size_t good_datagrams = 0;               ///< decoded afterwards as they should
  std::map<std::string, std::size_t> verdicts;  ///< of the datagrams that were right
  std::vector<std::string> problems;
  [[nodiscard]] bool passed() const { return problems.empty(); }
};

/// \param file  a `.json` of the corpus.
/// \throws CorpusError
[[nodiscard]] HostileReport run_hostile(const std::filesystem::path& file);

}  // namespace flowlens::conformance
