// Sampling rates: where they come from, and saved state.
#include <doctest/doctest.h>

#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;

TEST_CASE("sampling: in the record, by sampler, by domain; 0 says nothing") {
  struct Case {
    const char* name;
    Fields scope, options;
    std::vector<std::uint64_t> told;
    Fields data;
    std::vector<std::uint64_t> values;
    std::uint32_t rate;
    SamplingSource source;
  };
  using S = SamplingSource;
  const Fields domain = {{149, 4}};
  const Case cases[] = {
      {"nothing is told", domain, {{42, 4}}, {0, 5}, {}, {}, 1, S::unknown},
      {"interval", domain, {{34, 4}}, {0, 100}, {}, {}, 100, S::options},
      {"interval 0", domain, {{34, 4}}, {0, 0}, {}, {}, 1, S::unknown},
      {"taken and passed over", domain, {{305, 4}, {306, 4}}, {0, 2, 198}, {}, {}, 100, S::options},
      {"taken only", domain, {{305, 4}}, {0, 50}, {}, {}, 50, S::options},
      {"size and population",
       domain,
       {{309, 4}, {310, 4}},
       {0, 10, 5'000},
       {},
       {},
       500,
       S::options},
      {"sampler 2",
       domain,
       {{48, 1}, {49, 1}, {50, 4}},
       {0, 2, 2, 400},
       {{48, 1}},
       {2},
       400,
       S::options},
      {"another sampler", domain, {{48, 1}, {50, 4}}, {0, 2, 400}, {{48, 1}}, {3}, 1, S::unknown},
      {"selector", domain, {{302, 8}, {305, 4}}, {0, 9, 70}, {{302, 4}}, {9}, 70, S::options},
      {"of one interface: not of all", {{10, 4}}, {{34, 4}}, {7, 100}, {}, {}, 1, S::unknown},
      {"the record against options", domain, {{34, 4}}, {0, 100}, {{34, 4}}, {20}, 20, S::record},
      {"0 in the record", domain, {{34, 4}}, {0, 100}, {{34, 4}}, {0}, 100, S::options},
      {"305 and 306 in the record",
       domain,
       {{42, 4}},
       {0, 1},
       {{305, 4}, {306, 4}},
       {1, 9},
       10,
       S::record},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    DecoderUnderTest t;
    Fields all = c.scope;
    all.insert(all.end(), c.options.begin(), c.options.end());
    ByteWriter options;
    for (std::size_t i = 0; i < all.size(); ++i) options.number(c.told[i], all[i].length);
    t.feed(MessageBuilder::ipfix()
               .options_template_set(300, c.scope, c.options)
               .data_set(300, options)
               .build());
    ByteWriter record = key();
    for (std::size_t i = 0; i < c.values.size(); ++i) record.number(c.values[i], c.data[i].length);
    const auto flows = t.feed(
        MessageBuilder::ipfix().template_set(256, key_and(c.data)).data_set(256, record).build());
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].sampling_rate == c.rate);
    CHECK(flows[0].sampling_source == c.source);
  }
}

TEST_CASE(
    "sampling: by v9 options of system scope, marked for other domains; not of another exporter") {
  DecoderUnderTest t;
  t.feed(MessageBuilder::v9()
             .options_template_set(300, {{1, 4}}, {{34, 4}, {35, 1}})
             .data_set(300, ByteWriter{}.u32(0).u32(64).u8(1))
             .build());
  const auto data = [](std::uint32_t domain) {
    return MessageBuilder::v9()
        .domain(domain)
        .template_set(256, key_and({}))
        .data_set(256, key())
        .build();
  };
  CHECK(t.feed(data(7)).at(0).sampling_rate == 64);
  CHECK(t.feed(data(7), session(9, 77)).at(0).sampling_rate == 1);
  const FlowRecord other = t.feed(data(8)).at(0);
  CHECK(other.sampling_rate == 64);
  CHECK(other.sampling_source == SamplingSource::other_domain);
  CHECK(t.decoder.counters().sampling_rates == 1);
}

TEST_CASE("sampling: the bound on samplers holds") {
  DecoderOptions options;
  options.normalizer.max_facts_per_exporter = 4;
  DecoderUnderTest t{options};
  for (std::uint32_t id = 1; id <= 100; ++id) {
    t.feed(MessageBuilder::v9()
               .options_template_set(300, {{1, 4}}, {{48, 4}, {50, 4}})
               .data_set(300, ByteWriter{}.u32(0).u32(id).u32(1'000 + id))
               .build());
  }
  CHECK(t.decoder.counters().sampling_rates == 4);
}

TEST_CASE("decoder: state brings templates, sampling and boot times back; damage changes nothing") {
  DecoderUnderTest before;
  before.feed(MessageBuilder::ipfix()
                  .template_set(256, key_and({{22, 4}}))
                  .options_template_set(300, {{149, 4}}, {{34, 4}, {160, 8}})
                  .data_set(300, ByteWriter{}.u32(0).u32(64).u64(kExport * 1000ull - kUptime))
                  .build());
  const auto state = before.decoder.save_state();
  DecoderUnderTest after;
  REQUIRE(after.decoder.load_state(state).code == DiagnosticCode::none);
  CHECK(after.decoder.save_state() == state);
  const auto flows =
      after.feed(MessageBuilder::ipfix().data_set(256, key().u32(kUptime - 5'000)).build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].sampling_rate == 64);
  CHECK(flows[0].start == export_plus_ms(-5'000));
  for (std::size_t i = 0; i < state.size(); ++i) {
    CAPTURE(i);
    Octets bad = state;
    bad[i] ^= std::byte{0x40};
    Decoder decoder;
    CHECK(decoder.load_state(bad).code != DiagnosticCode::none);
    CHECK(decoder.parser().counters().templates == 0);
    CHECK(decoder.counters().sampling_rates == 0);
  }
}
