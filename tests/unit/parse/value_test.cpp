// Fields as typed values and as text.
#include "flowlens/value.hpp"

#include <doctest/doctest.h>

#include "flowlens/application_id.hpp"
#include "flowlens/information_model.hpp"
#include "flowlens/template.hpp"
#include "support/message_builder.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

struct Reading {
  ElementType type;
  const char* hex;
  const char* text;
};

std::string text_of(ElementType type, std::span<const std::byte> octets) {
  const FieldValue field{{{}, static_cast<std::uint16_t>(octets.size())}, octets};
  return to_string(read_value(field, type));
}

}  // namespace

TEST_CASE("value: every type, full and reduced size, and what it cannot be as octets") {
  using enum ElementType;
  const Reading cases[] = {
      {unsigned_integer, "ff", "255"},
      {unsigned_integer, "010203", "66051"},
      {unsigned_integer, "ffffffffffffffff", "18446744073709551615"},
      {unsigned_integer, "000000000000000001", "000000000000000001"},
      {signed_integer, "ff", "-1"},
      {signed_integer, "fffe", "-2"},
      {signed_integer, "800000", "-8388608"},
      {signed_integer, "7fffffffffffffff", "9223372036854775807"},
      {floating, "3f000000", "0.5"},
      {floating, "bff8000000000000", "-1.5"},
      {floating, "3f00", "3f00"},
      {boolean, "01", "true"},
      {boolean, "02", "false"},
      {boolean, "00", "00"},
      {boolean, "0001", "0001"},
      {mac_address, "00005e005301", "00:00:5e:00:53:01"},
      {mac_address, "00005e0053", "00005e0053"},
      {ipv4_address, "0a000001", "10.0.0.1"},
      {ipv4_address, "0a0000", "0a0000"},
      {ipv6_address, "20010db8000000000000000000000001", "2001:db8::1"},
      {ipv6_address, "0a000001", "0a000001"},
      {date_time_seconds, "6553f100", "2023-11-14T22:13:20Z"},
      {date_time_seconds, "ffffffff", "2106-02-07T06:28:15Z"},
      {date_time_seconds, "0000018bcfe56800", "0000018bcfe56800"},
      {date_time_milliseconds, "0000018bcfe56801", "2023-11-14T22:13:20.001Z"},
      {date_time_milliseconds, "ffffffffffffffff", "ffffffffffffffff"},
      {octet_array, "00ff", "00ff"},
      {basic_list, "ff0004", "ff0004"},
      {unsigned_256, "0101", "257"},
      {unsigned_256, "000000000000000001", "000000000000000001"},
  };
  for (const Reading& c : cases) {
    CAPTURE(c.hex);
    const ExactBlock octets{from_hex(c.hex)};
    CHECK(text_of(c.type, octets.span()) == c.text);
  }
}

TEST_CASE("value: NTP times of both eras") {
  using enum ElementType;
  const Reading cases[] = {
      {date_time_microseconds, "e8fe6f8080000000", "2023-11-14T22:13:20.5Z"},
      {date_time_nanoseconds, "e8fe6f8080000000", "2023-11-14T22:13:20.5Z"},
      {date_time_nanoseconds, "e8fe6f8000000005", "2023-11-14T22:13:20.000000001Z"},
      {date_time_microseconds, "e8fe6f80000010c7", "2023-11-14T22:13:20.000001Z"},
      {date_time_microseconds, "e8fe6f80ffffffff", "2023-11-14T22:13:21Z"},
      {date_time_nanoseconds, "ffffffff00000000", "2036-02-07T06:28:15Z"},
      {date_time_nanoseconds, "0000000100000000", "2036-02-07T06:28:17Z"},
      {date_time_nanoseconds, "83aa7e7f00000000", "2106-02-07T06:28:15Z"},
      {date_time_nanoseconds, "83aa7e8000000000", "1970-01-01T00:00:00Z"},
      {date_time_nanoseconds, "0000000000000000", ""},
      {date_time_microseconds, "e8fe6f80", "e8fe6f80"},
  };
  for (const Reading& c : cases) {
    CAPTURE(c.hex);
    CHECK(text_of(c.type, from_hex(c.hex)) == c.text);
  }
}

