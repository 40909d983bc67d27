// The same over the conformance corpus, datagram by datagram, where there is one.
#include <doctest/doctest.h>

#include <cstdlib>

#include "allocation/counted_new.hpp"
#include "conformance/case_file.hpp"
#include "flowlens/decoder.hpp"

using namespace flowlens;
using conformance::Case;

namespace {

constexpr int kRounds = 5;

/// What may cost memory, and is no steady state: a template that is another each time, and data
/// without one. Both are counted.
std::uint64_t unsteady(const Decoder& decoder) {
  const ParserCounters c = decoder.parser().counters();
  return c.templates_redefined + c.templates_expired + c.sets_replayed + c.sets_given_up;
}

/// \return datagrams that took memory in the last round though nothing about them was new.
std::size_t run(const Case& c, std::size_t& steady) {
  Decoder decoder;
  FlowBatch batch;
  std::size_t guilty = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < c.datagrams.size(); ++i) {
      const auto received = conformance::received_at(i) + std::chrono::seconds{10 * round};
      const std::uint64_t unsteady_before = unsteady(decoder);
      const std::uint64_t before = test::allocations();
      batch.clear();
      const ParseResult result =
          decoder.decode(c.datagrams[i].octets.octets(), c.datagrams[i].session, received, batch);
      const bool allocated = test::allocations() != before;
      const bool is_steady = result.sets_waiting == 0 && unsteady(decoder) == unsteady_before;
      if (round + 1 < kRounds || !is_steady) continue;
      ++steady;
      if (!allocated) continue;
      ++guilty;
      MESSAGE(c.name << ": datagram " << i << " took memory in round " << kRounds);
    }
  }
  return guilty;
}

}  // namespace

TEST_CASE("steady state: no allocation for a datagram of the corpus that brings nothing new") {
  const char* shared = std::getenv("FLOWLENS_SHARED");
  const std::filesystem::path corpus =
      std::filesystem::path{shared != nullptr ? shared : "../shared"} / "corpus";
  const auto names = conformance::list_cases(corpus, {});
  if (names.empty()) {
    MESSAGE("no corpus at " << corpus.string() << ": nothing was checked");
    return;
  }
  std::size_t steady = 0;
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(run(conformance::load_case(corpus / name), steady) == 0);
  }
  CHECK(steady > names.size());
}
