/// \file
/// arrow: which columns of a table are wanted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/arrow.hpp"

namespace flowlens::arrow {

/// Positions in `known` of what `options` asks for. \param what  for messages: `flows`.
/// \throws ConfigError for a name that is unknown or comes twice, and for no rows a batch.
[[nodiscard]] std::vector<std::size_t> chosen_columns(const ArrowOptions& options,
                                                      const std::vector<std::string_view>& known,
                                                      std::string_view what);

}  // namespace flowlens::arrow
