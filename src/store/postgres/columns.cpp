#include "store/postgres/columns.hpp"

#include <charconv>
#include <utility>

#include "flowlens/error.hpp"
#include "graph/export_text.hpp"

namespace flowlens::store::postgres {
namespace {

std::int64_t number_from(const pqxx::field& field) {
  const std::string_view text{field.c_str(), field.size()};
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) {
    throw IoError("the store holds `" + std::string{text} + "` where a number belongs, in column " +
                  field.name());
  }
  return value;
}

}  // namespace

std::string& Columns::next() {
  if (column_ == arrays_.size()) column_ = 0;
  if (column_ == 0) ++rows_;
  std::string& array = arrays_[column_++];
  array += rows_ == 1 ? '{' : ',';
  return array;
}

Columns& Columns::bind(std::int64_t value) {
  next() += std::to_string(value);
  return *this;
}
Columns& Columns::bind(bool value) {
  next() += value ? 't' : 'f';
  return *this;
}
Columns& Columns::bind(const Id& id) {
  next() += id.to_string();
  return *this;
}

Columns& Columns::bind(std::string_view text) {
  std::string& array = next();
  array += '"';
  for (const char c : graph::to_utf8(text)) {
    if (c == '\0') {
      array += "\xef\xbf\xbd";  // no text of PostgreSQL's holds it
      continue;
    }
    if (c == '"' || c == '\\') array += '\\';
    array += c;
  }
  array += '"';
  return *this;
}

Columns& Columns::bind(std::span<const std::uint8_t> blob) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string& array = next();
  array += "\"\\\\x";
  for (const std::uint8_t octet : blob) {
    array += kDigits[octet >> 4];
    array += kDigits[octet & 15];
  }
  array += '"';
  return *this;
}

Columns& Columns::bind_null() {
  next() += "NULL";
  return *this;
}

std::vector<std::string> Columns::take() {
  std::vector<std::string> arrays(arrays_.size());
  arrays.swap(arrays_);
  for (std::string& array : arrays) array += rows_ == 0 ? "{}" : "}";
  rows_ = 0;
  column_ = 0;
  return arrays;
}

std::int64_t Row::i64() { return number_from(next()); }

std::optional<std::int64_t> Row::optional_i64() {
  const pqxx::field field = next();
  if (field.is_null()) return std::nullopt;
  return number_from(field);
}

bool Row::boolean() { return *next().c_str() == 't'; }

std::string Row::text() {
  const pqxx::field field = next();
  return {field.c_str(), field.size()};
}

Id Row::id() {
  const std::string text = this->text();
  if (const auto id = Id::parse(text)) return *id;
  throw IoError("the store holds `" + text + "` where an id belongs");
}

std::vector<std::uint8_t> Row::blob() {
  const pqxx::binarystring octets{next()};
  return {octets.begin(), octets.end()};
}

}  // namespace flowlens::store::postgres
