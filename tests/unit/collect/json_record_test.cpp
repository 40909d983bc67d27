// JSON objects, read by the scanner if they are plain, else by the parser.
#include <doctest/doctest.h>

#include <random>

#include "support/json_readings.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

std::string times(const char* text, int n) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

/// Any JSON, mostly plain, of few names, so that paths meet.
class SomeJson {
 public:
  explicit SomeJson(std::uint32_t seed) : random_(seed) {}

  std::string object(int depth = 0) {
    std::string text = "{";
    for (std::uint32_t i = below(5); i > 0; --i) {
      text += space() + name() + space() + ':' + space() + value(depth) + space();
      if (i > 1) text += ',';
    }
    return text + space() + '}';
  }
  /// One octet changed, left out or put in.
  std::string damaged(std::string text) {
    static constexpr std::string_view kOctets = "{}[],:\"\\ \n0-+.eEtfna\x01\x7f\xc3";
    const std::size_t at = below(text.size());
    const char c = kOctets[below(kOctets.size())];
    switch (below(3)) {
      case 0:
        text[at] = c;
        break;
      case 1:
        text.erase(at, 1);
        break;
      default:
        text.insert(at, 1, c);
    }
    return text;
  }

 private:
  std::uint32_t below(std::size_t bound) {
    return static_cast<std::uint32_t>(random_() % static_cast<std::uint32_t>(bound));
  }
  template <std::size_t N>
  std::string one_of(const char* const (&texts)[N]) {
    return texts[below(N)];
  }
  std::string space() { return one_of({"", "", "", " ", "\t", "\r\n"}); }
  std::string name() {
    return one_of({R"("a")", R"("b")", R"("l")", R"("a.b")", R"("")", R"("id")", R"("orig_h")",
                   R"("id.orig_h")", R"("\u0061")"});
  }
  std::string value(int depth) {
    if (depth < 4 && below(4) == 0) return object(depth + 1);
    if (depth < 4 && below(6) == 0) return '[' + value(depth + 1) + ", " + value(depth + 1) + ']';
    return one_of({"0", "7", "18446744073709551615", "18446744073709551616", "0.250", "12.5", "-1",
                   "1e3", "true", "false", "null", R"("")", R"("x")", R"("10.0.0.1")", R"("\"")",
                   "\"\xc3\xa9\"", "[]", "{}"});
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("JSON objects: which are scanned, and which are left to the parser") {
  struct Case {
    const char* name;
    std::string object;
    bool is_scanned;
  };
  const Case cases[] = {
      {"nothing in it", "{}", true},
      {"blanks everywhere", " { \"a\" :\t1 , \"b\" : [ ] } \r\n", true},
      {"nested", R"({"a":{"b":"x","a":{"b":true}},"flow":{"start":1.5}})", true},
      {"in arrays", R"({"a":[{"l":1},{"l":[2,3]},{"b":null}]})", true},
      {"a name twice", R"({"a":null,"a":1,"a":2})", true},
      {"a point in a name", R"({"a.b":1,"a":{"b":2}})", true},
      {"names that are empty", R"({"":{"":1,"a":2}})", true},
      {"as deep as plain ones are", times("{\"a\":", 15) + "{}" + times("}", 15), true},
      {"deeper", times("{\"a\":", 16) + "{}" + times("}", 16), false},
      {"the longest plain number", "{\"a\":" + times("9", 40) + '}', true},
      {"a longer one", "{\"a\":" + times("9", 41) + '}', false},
      {"no double", "{\"a\":" + times("9", 400) + '}', false},
      {"an escape", R"({"a":"\n"})", false},
      {"an escape in a name", R"({"\u0061":1})", false},
      {"UTF-8", "{\"a\":\"\xc3\xa9\"}", false},
      {"a sign", R"({"a":-1})", false},
      {"an exponent", R"({"a":1e3})", false},
      {"a zero in front", R"({"a":01})", false},
      {"a point without digits", R"({"a":1.})", false},
      {"a comma too many", R"({"a":1,})", false},
      {"a comma too few", R"({"a":1 "b":2})", false},
      {"brackets crossed", R"({"a":[1}])", false},
      {"half a word", R"({"a":tru})", false},
      {"a tab in a text", "{\"a\":\"\t\"}", false},
      {"a zero octet behind", std::string("{}\0", 3), false},
      {"two objects", "{}{}", false},
      {"cut short", R"({"a":1)", false},
      {"an array", "[]", false},
      {"nothing", "", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const JsonReading reading = read_both_ways(c.object);
    CHECK(reading.is_scanned == c.is_scanned);
    CHECK(reading.do_agree);
  }
}

TEST_CASE("JSON objects: the scanner finds what the parser finds, and takes nothing else") {
  std::size_t scanned = 0;
  for (std::uint32_t seed = 0; seed < 10'000; ++seed) {
    SomeJson some(seed);
    std::string object = some.object();
    for (int damages = 0; damages < 3; ++damages) {
      CAPTURE(object);
      const JsonReading reading = read_both_ways(object);
      scanned += reading.is_scanned ? 1 : 0;
      REQUIRE(reading.do_agree);
      if (object.size() > 1) object = some.damaged(std::move(object));
    }
  }
  CHECK(scanned > 5'000);
}

TEST_CASE("JSON objects: a value is where it begins, whoever read it") {
  static constexpr std::array<std::string_view, 3> kPaths = {"number", "text", "word"};
  const std::string plain = R"({"number":12,"text":"x","word":true})";
  const std::string not_plain = R"({"number":12,"text":"x","word":true,"é":0})";
  const FlowLogOptions options;
  collect::LogOutput out(options);
  collect::JsonRecord record(kPaths);
  for (const std::string& object : {plain, not_plain}) {
    CAPTURE(object);
    REQUIRE(record.read(object, out));
    CHECK(record.value(0).at - object.data() == 10);
    CHECK(record.value(1).at - object.data() == 20);
    CHECK(record.value(2).at - object.data() == 31);
    CHECK(record.value(2).text == "true");
  }
}
