/// \file
/// config: the nearest known name for one that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flowlensd {

/// `; did you mean api.port?`, or nothing where no candidate is near.
[[nodiscard]] std::string suggestion(std::string_view name,
                                     const std::vector<std::string_view>& candidates);

}  // namespace flowlensd
