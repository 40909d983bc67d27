#include "lookups/lookups.hpp"

#include <set>
#include <utility>

namespace flowlensd {
namespace {

constexpr std::size_t kMaxFacts = 1'000'000;  // of all that list; half of what the map keeps

}  // namespace

Lookups::Lookups(const Settings& settings, Resolver& resolver, HeardExporters heard)
    : door_([&resolver](std::span<const Fact> facts) { return resolver.add(facts); }, kMaxFacts),
      runner_(make_lookup_sources(settings, resolver.graph().sites(), &resolver.graph(),
                                  std::move(heard)),
              door_) {
  door_.remember(resolver.graph().facts());
}

/// A source that is named no more says nothing any more.
void Lookups::forget_others() {
  std::set<std::string> there;
  for (const LookupStatus& status : statuses()) there.insert(status.origin);
  door_.forget_others(there, std::chrono::system_clock::now());
}

void Lookups::start() {
  forget_others();
  runner_.start();
}

void Lookups::ask_all() {
  forget_others();
  runner_.ask_all();
}

std::vector<LookupStatus> Lookups::statuses() const {
  std::vector<LookupStatus> all = runner_.statuses();
  for (const auto& status : others_) all.push_back(status());
  return all;
}

}  // namespace flowlensd
