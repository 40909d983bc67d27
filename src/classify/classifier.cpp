#include "flowlens/classifier.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/hash.hpp"
#include "flowlens/error.hpp"
#include "flowlens/external_peers.hpp"

namespace flowlens {

namespace {

/// A fact is worth telling when the confidence has moved so far.
constexpr float kNews = 0.05f;
constexpr std::size_t kRowsAtOnce = 1'000;
/// The first look knows nothing of others' types, so the second one comes soon, and may say otherwise.
constexpr std::uint32_t kFirstLooks = 2;
constexpr std::chrono::hours kSoon{1};

struct IdHash {
  std::size_t operator()(const Id& id) const noexcept { return base::hash_of(id, 0); }
};

/// What is held of one asset.
struct State {
  TypeAnswer answer;
  std::vector<TypeAnswer> history;       ///< the newest first
  AssetType shown = AssetType::unknown;  ///< on the map, by whoever says so
  AssetType candidate = AssetType::unknown;
  std::uint32_t candidate_looks = 0;
  std::uint32_t looks = 0;  ///< with enough evidence
  Timestamp looked_at = Timestamp::min();
  Timestamp due = Timestamp::min();
  std::uint64_t pass = 0;  ///< that saw it last
  float told = -1;         ///< the confidence in the last fact
};

/// An answer on its way, with what speaks for the one that stands.
struct Proposal {
  AssetType type = AssetType::unknown;
  double confidence = 0;
  double confidence_of_old = 0;
  double confidence_of_best = 0;  ///< where it is not sure enough to be `type`
  std::vector<std::string> reasons;
  std::vector<std::string> reasons_for_old;
  bool is_certain = false;  ///< said by a network rule
};

/// Multicast, broadcast and groups of peers are no machines.
bool is_machine(const AssetRow& row) {
  if (row.endpoints.empty()) return false;
  const IpAddress& a = row.endpoints.front().endpoint.address;
  return !a.is_multicast() && !a.is_limited_broadcast() && !a.is_unspecified() && !peer_group(a);
}

const HeldEndpoint* open_endpoint(const AssetRow& row) noexcept {
  const auto found = std::find_if(row.endpoints.begin(), row.endpoints.end(),
                                  [](const HeldEndpoint& held) { return !held.until; });
  return found == row.endpoints.end() ? nullptr : &*found;
}

/// Whether the map has not heard so much.
bool is_news(const State& state, Timestamp now) noexcept {
  if (state.told < 0) return state.answer.type != AssetType::unknown;
  return state.answer.at == now || std::abs(state.answer.confidence - state.told) >= kNews;
}

std::string fact_value(AssetType type, float confidence) {
  char text[16];
  std::snprintf(text, sizeof text, " %.4f", static_cast<double>(confidence));
  return std::string(to_string(type)) + text;
}

void check(const ClassifierOptions& o) {
  if (o.batch_size == 0 || o.max_assets == 0 || o.max_dependencies == 0 || o.steady_looks == 0 ||
      o.observation_hours == 0) {
    throw ConfigError(
        "Classifier: batch_size, max_assets, max_dependencies, steady_looks and observation_hours "
        "must be at least 1");
  }
  for (const double share : {o.update_confidence, o.high_confidence}) {
    if (!(share >= 0 && share <= 1)) {
      throw ConfigError("Classifier: update_confidence and high_confidence must lie from 0 to 1");
    }
  }
}

}  // namespace

struct Classifier::Impl {
  explicit Impl(ClassifierOptions o) : options(std::move(o)) {
    check(options);
    options.observation_hours = std::min(options.observation_hours, HourBitmap::kHours);
    if (options.rules.empty()) options.rules = default_rules();
    rules = std::make_shared<const Rules>(options.rules);
  }

  static Rules default_rules() {
    return parse_classification_rules(default_classification_rules(), "default rules");
  }
  [[nodiscard]] std::shared_ptr<const Rules> current_rules() const {
    const std::lock_guard lock(mutex);
    return rules;
  }

