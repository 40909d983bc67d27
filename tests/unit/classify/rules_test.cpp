#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "flowlens/classification_rules.hpp"
#include "flowlens/error.hpp"

using namespace flowlens;

namespace {

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "nothing was thrown";
}

constexpr std::string_view kNetworks =
    "name,cidr,priority,environment,datacenter,location,owner,asset_type\n"
    "all,10.0.0.0/8,0,production,,,it,\n"
    "berlin,10.1.0.0/16,0,,ber1,Berlin,,\n"
    "lab,10.1.9.0/24,0,development,,,,vm\n"
    "audit,10.1.0.0/16,5,audited,,,,\r\n"
    "twin,10.1.9.0/24,0,staging,,,,\n"
    "six,2001:db8::/32,0,production,,,,\n";

}  // namespace

TEST_CASE("classification rules: a line is a rule, and says its line") {
  const auto rules = parse_classification_rules(
      "# comment\n\nprinter | serves print | peers >= 2 and to server > 60% | +1.5 | takes | much\n"
      "  unknown|||-0.5|no idea  \r\n",
      "mine");
  REQUIRE(rules.size() == 2);
  CHECK(rules[0].type == AssetType::printer);
  CHECK(rules[0].side == ServiceSide::serves);
  CHECK(rules[0].kind == ServiceKind::print);
  CHECK(static_cast<bool>(rules[0].condition));
  CHECK(rules[0].weight == 1.5);
  CHECK(rules[0].words == "takes | much");
  CHECK(rules[0].line == 3);
  CHECK(rules[1].side == ServiceSide::none);
  CHECK_FALSE(static_cast<bool>(rules[1].condition));
  CHECK(rules[1].weight == -0.5);
  CHECK(rules[1].words == "no idea");
}

TEST_CASE("classification rules: what is refused, where, and what would be right") {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"web | serves web | 1",
       "t:1:1: a rule has five columns: type | service | condition | weight | words"},
      {"\nwebb | serves web | | 1 |", "t:2:1: `webb` is no type; such are database, printer"},
      {"web | gives web | | 1 |",
       "t:1:7: give `serves` or `uses` and a kind of service, or nothing"},
      {"web | serves wob | | 1 |", "t:1:7: `wob` is no kind of service; such are dns, print"},
      {"web | serves web | | ten |", "t:1:22: `ten` is no weight; give a number from -100 to 100"},
      {"web | serves web | | 101 |", "t:1:22: `101` is no weight; give a number from -100 to 100"},
      {"web | serves web | | |", "t:1:21: `` is no weight; give a number from -100 to 100"},
      {"web | | internal | 1 |", "t:1:23: a rule without a service needs words for its reason"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(message_of([&] { static_cast<void>(parse_classification_rules(c.text, "t")); }) ==
          c.want);
  }
  const std::string bad = message_of([] {
    static_cast<void>(parse_classification_rules("web | serves web | peers > x | 1 |", "t"));
  });
  CHECK(bad.rfind("t:1:28: ", 0) == 0);
}

TEST_CASE(
    "classification rules: the ones that come with FlowLens speak for every type they can find") {
  const auto rules = parse_classification_rules(default_classification_rules(), "default");
  for (std::size_t t = 1; t < kAssetTypeCount; ++t) {
    const auto type = static_cast<AssetType>(t);
    CAPTURE(to_string(type));
    const bool is_found = std::any_of(rules.begin(), rules.end(), [&](const ClassificationRule& r) {
      return r.type == type && r.weight > 1.5;
    });
    CHECK(is_found == (type != AssetType::vm && type != AssetType::container));
    CHECK(parse_asset_type(to_string(type)) == type);
  }
  for (std::size_t k = 0; k < kServiceKindCount; ++k) {
    const auto kind = static_cast<ServiceKind>(k);
    CHECK(parse_service_kind(to_string(kind)) == kind);
  }
}

TEST_CASE("network rules: which wins for each label, and why") {
  const NetworkRules rules = parse_network_rules(kNetworks, "t");
  const auto decided = rules.decide(*IpAddress::parse("10.1.9.7"));
  REQUIRE(decided.size() == 5);
  CHECK(decided[0].value == "audited");
  CHECK(decided[0].why ==
        "rule `audit` (10.1.0.0/16) wins of 4 that speak of it: its priority is 5, that of `lab` "
        "(10.1.9.0/24) 0.");
  CHECK(decided[1].value == "ber1");
  CHECK(decided[1].why == "rule `berlin` (10.1.0.0/16) is the only one that says so.");
  CHECK(decided[3].value == "it");
  CHECK(decided[4].label == NetworkLabel::type);
  CHECK(decided[4].value == "vm");
  CHECK(rules.type_rule(*IpAddress::parse("10.1.9.7"))->name == "lab");
  CHECK(rules.type_rule(*IpAddress::parse("10.1.8.7")) == nullptr);
  CHECK(rules.decide(*IpAddress::parse("2001:db8::1")).size() == 1);
  CHECK(rules.decide(*IpAddress::parse("192.0.2.1")).empty());

  const NetworkRules plain = parse_network_rules(
      "cidr,name,environment\n10.0.0.0/8,wide,a\n10.1.0.0/16,b,long\n10.1.0.0/16,a,also\n", "t");
  const auto by_name = plain.decide(*IpAddress::parse("10.1.1.1"));
  CHECK(by_name.at(0).value == "also");
  CHECK(by_name.at(0).why ==
        "rule `a` (10.1.0.0/16) wins of 3 that speak of it: its name comes before `b` "
        "(10.1.0.0/16).");
  const auto by_length = plain.decide(*IpAddress::parse("10.2.1.1"));
  CHECK(by_length.at(0).value == "a");
}

TEST_CASE("network rules: what is refused") {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"name,environment\n", "t:1: the first line names the columns; `cidr` must be one"},
      {"name,cidr\na,10.1.0.1/16\n",
       "t:2: cidr: `10.1.0.1/16` is no prefix such as 10.1.0.0/16, or has bits past it"},
      {"name,cidr,priority\na,10.1.0.0/16,x\n", "t:2: priority: `x` is no whole number"},
      {"name,cidr,asset_type\na,10.1.0.0/16,toaster\n",
       "t:2: asset_type: `toaster` is no type; such are database, printer"},
      {"name,cidr\na,10.1.0.0/16\na,10.2.0.0/16\n", "two network rules are named `a`"},
      {"name,cidr\n,10.1.0.0/16\n", "the network rule for 10.1.0.0/16 has no name"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(message_of([&] { static_cast<void>(parse_network_rules(c.text, "t")); }) == c.want);
  }
}
