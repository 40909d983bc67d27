// The user's own elements beside the built-in ones.
#include "flowlens/information_model.hpp"

#include <doctest/doctest.h>

#include <string>

#include "flowlens/error.hpp"

using namespace flowlens;

namespace {

constexpr const char* kHeader = "enterprise,number,name,type,semantics,units\n";

std::string refusal(const std::string& table) {
  InformationModel model;
  std::string message = "accepted";
  try {
    model.add_table(table, "mine.csv");
  } catch (const ConfigError& e) {
    message = e.what();
  }
  CHECK(model.added() == 0);
  return message;
}

}  // namespace

TEST_CASE("model: a table adds elements, comments and empty lines do not count") {
  InformationModel model;
  model.add_table(
      "# ours\n\nenterprise,number,name,type,semantics,units\r\n"
      "32473, 1, doorOpenCount, unsigned32, deltaCounter, doors\r\n"
      "32473,2,doorName,string,,",
      "mine.csv");
  CHECK(model.added() == 2);
  const InformationElement* doors = model.find(ElementId{32'473, 1});
  REQUIRE(doors != nullptr);
  CHECK(doors->name == "doorOpenCount");
  CHECK(doors->type == ElementType::unsigned_integer);
  CHECK(doors->size_octets == 4);
  CHECK(doors->semantics == ElementSemantics::delta_counter);
  CHECK(doors->units == "doors");
  CHECK(model.find("doorName")->id == ElementId{32'473, 2});
  CHECK(model.type_of({32'473, 2}) == ElementType::string);
  CHECK(model.name_of({32'473, 2}) == "doorName");
}

TEST_CASE("model: the built-in elements are there, an added one hides its namesake") {
  InformationModel model;
  CHECK(model.find(ElementId{0, 1})->name == "octetDeltaCount");
  CHECK(model.name_of({kReverseEnterprise, 1}) == "reverseOctetDeltaCount");
  CHECK(model.name_of({32'473, 9}) == "e32473id9");
  model.add({{9, 12'235}, ElementType::string, 0, ElementSemantics::unspecified, "host", ""});
  model.add({{0, 600}, ElementType::boolean, 0, ElementSemantics::unspecified, "draftFlag", ""});
  CHECK(model.name_of({9, 12'235}) == "host");
  CHECK(model.name_of({kReverseEnterprise, 600}) == "reverseDraftFlag");
  CHECK(model.type_of({kReverseEnterprise, 600}) == ElementType::boolean);
  CHECK(find_element(ElementId{9, 12'235})->name == "appHTTPHost");
}

TEST_CASE("model: what a table is refused for says file, line, what is wrong and what is right") {
  struct Case {
    const char* name;
    std::string table;
    const char* want;
  };
  const std::string header = kHeader;
  const Case cases[] = {
      {"empty", "", "mine.csv:1: the table ends; must begin with enterprise,number,name,"},
      {"comments only", "# a\n# b\n", "mine.csv:3: the table ends"},
      {"no header", "9,1,a,string,,\n", "mine.csv:1: is '9,1,a,string,,'; must be enterprise,"},
      {"a column missing", header + "9,1,a,string,\n", "mine.csv:2: has 5 columns; must have 6"},
      {"a column too many", header + "9,1,a,string,,,\n", "mine.csv:2: has 7 columns"},
      {"enterprise is a word", header + "cisco,1,a,string,,\n",
       "mine.csv:2: enterprise is 'cisco'; must be a number from 0 to 4294967295"},
      {"number too large", header + "9,65536,a,string,,\n",
       "number is '65536'; must be a number from 0 to 65535"},
      {"number missing", header + "9,,a,string,,\n", "number is ''"},
      {"negative", header + "9,-1,a,string,,\n", "number is '-1'"},
      {"unknown type", header + "\n9,1,a,unsigned46,,\n",
       "mine.csv:3: type is 'unsigned46'; must be one of octetArray, unsigned8,"},
      {"unknown semantics", header + "9,1,a,string,counter,\n",
       "semantics is 'counter'; must be one of default, quantity,"},
      {"no name", header + "9,1,,string,,\n", "name is empty"},
      {"reverse", header + "29305,1,a,string,,\n", "enterprise is 29305"},
      {"v9 scope", header + "4294967049,1,a,string,,\n", "stands for v9 scopes"},
      {"twice", header + "9,1,a,string,,\n9,1,b,string,,\n",
       "mine.csv:3: element 9,1 was added before"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string message = refusal(c.table);
    CAPTURE(message);
    CHECK(message.find(c.want) != std::string::npos);
  }
}

TEST_CASE("model: an element is added once, whichever way") {
  InformationModel model;
  model.add({{9, 1}, ElementType::string, 0, ElementSemantics::unspecified, "mine", ""});
  CHECK_THROWS_AS(model.add(*model.find(ElementId{9, 1})), ConfigError);
  CHECK_THROWS_AS(model.add_table(kHeader + std::string{"9,2,b,string,,\n9,1,a,string,,\n"}, "f"),
                  ConfigError);
  CHECK(model.added() == 1);
  CHECK_THROWS_AS(model.add({{9, 3}, ElementType::string, 0, {}, "", ""}), ConfigError);
}

TEST_CASE("model: the built-in elements, written as a table, read the same") {
  std::string table = kHeader;
  for (const InformationElement& e : all_elements()) {
    table += std::to_string(e.id.enterprise) + ',' + std::to_string(e.id.number) + ',';
    table.append(e.name).append(",").append(type_name(e)).append(",");
    table.append(semantics_name(e.semantics)).append(",").append(e.units).append("\n");
  }
  InformationModel model;
  model.add_table(table, "built-in");
  REQUIRE(model.added() == all_elements().size());
  for (const InformationElement& want : all_elements()) {
    const InformationElement* have = model.find(want.id);
    REQUIRE(have != nullptr);
    CHECK(have != &want);
    CHECK(have->name == want.name);
    CHECK(have->type == want.type);
    CHECK(have->size_octets == want.size_octets);
    CHECK(have->semantics == want.semantics);
    CHECK(have->units == want.units);
  }
}
