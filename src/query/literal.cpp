#include "query/literal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

namespace flowlens::query {

namespace {

using std::chrono::nanoseconds;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kSizes[] = {{"", 1},
                           {"k", 1'000},
                           {"M", 1'000'000},
                           {"G", 1'000'000'000},
                           {"T", 1'000'000'000'000},
                           {"P", 1'000'000'000'000'000},
                           {"Ki", 1ull << 10},
                           {"Mi", 1ull << 20},
                           {"Gi", 1ull << 30},
                           {"Ti", 1ull << 40}};
constexpr Unit kDurations[] = {
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"min", 60'000'000'000},
    {"h", 3'600'000'000'000},
    {"d", 86'400'000'000'000},
    {"w", 604'800'000'000'000},
};

/// Digits with a fraction of choice, and a unit behind.
template <std::size_t n>
std::optional<std::uint64_t> read_scaled(std::string_view text, const Unit (&units)[n]) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string unit = lower(text.substr(digits));
  const Unit* found = std::find_if(std::begin(units), std::end(units),
                                   [&](const Unit& u) { return lower(u.name) == unit; });
  if (digits == 0 || found == std::end(units)) return {};
  const char* const end = text.data() + digits;
  if (text.substr(0, digits).find('.') == std::string_view::npos) {
    std::uint64_t whole = 0;
    const auto [p, error] = std::from_chars(text.data(), end, whole);
    if (error != std::errc{} || p != end) return {};
    if (whole > std::numeric_limits<std::uint64_t>::max() / found->factor) return {};
    return whole * found->factor;
  }
  double real = 0;
  const auto [p, error] = std::from_chars(text.data(), end, real, std::chars_format::fixed);
  const double scaled = real * static_cast<double>(found->factor);
  if (error != std::errc{} || p != end || scaled >= 9.2e18) return {};
  return static_cast<std::uint64_t>(std::llround(scaled));
}

/// The largest unit that leaves a whole number.
template <std::size_t n>
std::string write_scaled(std::uint64_t value, const Unit (&units)[n], std::string_view smallest) {
  const Unit* best = nullptr;
  for (const Unit& u : units) {
    if (value == 0 || value % u.factor != 0) continue;
    if (best == nullptr || u.factor > best->factor) best = &u;
  }
  if (best == nullptr) return std::to_string(value) + std::string{smallest};
  return std::to_string(value / best->factor) + std::string{best->name};
}

std::optional<std::uint64_t> read_whole(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [p, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || p != end || value > most) return {};
  return value;
}

std::optional<std::uint64_t> read_named(const Field& field, std::string_view text,
                                        std::uint64_t most) {
  if (const auto number = read_whole(text, most)) return number;
  return field.number_of != nullptr ? field.number_of(lower(text)) : std::nullopt;
}

std::optional<std::uint64_t> read_ratio(std::string_view text) {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [p, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || p != end || !std::isfinite(value)) return {};
  return field_key::of(is_percent ? value / 100 : value);
}

double ratio_of(std::uint64_t key) noexcept {
  return std::bit_cast<double>(key >> 63 ? key & ~(std::uint64_t{1} << 63) : ~key);
}

std::int64_t signed_of(std::uint64_t key) noexcept {
  return static_cast<std::int64_t>(key ^ (std::uint64_t{1} << 63));
}

std::optional<Range> single(std::optional<std::uint64_t> value) {
  if (!value) return {};
  Range range;
  range.low = range.high = *value;
  return range;
}

/// A moment, a whole day, or an age.
std::optional<Range> read_time(std::string_view text, Timestamp now) {
  if (lower(text) == "now") return single(field_key::of(now));
  if (const auto moment = parse_timestamp(text)) return single(field_key::of(*moment));
  if (const auto day = parse_timestamp(std::string{text} + "T00:00:00Z")) {
    Range range;
    range.low = field_key::of(*day);
    range.high = field_key::of(*day + std::chrono::hours{24} - nanoseconds{1});
    return range;
  }
  const auto age = read_scaled(text, kDurations);
  if (!age || *age > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return {};
  const auto ago = static_cast<std::int64_t>(*age);
  if (ago > to_unix_ns(now)) return {};
  return single(field_key::of(now - nanoseconds{ago}));
}

IpAddress last_of(const IpPrefix& prefix) noexcept {
  std::array<std::uint8_t, 16> octets = prefix.address.octets();
  for (std::size_t bit = prefix.length; bit < 128; ++bit) {
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | 0x80u >> (bit % 8));
  }
  return IpAddress::v6(octets);
}

std::optional<Range> read_address(std::string_view text) {
  const auto prefix = IpPrefix::parse(text);
  if (!prefix) return {};
  Range range;
  range.low_address = prefix->address;
  range.high_address = last_of(*prefix);
  return range;
}

std::string write_addresses(const Range& range) {
  if (range.low_address == range.high_address) return range.low_address.to_string();
  for (unsigned length = 0; length < 128; ++length) {
    const IpPrefix prefix{range.low_address, static_cast<std::uint8_t>(length)};
    if (last_of(prefix) == range.high_address && IpPrefix::parse(prefix.to_string()) == prefix) {
      return prefix.to_string();
    }
  }
  return range.low_address.to_string() + ".." + range.high_address.to_string();
}

std::optional<Range> read_choice(const Field& field, std::string_view text) {
  const std::string wanted = lower(text);
  const auto at = std::find(field.choices.begin(), field.choices.end(), wanted);
  if (at == field.choices.end()) return {};
  return single(static_cast<std::uint64_t>(at - field.choices.begin()));
}

std::optional<std::uint64_t> read_boolean(std::string_view text) {
  const std::string word = lower(text);
  if (word == "yes" || word == "true" || word == "1") return 1;
  if (word == "no" || word == "false" || word == "0") return 0;
  return {};
}

std::optional<Range> read_one(const Field& field, std::string_view text, Timestamp now) {
  constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
  switch (field.kind) {
    case FieldKind::count:
      if (field.number_of != nullptr) {
        if (const auto named = read_named(field, text, kAny)) return single(named);
      }
      return single(read_scaled(text, kSizes));
    case FieldKind::octets:
      return single(read_scaled(text, kSizes));
    case FieldKind::port:
      return single(read_named(field, text, 0xffff));
    case FieldKind::protocol:
      return single(read_named(field, text, 0xff));
    case FieldKind::address:
      return read_address(text);
    case FieldKind::time:
      return read_time(text, now);
    case FieldKind::duration: {
      const auto value = read_scaled(text, kDurations);
      if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return {};
      }
      return single(field_key::of_signed(static_cast<std::int64_t>(*value)));
    }
    case FieldKind::ratio:
      return single(read_ratio(text));
    case FieldKind::boolean:
      return single(read_boolean(text));
    case FieldKind::choice:
      return read_choice(field, text);
    case FieldKind::text:
      break;
  }
  return {};
}

std::string write_one(const Field& field, std::uint64_t key) {
  switch (field.kind) {
    case FieldKind::count:
    case FieldKind::octets:
      return write_scaled(key, kSizes, "");
    case FieldKind::protocol:
      if (field.name_of != nullptr) {
        const std::string_view name = field.name_of(key);
        if (!name.empty() && field.number_of != nullptr && field.number_of(name) == key) {
          return std::string{name};
        }
      }
      return std::to_string(key);
    case FieldKind::time:
      return to_string(from_unix_ns(signed_of(key)));
    case FieldKind::duration:
      return write_scaled(static_cast<std::uint64_t>(signed_of(key)), kDurations, "s");
    case FieldKind::ratio: {
      std::array<char, 32> text{};
      const auto [end, error] =
          std::to_chars(text.data(), text.data() + text.size(), ratio_of(key));
      return {text.data(), end};
    }
    case FieldKind::boolean:
      return key != 0 ? "yes" : "no";
    case FieldKind::choice:
      return key < field.choices.size() ? std::string{field.choices[key]} : std::to_string(key);
    case FieldKind::port:
    case FieldKind::address:
    case FieldKind::text:
      break;
  }
  return std::to_string(key);
}

/// Where a range is parted, if it is one: `..`, and between two numbers also `-`.
std::size_t parted_at(const Field& field, std::string_view text, std::size_t& width) {
  width = 2;
  std::size_t at = text.find("..");
  if (at != std::string_view::npos) return at;
  const bool is_number = field.kind == FieldKind::count || field.kind == FieldKind::octets ||
                         field.kind == FieldKind::port || field.kind == FieldKind::address ||
                         field.kind == FieldKind::duration;
  if (!is_number) return at;
  width = 1;
  return text.find('-');
}

}  // namespace

std::optional<Range> read_value(const Field& field, std::string_view text, Timestamp now) {
  if (const auto one = read_one(field, text, now)) return one;
  std::size_t width = 0;
  const std::size_t at = parted_at(field, text, width);
  if (at == std::string_view::npos || holds_text(field)) return {};
  const auto low = read_one(field, text.substr(0, at), now);
  const auto high = read_one(field, text.substr(at + width), now);
  if (!low || !high) return {};
  Range range = *low;
  range.high = high->high;
  range.high_address = high->high_address;
  if (range.low > range.high || range.low_address > range.high_address) return {};
  return range;
}

std::string write_value(const Field& field, const Range& range) {
  if (holds_address(field)) return write_addresses(range);
  if (range.low == range.high) return write_one(field, range.low);
  return write_one(field, range.low) + ".." + write_one(field, range.high);
}

std::string describe_values(const Field& field) {
  switch (field.kind) {
    case FieldKind::count:
      return "a number (42, 10k, 5M) or a range (10..20)";
    case FieldKind::octets:
      return "a number of octets (1500, 10k, 1.5G, 64Ki) or a range (1k..2k)";
    case FieldKind::port:
      return "a port (0 to 65535 or a service name) or a range (8000..8999)";
    case FieldKind::protocol:
      return "a protocol (0 to 255 or a name such as tcp)";
    case FieldKind::address:
      return "an address or a prefix (10.1.2.3, 10.0.0.0/8, 2001:db8::/32)";
    case FieldKind::time:
      return "a time (2026-11-21T10:09:00Z, 2026-11-21) or an age (5m, 2h, 7d)";
    case FieldKind::duration:
      return "a duration (1500ms, 30s, 5m, 2h, 7d)";
    case FieldKind::ratio:
      return "a number (0.95) or a percentage (95%)";
    case FieldKind::boolean:
      return "yes or no";
    case FieldKind::choice: {
      std::string words = "one of";
      for (const std::string_view choice : field.choices) {
        words += words.size() == 6 ? " " : ", ";
        words += choice;
      }
      return words;
    }
    case FieldKind::text:
      break;
  }
  return "a word or a \"quoted text\"";
}

std::string unquoted(std::string_view token) {
  if (token.size() < 2 || token.front() != '"') return std::string{token};
  std::string text;
  for (std::size_t i = 1; i + 1 < token.size(); ++i) {
    if (token[i] == '\\') ++i;
    text += token[i];
  }
  return text;
}

std::string quoted_if_needed(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.:/@";
  constexpr std::string_view kKeywords[] = {"and", "or", "not", "in", "has", "contains", "matches"};
  const bool is_keyword =
      std::find(std::begin(kKeywords), std::end(kKeywords), lower(text)) != std::end(kKeywords);
  if (!text.empty() && !is_keyword && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string{text};
  }
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace flowlens::query
