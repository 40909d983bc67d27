/// \file
/// Arrow streams read as their specification says, every value as text, so that a test compares texts.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/arrow_abi.h"
#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens::testing {

inline bool is_bit_set(const void* bits, std::int64_t at) {
  return (static_cast<const std::uint8_t*>(bits)[at / 8] >> (at % 8) & 1) != 0;
}

template <typename T>
T value_at(const ArrowArray& array, std::int64_t at, std::size_t buffer = 1) {
  T value;
  std::memcpy(&value, static_cast<const std::uint8_t*>(array.buffers[buffer]) + at * sizeof(T),
              sizeof(T));
  return value;
}

inline std::string_view text_at(const ArrowArray& array, std::int64_t at) {
  const auto from = value_at<std::int32_t>(array, at);
  const auto to = value_at<std::int32_t>(array, at + 1);
  return {static_cast<const char*>(array.buffers[2]) + from, static_cast<std::size_t>(to - from)};
}

/// `null`, `7`, `true`, `10.0.0.1`, `2026-11-21T12:00:00Z`, `[a b]`, or the text itself.
inline std::string cell(const ArrowSchema& schema, const ArrowArray& array, std::int64_t at) {
  if (array.buffers[0] != nullptr && !is_bit_set(array.buffers[0], at)) return "null";
  const std::string_view format = schema.format;
  if (schema.dictionary != nullptr) {
    return cell(*schema.dictionary, *array.dictionary, value_at<std::int8_t>(array, at));
  }
  if (format == "u") return std::string(text_at(array, at));
  if (format == "b") return is_bit_set(array.buffers[1], at) ? "true" : "false";
  if (format == "C") return std::to_string(value_at<std::uint8_t>(array, at));
  if (format == "S") return std::to_string(value_at<std::uint16_t>(array, at));
  if (format == "I") return std::to_string(value_at<std::uint32_t>(array, at));
  if (format == "L") return std::to_string(value_at<std::uint64_t>(array, at));
  if (format == "f") return std::to_string(value_at<float>(array, at));
  if (format == "tsn:UTC") return to_string(from_unix_ns(value_at<std::int64_t>(array, at)));
  if (format == "w:16") return value_at<IpAddress>(array, at).to_string();
  if (format == "+l") {
    std::string items;
    for (auto i = value_at<std::int32_t>(array, at); i < value_at<std::int32_t>(array, at + 1);
         ++i) {
      items += (items.empty() ? "" : " ") + cell(*schema.children[0], *array.children[0], i);
    }
    return '[' + items + ']';
  }
  return "unknown format " + std::string(format);
}

/// All that a stream gave.
struct ReadTable {
  std::vector<std::string> names;  ///< of the columns, in their order
  std::map<std::string, std::vector<std::string>, std::less<>> columns;
  std::map<std::string, std::string, std::less<>> formats;
  std::map<std::string, std::int64_t, std::less<>> nulls;  ///< as the arrays tell them
  std::vector<std::int64_t> batches;                       ///< rows of each
  int error = 0;
  std::string message;

  [[nodiscard]] const std::string& at(std::string_view column, std::size_t row) const {
    return columns.find(column)->second.at(row);
  }
};

/// Reads a stream to its end, and releases it.
inline ReadTable read_stream(ArrowArrayStream& stream) {
  ReadTable table;
  ArrowSchema schema{};
  if (stream.get_schema(&stream, &schema) == 0) {
    for (std::int64_t c = 0; c < schema.n_children; ++c) {
      table.names.emplace_back(schema.children[c]->name);
      table.formats[schema.children[c]->name] = schema.children[c]->format;
      table.columns[schema.children[c]->name];
    }
    for (;;) {
      ArrowArray batch{};
      table.error = stream.get_next(&stream, &batch);
      if (table.error != 0 || batch.release == nullptr) break;
      table.batches.push_back(batch.length);
      for (std::int64_t c = 0; c < batch.n_children; ++c) {
        const ArrowArray& column = *batch.children[c];
        table.nulls[table.names[static_cast<std::size_t>(c)]] += column.null_count;
        for (std::int64_t i = 0; i < column.length; ++i) {
          table.columns[table.names[static_cast<std::size_t>(c)]].push_back(
              cell(*schema.children[c], column, i));
        }
      }
      batch.release(&batch);
    }
    if (const char* message = stream.get_last_error(&stream)) table.message = message;
    schema.release(&schema);
  }
  stream.release(&stream);
  return table;
}

}  // namespace flowlens::testing