  using States = std::unordered_map<Id, State, IdHash>;
  /// Endpoints known for what they do for others.
  struct Known {
    std::map<Endpoint, IntermediaryKind> fronts;
    std::vector<Endpoint> gateways;  ///< ascending
  };

  void take_stock(const DependencyGraph& graph, Timestamp now, std::vector<Id>& due);
  void take_row(const AssetRow& row, Timestamp now, std::vector<Id>& due);
  [[nodiscard]] AssetFeatures features_of(const DependencyGraph& graph, const AssetRow& row,
                                          Timestamp now, const TypeOf& type_of) const;
  [[nodiscard]] std::optional<Proposal> propose(const DependencyGraph& graph, const AssetRow& row,
                                                Timestamp now, const TypeOf& type_of,
                                                AssetType old) const;
  [[nodiscard]] bool replaces(State& state, const Proposal& proposal) const;
  void decide(State& state, Proposal proposal, Timestamp now);
  void find_known(const DependencyGraph& graph);

  ClassifierOptions options;
  std::uint64_t pass = 0;

  mutable std::mutex mutex;            ///< of what follows
  std::shared_ptr<const Rules> rules;  ///< look() alone writes what comes after them
  States states;
  std::shared_ptr<const Known> known = std::make_shared<Known>();  ///< as of the last look
  ClassifierCounters counters;
};

Classifier::Classifier(ClassifierOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Classifier::~Classifier() = default;

const ClassifierOptions& Classifier::options() const noexcept { return impl_->options; }

std::shared_ptr<const Classifier::Rules> Classifier::rules() const {
  return impl_->current_rules();
}

void Classifier::replace_rules(Rules rules) {
  if (rules.empty()) rules = Impl::default_rules();
  auto replaced = std::make_shared<const Rules>(std::move(rules));
  const std::lock_guard lock(impl_->mutex);
  impl_->rules = std::move(replaced);
}

/// What others have been found to be, from the map; what people reject does not count.
void Classifier::Impl::find_known(const DependencyGraph& graph) {
  auto found = std::make_shared<Known>();
  for (const IntermediaryRow& row : graph.intermediaries()) {
    if (row.state == IntermediaryState::rejected) continue;
    found->fronts.try_emplace(row.front, row.kind);
  }
  if (options.gateways) found->gateways = options.gateways();
  std::sort(found->gateways.begin(), found->gateways.end());
  const std::lock_guard lock(mutex);
  known = std::move(found);
}

void Classifier::Impl::take_row(const AssetRow& row, Timestamp now, std::vector<Id>& due) {
  if (!is_machine(row)) return;
  auto found = states.find(row.id);
  if (found == states.end()) {
    if (states.size() >= options.max_assets) {
      ++counters.refused;
      return;
    }
    found = states.try_emplace(row.id).first;
    // What a term before found stands until it is due again.
    if (row.type_source == FactSource::inferred) {
      State& s = found->second;
      s.answer.type = parse_asset_type(row.asset_type).value_or(AssetType::unknown);
      s.answer.confidence = s.told = row.type_confidence;
      s.answer.at = row.type_at;
      s.looks = kFirstLooks;
    }
  }
  State& state = found->second;
  state.pass = pass;
  state.shown = parse_asset_type(row.asset_type).value_or(AssetType::unknown);
  // Somebody took back what he had said: the map wants to know what is found.
  const bool is_released = row.type_source < FactSource::inferred && state.told >= 0;
  if (is_released && state.answer.type != AssetType::unknown) {
    state.told = -1;
    state.due = now;
  }
  if (state.due <= now) due.push_back(row.id);
}

/// Goes through all assets: their types as of now, who is due, who has gone.
void Classifier::Impl::take_stock(const DependencyGraph& graph, Timestamp now,
                                  std::vector<Id>& due) {
  ++pass;
  AssetQuery query;
  query.limit = options.batch_size;
  {
    const std::lock_guard lock(mutex);
    counters.refused = 0;
  }
  for (bool is_end = false; !is_end;) {
    const auto page = graph.assets(query);
    const std::lock_guard lock(mutex);
    for (const AssetRow& row : page.rows) take_row(row, now, due);
    query.after = page.next;
    is_end = !page.has_more;
  }
  const std::lock_guard lock(mutex);
  std::erase_if(states, [&](const auto& entry) { return entry.second.pass != pass; });
}

AssetFeatures Classifier::Impl::features_of(const DependencyGraph& graph, const AssetRow& row,
                                            Timestamp now, const TypeOf& type_of) const {
  AssetFeatureBuilder builder(row, hours_up_to(now, options.observation_hours), type_of);
  DependencyQuery query;
  query.asset = row.id;
  query.limit = std::min(kRowsAtOnce, options.max_dependencies);
  std::size_t left = options.max_dependencies;
  for (bool is_end = false; !is_end && left > 0;) {
    const auto page = graph.dependencies(query);
    for (const DependencyRow& d : page.rows) {
      if (left > 0) builder.add(d);
      if (left > 0) --left;
    }
    query.after = page.next;
    is_end = !page.has_more;
  }
  AssetFeatures features = builder.take();
  const auto now_known = [this] {
    const std::lock_guard lock(mutex);
    return known;
  }();
  const auto& gateways = now_known->gateways;
  for (const HeldEndpoint& held : row.endpoints) {
    const auto front = now_known->fronts.find(held.endpoint);
    if (front != now_known->fronts.end()) features.intermediary = front->second;
    if (held.until) continue;
    features.is_gateway |= std::binary_search(gateways.begin(), gateways.end(), held.endpoint);
  }
  return features;
}

/// \return nothing where there is too little to judge by.
std::optional<Proposal> Classifier::Impl::propose(const DependencyGraph& graph, const AssetRow& row,
                                                  Timestamp now, const TypeOf& type_of,
                                                  AssetType old) const {
  Proposal p;
  for (const HeldEndpoint& held : row.endpoints) {
    const NetworkRule* rule =
        held.until ? nullptr : options.networks.type_rule(held.endpoint.address);
    if (rule == nullptr) continue;
    p.type = *rule->type;
    p.confidence = 1;
    p.is_certain = true;
    p.reasons = {"network rule `" + rule->name + "` (" + rule->prefix.to_string() + ") says so"};
    return p;
  }
  if (row.last_seen - row.first_seen < options.min_observation) return std::nullopt;
  const AssetFeatures features = features_of(graph, row, now, type_of);
  if (features.flows < options.min_flows) return std::nullopt;
  const Verdict verdict = judge(features, *current_rules());
  p.type = verdict.type;
  p.confidence_of_best = verdict.confidence();
  if (p.confidence_of_best < options.update_confidence) p.type = AssetType::unknown;
  p.confidence = verdict.probability[static_cast<std::size_t>(p.type)];
  p.reasons = verdict.reasons(p.type);
  p.confidence_of_old = verdict.probability[static_cast<std::size_t>(old)];
  p.reasons_for_old = verdict.reasons(old);
  return p;
}

/// Whether another answer takes the place of the one that stands.
bool Classifier::Impl::replaces(State& state, const Proposal& proposal) const {
  if (proposal.is_certain || state.answer.type == AssetType::unknown) return true;
  if (state.looks <= kFirstLooks && proposal.type != AssetType::unknown) return true;
  // Torn between some, one of which it has been all along.
  const bool is_torn = proposal.type == AssetType::unknown &&
                       proposal.confidence_of_old >= 0.5 * proposal.confidence_of_best;
  if (is_torn) {
    state.candidate_looks = 0;
    return false;
  }
  if (state.candidate != proposal.type) state.candidate_looks = 0;
  state.candidate = proposal.type;
  ++state.candidate_looks;
  if (proposal.type != AssetType::unknown && proposal.confidence >= options.high_confidence) {
    return true;
  }
  return state.candidate_looks >= options.steady_looks;
}

void Classifier::Impl::decide(State& state, Proposal proposal, Timestamp now) {
  ++counters.looks;
  state.looked_at = now;
  ++state.looks;
  state.due = now + options.reclassify_interval;
  if (state.looks < kFirstLooks) state.due = std::min(state.due, now + kSoon);
  if (proposal.type == state.answer.type) {
    state.candidate_looks = 0;
    state.answer.confidence = static_cast<float>(proposal.confidence);
    state.answer.reasons = std::move(proposal.reasons);
    return;
  }
  if (!replaces(state, proposal)) {
    state.answer.confidence = static_cast<float>(proposal.confidence_of_old);
    state.answer.reasons = std::move(proposal.reasons_for_old);
    return;
  }
  state.candidate_looks = 0;
  if (state.answer.type != AssetType::unknown) {
    ++counters.changes;
    state.history.insert(state.history.begin(), std::move(state.answer));
    if (state.history.size() > options.max_history) state.history.resize(options.max_history);
  }
  state.answer = {proposal.type, static_cast<float>(proposal.confidence), now,
                  std::move(proposal.reasons)};
}

std::vector<Fact> Classifier::look(const DependencyGraph& graph, Timestamp now) {
  Impl& m = *impl_;
  std::vector<Id> due;
  m.find_known(graph);
  m.take_stock(graph, now, due);
  // The types of others as they were before this look: only look() writes them, at its begin.
  const TypeOf type_of = [&m](const Id& id) {
    const auto found = m.states.find(id);
    return found == m.states.end() ? AssetType::unknown : found->second.shown;
  };
  std::vector<Fact> facts;
  for (const Id& id : due) {
    const auto row = graph.asset(id);
    const HeldEndpoint* held = row ? open_endpoint(*row) : nullptr;
    if (held == nullptr || row->id != id) continue;
    const AssetType old = m.states.at(id).answer.type;
    std::optional<Proposal> proposal = m.propose(graph, *row, now, type_of, old);
    const std::lock_guard lock(m.mutex);
    State& state = m.states.at(id);
    if (!proposal) {
      // Looked at again soon: evidence comes by the hour.
      state.due = now + std::min(m.options.reclassify_interval, kSoon);
      continue;
    }
    m.decide(state, std::move(*proposal), now);
    if (!is_news(state, now)) continue;
    state.told = state.answer.confidence;
    facts.push_back({held->endpoint,
                     "type",
                     fact_value(state.answer.type, state.answer.confidence),
                     FactSource::inferred,
                     now,
                     {}});
  }
  return facts;
}

std::optional<Classification> Classifier::classification(const Id& asset) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->states.find(asset);
  if (found == impl_->states.end()) return std::nullopt;
  return Classification{found->second.answer, found->second.history, found->second.looked_at};
}

std::optional<Verdict> Classifier::judge_now(const DependencyGraph& graph, const Id& asset,
                                             Timestamp now, AssetFeatures* features) const {
  const auto row = graph.asset(asset);
  if (!row) return std::nullopt;
  const TypeOf type_of = [this](const Id& id) {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->states.find(id);
    return found == impl_->states.end() ? AssetType::unknown : found->second.shown;
  };
  AssetFeatures found = impl_->features_of(graph, *row, now, type_of);
  Verdict verdict = judge(found, *impl_->current_rules());
  if (features != nullptr) *features = std::move(found);
  return verdict;
}

ClassifierCounters Classifier::counters() const {
  const std::lock_guard lock(impl_->mutex);
  ClassifierCounters c = impl_->counters;
  c.assets = impl_->states.size();
  c.typed = static_cast<std::uint64_t>(std::count_if(
      impl_->states.begin(), impl_->states.end(),
      [](const auto& entry) { return entry.second.answer.type != AssetType::unknown; }));
  return c;
}

}  // namespace flowlens
