#include <doctest/doctest.h>

#include <fstream>

#include "config/own_elements.hpp"
#include "flowlens/error.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;

namespace {

std::string refusal(const std::string& path) {
  try {
    (void)read_elements(path);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("own elements: read from a file; a wrong one is named with its line") {
  const test::TemporaryFolder folder;
  const std::string file = (folder.path / "mine.csv").string();
  std::ofstream(file) << "enterprise,number,name,type,semantics,units\n"
                         "32473,1,doorOpenCount,unsigned32,deltaCounter,\n";
  const auto elements = read_elements(file);
  CHECK(elements->name_of({32'473, 1}) == "doorOpenCount");
  CHECK(elements->added() == 1);

  std::ofstream(file, std::ios::app) << "32473,2,doorName,text,,\n";
  CHECK(refusal(file).find("mine.csv:3") != std::string::npos);
  CHECK(refusal((folder.path / "none.csv").string()).find("none.csv: cannot be read") !=
        std::string::npos);
  CHECK(refusal(folder.path.string()).find("cannot be read") != std::string::npos);
}
