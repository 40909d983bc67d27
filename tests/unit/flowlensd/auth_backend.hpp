/// \file
/// The database that the auth store's contract runs against.
#pragma once

#include <memory>

#include "auth/sql.hpp"

namespace flowlensd {

/// One empty database, gone with this.
class AuthBackend {
 public:
  virtual ~AuthBackend() = default;
  /// Opens it, once more if it was.
  virtual std::unique_ptr<sql::Database> open() = 0;
};

/// Each program has one.
std::unique_ptr<AuthBackend> make_auth_backend();

}  // namespace flowlensd
