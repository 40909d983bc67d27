/// \file
/// store: how the tables in PostgreSQL came to be, version by version.
#pragma once

#include <span>

namespace flowlens::store::postgres {

/// Brings the schema to the next version. Never changed once released.
struct Migration {
  const char* sql;
  bool ends_with_resolved_views = false;
};
/// Number n brings it from version n to n + 1.
[[nodiscard]] std::span<const Migration> migrations() noexcept;

}  // namespace flowlens::store::postgres
