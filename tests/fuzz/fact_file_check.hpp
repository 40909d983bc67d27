/// \file
/// What holds for any file of facts, whatever is in it.
#pragma once

#include "fact_check.hpp"
#include "flowlens/fact_file.hpp"

namespace flowlens::fuzz {

inline FactFileOptions fact_options(const MemoryFile& file) {
  FactFileOptions options;
  options.path = file.path();
  options.max_line = 512;
  options.max_facts = 64;
  return options;
}

/// Reads it twice, as it is done again and again.
inline void check_fact_file(FactFile& file) {
  for (const std::int64_t second : {1'795'386'600, 1'900'000'000}) {
    const Timestamp now{std::chrono::seconds{second}};
    try {
      const auto facts = file.list(now);
      if (facts.size() != file.report().facts || facts.size() > 64) __builtin_trap();
      check_facts(facts);
      for (const Fact& fact : facts) {
        if (fact.origin != file.origin() || fact.at != now) __builtin_trap();
      }
    } catch (const IoError& error) {
      check_words(error.what());
    }
    if (file.report().broken > 0) check_words(file.report().first_error);
  }
}

}  // namespace flowlens::fuzz
