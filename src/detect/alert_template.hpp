/// \file
/// detect: templates of titles and texts; alert_rules.hpp has the public part.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace flowlens::detect {

/// The octet of the first brace that opens or closes nothing, or encloses what is no placeholder.
[[nodiscard]] std::optional<std::size_t> wrong_brace(std::string_view text);

}  // namespace flowlens::detect
