/// \file
/// parse: the notation of sFlow's structures, turned into tables by the compiler.
///
/// Fields stand one behind the other: `name:kind`, then a letter for the semantics if it has any
/// (c counter, g gauge), then `=unit` if it has one. Kinds: 4 and 8 unsigned, i signed, f float,
/// v IPv4, w IPv6, a address with its type, m MAC address, s string, u 16 octets, o octets,
/// l list of words. `name[` and `]` enclose fields that repeat; `...` stands before fields that a
/// later version added.
#pragma once

#include <array>
#include <cstddef>

#include "flowlens/sflow_record.hpp"

namespace flowlens::parse {

/// One structure in the notation.
struct Notation {
  std::uint32_t format;
  std::string_view name;
  std::string_view fields;
  std::uint32_t enterprise = 0;
};

constexpr SflowType type_of(char kind) {
  switch (kind) {
    case '4':
      return SflowType::unsigned_32;
    case '8':
      return SflowType::unsigned_64;
    case 'i':
      return SflowType::signed_32;
    case 'f':
      return SflowType::float_32;
    case 'v':
      return SflowType::ipv4_address;
    case 'w':
      return SflowType::ipv6_address;
    case 'a':
      return SflowType::address;
    case 'm':
      return SflowType::mac_address;
    case 's':
      return SflowType::string;
    case 'u':
      return SflowType::octets_16;
    case 'o':
      return SflowType::octets;
    case 'l':
      return SflowType::words;
    default:
      throw "no such kind";
  }
}

/// Takes the next word off the front.
constexpr std::string_view next_word(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(word.size());
  return word;
}

constexpr std::size_t count_words(std::string_view text) {
  std::size_t count = 0;
  while (!next_word(text).empty()) ++count;
  return count;
}

constexpr SflowField field_of(std::string_view word) {
  if (word == "]") return {{}, {}, SflowType::list_end, SflowSemantics::value};
  if (word == "...") return {{}, {}, SflowType::later, SflowSemantics::value};
  if (word.back() == '[') {
    return {word.substr(0, word.size() - 1), {}, SflowType::list_begin, SflowSemantics::value};
  }
  const std::size_t colon = word.find(':');
  SflowField field;
  field.name = word.substr(0, colon);
  field.type = type_of(word[colon + 1]);
  std::string_view rest = word.substr(colon + 2);
  if (rest.starts_with('c') || rest.starts_with('g')) {
    field.semantics = rest[0] == 'c' ? SflowSemantics::counter : SflowSemantics::gauge;
    rest.remove_prefix(1);
  }
  if (rest.starts_with('=')) {
    field.unit = rest.substr(1);
  } else if (!rest.empty()) {
    throw "something behind the kind";
  }
  return field;
}

template <std::size_t N>
constexpr std::size_t count_fields(const std::array<Notation, N>& rows) {
  std::size_t count = 0;
  for (const Notation& row : rows) count += count_words(row.fields);
  return count;
}
/// The fields of all structures, one behind the other.
template <std::size_t Count, std::size_t N>
constexpr std::array<SflowField, Count> parse_fields(const std::array<Notation, N>& rows) {
  std::array<SflowField, Count> fields;
  std::size_t at = 0;
  for (const Notation& row : rows) {
    std::string_view text = row.fields;
    for (std::size_t left = count_words(text); left != 0; --left) {
      fields[at++] = field_of(next_word(text));
    }
  }
  return fields;
}

/// Octets of the shortest value.
constexpr std::uint32_t octets_of(SflowType type) {
  switch (type) {
    case SflowType::unsigned_64:
    case SflowType::mac_address:
      return 8;
    case SflowType::ipv6_address:
    case SflowType::octets_16:
      return 16;
    case SflowType::list_end:
    case SflowType::later:
      return 0;
    default:
      return 4;
  }
}
constexpr bool is_fixed(SflowType type) {
  return type != SflowType::address && type != SflowType::string && type != SflowType::octets &&
         type != SflowType::words && type != SflowType::list_begin && type != SflowType::later;
}

/// Works out what is_whole() wants to know.
constexpr void measure(SflowStructure& s) {
  int depth = 0;
  bool is_later = false;
  for (const SflowField& field : s.fields) {
    is_later = is_later || field.type == SflowType::later;
    depth -= field.type == SflowType::list_end ? 1 : 0;
    if (depth == 0 && !is_later) s.min_octets += octets_of(field.type);
    depth += field.type == SflowType::list_begin ? 1 : 0;
    s.is_fixed = s.is_fixed && is_fixed(field.type);
  }
  if (depth != 0) throw "a list without an end";
}

/// \param fields  what parse_fields() made of the rows; static.
template <std::size_t N>
constexpr std::array<SflowStructure, N> make_table(const std::array<Notation, N>& rows,
                                                   std::span<const SflowField> fields) {
  std::array<SflowStructure, N> table;
  std::size_t at = 0;
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t count = count_words(rows[i].fields);
    table[i] = {
        rows[i].enterprise, rows[i].format, rows[i].name, fields.subspan(at, count), 0, true};
    measure(table[i]);
    at += count;
  }
  return table;
}

/// Formats of enterprise 0 lie below this.
inline constexpr std::size_t kFormats = 3'072;

/// The place of each format of enterprise 0 in a table, from 1; 0: not there.
template <std::size_t N>
constexpr std::array<std::uint8_t, kFormats> index_of(const std::array<SflowStructure, N>& table) {
  static_assert(N < 256);
  std::array<std::uint8_t, kFormats> index{};
  for (std::size_t i = 0; i < N; ++i) {
    if (table[i].enterprise != 0) continue;
    if (i != 0 && table[i - 1].enterprise != 0) throw "a vendor's before one of enterprise 0";
    if (index[table[i].format] != 0) throw "a format twice";
    index[table[i].format] = static_cast<std::uint8_t>(i + 1);
  }
  return index;
}

template <std::size_t N>
const SflowStructure* look_up(const std::array<SflowStructure, N>& table,
                              const std::array<std::uint8_t, kFormats>& index,
                              std::uint32_t enterprise, std::uint32_t format) noexcept {
  if (enterprise == 0) {
    const std::size_t place = format < kFormats ? index[format] : 0;
    return place != 0 ? &table[place - 1] : nullptr;
  }
  // Vendors' stand at the end, and are few.
  for (std::size_t i = N; i-- > 0 && table[i].enterprise != 0;) {
    if (table[i].enterprise == enterprise && table[i].format == format) return &table[i];
  }
  return nullptr;
}

// The tables, a file each.
[[nodiscard]] const SflowStructure* find_flow_structure(std::uint32_t enterprise,
                                                        std::uint32_t format) noexcept;
[[nodiscard]] const SflowStructure* find_counter_structure(std::uint32_t enterprise,
                                                           std::uint32_t format) noexcept;
[[nodiscard]] std::span<const SflowStructure> flow_structures() noexcept;
[[nodiscard]] std::span<const SflowStructure> counter_structures() noexcept;

}  // namespace flowlens::parse
