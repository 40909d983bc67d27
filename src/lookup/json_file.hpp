/// \file
/// lookup: JSON documents of others: bounded, and read without what nobody needs of them.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens::lookup {

using Json = nlohmann::json;

/// Parses a document; members that only take room (what runs within a pod, who changed it when) are left
/// out. \param name  what it is called in errors.
/// \throws IoError with line and column where it is no JSON, nests too deep or has too many values.
Json parse_json(std::string_view document, const std::string& name);

/// The member of an object; null if there is none, or `object` is none.
const Json& member(const Json& object, std::string_view name) noexcept;
/// The text at the member, empty if it is none. Valid as long as `object`.
std::string_view text_of(const Json& object, std::string_view name) noexcept;
/// The array at the member, an empty one if it is none.
const Json& list_of(const Json& object, std::string_view name) noexcept;
std::optional<IpAddress> address_of(const Json& object, std::string_view name) noexcept;
/// RFC 3339 with any offset: `2026-11-22T10:00:00.000-08:00`.
std::optional<Timestamp> time_of(const Json& object, std::string_view name) noexcept;

std::optional<Timestamp> parse_time(std::string_view text) noexcept;

}  // namespace flowlens::lookup
