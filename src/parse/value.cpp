#include "flowlens/value.hpp"

#include <bit>
#include <charconv>

#include "flowlens/application_id.hpp"
#include "flowlens/information_model.hpp"

namespace flowlens {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::uint16_t kApplicationId = 95;
constexpr std::uint64_t kLastMillisecond = 9'223'372'036'854;  ///< that a Timestamp can hold

std::int64_t sign_extended(std::uint64_t bits, std::size_t octets) noexcept {
  const auto unused = static_cast<unsigned>(64 - 8 * octets);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

/// NTP time (RFC 5905 §6); what would be before 1970 is of the era that begins in 2036.
Timestamp from_ntp(std::uint64_t bits, bool to_microseconds) noexcept {
  constexpr std::int64_t kTo1970 = 2'208'988'800;
  constexpr std::int64_t kEra = std::int64_t{1} << 32;
  auto since_1900 = static_cast<std::int64_t>(bits >> 32);
  if (since_1900 < kTo1970) since_1900 += kEra;
  const std::uint64_t fraction = bits & 0xffff'ffffu;
  const std::uint64_t ns = to_microseconds ? ((fraction * 1'000'000 + (1ull << 31)) >> 32) * 1'000
                                           : (fraction * 1'000'000'000) >> 32;
  return Timestamp{seconds{since_1900 - kTo1970}} + nanoseconds{ns};
}

std::string_view without_padding(std::span<const std::byte> octets) noexcept {
  const std::string_view text{reinterpret_cast<const char*>(octets.data()), octets.size()};
  const std::size_t last = text.find_last_not_of('\0');
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

MacAddress mac_of(std::span<const std::byte> octets) noexcept {
  MacAddress mac;
  for (std::size_t i = 0; i < mac.octets.size(); ++i) {
    mac.octets[i] = std::to_integer<std::uint8_t>(octets[i]);
  }
  return mac;
}

Value read_number(std::span<const std::byte> octets, ElementType type) noexcept {
  const std::uint64_t bits = read_unsigned(octets).value_or(0);
  switch (type) {
    case ElementType::signed_integer:
      return sign_extended(bits, octets.size());
    case ElementType::floating:
      if (octets.size() == 8) return std::bit_cast<double>(bits);
      return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    case ElementType::boolean:
      if (bits == 1) return true;
      if (bits == 2) return false;
      return octets;
    case ElementType::date_time_seconds:
      return Timestamp{seconds{bits}};
    case ElementType::date_time_milliseconds:
      if (bits > kLastMillisecond) return octets;
      return Timestamp{milliseconds{bits}};
    case ElementType::date_time_microseconds:
    case ElementType::date_time_nanoseconds:
      if (bits == 0) return {};
      return from_ntp(bits, type == ElementType::date_time_microseconds);
    default:
      return bits;
  }
}

void append_hex(std::string& text, std::uint8_t octet) {
  constexpr char kDigits[] = "0123456789abcdef";
  text += kDigits[octet >> 4];
  text += kDigits[octet & 15];
}

/// \return octets of the UTF-8 character at the front of `text`; 0 if there is none (RFC 3629 §4).
std::size_t utf8_length(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const std::uint8_t second = at(1);
  const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool is_no_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return is_overlong || is_no_character ? 0 : length;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<std::uint8_t>(text[0]);
    const bool is_c1 = length == 2 && first == 0xc2 && static_cast<std::uint8_t>(text[1]) < 0xa0;
    if (length == 0 || first < 0x20 || first == 0x7f || is_c1) {
      out += "\\x";
      append_hex(out, first);
      text.remove_prefix(1);
      continue;
    }
    if (first == '\\') out += '\\';
    out.append(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

struct TextOf {
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(std::uint64_t v) const { return std::to_string(v); }
  std::string operator()(std::int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), v).ptr;
    return {text.data(), end};
  }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(const MacAddress& v) const {
    std::string text;
    for (const std::uint8_t octet : v.octets) {
      if (!text.empty()) text += ':';
      append_hex(text, octet);
    }
    return text;
  }
  std::string operator()(std::string_view v) const { return printable(v); }
  std::string operator()(const IpAddress& v) const { return v.to_string(); }
  std::string operator()(Timestamp v) const { return flowlens::to_string(v); }
  std::string operator()(std::span<const std::byte> v) const {
    std::string text;
    text.reserve(2 * v.size());
    for (const std::byte octet : v) append_hex(text, std::to_integer<std::uint8_t>(octet));
    return text;
  }
};

}  // namespace

Value read_value(const FieldValue& field, ElementType type) noexcept {
  const std::span<const std::byte> octets = field.octets;
  if (octets.empty()) {
    const bool is_string = type == ElementType::string;
    if (field.specifier.length_octets != kVariableLength) return {};
    return is_string ? Value{std::string_view{}} : Value{octets};
  }
  if (octets.size() > 0xffff || !is_legal_length(type, static_cast<std::uint16_t>(octets.size()))) {
    return octets;
  }
  switch (type) {
    case ElementType::octet_array:
    case ElementType::basic_list:
    case ElementType::sub_template_list:
    case ElementType::sub_template_multi_list:
      return octets;
    case ElementType::string:
      return without_padding(octets);
    case ElementType::mac_address:
      return mac_of(octets);
    case ElementType::ipv4_address:
    case ElementType::ipv6_address:
      return *IpAddress::from_octets(octets);
    case ElementType::unsigned_256:
      if (octets.size() > 8) return octets;
      [[fallthrough]];
    default:
      return read_number(octets, type);
  }
}

Value read_value(const FieldValue& field) noexcept {
  return read_value(field, element_type(field.specifier.element));
}

std::string to_string(const Value& value) { return std::visit(TextOf{}, value); }

std::string field_text(const FieldValue& field, const InformationModel& model) {
  if (field.specifier.element == ElementId{0, kApplicationId}) {
    if (const auto id = read_application_id(field.octets)) return to_string(*id);
  }
  return to_string(read_value(field, model.type_of(field.specifier.element)));
}

}  // namespace flowlens
