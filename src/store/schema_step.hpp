/// \file
/// store: which steps from one version of a schema to another there are.
#pragma once

#include <cstdint>
#include <string>

#include "flowlens/error.hpp"
#include "flowlens/store.hpp"

namespace flowlens::store {

/// \throws ConfigError if the schema cannot be brought from the version found to `to`.
inline void check_step(const SchemaVersion& version, std::uint32_t to) {
  const std::string found = std::to_string(version.found);
  if (to > version.newest) {
    throw ConfigError("store: there is no schema version " + std::to_string(to) +
                      "; this release knows up to " + std::to_string(version.newest));
  }
  if (to < version.found) {
    throw ConfigError("store: the schema has version " + found + " and cannot go back to " +
                      std::to_string(to) +
                      ", which would lose what later versions keep; restore a "
                      "backup that was made before");
  }
}

}  // namespace flowlens::store
