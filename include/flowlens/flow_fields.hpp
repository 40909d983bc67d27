/// \file
/// enrich: what a filter can ask of a flow.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "flowlens/field_table.hpp"
#include "flowlens/flow_record.hpp"

namespace flowlens {

/// Values that were not exported are not there for a comparison; `has FIELD` tells.
[[nodiscard]] const FieldTableOf<FlowRecord>& flow_fields() noexcept;

/// The port of a service by its name in lower case, the first where it has several.
[[nodiscard]] std::optional<std::uint64_t> port_of_service(std::string_view name) noexcept;
/// The IANA number of a protocol by its common name in lower case.
[[nodiscard]] std::optional<std::uint64_t> number_of_protocol(std::string_view name) noexcept;
/// The other way round; empty for a number without a common name.
[[nodiscard]] std::string_view name_of_protocol(std::uint64_t number) noexcept;

}  // namespace flowlens
