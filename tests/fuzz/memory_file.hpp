/// \file
/// Octets as a file that has a path and no disk.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "flowlens/error.hpp"

namespace flowlens::fuzz {

/// One file, written anew for each input.
class MemoryFile {
 public:
  MemoryFile() : file_(::memfd_create("input", 0)) {
    if (file_ < 0) __builtin_trap();
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void write(const std::string& octets) const {
    if (::ftruncate(file_, 0) != 0 ||
        ::pwrite(file_, octets.data(), octets.size(), 0) != static_cast<::ssize_t>(octets.size())) {
      __builtin_trap();
    }
  }
  [[nodiscard]] std::filesystem::path path() const {
    return "/proc/self/fd/" + std::to_string(file_);
  }

 private:
  int file_;
};

/// What is said about a file is fit for a terminal.
inline void check_words(const std::string& words) {
  if (words.empty() || words.size() > 2'000) __builtin_trap();
  for (const char c : words) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) __builtin_trap();
  }
}

}  // namespace flowlens::fuzz
