/// \file
/// auth: access tokens: JSON Web Tokens (RFC 7519) that only flowlensd makes and reads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowlens/id.hpp"
#include "flowlens/time.hpp"

namespace flowlensd {

/// What a token says. What its bearer may do is not in it: the store knows that as of now.
struct AccessClaims {
  flowlens::Id user;
  flowlens::Id session;
  flowlens::Timestamp expires;

  friend bool operator==(const AccessClaims&, const AccessClaims&) = default;
};

/// Immutable; thread-safe.
class AccessTokens {
 public:
  /// \param algorithm  HS256, HS384 or HS512. \param key  not empty.
  /// \throws flowlens::ConfigError
  AccessTokens(std::string_view algorithm, std::string key);

  [[nodiscard]] std::string make(const AccessClaims& claims, flowlens::Timestamp now) const;
  /// \return nothing unless this key has signed it by this algorithm, and it has not expired.
  [[nodiscard]] std::optional<AccessClaims> read(std::string_view token,
                                                 flowlens::Timestamp now) const;

 private:
  int algorithm_;
  std::string key_;
};

}  // namespace flowlensd
