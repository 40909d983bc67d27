/// \file
/// config: names that administrators were promised and that have no effect in this release. They
/// are accepted with a warning, so that a complete configuration file starts the daemon.
#pragma once

#include <span>
#include <string_view>

namespace flowlensd {

/// Environment variables of FlowLens, for later releases.
[[nodiscard]] std::span<const std::string_view> later_variables() noexcept;
/// Variables that stand in the same files but belong to other images: ignored.
[[nodiscard]] std::span<const std::string_view> other_variables() noexcept;
/// YAML keys for later releases.
[[nodiscard]] std::span<const std::string_view> later_keys() noexcept;

}  // namespace flowlensd
