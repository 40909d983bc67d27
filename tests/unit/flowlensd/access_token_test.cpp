#include "auth/access_token.hpp"

#include <doctest/doctest.h>
#include <jwt.h>

#include <memory>
#include <string>

#include "auth/secrets.hpp"
#include "flowlens/error.hpp"

using namespace flowlensd;
using flowlens::Timestamp;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const Timestamp kNoon = *flowlens::parse_timestamp("2026-11-22T12:00:00Z");
const std::string kKey = "a key of some forty octets, as it should be";

AccessClaims claims() { return {random_id(), random_id(), kNoon + minutes{30}}; }

/// A token such as somebody else would make: any algorithm, key, header and claims.
struct Forger {
  jwt_alg_t algorithm = JWT_ALG_HS256;
  std::string key = kKey;
  std::string type = "JWT";
  std::string issuer = "flowlensd";
  std::string subject = random_id().to_string();
  std::string session = random_id().to_string();
  std::string expires = std::to_string(1795350600);  // half an hour after noon

  std::string make() const {
    jwt_t* jwt = nullptr;
    REQUIRE(jwt_new(&jwt) == 0);
    const std::unique_ptr<jwt_t, void (*)(jwt_t*)> owned{jwt, jwt_free};
    const auto* octets = reinterpret_cast<const unsigned char*>(key.data());
    const bool is_signed = algorithm != JWT_ALG_NONE;
    REQUIRE(jwt_set_alg(jwt, algorithm, is_signed ? octets : nullptr,
                        is_signed ? static_cast<int>(key.size()) : 0) == 0);
    if (!type.empty()) jwt_add_header(jwt, "typ", type.c_str());
    const std::string exp = expires.empty() ? "" : ", \"exp\": " + expires;
    const std::string all = R"({"iss": ")" + issuer + R"(", "sub": ")" + subject +
                            R"(", "sid": ")" + session + "\"" + exp + "}";
    REQUIRE(jwt_add_grants_json(jwt, all.c_str()) == 0);
    const std::unique_ptr<char, void (*)(void*)> text{jwt_encode_str(jwt), free};
    REQUIRE(text != nullptr);
    return text.get();
  }
};

}  // namespace

TEST_CASE("access token: what was made is read, until it expires") {
  for (const char* algorithm : {"HS256", "HS384", "HS512"}) {
    CAPTURE(algorithm);
    const AccessTokens tokens(algorithm, kKey);
    const AccessClaims given = claims();
    const std::string text = tokens.make(given, kNoon);
    CHECK(text.size() < 512);
    CHECK(tokens.read(text, kNoon) == given);
    CHECK(tokens.read(text, given.expires - seconds{1}) == given);
    CHECK_FALSE(tokens.read(text, given.expires).has_value());
  }
}

TEST_CASE("access token: only our key, algorithm, type, issuer and an expiry will do") {
  const AccessTokens tokens("HS256", kKey);
  CHECK(tokens.read(Forger{}.make(), kNoon).has_value());
  const auto is_refused = [&](const char* what, auto change) {
    CAPTURE(what);
    Forger forger;
    change(forger);
    CHECK_FALSE(tokens.read(forger.make(), kNoon).has_value());
  };
  is_refused("no signature", [](Forger& f) { f.algorithm = JWT_ALG_NONE; });
  is_refused("another algorithm", [](Forger& f) { f.algorithm = JWT_ALG_HS512; });
  is_refused("another key", [](Forger& f) { f.key += "!"; });
  is_refused("another type", [](Forger& f) { f.type = "refresh"; });
  is_refused("another issuer", [](Forger& f) { f.issuer = "elsewhere"; });
  is_refused("no expiry", [](Forger& f) { f.expires = ""; });
  is_refused("an expiry in words", [](Forger& f) { f.expires = "\"1795350600\""; });
  is_refused("an expiry before the epoch", [](Forger& f) { f.expires = "-1"; });
  is_refused("an expiry that has passed", [](Forger& f) { f.expires = "1795348800"; });
  is_refused("no user", [](Forger& f) { f.subject = "admin"; });
  is_refused("no session", [](Forger& f) { f.session = ""; });
}

TEST_CASE("access token: a public key that both sides know makes no token of ours") {
  // RSA's public key as HMAC key: the classic confusion of algorithms.
  const std::string key =
      "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL\n-----END PUBLIC KEY-----\n";
  const AccessTokens tokens("HS384", key);
  Forger forger;
  forger.key = key;
  CHECK_FALSE(tokens.read(forger.make(), kNoon).has_value());
}

TEST_CASE("access token: one changed letter anywhere, and it is refused") {
  const AccessTokens tokens("HS256", kKey);
  const std::string text = tokens.make(claims(), kNoon);
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    std::string changed = text;
    // Of the last letter of a part some bits are padding: turn one that is not.
    changed[i] = changed[i] == 'A' ? 'Q' : 'A';
    CHECK_FALSE(tokens.read(changed, kNoon).has_value());
  }
}

TEST_CASE("access token: what is no token is refused") {
  const AccessTokens tokens("HS256", kKey);
  const std::string good = tokens.make(claims(), kNoon);
  const std::string cases[] = {"",
                               ".",
                               "..",
                               "...",
                               "a.b.c",
                               good + ".",
                               good + "A",
                               "." + good,
                               good.substr(0, good.rfind('.')),
                               good.substr(0, good.rfind('.') + 1),
                               std::string("\0", 1) + good,
                               good + std::string("\0", 1),
                               std::string(1'000'000, 'A'),
                               std::string(900, '.'),
                               "\xff\xfe." + good};
  for (const std::string& text : cases) {
    CAPTURE(text.substr(0, 40));
    CHECK_FALSE(tokens.read(text, kNoon).has_value());
  }
}

TEST_CASE("access token: no key and no algorithm of ours, no start") {
  CHECK_THROWS_AS(AccessTokens("HS256", ""), flowlens::ConfigError);
  CHECK_THROWS_AS(AccessTokens("none", kKey), flowlens::ConfigError);
  CHECK_THROWS_AS(AccessTokens("RS256", kKey), flowlens::ConfigError);
}
