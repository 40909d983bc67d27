/// \file
/// graph: facts, what is known of an asset otherwise than from flows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "flowlens/endpoint.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Who says so; of two facts the one further down the list wins.
enum class FactSource : std::uint8_t { observed, dns, cloud, inventory, declared };

/// One statement about an endpoint. This release knows the attribute `name`.
struct Fact {
  Endpoint subject;
  std::string attribute;
  std::string value;
  FactSource source = FactSource::observed;
  Timestamp at;
  std::optional<Timestamp> expires;
};

}  // namespace flowlens
