#include "flowlens/time.hpp"

#include <doctest/doctest.h>

using namespace flowlens;
using namespace std::chrono_literals;

TEST_CASE("time: text and back") {
  struct Case {
    std::int64_t ns;
    const char* text;
  };
  const Case cases[] = {
      {0, "1970-01-01T00:00:00Z"},
      {1, "1970-01-01T00:00:00.000000001Z"},
      {500'000'000, "1970-01-01T00:00:00.5Z"},
      {-1, "1969-12-31T23:59:59.999999999Z"},
      {1'795'249'860'000'000'000, "2026-11-21T08:31:00Z"},
      {951'782'399'000'000'000, "2000-02-28T23:59:59Z"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(to_string(from_unix_ns(c.ns)) == c.text);
    REQUIRE(parse_timestamp(c.text));
    CHECK(to_unix_ns(*parse_timestamp(c.text)) == c.ns);
  }
}

TEST_CASE("time: the earliest and the latest have a text") {
  CHECK(to_string(Timestamp::min()) == "1677-09-21T00:12:43.145224192Z");
  CHECK(to_string(Timestamp::max()) == "2262-04-11T23:47:16.854775807Z");
  CHECK(to_string(Timestamp{std::chrono::nanoseconds{-1}}) == "1969-12-31T23:59:59.999999999Z");
}

TEST_CASE("time: what is no time") {
  for (const char* text :
       {"", "2026-11-21", "2026-11-21T10:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-11-21T24:00:00Z", "2026-11-21T10:00:60Z", "2026-11-21T10:00:00.Z",
        "2026-11-21T10:00:00.0123456789Z", "2026-11-21T10:00:00+01:00", "1600-01-01T00:00:00Z",
        "2026-11-21 10:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_timestamp(text));
  }
}
