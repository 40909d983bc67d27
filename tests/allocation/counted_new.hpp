/// \file
/// How often this program has taken memory from the heap.
#pragma once

#include <cstdint>

namespace flowlens::test {

[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace flowlens::test
