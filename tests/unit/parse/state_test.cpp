// Saved templates: what comes back, and what damaged octets do.
#include <doctest/doctest.h>

#include "support/ledgers.hpp"
#include "wire/sealed_state.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

const Fields kFields = {{8, 4}, {12, 4}, {4, 1}};
const Octets kRecord = ByteWriter{}.u32(1).u32(2).u8(6).take();

/// Knows a data and an options template of two exporters.
ParserUnderTest taught() {
  ParserUnderTest t;
  t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(1, 1));
  t.feed(MessageBuilder::ipfix()
             .template_set(256, {{8, 4}, {1, 8, 29305}, {96, kVariableLength}})
             .options_template_set(257, {{149, 4}}, {{34, 4}})
             .build(),
         session(1, 2));
  return t;
}

}  // namespace

TEST_CASE("state: data decodes after a restart before any template came") {
  const ParserUnderTest before = taught();
  const Octets state = before.parser.save_state();
  ParserUnderTest after;
  REQUIRE(after.parser.load_state(state).code == DiagnosticCode::none);
  CHECK(after.parser.counters().templates == 3);
  CHECK(after.feed(MessageBuilder::v9().data_set(256, kRecord).build(), session(1, 1)).clean());
  CHECK(after
            .feed(MessageBuilder::ipfix().data_set(257, ByteWriter{}.u32(0).u32(9)).build(),
                  session(1, 2))
            .clean());
  REQUIRE(after.sink.sets.size() == 2);
  CHECK(after.sink.sets[0].by_session);
  CHECK(after.sink.sets[1].is_options);
  // A template sent again unchanged is no news after the restart.
  after.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(1, 1));
  CHECK(after.sink.new_templates == 0);
}

TEST_CASE("state: saved, loaded and saved again, the octets are the same") {
  const Octets state = taught().parser.save_state();
  Parser parser;
  REQUIRE(parser.load_state(state).code == DiagnosticCode::none);
  CHECK(parser.save_state() == state);
  CHECK(Parser{}.save_state().size() == 14);
}

TEST_CASE("state: damage anywhere is refused and changes nothing") {
  const Octets state = taught().parser.save_state();
  for (std::size_t i = 0; i < state.size(); ++i) {
    CAPTURE(i);
    Parser parser;
    Octets bad = state;
    bad[i] ^= std::byte{0x01};
    CHECK(parser.load_state(bad).code != DiagnosticCode::none);
    CHECK(parser.load_state(ExactBlock{std::span{state}.first(i)}.span()).code !=
          DiagnosticCode::none);
    CHECK(parser.counters().templates == 0);
  }
}

TEST_CASE("state: a right checksum over wrong content is refused too") {
  const Octets good = taught().parser.save_state();
  struct Case {
    const char* name;
    std::size_t at;
    std::uint8_t value;
  };
  const Case cases[] = {
      {"more templates than there are", 9, 200},
      {"fewer templates than there are", 9, 1},
      {"a transport that does not exist", 30, 99},  // behind count, address and ports
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Octets bad{good.begin(), good.end() - 4};
    bad[c.at] = std::byte{c.value};
    wire::ByteWriter out;
    out.append(bad);
    Parser parser;
    CHECK(parser.load_state(wire::seal_state(std::move(out))).code ==
          DiagnosticCode::state_damaged);
    CHECK(parser.counters().templates == 0);
  }
}

TEST_CASE("state: bounds hold when loading") {
  const Octets state = taught().parser.save_state();
  ParserOptions options;
  options.max_templates = 2;
  Parser parser{options};
  CHECK(parser.load_state(state).code == DiagnosticCode::none);
  CHECK(parser.counters().templates == 2);
  CHECK(parser.counters().templates_evicted == 1);
}
