/// \file
/// Facts as lines, and files to read them from.
#pragma once

#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/fact_lister.hpp"
#include "support/temporary_folder.hpp"

namespace flowlens::test {

/// `10.0.0.1 name=a`
inline std::vector<std::string> lines_of(const std::vector<Fact>& facts) {
  std::vector<std::string> lines;
  for (const Fact& f : facts) {
    lines.push_back(f.subject.address.to_string() + ' ' + f.attribute + '=' + f.value);
  }
  return lines;
}

/// Files of one test.
class FactFolder {
 public:
  std::filesystem::path write(const std::string& name, std::string_view text) {
    const std::filesystem::path path = folder_.path / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << text;
    return path;
  }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return folder_.path; }

 private:
  TemporaryFolder folder_;
};

using Lines = std::vector<std::string>;

}  // namespace flowlens::test
