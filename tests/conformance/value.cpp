#include "conformance/value.hpp"

#include <bit>
#include <cstdio>
#include <cstring>

namespace flowlens::conformance {
namespace {

using std::chrono::nanoseconds;

/// Past it a Timestamp would overflow.
constexpr std::uint64_t kLastMillisecond = 9'223'372'036'854;

std::int64_t read_signed(std::uint64_t bits, std::size_t length) {
  const auto unused = static_cast<unsigned>(64 - 8 * length);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

/// Seconds since 1900 and a fraction of 2^32 (RFC 7011 §6.1.9, §6.1.10).
Timestamp ntp_time(std::uint64_t bits, bool to_microseconds) {
  constexpr std::int64_t kTo1970 = 2'208'988'800;
  const auto seconds = static_cast<std::int64_t>(bits >> 32) - kTo1970;
  const std::uint64_t fraction = bits & 0xffff'ffffu;
  std::int64_t ns = 0;
  if (to_microseconds) {
    ns = static_cast<std::int64_t>((fraction * 1'000'000 + (1ull << 31)) >> 32) * 1000;
  } else {
    ns = static_cast<std::int64_t>((fraction * 1'000'000'000) >> 32);
  }
  return Timestamp{std::chrono::seconds{seconds}} + nanoseconds{ns};
}

std::string text_of(std::span<const std::byte> octets) {
  std::string text{reinterpret_cast<const char*>(octets.data()), octets.size()};
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

Json floating(std::span<const std::byte> octets, std::uint64_t bits) {
  if (octets.size() == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return std::bit_cast<double>(bits);
}

/// The corpus calls elements of IANA's registry, reverse ones and v9 scopes by name, no others.
bool is_corpus_name(ElementId id) {
  if (id.enterprise == kV9ScopeEnterprise) return true;
  if (id.enterprise != 0 && id.enterprise != kReverseEnterprise) return false;
  return id.number < kFirstV9VendorType && find_element(ElementId{0, id.number}) != nullptr;
}

}  // namespace

std::string field_key(ElementId id, ExportProtocol protocol) {
  if (is_corpus_name(id)) return element_name(id);
  const std::string number = "id" + std::to_string(id.number);
  if (id.enterprise != 0) return "e" + std::to_string(id.enterprise) + number;
  return protocol == ExportProtocol::netflow_v9 ? "v9" + number : number;
}

ElementType field_type(ElementId id) {
  return is_corpus_name(id) ? element_type(id) : ElementType::octet_array;
}

std::optional<Json> field_value(const FieldValue& field) {
  const std::span<const std::byte> octets = field.octets;
  const ElementType type = field_type(field.specifier.element);
  const bool variable = field.specifier.length_octets == kVariableLength;
  if (octets.empty()) {
    const bool is_number = type != ElementType::string && type != ElementType::octet_array;
    return variable && !is_number ? std::optional<Json>{""} : std::nullopt;
  }
  if (octets.size() > 0xffff || !is_legal_length(type, static_cast<std::uint16_t>(octets.size()))) {
    return to_hex(octets);
  }
  const std::uint64_t bits = read_unsigned(octets).value_or(0);
  switch (type) {
    case ElementType::unsigned_integer:
      return bits;
    case ElementType::signed_integer:
      return read_signed(bits, octets.size());
    case ElementType::floating:
      return floating(octets, bits);
    case ElementType::boolean:
      if (bits == 1) return true;
      if (bits == 2) return false;
      return to_hex(octets);
    case ElementType::mac_address:
      return to_mac(octets);
    case ElementType::string:
      return text_of(octets);
    case ElementType::ipv4_address:
    case ElementType::ipv6_address:
      return IpAddress::from_octets(octets)->to_string();
    case ElementType::date_time_seconds:
      return to_corpus_time(Timestamp{std::chrono::seconds{bits}});
    case ElementType::date_time_milliseconds:
      if (bits > kLastMillisecond) return to_hex(octets);
      return to_corpus_time(Timestamp{std::chrono::milliseconds{static_cast<std::int64_t>(bits)}});
    case ElementType::date_time_microseconds:
      return to_corpus_time(ntp_time(bits, true));
    case ElementType::date_time_nanoseconds:
      return to_corpus_time(ntp_time(bits, false));
    case ElementType::octet_array:
    case ElementType::unsigned_256:
    case ElementType::basic_list:
    case ElementType::sub_template_list:
    case ElementType::sub_template_multi_list:
      break;
  }
  return to_hex(octets);
}

bool same_value(const Json& have, const Json& want, ElementType type) {
  if (have == want) return true;
  if (!have.is_string() || !want.is_string()) return false;
  const auto& a = have.get_ref<const std::string&>();
  const auto& b = want.get_ref<const std::string&>();
  switch (type) {
    case ElementType::ipv4_address:
    case ElementType::ipv6_address: {
      const auto one = IpAddress::parse(a);
      const auto other = IpAddress::parse(b);
      return one && other && *one == *other;
    }
    case ElementType::date_time_microseconds:
    case ElementType::date_time_nanoseconds: {
      const auto one = parse_timestamp(a);
      const auto other = parse_timestamp(b);
      if (!one || !other) return false;
      const nanoseconds slack{type == ElementType::date_time_microseconds ? 1000 : 1};
      return std::chrono::abs(*one - *other) <= slack;
    }
    default:
      return false;
  }
}

std::string to_hex(std::span<const std::byte> octets) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(octets.size() * 2);
  for (const std::byte octet : octets) {
    hex += kDigits[std::to_integer<unsigned>(octet) >> 4];
    hex += kDigits[std::to_integer<unsigned>(octet) & 15u];
  }
  return hex;
}

std::string to_mac(std::span<const std::byte> octets) {
  std::string text;
  for (const std::byte octet : octets) {
    if (!text.empty()) text += ':';
    text += to_hex({&octet, 1});
  }
  return text;
}

std::string to_corpus_time(Timestamp t) {
  const auto second = std::chrono::floor<std::chrono::seconds>(t);
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{second - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>((t - second).count()));
  return text;
}

}  // namespace flowlens::conformance
