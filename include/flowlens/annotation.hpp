/// \file
/// graph: what people say of an asset or a dependency besides name, type and holder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/id.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

enum class Criticality : std::uint8_t { unknown, low, medium, high, critical };
inline constexpr std::size_t kCriticalityCount = 5;
[[nodiscard]] std::string_view to_string(Criticality c) noexcept;
[[nodiscard]] std::optional<Criticality> parse_criticality(std::string_view text) noexcept;

/// All that is said of one subject; a new one takes the place of the one before.
struct Annotation {
  Id subject;
  std::vector<std::string> tags;  ///< ascending, each once; see is_valid_tag()
  std::string notes;
  std::string owner;
  Criticality criticality = Criticality::unknown;
  bool is_declared = false;   ///< somebody has said that it is there: it stays without traffic
  bool is_confirmed = false;  ///< somebody has looked at it, and says that it is right
  std::string said_by;
  Timestamp said_at;

  /// Whether it says nothing: then none is kept.
  [[nodiscard]] bool empty() const noexcept {
    return tags.empty() && notes.empty() && owner.empty() && criticality == Criticality::unknown &&
           !is_declared && !is_confirmed;
  }
  friend bool operator==(const Annotation&, const Annotation&) = default;
};

inline constexpr std::size_t kMostTags = 64;
inline constexpr std::size_t kLongestTag = 64;       ///< octets
inline constexpr std::size_t kLongestNotes = 4'096;  ///< octets
inline constexpr std::size_t kLongestOwner = 256;    ///< octets

/// One to kLongestTag octets, no comma, no control character, no space at an end.
[[nodiscard]] bool is_valid_tag(std::string_view tag) noexcept;
/// Whether all of it keeps to the bounds above, tags in order.
[[nodiscard]] bool is_valid(const Annotation& annotation) noexcept;

}  // namespace flowlens