TEST_CASE("value: strings lose their padding, and text is safe to print") {
  const Reading cases[] = {
      {ElementType::string, "61620000", "ab"},
      {ElementType::string, "61006200", "a\\x00b"},
      {ElementType::string, "0000", ""},
      {ElementType::string, "c3a4e282acf09f9a80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\x80"},
      {ElementType::string, "1b5b316d", "\\x1b[1m"},
      {ElementType::string, "5c78", "\\\\x"},
      {ElementType::string, "7fc285", "\\x7f\\xc2\\x85"},
      {ElementType::string, "c3", "\\xc3"},
      {ElementType::string, "c080", "\\xc0\\x80"},
      {ElementType::string, "e08080", "\\xe0\\x80\\x80"},
      {ElementType::string, "eda080", "\\xed\\xa0\\x80"},
      {ElementType::string, "f4908080", "\\xf4\\x90\\x80\\x80"},
      {ElementType::string, "e282", "\\xe2\\x82"},
  };
  for (const Reading& c : cases) {
    CAPTURE(c.hex);
    const ExactBlock octets{from_hex(c.hex)};
    CHECK(text_of(c.type, octets.span()) == c.text);
  }
}

TEST_CASE("value: a field without octets has none, unless it is of variable length") {
  const auto read = [](ElementType type, std::uint16_t length) {
    return read_value(FieldValue{{{}, length}, {}}, type);
  };
  CHECK(std::holds_alternative<std::monostate>(read(ElementType::unsigned_integer, 0)));
  CHECK(std::holds_alternative<std::monostate>(read(ElementType::string, 0)));
  CHECK(std::holds_alternative<std::string_view>(read(ElementType::string, kVariableLength)));
  CHECK(std::holds_alternative<std::span<const std::byte>>(
      read(ElementType::octet_array, kVariableLength)));
}

TEST_CASE("value: the type is the element's, built in or the user's") {
  const auto octets = from_hex("0a000001");
  InformationModel model;
  model.add({{32'473, 1}, ElementType::ipv4_address, 0, {}, "doorAddress", ""});
  const auto field = [&](ElementId id) { return FieldValue{{id, 4}, octets}; };
  CHECK(std::get<IpAddress>(read_value(field({0, 8}))) == IpAddress::v4(0x0a000001));
  CHECK(to_string(read_value(field({kReverseEnterprise, 8}))) == "10.0.0.1");
  CHECK(field_text(field({32'473, 1}), model) == "10.0.0.1");
  CHECK(field_text(field({32'473, 2}), model) == "0a000001");
}

TEST_CASE("application id: engine and selector") {
  struct Case {
    const char* hex;
    const char* text;
  };
  const Case cases[] = {
      {"0301bb", "IANA-L4:443"},
      {"0101", "IANA-L3:1"},
      {"0d00001a", "PANA-L7:26"},
      {"0c0000000001", "PANA-L2:1"},
      {"1400003044 00003f43", "PANA-L7-PEN:12356:16195"},
      {"1400003044 3f43", "PANA-L7-PEN:12356:16195"},
      {"160007", "nDPI:7"},
      {"6305", "engine99:5"},
      {"0305", "IANA-L4:5"},
      {"", "nothing"},
      {"03", "nothing"},
      {"00000000", "nothing"},
      {"14000030", "nothing"},
      {"1400003044", "nothing"},
      {"03000000000000000001", "nothing"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.hex);
    const ExactBlock octets{from_hex(c.hex)};
    const auto id = read_application_id(octets.span());
    CHECK((id ? to_string(*id) : "nothing") == c.text);
  }
  const auto octets = from_hex("0301bb");
  CHECK(field_text(FieldValue{{{0, 95}, 3}, octets}, InformationModel{}) == "IANA-L4:443");
}
