/// \file
/// base: memory for large tables, in huge pages where the system has them.
#pragma once

#include <cstddef>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace flowlens::base {

inline constexpr std::size_t kHugePageOctets = 2u << 20;

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
