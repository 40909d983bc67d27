#include "flowlens/fact_book.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace flowlens {

namespace {

auto matter_of(const Fact& fact) noexcept {
  return std::tie(fact.subject, fact.attribute, fact.since);
}
bool is_before(const Fact& a, const Fact& b) noexcept { return matter_of(a) < matter_of(b); }

/// Whether the map has to hear of it; when it was said makes no difference.
bool says_otherwise(const Fact& before, const Fact& now) noexcept {
  return before.value != now.value || before.source != now.source || before.expires != now.expires;
}

bool is_valid(const Fact& fact) noexcept {
  return !fact.value.empty() && fact.value.size() <= kLongestFactValue &&
         is_valid_attribute(fact.attribute);
}

/// Ascending by matter, each once: of two the later in the list.
void put_in_order(std::vector<Fact>& facts) {
  std::stable_sort(facts.begin(), facts.end(), is_before);
  const auto same = [](const Fact& a, const Fact& b) { return matter_of(a) == matter_of(b); };
  const auto first_kept = std::unique(facts.rbegin(), facts.rend(), same).base();
  facts.erase(facts.begin(), first_kept);
}

Fact taken_back(Fact fact, Timestamp at) {
  fact.value.clear();
  fact.expires.reset();
  fact.at = at;
  return fact;
}

}  // namespace

FactBook::FactBook(std::size_t max_facts) : max_facts_(max_facts) {}

std::size_t FactBook::size_of(std::string_view origin) const noexcept {
  const auto found = said_.find(origin);
  return found == said_.end() ? 0 : found->second.size();
}

std::vector<Fact> FactBook::replace(std::string_view origin, std::vector<Fact> facts,
                                    Timestamp at) {
  const std::size_t told = facts.size();
  std::erase_if(facts, [](const Fact& fact) { return !is_valid(fact); });
  refused_ += told - facts.size();
  put_in_order(facts);
  std::vector<Fact>& before = said_[std::string(origin)];
  const std::size_t room = max_facts_ - (size_ - before.size());
  if (facts.size() > room) {
    refused_ += facts.size() - room;
    facts.resize(room);
  }
  for (Fact& fact : facts) fact.origin = origin;

  std::vector<Fact> news;
  auto old = before.begin();
  for (const Fact& fact : facts) {
    for (; old != before.end() && is_before(*old, fact); ++old) {
      news.push_back(taken_back(*old, at));
    }
    const bool is_known = old != before.end() && !is_before(fact, *old);
    if (!is_known || says_otherwise(*old, fact)) news.push_back(fact);
    if (is_known) ++old;
  }
  for (; old != before.end(); ++old) news.push_back(taken_back(*old, at));

  size_ = size_ - before.size() + facts.size();
  before = std::move(facts);
  if (before.empty()) said_.erase(said_.find(origin));
  return news;
}

}  // namespace flowlens
