// What closed windows tell is in the revision, once: also after a restart.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "flowlens/resolver.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

void use(Resolver& resolver, const char* client, std::chrono::seconds later) {
  std::vector<FlowRecord> flows{
      tcp(client, 40'000, "10.0.0.9", 443).begun_by(Initiator::source),
      tcp("10.0.0.9", 443, client, 40'000).begun_by(Initiator::destination)};
  for (FlowRecord& f : flows) {
    f.start += later;
    f.end += later;
    f.received += later;
  }
  resolver.add(flows, flows[0].received);
}

std::size_t count(const Revision& r, ChangeType type) {
  return static_cast<std::size_t>(std::count_if(
      r.events.begin(), r.events.end(), [&](const ChangeEvent& e) { return e.type == type; }));
}

}  // namespace

TEST_CASE("changes: raised when a window closes, once, and not again after a restart") {
  Resolver resolver;
  resolver.begin(Epoch{1}, 0);
  use(resolver, "10.0.0.1", 0s);
  CHECK(resolver.flush(kNoon + 1min).events.empty());  // the window is open
  const Revision closed = resolver.flush(kNoon + 10min);
  CHECK(count(closed, ChangeType::new_asset) == 2);
  CHECK(count(closed, ChangeType::new_dependency) == 1);
  CHECK(resolver.graph().changes({}).total == closed.events.size());
  CHECK(resolver.changes_counters().dependencies == 1);
  use(resolver, "10.0.0.1", 20min);
  CHECK(resolver.finish(kNoon + 30min).events.empty());

  const auto state = resolver.save_changes();
  for (const bool has_state : {true, false}) {
    Resolver next;
    next.graph().apply(resolver.graph().copy());
    if (has_state) REQUIRE(next.load_changes(state).code == DiagnosticCode::none);
    next.begin(Epoch{2}, 3);
    use(next, "10.0.0.1", 40min);
    use(next, "10.0.0.2", 40min);
    const Revision r = next.finish(kNoon + 1h);
    CHECK(count(r, ChangeType::new_asset) == 1);
    CHECK(count(r, ChangeType::new_dependency) == 1);
    CHECK(count(r, ChangeType::service_appeared) == 0);
  }
}

TEST_CASE("changes: switched off, nothing is raised") {
  ResolverOptions options;
  options.changes.is_on = false;
  Resolver resolver(options);
  resolver.begin(Epoch{1}, 0);
  use(resolver, "10.0.0.1", 0s);
  CHECK(resolver.finish(kNoon + 10min).events.empty());
}
