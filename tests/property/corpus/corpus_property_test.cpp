// What holds of every stream: real ones, where the corpus is, and built ones.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "property/corpus/streams.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

Subject fed(const Stream& stream, std::size_t begin, std::size_t end) {
  Subject subject;
  for (std::size_t i = begin; i < end; ++i) subject.feed(stream.feeds[i]);
  return subject;
}

/// Whether `part` is the beginning of `whole`.
bool is_prefix(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

/// How often a property is tried on each datagram, so that the whole takes seconds; `./dev test
/// --long` sets FLOWLENS_LONG and gets all of them.
bool is_long() { return std::getenv("FLOWLENS_LONG") != nullptr; }

}  // namespace

TEST_CASE("property: every prefix of a datagram yields a prefix of the whole's records") {
  for (const Stream& stream : all_streams()) {
    CAPTURE(stream.name);
    const std::size_t step = is_long() ? 1 : 7;
    for (std::size_t i = 0; i < std::min<std::size_t>(stream.feeds.size(), is_long() ? 1'000 : 4);
         ++i) {
      const Feed& feed = stream.feeds[i];
      Subject before = fed(stream, 0, i);
      Subject whole;
      whole.load_from(before);
      whole.feed(feed);
      for (std::size_t size = i % step; size < feed.octets.size(); size += step) {
        CAPTURE(size);
        Subject part;
        part.load_from(before);
        part.feed(std::span{feed.octets}.first(size), feed.session, feed.received);
        REQUIRE(part.problem() == "");
        REQUIRE(is_prefix(part.records_of(stream), whole.records_of(stream)));
      }
    }
  }
}

TEST_CASE("property: a corrupt octet is safe, keeps the ledgers and makes no more than fits") {
  constexpr std::uint8_t kPatterns[] = {0x00, 0xff, 0x01, 0x80, 0x7f, 0x0a, 0x40, 0xfe};
  const int patterns = is_long() ? 256 : 8;
  std::uint64_t tried = 0;
  for (const Stream& stream : all_streams()) {
    CAPTURE(stream.name);
    // The datagrams of a case are much alike: the first ones bring templates, then data.
    const std::size_t most = is_long() ? 4 : 3;
    for (std::size_t i = 0; i < std::min(stream.feeds.size(), most); ++i) {
      const Feed& feed = stream.feeds[i];
      Subject before = fed(stream, 0, i);
      Subject subject;
      subject.keep_nothing();
      std::size_t octets = 0, records = 0, flows = 0;
      for (std::size_t at = 0; at < feed.octets.size(); ++at) {
        // What was corrupted before must not have the last word on the templates.
        if (at % 64 == 0) subject.load_from(before);
        Octets bad = feed.octets;
        for (int p = 0; p < patterns; ++p) {
          bad[at] = static_cast<std::byte>(patterns == 8 ? kPatterns[p] : p);
          if (bad[at] == feed.octets[at]) continue;
          const bool had_waiting = subject.has_waiting();
          subject.feed(bad, feed.session, feed.received);
          ++tried;
          // Each record has an octet; what had waited brings its own.
          octets += bad.size();
          records += subject.last_records();
          flows += subject.last_flows();
          REQUIRE((had_waiting || subject.last_records() <= bad.size()));
          REQUIRE(records <= octets);
          REQUIRE(flows <= 2 * octets);
        }
        CAPTURE(at);
        REQUIRE(subject.problem() == "");
      }
    }
  }
  MESSAGE(tried << " corrupt datagrams");
}

TEST_CASE("property: interleaving exporters changes nothing") {
  Subject mixed;
  std::size_t longest = 0;
  for (const Stream& stream : all_streams()) longest = std::max(longest, stream.feeds.size());
  // Time runs on for all of them, so no exporter's templates grow old by another's clock.
  const auto at = [](std::size_t i) { return received(10) + std::chrono::milliseconds{i}; };
  for (std::size_t i = 0; i < longest; ++i) {
    for (const Stream& stream : all_streams()) {
      if (i >= stream.feeds.size()) continue;
      mixed.feed(stream.feeds[i].octets, stream.feeds[i].session, at(i));
    }
  }
  CHECK(mixed.problem() == "");
  for (const Stream& stream : all_streams()) {
    CAPTURE(stream.name);
    Subject alone;
    for (std::size_t i = 0; i < stream.feeds.size(); ++i) {
      alone.feed(stream.feeds[i].octets, stream.feeds[i].session, at(i));
    }
    CHECK(alone.records_of(stream) == mixed.records_of(stream));
    CHECK(alone.flows_of(stream) == mixed.flows_of(stream));
  }
}

TEST_CASE("property: splitting a stream over two processes with saved state changes nothing") {
  std::size_t splits = 0;
  for (const Stream& stream : all_streams()) {
    CAPTURE(stream.name);
    const std::size_t count = stream.feeds.size();
    const Subject whole = fed(stream, 0, count);
    const std::size_t step = is_long() ? 1 : 1 + count / 8;
    for (std::size_t at = 1; at < count; at += step) {
      CAPTURE(at);
      const Subject first = fed(stream, 0, at);
      if (first.has_waiting()) continue;  // what waits is not saved
      Subject second;
      second.load_from(first);
      for (std::size_t i = at; i < count; ++i) second.feed(stream.feeds[i]);
      ++splits;
      // By exporter, so the parts are put together exporter by exporter.
      for (const Feed& feed : stream.feeds) {
        const Stream one{stream.name, {{{}, feed.session, {}}}};
        auto records = first.records_of(one), flows = first.flows_of(one);
        const auto more_records = second.records_of(one), more_flows = second.flows_of(one);
        records.insert(records.end(), more_records.begin(), more_records.end());
        flows.insert(flows.end(), more_flows.begin(), more_flows.end());
        REQUIRE(records == whole.records_of(one));
        REQUIRE(flows == whole.flows_of(one));
        if (stream.feeds.front().session.exporter == stream.feeds.back().session.exporter) break;
      }
    }
  }
  CHECK(splits > 0);
}
