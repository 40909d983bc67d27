#include "graph/fact_table.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace flowlens::graph {

namespace {

bool is_same_matter(const Fact& a, const Fact& b) noexcept {
  return a.attribute == b.attribute && a.source == b.source && a.origin == b.origin &&
         (a.attribute != "asset" || a.since == b.since);
}

bool goes_before(const Fact& a, const Fact& b) noexcept {
  return a.attribute != b.attribute ? a.attribute < b.attribute : is_better(a, b);
}

}  // namespace

bool is_better(const Fact& a, const Fact& b) noexcept {
  return std::tie(b.source, b.at, b.since, a.origin, a.value) <
         std::tie(a.source, a.at, a.since, b.origin, b.value);
}

FactTable::Taken FactTable::take(const Fact& fact) {
  if (fact.value.empty()) return withdraw(fact);
  const auto entry = said_.find(fact.subject);
  const bool is_known = entry != said_.end();
  Fact taken = fact;
  if (is_known) {
    std::vector<Fact>& facts = entry->second.facts;
    const auto before = std::find_if(facts.begin(), facts.end(),
                                     [&](const Fact& f) { return is_same_matter(f, fact); });
    if (before != facts.end()) {
      if (fact.at < before->at) return Taken::outdated;
      if (fact.value == before->value) {
        if (fact.expires == before->expires && fact.since == before->since) return Taken::repeated;
        taken.at = before->at;
      }
      facts.erase(before);
      --size_;
    } else if (facts.size() >= max_of_one_) {
      ++refused_;
      return Taken::no_room;
    }
  }
  if (size_ >= max_facts_) {
    ++refused_;
    return Taken::no_room;
  }
  std::vector<Fact>& facts = said_[fact.subject].facts;
  facts.insert(std::upper_bound(facts.begin(), facts.end(), taken, goes_before), taken);
  ++size_;
  note(fact.subject);
  return Taken::changed;
}

FactTable::Taken FactTable::withdraw(const Fact& fact) {
  const auto entry = said_.find(fact.subject);
  if (entry == said_.end()) return Taken::not_there;
  std::vector<Fact>& facts = entry->second.facts;
  // What it says since another time is another word.
  const auto before = std::find_if(facts.begin(), facts.end(), [&](const Fact& f) {
    return is_same_matter(f, fact) && f.since == fact.since;
  });
  if (before == facts.end()) return Taken::not_there;
  if (fact.at < before->at) return Taken::outdated;
  facts.erase(before);
  --size_;
  note(fact.subject);
  return Taken::changed;
}

void FactTable::remove(const Fact& fact) {
  const Endpoint subject = fact.subject;  // the fact may be one of ours
  const auto entry = said_.find(subject);
  if (entry == said_.end()) return;
  size_ -= std::erase(entry->second.facts, Fact{fact});
  note(subject);
}

void FactTable::replace(const EndpointFacts& said) {
  Said& entry = said_[said.subject];
  size_ -= entry.facts.size();
  const std::size_t room = std::min(max_of_one_, max_facts_ - size_);
  entry.facts = said.facts;
  if (entry.facts.size() > room) {
    refused_ += entry.facts.size() - room;
    entry.facts.resize(room);
  }
  std::sort(entry.facts.begin(), entry.facts.end(), goes_before);
  size_ += entry.facts.size();
  note(said.subject);
}

std::vector<Endpoint> FactTable::expire(Timestamp now) {
  std::vector<Endpoint> subjects;
  while (!expiring_.empty() && expiring_.begin()->first <= now) {
    const Endpoint subject = expiring_.begin()->second;
    const std::size_t gone = std::erase_if(said_.find(subject)->second.facts, [&](const Fact& f) {
      return f.expires && *f.expires <= now;
    });
    size_ -= gone;
    expired_ += gone;
    subjects.push_back(subject);
    note(subject);
  }
  return subjects;
}

void FactTable::note(const Endpoint& endpoint) {
  changed_.insert(endpoint);
  const auto entry = said_.find(endpoint);
  Timestamp first = Timestamp::max();
  for (const Fact& fact : entry->second.facts) {
    if (fact.expires) first = std::min(first, *fact.expires);
  }
  if (first != entry->second.expires_first) {
    expiring_.erase({entry->second.expires_first, endpoint});
    if (first != Timestamp::max()) expiring_.insert({first, endpoint});
    entry->second.expires_first = first;
  }
  if (entry->second.facts.empty()) said_.erase(entry);
}

std::span<const Fact> FactTable::of(const Endpoint& endpoint) const noexcept {
  const auto entry = said_.find(endpoint);
  return entry == said_.end() ? std::span<const Fact>{} : std::span{entry->second.facts};
}

std::span<const Fact> FactTable::of(const Endpoint& endpoint,
                                    std::string_view attribute) const noexcept {
  const auto facts = of(endpoint);
  const auto first = std::find_if(facts.begin(), facts.end(),
                                  [&](const Fact& f) { return f.attribute == attribute; });
  const auto end =
      std::find_if(first, facts.end(), [&](const Fact& f) { return f.attribute != attribute; });
  return {first, end};
}

std::vector<EndpointFacts> FactTable::all() const {
  std::vector<EndpointFacts> rows;
  rows.reserve(said_.size());
  for (const auto& [subject, said] : said_) rows.push_back({subject, said.facts});
  std::sort(rows.begin(), rows.end(),
            [](const EndpointFacts& a, const EndpointFacts& b) { return a.subject < b.subject; });
  return rows;
}

std::vector<EndpointFacts> FactTable::take_changed() {
  std::vector<EndpointFacts> rows;
  rows.reserve(changed_.size());
  for (const Endpoint& subject : std::exchange(changed_, {})) {
    const auto said = of(subject);
    rows.push_back({subject, {said.begin(), said.end()}});
  }
  return rows;
}

}  // namespace flowlens::graph
