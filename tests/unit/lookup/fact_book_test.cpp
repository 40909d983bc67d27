#include "flowlens/fact_book.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace flowlens;

namespace {

constexpr Timestamp kNow{std::chrono::hours{500'000}};

Fact says(std::string_view address, std::string_view attribute, std::string_view value) {
  Fact fact;
  fact.subject.address = IpAddress::parse(address).value();
  fact.attribute = attribute;
  fact.value = value;
  fact.source = FactSource::inventory;
  fact.at = kNow;
  return fact;
}

std::vector<std::string> told(const std::vector<Fact>& facts) {
  std::vector<std::string> lines;
  for (const Fact& f : facts) {
    lines.push_back(f.subject.address.to_string() + " " + f.attribute + "=" + f.value);
  }
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("only what is new, otherwise or gone goes on") {
  FactBook book;
  const std::vector<Fact> first = {says("10.0.0.2", "name", "b"), says("10.0.0.1", "name", "a"),
                                   says("10.0.0.1", "owner", "ops")};
  CHECK(told(book.replace("csv", first, kNow)) ==
        Lines{"10.0.0.1 name=a", "10.0.0.1 owner=ops", "10.0.0.2 name=b"});
  CHECK(book.replace("csv", first, kNow).empty());
  const auto news =
      book.replace("csv", {says("10.0.0.2", "name", "c"), says("10.0.0.1", "name", "a")}, kNow);
  CHECK(told(news) == Lines{"10.0.0.1 owner=", "10.0.0.2 name=c"});
  CHECK(book.size() == 2);
  CHECK(news.front().origin == "csv");
  CHECK(told(book.replace("csv", {}, kNow)) == Lines{"10.0.0.1 name=", "10.0.0.2 name="});
  CHECK(book.size() == 0);
}

TEST_CASE("origins speak for themselves") {
  FactBook book;
  CHECK(book.replace("csv", {says("10.0.0.1", "name", "a")}, kNow).size() == 1);
  CHECK(book.replace("dns", {says("10.0.0.1", "name", "a.example")}, kNow).size() == 1);
  CHECK(told(book.replace("csv", {}, kNow)) == Lines{"10.0.0.1 name="});
  CHECK(book.size_of("dns") == 1);
}

TEST_CASE("holders of one address at several times are several matters") {
  FactBook book;
  Fact one = says("10.0.0.1", "asset", "x"), two = says("10.0.0.1", "asset", "y");
  one.since = kNow;
  two.since = kNow + std::chrono::hours{1};
  CHECK(book.replace("pods", {one, two}, kNow).size() == 2);
  CHECK(told(book.replace("pods", {two}, kNow)) == Lines{"10.0.0.1 asset="});
}

TEST_CASE("of two on one matter the later stands") {
  FactBook book;
  const auto news =
      book.replace("csv", {says("10.0.0.1", "name", "a"), says("10.0.0.1", "name", "b")}, kNow);
  CHECK(told(news) == Lines{"10.0.0.1 name=b"});
}

TEST_CASE("what is no fact, or finds no room, is left out and counted") {
  FactBook book{2};
  const std::string too_long(kLongestFactValue + 1, 'x');
  const auto news = book.replace(
      "csv",
      {says("10.0.0.1", "Name", "a"), says("10.0.0.1", "name", ""), says("10.0.0.1", "a.", "a"),
       says("10.0.0.1", "name", too_long), says("10.0.0.1", "a", "1"), says("10.0.0.2", "a", "1"),
       says("10.0.0.3", "a", "1")},
      kNow);
  CHECK(told(news) == Lines{"10.0.0.1 a=1", "10.0.0.2 a=1"});
  CHECK(book.refused() == 5);
  CHECK(book.replace("dns", {says("10.0.0.9", "name", "x")}, kNow).empty());
  CHECK(book.refused() == 6);
}

TEST_CASE("attributes are words with points in between") {
  for (const char* right : {"name", "cloud.region", "interface.3.name", "as_number"}) {
    CAPTURE(right);
    CHECK(is_valid_attribute(right));
  }
  for (const char* wrong : {"", ".", "a.", ".a", "a..b", "A", "a b", "a-b", "\xc3\xa4"}) {
    CAPTURE(wrong);
    CHECK(!is_valid_attribute(wrong));
  }
}
