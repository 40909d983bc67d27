#include "auth/access_token.hpp"

#include <jwt.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <utility>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

using flowlens::Id;
using flowlens::Timestamp;
using Jwt = std::unique_ptr<jwt_t, void (*)(jwt_t*)>;

constexpr std::size_t kMaxTokenOctets = 1'024;  // ours have some 300
constexpr const char* kIssuer = "flowlensd";

constexpr std::array kAlgorithms{std::pair{"HS256", JWT_ALG_HS256},
                                 std::pair{"HS384", JWT_ALG_HS384},
                                 std::pair{"HS512", JWT_ALG_HS512}};

jwt_alg_t algorithm_named(std::string_view name) {
  for (const auto& [text, algorithm] : kAlgorithms) {
    if (name == text) return algorithm;
  }
  throw flowlens::ConfigError("AUTH_ALGORITHM: `" + std::string(name) + "` is none of ours");
}

long seconds_of(Timestamp t) {
  return static_cast<long>(std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count());
}

void check(int error, const char* what) {
  if (error != 0) throw flowlens::IoError(std::string("an access token cannot be made: ") + what);
}

std::string_view text_of(const char* text) { return text == nullptr ? std::string_view{} : text; }

}  // namespace

AccessTokens::AccessTokens(std::string_view algorithm, std::string key)
    : algorithm_(algorithm_named(algorithm)), key_(std::move(key)) {
  // Without a key libjwt takes what it is given unread.
  if (key_.empty()) throw flowlens::ConfigError("AUTH_SECRET_KEY: the key is empty");
}

std::string AccessTokens::make(const AccessClaims& claims, Timestamp now) const {
  jwt_t* made = nullptr;
  check(jwt_new(&made), "no memory");
  const Jwt jwt{made, jwt_free};
  check(jwt_set_alg(made, static_cast<jwt_alg_t>(algorithm_),
                    reinterpret_cast<const unsigned char*>(key_.data()),
                    static_cast<int>(key_.size())),
        "the key does not fit");
  check(jwt_add_grant(made, "iss", kIssuer), "iss");
  check(jwt_add_grant(made, "sub", claims.user.to_string().c_str()), "sub");
  check(jwt_add_grant(made, "sid", claims.session.to_string().c_str()), "sid");
  check(jwt_add_grant_int(made, "iat", seconds_of(now)), "iat");
  check(jwt_add_grant_int(made, "exp", seconds_of(claims.expires)), "exp");
  const std::unique_ptr<char, void (*)(void*)> text{jwt_encode_str(made), std::free};
  check(text == nullptr, "no memory");
  return text.get();
}

std::optional<AccessClaims> AccessTokens::read(std::string_view token, Timestamp now) const {
  if (token.empty() || token.size() > kMaxTokenOctets) return std::nullopt;
  if (token.find('\0') != token.npos) return std::nullopt;
  jwt_t* read = nullptr;
  const std::string text(token);
  if (jwt_decode(&read, text.c_str(), reinterpret_cast<const unsigned char*>(key_.data()),
                 static_cast<int>(key_.size())) != 0) {
    return std::nullopt;
  }
  const Jwt jwt{read, jwt_free};
  // libjwt goes by the algorithm that the token names: it must be ours.
  if (jwt_get_alg(read) != algorithm_) return std::nullopt;
  if (text_of(jwt_get_header(read, "typ")) != "JWT") return std::nullopt;
  if (text_of(jwt_get_grant(read, "iss")) != kIssuer) return std::nullopt;
  const auto user = Id::parse(text_of(jwt_get_grant(read, "sub")));
  const auto session = Id::parse(text_of(jwt_get_grant(read, "sid")));
  errno = 0;
  const long expires = jwt_get_grant_int(read, "exp");  // 0 and errno where there is none
  if (errno != 0 || expires <= seconds_of(now) || !user || !session) return std::nullopt;
  return AccessClaims{*user, *session, Timestamp{std::chrono::seconds{expires}}};
}

}  // namespace flowlensd
