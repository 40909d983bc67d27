/// \file
/// lookup: the entries of one published list of ranges.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/cloud_ranges.hpp"

namespace flowlens::lookup {

struct RangeEntry {
  IpPrefix network;
  CloudRange says;  ///< without its origin
};

struct RangeFile {
  std::vector<RangeEntry> entries;
  std::uint64_t refused = 0;  ///< no networks
};

/// Tells by the content of which kind it is. \param name  what it is called in errors.
/// \throws IoError if it is of no kind.
RangeFile read_ranges(std::string_view content, const std::string& name);

}  // namespace flowlens::lookup
