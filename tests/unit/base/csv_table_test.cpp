#include "flowlens/csv_table.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "flowlens/error.hpp"

namespace {

using namespace flowlens;

constexpr std::array<std::string_view, 3> kColumns = {"name", "cidr", "owner"};

std::string all_of(std::string_view csv) {
  CsvTable table{csv, "x.csv", kColumns, 1};
  std::string text;
  while (table.next()) text += table[0] + "|" + table[1] + "|" + table[2] + "\n";
  return text;
}

std::string error_of(std::string_view csv) {
  try {
    return "none: " + all_of(csv);
  } catch (const ConfigError& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("CSV: columns in any order, blanks, comments, quotations") {
  CHECK(all_of("name,cidr,owner\na,b,c\n") == "a|b|c\n");
  CHECK(all_of("# mine\n\nowner , name\r\n c,\ta \r\n,x") == "a||c\nx||\n");
  CHECK(all_of("name,owner\n\"a, \"\"b\"\"\" , \"c \"\n\"\",d\n") == "a, \"b\"||c \n||d\n");
  CHECK(all_of("name\na\n#b\nc\n").ends_with("c||\n"));
}

TEST_CASE("CSV: what is wrong is told with its line") {
  CHECK(error_of("") ==
        "x.csv:0: is empty; its first line names the columns, of name, cidr, owner");
  CHECK(error_of("name,Cidr\n") ==
        "x.csv:1: there is no column `Cidr`; columns are name, cidr, owner");
  CHECK(error_of("#\ncidr\n") == "x.csv:2: the first line names the columns; `name` must be one");
  CHECK(error_of("name,name\n") == "x.csv:1: there are two columns `name`");
  CHECK(error_of("name,cidr\n\na\n") == "x.csv:3: has 1 cells; the first line has 2");
  CHECK(error_of("name,cidr\n\"a,b\n") ==
        "x.csv:2: a quotation mark opens a cell and none closes it");
}
