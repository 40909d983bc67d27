/// \file
/// base: memory for large tables, in huge pages where the system has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace flowlens::base {

inline constexpr std::size_t kHugePageOctets = 2u << 20;

/// Asks for huge pages behind memory that was just allocated, where whole ones fit. A wish: without it
/// all works the same.
inline void ask_for_huge_pages([[maybe_unused]] void* block, [[maybe_unused]] std::size_t octets) {
#ifdef __linux__
  const auto first = reinterpret_cast<std::uintptr_t>(block);
  const std::uintptr_t begin = (first + kHugePageOctets - 1) / kHugePageOctets * kHugePageOctets;
  const std::uintptr_t end = (first + octets) / kHugePageOctets * kHugePageOctets;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

/// Asks for memory that will be read soon, `octets` of it.
inline void bring_in(const void* memory, std::size_t octets) noexcept {
  constexpr std::uintptr_t kLine = 64;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory) & ~(kLine - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(memory) + octets;
  for (std::uintptr_t line = begin; line < end; line += kLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(line));
  }
}

/// As std::allocator, and asks for huge pages behind large blocks: tables are read all over, so that
/// with small pages most look-ups miss the TLB too, and every 4 KiB of growth costs a page fault.
template <typename T>
struct HugePageAllocator {
  using value_type = T;

  HugePageAllocator() noexcept = default;
  template <typename U>
  HugePageAllocator(const HugePageAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    const std::size_t octets = count * sizeof(T);
    if (octets < kHugePageOctets) return static_cast<T*>(::operator new(octets, kAlignment));
    void* block = ::operator new(octets, kHugePage);
#ifdef __linux__
    ::madvise(block, octets, MADV_HUGEPAGE);  // a wish: without it all works the same
#endif
    return static_cast<T*>(block);
  }
  void deallocate(T* block, std::size_t count) noexcept {
    const bool is_large = count * sizeof(T) >= kHugePageOctets;
    ::operator delete(block, is_large ? kHugePage : kAlignment);
  }

  friend bool operator==(const HugePageAllocator&, const HugePageAllocator&) noexcept {
    return true;
  }

 private:
  static constexpr std::align_val_t kHugePage{kHugePageOctets};
  static constexpr std::align_val_t kAlignment{alignof(T)};
};

}  // namespace flowlens::base
