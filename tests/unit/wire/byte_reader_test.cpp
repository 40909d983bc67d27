#include "wire/byte_reader.hpp"

#include <doctest/doctest.h>

#include "support/message_builder.hpp"
#include "wire/sealed_state.hpp"

using namespace flowlens;
using namespace flowlens::test;
using wire::ByteReader;

TEST_CASE("byte reader: numbers in network byte order, then zeros and a failed reader") {
  const Octets octets = from_hex("01 0203 04050607 08090a0b0c0d0e0f 10");
  ByteReader in{octets};
  CHECK(in.u8() == 0x01);
  CHECK(in.u16() == 0x0203);
  CHECK(in.u32() == 0x04050607);
  CHECK(in.u64() == 0x08090a0b0c0d0e0f);
  CHECK(in.remaining() == 1);
  CHECK(in.ok());
  CHECK(in.u16() == 0);
  CHECK_FALSE(in.ok());
  CHECK(in.remaining() == 0);
  CHECK(in.u8() == 0);  // a failed reader stays failed, also where an octet would be left
}

TEST_CASE("byte reader: taking more than there is gives nothing") {
  const Octets octets = from_hex("0102 0304");
  struct Case {
    std::size_t first;
    std::size_t second;
    bool ok;
  };
  const Case cases[] = {{0, 4, true},
                        {4, 0, true},
                        {5, 0, false},
                        {2, 3, false},
                        {~std::size_t{0}, 0, false},
                        {1, ~std::size_t{0}, false}};
  for (const Case& c : cases) {
    CAPTURE(c.first);
    CAPTURE(c.second);
    ByteReader in{octets};
    in.skip(c.first);
    const auto taken = in.take(c.second);
    CHECK(in.ok() == c.ok);
    CHECK(taken.size() == (c.ok ? c.second : 0));
  }
}

TEST_CASE("saved state: any damage is noticed") {
  wire::ByteWriter out = wire::begin_state(0x11223344, 3);
  out.u32(0xdeadbeef).u16(7);
  const Octets good = wire::seal_state(std::move(out));
  std::span<const std::byte> content;
  REQUIRE(wire::open_state(good, 0x11223344, 3, content).code == DiagnosticCode::none);
  CHECK(content.size() == 6);
  CHECK(wire::open_state(good, 0x11223345, 3, content).code == DiagnosticCode::state_damaged);
  CHECK(wire::open_state(good, 0x11223344, 4, content).code == DiagnosticCode::unknown_version);
  for (std::size_t i = 0; i < good.size(); ++i) {
    CAPTURE(i);
    Octets bad = good;
    bad[i] ^= std::byte{0x10};
    CHECK(wire::open_state(bad, 0x11223344, 3, content).code != DiagnosticCode::none);
    CHECK(wire::open_state(std::span{good}.first(i), 0x11223344, 3, content).code !=
          DiagnosticCode::none);
  }
  CHECK(base::crc32(from_hex("31 32 33 34 35 36 37 38 39")) == 0xcbf43926);  // the check value
}
