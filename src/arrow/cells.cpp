#include "arrow/cells.hpp"

#include <string>
#include <utility>

#include "graph/export_text.hpp"

namespace flowlens::arrow {

namespace {

std::size_t width(CellType type) noexcept {
  switch (type) {
    case CellType::number8:
      return 1;
    case CellType::number16:
      return 2;
    case CellType::number32:
    case CellType::real:
      return 4;
    case CellType::number64:
    case CellType::time:
      return 8;
    default:
      return 0;
  }
}

void push_bit(std::vector<std::uint8_t>& bits, std::size_t at, bool is_set) {
  if (at % 8 == 0) bits.push_back(0);
  if (is_set) bits.back() = static_cast<std::uint8_t>(bits.back() | 1u << (at % 8));
}

}  // namespace

const char* format_of(CellType type) noexcept {
  switch (type) {
    case CellType::text:
      return "u";
    case CellType::texts:
      return "+l";
    case CellType::number8:
      return "C";
    case CellType::number16:
      return "S";
    case CellType::number32:
      return "I";
    case CellType::number64:
      return "L";
    case CellType::real:
      return "f";
    case CellType::time:
      return "tsn:UTC";
    case CellType::boolean:
      return "b";
  }
  return "n";
}

void Cells::there(bool is_there) {
  push_bit(validity_, rows_, is_there);
  ++rows_;
  if (!is_there) ++nulls_;
}

void Cells::put(const void* value, std::size_t octets) {
  const auto* begin = static_cast<const std::uint8_t*>(value);
  values_.insert(values_.end(), begin, begin + octets);
}

void Cells::null() {
  if (type_ == CellType::text) texts_.add({});
  if (type_ == CellType::texts) list_ends_.push_back(items_);
  if (type_ == CellType::boolean) push_bit(values_, rows_, false);
  values_.resize(values_.size() + width(type_));
  there(false);
}

void Cells::number(std::uint64_t value) {
  switch (type_) {
    case CellType::boolean:
      push_bit(values_, rows_, value != 0);
      break;
    case CellType::number8: {
      const auto narrow = static_cast<std::uint8_t>(value);
      put(&narrow, sizeof narrow);
      break;
    }
    case CellType::number16: {
      const auto narrow = static_cast<std::uint16_t>(value);
      put(&narrow, sizeof narrow);
      break;
    }
    case CellType::number32: {
      const auto narrow = static_cast<std::uint32_t>(value);
      put(&narrow, sizeof narrow);
      break;
    }
    default:
      put(&value, sizeof value);
  }
  there(true);
}

void Cells::real(float value) {
  put(&value, sizeof value);
  there(true);
}

void Cells::time(Timestamp value) {
  const std::int64_t ns = to_unix_ns(value);
  put(&ns, sizeof ns);
  there(true);
}

void Cells::text(std::string_view value) {
  texts_.add(graph::to_utf8(value));
  there(true);
}

void Cells::item(std::string_view value) {
  texts_.add(graph::to_utf8(value));
  ++items_;
}

void Cells::end_list() {
  list_ends_.push_back(items_);
  there(true);
}

ArrayData Cells::take() {
  Buffer validity;
  if (nulls_ != 0) validity = Buffer::of(validity_);
  const auto nulls = static_cast<std::int64_t>(nulls_);
  if (type_ == CellType::text) return texts_.take(std::move(validity), nulls);
  ArrayData data;
  data.length = static_cast<std::int64_t>(rows_);
  data.null_count = nulls;
  data.buffers.push_back(std::move(validity));
  if (type_ == CellType::texts) {
    data.buffers.push_back(Buffer::of(list_ends_));
    data.children.push_back(texts_.take({}, 0));
  } else {
    data.buffers.push_back(Buffer::of(values_));
  }
  return data;
}

}  // namespace flowlens::arrow
