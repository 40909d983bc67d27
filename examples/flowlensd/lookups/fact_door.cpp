#include "lookups/fact_door.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace flowlensd {
namespace {

constexpr std::size_t kFactsAtOnce = 256;

}  // namespace

FactDoor::FactDoor(Take take, std::size_t max_facts) : take_(std::move(take)), book_(max_facts) {}

void FactDoor::remember(std::span<const EndpointFacts> facts) {
  std::map<std::string, std::vector<Fact>> by_origin;
  for (const EndpointFacts& said : facts) {
    for (const Fact& fact : said.facts) {
      if (!fact.origin.empty() && !fact.expires) by_origin[fact.origin].push_back(fact);
    }
  }
  const std::lock_guard lock(mutex_);
  for (auto& [origin, said] : by_origin) {
    remembered_.insert(origin);
    static_cast<void>(book_.replace(origin, std::move(said), {}));
  }
}

void FactDoor::forget_others(const std::set<std::string>& there, Timestamp now) {
  std::set<std::string> gone;
  {
    const std::lock_guard lock(mutex_);
    std::set_difference(remembered_.begin(), remembered_.end(), there.begin(), there.end(),
                        std::inserter(gone, gone.end()));
    remembered_.clear();
  }
  for (const std::string& origin : gone) replace(origin, {}, now);
}

FactDoor::Said FactDoor::replace(const std::string& origin, std::vector<Fact> facts,
                                 Timestamp now) {
  Said said;
  std::vector<Fact> news;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t refused = book_.refused();
    news = book_.replace(origin, std::move(facts), now);
    said.facts = book_.size_of(origin);
    said.refused = book_.refused() - refused;
  }
  const auto is_word = [](const Fact& fact) { return !fact.value.empty(); };
  const auto words = static_cast<std::size_t>(std::count_if(news.begin(), news.end(), is_word));
  said.refused += words - std::min(words, hand_on(news));
  return said;
}

FactDoor::Said FactDoor::tell(std::span<const Fact> facts) {
  const std::size_t taken = hand_on(facts);
  return {taken, facts.size() - taken};
}

/// What is said of one endpoint goes in at once: a name that follows its address to another holder is
/// never the wrong one's.
std::size_t FactDoor::hand_on(std::span<const Fact> facts) {
  std::size_t taken = 0;
  for (std::size_t begin = 0; begin < facts.size();) {
    std::size_t end = std::min(begin + kFactsAtOnce, facts.size());
    while (end < facts.size() && facts[end].subject == facts[end - 1].subject) ++end;
    taken += take_(facts.subspan(begin, end - begin));
    begin = end;
  }
  return taken;
}

}  // namespace flowlensd
