/// \file
/// base: arrays that are looked up all over.
#pragma once

#include <vector>

#include "base/huge_pages.hpp"

namespace flowlens::base {

/// A vector in huge pages: with small ones most look-ups all over a long array miss the TLB.
template <typename T>
using SpreadVector = std::vector<T, HugePageAllocator<T>>;

/// Room for so many elements of a vector that others hold, in huge pages as far as whole ones fit.
template <typename T>
void reserve_spread(std::vector<T>& to, std::size_t count) {
  to.reserve(count);
  ask_for_huge_pages(to.data(), to.capacity() * sizeof(T));
}

}  // namespace flowlens::base
