#include "auth/access_token.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

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

std::string base64url(std::string_view octets) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : octets) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  return text;
}

/// A token such as somebody else would make, by hand: any header, claims, key and signature.
struct Forger {
  std::string header = R"({"alg":"HS256","typ":"JWT"})";
  std::string issuer = "flowlensd";
  std::string subject = random_id().to_string();
  std::string session = random_id().to_string();
  std::string expires = R"(,"exp":1795350600)";  // half an hour after noon
  std::string key = kKey;
  const EVP_MD* digest = EVP_sha256();  ///< null: no signature

  std::string make() const {
    const std::string claims = R"({"iss":")" + issuer + R"(","sub":")" + subject + R"(","sid":")" +
                               session + "\"" + expires + "}";
    const std::string text = base64url(header) + "." + base64url(claims);
    if (digest == nullptr) return text + ".";
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(digest, key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), code, &size);
    return text + "." + base64url({reinterpret_cast<const char*>(code), size});
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
  const auto is_refused = [&](const std::string& what, auto change) {
    CAPTURE(what);
    Forger forger;
    change(forger);
    CHECK_FALSE(tokens.read(forger.make(), kNoon).has_value());
  };
  const auto with_header = [](std::string header) {
    return [header = std::move(header)](Forger& f) { f.header = header; };
  };
  is_refused("no signature", [](Forger& f) { f.digest = nullptr; });
  for (const std::string name : {"none", "None", "NONE", "nOnE", ""}) {
    is_refused("algorithm " + name, [&](Forger& f) {
      f.header = R"({"alg":")" + name + R"(","typ":"JWT"})";
      f.digest = nullptr;
    });
  }
  is_refused("another algorithm, rightly signed by it", [](Forger& f) {
    f.header = R"({"alg":"HS512","typ":"JWT"})";
    f.digest = EVP_sha512();
  });
  is_refused("another algorithm than it was signed by",
             with_header(R"({"alg":"HS384","typ":"JWT"})"));
  is_refused("an asymmetric algorithm", with_header(R"({"alg":"RS256","typ":"JWT"})"));
  is_refused("no algorithm", with_header(R"({"typ":"JWT"})"));
  is_refused("an algorithm in a list", with_header(R"({"alg":["HS256"],"typ":"JWT"})"));
  is_refused("another type", with_header(R"({"alg":"HS256","typ":"refresh"})"));
  is_refused("no type", with_header(R"({"alg":"HS256"})"));
  is_refused("a header that is no object", with_header("[]"));
  is_refused("another key", [](Forger& f) { f.key += "!"; });
  is_refused("no key", [](Forger& f) { f.key = ""; });
  is_refused("another issuer", [](Forger& f) { f.issuer = "elsewhere"; });
  is_refused("no expiry", [](Forger& f) { f.expires = ""; });
  is_refused("an expiry in words", [](Forger& f) { f.expires = R"(,"exp":"1795350600")"; });
  is_refused("a broken expiry", [](Forger& f) { f.expires = R"(,"exp":1795350600.5)"; });
  is_refused("an expiry before the epoch", [](Forger& f) { f.expires = R"(,"exp":-1)"; });
  is_refused("an expiry that has passed", [](Forger& f) { f.expires = R"(,"exp":1795348800)"; });
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
