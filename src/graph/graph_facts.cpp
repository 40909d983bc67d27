// What is said of endpoints, and what of it counts. fact_table.cpp keeps it.
#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "graph/graph_state.hpp"

namespace flowlens {

namespace graph {

namespace {

using Taken = FactTable::Taken;

/// What an asset has one of, over all that it holds.
constexpr std::array<std::string_view, 2> kOfTheAsset{"name", "type"};

bool is_peoples(const Fact& fact) noexcept { return fact.source == FactSource::declared; }

bool is_fact(const Fact& fact) noexcept {
  if (!is_valid_attribute(fact.attribute) || fact.value.size() > kLongestFactValue ||
      fact.origin.size() > kLongestOrigin) {
    return false;
  }
  if (fact.value.empty()) return true;
  if (fact.attribute == "type") return State::is_type_value(fact.value);
  if (fact.attribute != "asset") return true;
  const auto id = Id::parse(fact.value);
  return id && !id->is_none();
}

std::vector<Fact> peoples(std::span<const Fact> facts) {
  std::vector<Fact> found;
  std::copy_if(facts.begin(), facts.end(), std::back_inserter(found), is_peoples);
  return found;
}

}  // namespace

std::uint32_t State::first_open(std::uint32_t asset) const noexcept {
  for (const Held& held : assets[asset].value.held()) {
    if (held.is_open()) return held.endpoint;
  }
  return kNoPosition;
}

const Fact* State::best_of(std::uint32_t asset, std::string_view attribute) const noexcept {
  const Fact* best = nullptr;
  for (const Held& held : assets[asset].value.held()) {
    if (!held.is_open()) continue;
    const auto said = facts.of(endpoints[held.endpoint].key, attribute);
    if (!said.empty() && (best == nullptr || is_better(said.front(), *best))) best = &said.front();
  }
  return best;
}

bool State::take_fact(const Fact& given) {
  if (given.attribute == "intermediary") return judge_intermediary(given);
  if (!is_fact(given)) return false;
  if (given.attribute == "type") return take_type(given);
  const std::uint32_t endpoint = endpoints.find(given.subject);
  const std::uint32_t asset =
      endpoint == kNoPosition ? kNoPosition : endpoints[endpoint].value.asset;
  const bool is_known = asset != kNoPosition;
  const bool has_superseded = is_known && given.attribute == "name" && supersede(given);
  const Taken taken = facts.take(given);
  if (taken == Taken::repeated) return true;
  if (taken != Taken::changed && !has_superseded) return false;
  if (!is_known) return true;
  if (given.attribute == "name") unsettle(asset, given.at);
  if (given.attribute != "asset" || given.value.empty()) return true;
  const bool is_so = apply_holder(given, endpoint);
  if (!is_so && is_peoples(given)) facts.remove(given);
  return is_so;
}

bool State::take_type(const Fact& given) {
  Fact fact = given;
  if (fact.value.substr(0, fact.value.find(' ')) == "unknown") fact.value.clear();
  const std::uint32_t endpoint = endpoints.find(fact.subject);
  const std::uint32_t asset =
      endpoint == kNoPosition ? kNoPosition : endpoints[endpoint].value.asset;
  const bool is_classifiers = fact.source == FactSource::inferred && fact.origin.empty();
  if (asset == kNoPosition) return facts.take(fact) <= Taken::repeated;
  if (is_classifiers && !best_of(asset, "type")) return infer_type(fact, asset);
  if (is_classifiers) fact.subject = endpoints[first_open(asset)].key;
  if (is_classifiers && fact.value.empty()) infer_type(fact, asset);
  const bool has_superseded = supersede(fact);
  const Taken taken = facts.take(fact);
  if (taken == Taken::changed || has_superseded) unsettle(asset, fact.at);
  return taken <= Taken::repeated || has_superseded;
}

bool State::supersede(const Fact& fact) {
  const bool is_of_all = is_peoples(fact) || fact.source == FactSource::inferred;
  if (!is_of_all || !fact.origin.empty()) return false;
  bool has_removed = false;
  const std::uint32_t asset = endpoints[endpoints.find(fact.subject)].value.asset;
  for (const Held& held : assets[asset].value.held()) {
    const Endpoint& other = endpoints[held.endpoint].key;
    if (!held.is_open() || other == fact.subject) continue;
    const auto all = facts.of(other, fact.attribute);
    for (const Fact& said : std::vector<Fact>(all.begin(), all.end())) {
      if (said.source != fact.source || said.origin != fact.origin) continue;
      facts.remove(said);
      has_removed = true;
    }
  }
  return has_removed;
}

void State::forget_words(const Endpoint& endpoint) {
  for (const std::string_view attribute : kOfTheAsset) {
    for (const Fact& said : peoples(facts.of(endpoint, attribute))) facts.remove(said);
  }
}

void State::sort_out_words(const Endpoint& endpoint, std::uint32_t from, std::uint32_t to) {
  if (facts.empty()) return;
  const std::uint32_t left = first_open(from);
  const bool goes_along = assets[from].value.held().empty();
  for (const std::string_view attribute : kOfTheAsset) {
    const std::vector<Fact> said = peoples(facts.of(endpoint, attribute));
    if (said.empty()) continue;
    for (const Fact& fact : said) facts.remove(fact);
    const Fact* theirs = best_of(to, attribute);
    const bool has_own = theirs != nullptr && is_peoples(*theirs);
    for (Fact fact : said) {
      if (left != kNoPosition) fact.subject = endpoints[left].key;
      if (left != kNoPosition || (goes_along && !has_own)) facts.take(fact);
    }
  }
}

void State::unsettle(std::uint32_t asset, Timestamp at) {
  Timestamp& since = unsettled.try_emplace(assets[asset].key, Timestamp::min()).first->second;
  since = std::max(since, at);
}

void State::settle() {
  for (const auto& [id, at] : std::exchange(unsettled, {})) {
    const std::uint32_t asset = assets.find(id);
    // What it was called when it held something last, it goes on being called.
    if (asset == kNoPosition || first_open(asset) == kNoPosition) continue;
    settle_name(asset, at);
    settle_type(asset, at);
  }
  refresh_stale_assets();
}

/// Whether an asset goes on being called what the source called it that said since when it holds its
/// address: a pod or an instance that has gone, while nobody else has the address yet. What DNS says of
/// the address then is not about it.
bool State::keeps_name(std::uint32_t asset, const Fact* best) const noexcept {
  const AssetState& a = assets[asset].value;
  FactSource says = FactSource::observed;
  for (const Held& held : a.held()) {
    if (held.is_open() && is_claim(held)) says = std::max(says, held.says);
  }
  if (says == FactSource::observed || !a.is_named()) return false;
  const FactSource by = a.extra->name_source;
  if (by == FactSource::declared) return false;  // people take back what they said
  return best == nullptr || (best->source < says && by >= says);
}

void State::settle_name(std::uint32_t asset, Timestamp at) {
  const Fact* best = best_of(asset, "name");
  AssetState& a = assets[asset].value;
  if ((!best && !a.is_named()) || keeps_name(asset, best)) return;
  AssetExtra& extra = a.more();
  const std::string name = best ? best->value : std::string{};
  const FactSource source = best ? best->source : FactSource::observed;
  if (extra.name == name && extra.name_source == source) return;
  if (extra.name != name && !extra.name.empty() && !name.empty()) {
    raise(ChangeType::asset_changed, assets[asset].key, {}, std::max(at, best->at),
          "was " + extra.name + ", is " + name + " (" + std::string(to_string(source)) + ")",
          extra.name, name);
  }
  extra.name = name;
  extra.name_source = source;
  extra.name_at = best ? best->at : Timestamp::min();
  mark_asset(asset);
  if (!best) mark_stale(asset);
}

void State::welcome() {
  for (const Endpoint& subject : std::exchange(newcomers, {})) {
    const auto said = facts.of(subject, "asset");
    std::vector<Fact> holders(said.begin(), said.end());
    // The weaker first, so that the stronger have the last word.
    std::sort(holders.begin(), holders.end(), [](const Fact& a, const Fact& b) {
      return std::tie(a.source, a.since, a.at) < std::tie(b.source, b.since, b.at);
    });
    for (const Fact& fact : holders) {
      const std::uint32_t endpoint = endpoints.find(subject);
      if (endpoint != kNoPosition && endpoints[endpoint].value.asset != kNoPosition) {
        apply_holder(fact, endpoint);
      }
    }
    const std::uint32_t endpoint = endpoints.find(subject);
    if (endpoint == kNoPosition || endpoints[endpoint].value.asset == kNoPosition) continue;
    Timestamp at = Timestamp::min();
    for (const Fact& fact : facts.of(subject)) at = std::max(at, fact.at);
    unsettle(endpoints[endpoint].value.asset, at);
  }
  if (!unsettled.empty()) settle();
}

void State::expire_facts(Timestamp now) {
  for (const Endpoint& subject : facts.expire(now)) {
    const std::uint32_t endpoint = endpoints.find(subject);
    if (endpoint == kNoPosition || endpoints[endpoint].value.asset == kNoPosition) continue;
    unsettle(endpoints[endpoint].value.asset, now);
  }
  if (!unsettled.empty()) settle();
}

std::vector<StandingFact> State::facts_of(std::uint32_t asset) const {
  std::vector<StandingFact> all;
  const std::string id = assets[asset].key.to_string();
  for (const Held& held : assets[asset].value.held()) {
    if (!held.is_open()) continue;
    std::string_view attribute;  // of the one before
    bool has_holder = false;
    for (const Fact& fact : facts.of(endpoints[held.endpoint].key)) {
      const bool is_first = fact.attribute != attribute;
      const bool is_holder = fact.attribute == "asset" && !has_holder && fact.value == id;
      has_holder = has_holder || is_holder;
      attribute = fact.attribute;
      all.push_back({fact, fact.attribute == "asset" ? is_holder : is_first});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const StandingFact& a, const StandingFact& b) {
    const Fact &x = a.fact, &y = b.fact;
    return x.attribute != y.attribute ? x.attribute < y.attribute : is_better(x, y);
  });
  for (const std::string_view attribute : kOfTheAsset) {
    bool is_first = true;
    for (StandingFact& said : all) {
      if (said.fact.attribute == attribute) said.counts = std::exchange(is_first, false);
    }
  }
  return all;
}

}  // namespace graph

using namespace graph;

bool DependencyGraph::apply(const Fact& fact) { return apply(std::span{&fact, 1}) == 1; }

std::size_t DependencyGraph::apply(std::span<const Fact> facts) {
  const std::unique_lock lock{impl_->mutex};
  std::size_t taken = 0;
  for (const Fact& fact : facts) {
    ++impl_->said;
    taken += impl_->take_fact(fact) ? 1 : 0;
  }
  impl_->settle();
  return taken;
}

std::vector<EndpointFacts> DependencyGraph::facts() const {
  const std::shared_lock lock{impl_->mutex};
  return impl_->facts.all();
}

std::vector<StandingFact> DependencyGraph::facts_of(const Id& id) const {
  const std::shared_lock lock{impl_->mutex};
  const std::uint32_t asset = impl_->find_asset(id);
  if (asset == kNoPosition) return {};
  std::vector<StandingFact> all = impl_->facts_of(asset);
  const AssetState& a = impl_->assets[asset].value;
  const bool is_inferred = a.extra && a.extra->type_source == FactSource::inferred;
  const bool is_listed = std::any_of(
      all.begin(), all.end(), [](const StandingFact& s) { return s.fact.attribute == "type"; });
  if (!is_inferred || is_listed || impl_->first_open(asset) == kNoPosition) return all;
  all.push_back({impl_->inferred_fact(asset), true});  // it stands in the row alone
  std::stable_sort(all.begin(), all.end(), [](const StandingFact& x, const StandingFact& y) {
    return x.fact.attribute < y.fact.attribute;
  });
  return all;
}

}  // namespace flowlens
