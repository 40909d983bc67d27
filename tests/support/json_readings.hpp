/// \file
/// Holds the two readers of JSON objects against each other.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "collect/json_record.hpp"

namespace flowlens::test {

/// What a record holds, with the places of its values.
inline std::vector<std::string> shown(const collect::JsonRecord& record, std::size_t paths,
                                      const char* begin) {
  std::vector<std::string> lines;
  const auto show = [&](std::string_view text, const char* at) {
    lines.push_back(at == nullptr ? "-" : std::to_string(at - begin) + ' ' + std::string(text));
  };
  for (std::size_t i = 0; i < paths; ++i) show(record.value(i).text, record.value(i).at);
  for (const collect::JsonText& t : record.list()) show(t.text, t.at);
  return lines;
}

/// How an object was read.
struct JsonReading {
  bool is_scanned = false;  ///< the scanner took it
  bool do_agree = true;     ///< if it did: the parser takes it too, and finds the same
};

inline JsonReading read_both_ways(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kPaths = {
      "a", "b", "a.b", "a.a.b", "", "ts", "id.orig_h", "flow.start", "proto"};
  // Of its own size, so that a sanitizer sees who reads past it.
  const std::vector<char> block(text.begin(), text.end());
  const std::string_view object(block.data(), block.size());
  const FlowLogOptions options;
  collect::LogOutput out(options);
  out.begin(object, 1);
  collect::JsonRecord scanned(kPaths, "a.l"), parsed(kPaths, "a.l");
  JsonReading reading;
  reading.is_scanned = scanned.scan(object);
  const bool is_good = parsed.parse(object, out);
  if (reading.is_scanned) {
    reading.do_agree = is_good && shown(scanned, kPaths.size(), object.data()) ==
                                      shown(parsed, kPaths.size(), object.data());
  }
  return reading;
}

}  // namespace flowlens::test
