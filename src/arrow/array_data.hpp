/// \file
/// arrow: schemas and arrays as values, and how they are given away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/arrow_abi.h"

namespace flowlens::arrow {

/// Octets at an address that vector instructions like.
class Buffer {
 public:
  Buffer() noexcept = default;
  /// \param octets  filled with zeros.
  [[nodiscard]] static Buffer zeros(std::size_t octets);
  /// Not filled.
  [[nodiscard]] static Buffer room(std::size_t octets);
  /// A copy.
  [[nodiscard]] static Buffer of(const void* begin, std::size_t octets);
  template <typename T>
  [[nodiscard]] static Buffer of(const std::vector<T>& values) {
    return of(values.data(), values.size() * sizeof(T));
  }

  [[nodiscard]] std::uint8_t* data() noexcept { return data_.get(); }
  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_.get(); }

 private:
  struct Free {
    void operator()(std::uint8_t* data) const noexcept;
  };
  std::unique_ptr<std::uint8_t[], Free> data_;
};

/// What an ArrowArray tells.
struct ArrayData {
  std::int64_t length = 0;
  std::int64_t null_count = 0;
  std::vector<Buffer> buffers;  ///< the first: which values are there; an empty one where all are
  std::vector<ArrayData> children;
  std::unique_ptr<ArrayData> dictionary;
};

/// What an ArrowSchema tells.
struct SchemaData {
  std::string format;
  std::string name;
  bool nullable = false;
  std::vector<SchemaData> children;
  std::unique_ptr<SchemaData> dictionary;
};

// The receiver releases them. What they throw leaves `out` as it was.
void give(ArrayData data, ArrowArray* out);
void give(SchemaData data, ArrowSchema* out);

/// Texts one after the other.
class TextBuilder {
 public:
  void add(std::string_view utf8) {
    octets_.insert(octets_.end(), utf8.begin(), utf8.end());
    ends_.push_back(static_cast<std::int32_t>(octets_.size()));
  }
  /// \throws std::length_error past what 32 bits can count.
  [[nodiscard]] ArrayData take(Buffer validity, std::int64_t null_count);

 private:
  std::vector<char> octets_;
  std::vector<std::int32_t> ends_{0};
};

/// The words of an enumeration as the dictionary of its numbers.
[[nodiscard]] ArrayData dictionary_of(const std::string_view* words, std::size_t count);

}  // namespace flowlens::arrow
