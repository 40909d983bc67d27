#include "flowlens/id.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/sha1.hpp"

using namespace flowlens;

namespace {
std::string hex_digest(std::string_view message) {
  std::string text;
  for (const std::uint8_t b :
       base::sha1({reinterpret_cast<const std::uint8_t*>(message.data()), message.size()})) {
    text += "0123456789abcdef"[b >> 4];
    text += "0123456789abcdef"[b & 15];
  }
  return text;
}
}  // namespace

TEST_CASE("sha1: the test vectors of RFC 3174, and lengths around a block") {
  CHECK(hex_digest("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(hex_digest("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(hex_digest(std::string(64, 'a')) == "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST_CASE("id: UUIDv5 as anyone can compute it (Python: uuid.uuid5)") {
  CHECK(asset_namespace().to_string() == "f1920945-838c-522e-8467-7239dbc72f0f");
  CHECK(dependency_namespace().to_string() == "a5d86e09-646d-5d5e-9498-e72159285737");
  CHECK(derive_id(asset_namespace(), "default/10.0.0.1/0").to_string() ==
        "ec7a13df-ad32-5b82-bea3-747cb66ea695");
}

TEST_CASE("id: text and back, and what is refused") {
  const Id id = derive_id(asset_namespace(), "x");
  CHECK(Id::parse(id.to_string()) == id);
  for (const char* text :
       {"", "f1920945", "f1920945838c522e84677239dbc72f0f", "g1920945-838c-522e-8467-7239dbc72f0f",
        "f1920945-838c-522e-8467-7239dbc72f0f0", "f1920945_838c_522e_8467_7239dbc72f0f"}) {
    CAPTURE(text);
    CHECK_FALSE(Id::parse(text));
  }
}
