/// \file
/// Facts as lines of text, to be compared with what they should be.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/fact.hpp"
#include "flowlens/id.hpp"

namespace flowlens::test {

using Lines = std::vector<std::string>;

/// `10.0.0.1 name=web`, with ` since …` where it is so since a time; ascending.
inline Lines fact_lines(const std::vector<Fact>& facts) {
  Lines lines;
  for (const Fact& f : facts) {
    std::string line = f.subject.address.to_string() + " " + f.attribute + "=" + f.value;
    if (f.since) line += " since " + to_string(*f.since);
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Of the address alone, without it.
inline Lines fact_lines(const std::vector<Fact>& facts, std::string_view address) {
  const std::string front = std::string(address) + " ";
  Lines lines;
  for (const std::string& line : fact_lines(facts)) {
    if (line.starts_with(front)) lines.push_back(line.substr(front.size()));
  }
  return lines;
}

/// The fact that the machine holds an address.
inline std::string held_by(std::string_view identity, std::string_view since) {
  return "asset=" + derive_id(asset_namespace(), identity).to_string() + " since " +
         std::string(since);
}

inline std::filesystem::path write_file(const std::filesystem::path& path,
                                        std::string_view content) {
  std::ofstream(path, std::ios::binary).write(content.data(), std::ssize(content));
  return path;
}

/// What the call throws says; empty if it throws nothing.
template <typename Error, typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace flowlens::test
