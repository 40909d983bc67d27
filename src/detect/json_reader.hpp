/// \file
/// detect: JSON of people, read strictly. Every message says where it is about.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/time.hpp"

namespace flowlens::detect {

using Json = nlohmann::ordered_json;

/// \throws ConfigError with line and column of what is no JSON.
[[nodiscard]] Json read_json(std::string_view text, const std::string& name);

/// A value, and where it stands. Refers to the Json, which outlives it. All members but those that say
/// so throw ConfigError for what does not fit.
class JsonNode {
 public:
  JsonNode(const Json& json, std::string where) : json_(&json), where_(std::move(where)) {}

  [[noreturn]] void fail(const std::string& what) const;
  [[nodiscard]] bool is_null() const noexcept { return json_->is_null(); }

  /// An object with no other members than these.
  void expect_object(std::initializer_list<std::string_view> members) const;
  /// \return nothing where it is not there, or null. Never throws.
  [[nodiscard]] std::optional<JsonNode> find(std::string_view member) const;
  [[nodiscard]] JsonNode at(std::string_view member) const;
  /// The items of an array with `least` to `most`.
  [[nodiscard]] std::vector<JsonNode> items(std::size_t least, std::size_t most) const;

  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int32_t number() const;
  /// With `least` to `most` octets, of UTF-8 and without control characters but line feeds.
  [[nodiscard]] std::string text(std::size_t least, std::size_t most) const;
  /// `90s`, `15m`, `10h`, `7d`
  [[nodiscard]] std::chrono::seconds duration(std::chrono::seconds least,
                                              std::chrono::seconds most) const;
  /// `2026-11-21T10:09:00Z`
  [[nodiscard]] Timestamp time() const;
  /// `08:30`
  [[nodiscard]] std::chrono::minutes time_of_day() const;
  /// `UTC`, `+01:00`, `-05:30`
  [[nodiscard]] std::chrono::minutes utc_offset() const;

 private:
  const Json* json_;
  std::string where_;
};

// The other way round.
[[nodiscard]] std::string duration_text(std::chrono::seconds duration);
[[nodiscard]] std::string time_of_day_text(std::chrono::minutes of_day);
[[nodiscard]] std::string utc_offset_text(std::chrono::minutes ahead);

}  // namespace flowlens::detect
