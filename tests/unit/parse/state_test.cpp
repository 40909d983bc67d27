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

TEST_CASE("state: of several parsers, in whatever order, the layout used last stands") {
  const Fields old_fields = {{8, 4}, {12, 4}, {5, 1}};
  const auto state_of = [](const Fields& fields, std::uint16_t port, int second) {
    ParserUnderTest t;
    t.feed(MessageBuilder::v9().template_set(256, fields).build(), session(port), received(second));
    return t.parser.save_state();
  };
  const auto field_of = [](const Parser& parser) {
    const ExporterStatus status = parser.status(session().exporter);
    return status.templates.empty() ? 0 : status.templates[0].fields[2].element.number;
  };
  const Octets recent = state_of(kFields, 1, 100);
  const Octets old = state_of(old_fields, 1, 50);
  for (const bool recent_first : {true, false}) {
    Parser parser;
    REQUIRE(parser.load_state(recent_first ? recent : old).code == DiagnosticCode::none);
    REQUIRE(parser.load_state(recent_first ? old : recent).code == DiagnosticCode::none);
    CHECK(parser.counters().templates == 1);
    CHECK(field_of(parser) == 4);
  }
  SUBCASE("also for ports that have none of their own") {
    const Octets other_port = state_of({{8, 4}}, 2, 50);
    ParserUnderTest t;
    REQUIRE(t.parser.load_state(recent).code == DiagnosticCode::none);
    REQUIRE(t.parser.load_state(other_port).code == DiagnosticCode::none);
    t.feed(MessageBuilder::v9().data_set(256, kRecord).build(), session(3), received(101));
    REQUIRE(t.sink.sets.size() == 1);
    CHECK(t.sink.sets[0].record_count == 1);
  }
}
