/// \file
/// What every fact of a lister is, whatever it has read.
#pragma once

#include <vector>

#include "flowlens/fact.hpp"
#include "flowlens/id.hpp"
#include "memory_file.hpp"

namespace flowlens::fuzz {

inline void check_facts(const std::vector<Fact>& facts) {
  for (const Fact& fact : facts) {
    if (!is_valid_attribute(fact.attribute)) __builtin_trap();
    if (fact.value.size() > kLongestFactValue) __builtin_trap();
    check_words(fact.value);
    if (fact.attribute == "asset" && !Id::parse(fact.value)) __builtin_trap();
    if (fact.origin.size() > kLongestOrigin) __builtin_trap();
  }
}

}  // namespace flowlens::fuzz
