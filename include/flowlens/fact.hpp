/// \file
/// graph: facts, what is known of an asset otherwise than from flows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowlens/endpoint.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Who says so; of two facts the one further down the list wins.
enum class FactSource : std::uint8_t { observed, inferred, dns, cloud, inventory, declared };
/// `inventory`
[[nodiscard]] std::string_view to_string(FactSource s) noexcept;

/// One statement about an endpoint. Four attributes change the map:
/// * `name`: of the asset that holds the endpoint.
/// * `asset`: the id of the asset that holds it, since `since`. Several such facts merge assets or
///   split one (facts_to_merge(), facts_to_split() in dependency_graph.hpp). An id not in use makes a
///   new asset. Recorded traffic is not touched: it stays between endpoints.
/// * `type`: what the asset that holds the endpoint is, as in asset_type.hpp, and of choice a space and
///   how sure that is (0 to 1). `unknown` by who has the last word takes back what he said.
/// * `intermediary`: the id of an IntermediaryRow with this front, a space, and what is said of it:
///   `proposed`, `accepted` or `rejected`.
///
/// All others are kept and shown, such as `cloud.region` or `kubernetes.namespace`: see
/// is_valid_attribute().
struct Fact {
  Endpoint subject;
  std::string attribute;
  std::string value;  ///< empty: this origin says nothing of it any more
  FactSource source = FactSource::observed;
  Timestamp at;
  std::optional<Timestamp> expires;
  std::optional<Timestamp> since{};  ///< from when it is so; nothing: all along
  /// Which of its source's says so: a file, a server, an account. `hosts:/etc/hosts`, `aws:eu-west-1`.
  std::string origin{};
  friend bool operator==(const Fact&, const Fact&) = default;
};

inline constexpr std::size_t kLongestAttribute = 64;    ///< octets
inline constexpr std::size_t kLongestFactValue = 1024;  ///< octets
inline constexpr std::size_t kLongestOrigin = 256;      ///< octets

/// Words of lower-case letters, digits and `_`, with points in between.
[[nodiscard]] bool is_valid_attribute(std::string_view attribute) noexcept;

}  // namespace flowlens
