// What people put into the map, take out of it, and write on it.
#include <algorithm>
#include <iterator>
#include <utility>

#include "flowlens/enricher.hpp"
#include "graph/graph_state.hpp"

namespace flowlens {

namespace graph {

namespace {

/// What two say; where both say something that can be said only once, `first` has the word.
Annotation both(const Annotation& first, const Annotation& second) {
  Annotation said = first;
  said.tags.clear();
  std::set_union(first.tags.begin(), first.tags.end(), second.tags.begin(), second.tags.end(),
                 std::back_inserter(said.tags));
  said.tags.resize(std::min(said.tags.size(), kMostTags));
  if (said.notes.empty()) said.notes = second.notes;
  if (said.owner.empty()) said.owner = second.owner;
  if (said.criticality == Criticality::unknown) said.criticality = second.criticality;
  said.is_declared = said.is_declared || second.is_declared;
  said.is_confirmed = said.is_confirmed || second.is_confirmed;
  return said;
}

}  // namespace

std::shared_ptr<const Annotation> State::annotation_of(const Id& id) const {
  const auto found = annotations.find(id);
  return found == annotations.end() ? nullptr : found->second;
}

bool State::is_declared(const Id& id) const noexcept {
  const auto found = annotations.find(id);
  return found != annotations.end() && found->second->is_declared;
}

bool State::annotate(const Annotation& said) {
  if (said.empty()) {
    if (annotations.erase(said.subject) > 0) changed_annotations.insert(said.subject);
    return true;
  }
  const bool is_known = annotations.find(said.subject) != annotations.end();
  if (!is_known && annotations.size() >= options.max_annotations) return false;
  annotations[said.subject] = std::make_shared<const Annotation>(said);
  changed_annotations.insert(said.subject);
  return true;
}

/// What was said of `from`, which goes, is said of `to` as well.
void State::move_annotation(const Id& from, const Id& to) {
  const auto going = annotation_of(from);
  if (!going) return;
  const auto staying = annotation_of(to);
  Annotation said = staying ? both(*staying, *going) : *going;
  said.subject = to;
  unsay(from);
  annotate(said);
}

void State::unsay(const Id& id) {
  Annotation nothing;
  nothing.subject = id;
  annotate(nothing);
}

/// Takes a dependency out of the map; its recorded traffic stays.
void State::close_dependency(std::uint32_t dependency, Timestamp at, const std::string& why) {
  const DependencyState& d = dependencies[dependency].value;
  const Id id = d.id, client = assets[client_asset(dependency)].key;
  const bool was_published = d.published != 0;
  remove_dependency(dependency);
  if (was_published) {
    std::erase(removed_dependencies, id);
    closed_dependencies.push_back(id);
  }
  raise(ChangeType::removed_dependency, id, client, at, why);
}

void State::close_asset(std::uint32_t asset, Timestamp at, const std::string& why) {
  for (const Held& held : assets[asset].value.held()) {
    if (held.is_open()) forget_words(endpoints[held.endpoint].key);
  }
  const std::vector<std::uint32_t> all = assets[asset].value.dependencies;
  for (const std::uint32_t dependency : all) close_dependency(dependency, at, why);
  raise(ChangeType::removed_asset, assets[asset].key, {}, at, why);
  remove_asset(asset);
}

/// Makes an asset that nobody has seen yet. \return its position, or kNoPosition at a bound.
std::uint32_t State::declare_asset(std::span<const Endpoint> holds, bool is_internal,
                                   Timestamp at) {
  if (assets.size() >= options.max_assets || !has_room_for_endpoints(holds.size())) {
    return kNoPosition;
  }
  const std::uint32_t first = make_asset(holds.front());
  const std::uint32_t asset = endpoints[first].value.asset;
  AssetState& a = assets[asset].value;
  a.seen = {at, at};
  a.is_internal = is_internal;
  a.one.from = std::min(a.one.from, at);
  a.one.says = FactSource::declared;
  endpoints[first].value.held_says = FactSource::declared;
  for (const Endpoint& e : holds.subspan(1)) hold_declared(asset, e, at);
  mark_asset(asset);
  return asset;
}

void State::hold_declared(std::uint32_t asset, const Endpoint& endpoint, Timestamp at) {
  const std::uint32_t position = endpoints.insert(endpoint).first;
  assets[asset].value.held_list().push_back({at, Timestamp::max(), position, FactSource::declared});
  endpoints[position].value.asset = asset;
  endpoints[position].value.held_says = FactSource::declared;
  if (!facts.empty() && !facts.of(endpoint).empty()) newcomers.push_back(endpoint);
}

/// Until its first traffic it counts as seen when it was declared.
std::uint32_t State::declare_dependency(const DependencyKey& key, Timestamp at) {
  std::uint32_t position = find_dependency(key);
  if (position == kNoPosition) position = said_to_be(key);
  if (position != kNoPosition) return position;
  position = make_dependency(key);
  if (position == kNoPosition) return position;
  DependencyState& d = dependencies[position].value;
  Description said;
  said.seen = {at, at};
  said.direction = Direction::client_server;
  said.rung = DirectionRung::declared;
  said.reasons.add(DirectionRung::declared, true);
  d.close_with(said);
  d.service = find_service(key.protocol, key.port);
  d.provisional = 0;
  hours[position].set(hours_of(said.seen));
  count_hours(position);
  const DependencyKeyPositions ends = dependencies[position].key;
  for (const std::uint32_t endpoint : {ends.client, ends.server}) {
    const std::uint32_t asset = endpoints[endpoint].value.asset;
    AssetState& a = assets[asset].value;
    a.seen.include(said.seen);
    if (a.one.endpoint == endpoint && a.one.from == Timestamp::max()) a.one.from = at;
    mark_asset(asset);
  }
  mark_dependency(position);
  return position;
}

}  // namespace graph

using namespace graph;

bool DependencyGraph::apply(const Annotation& annotation) {
  return !apply(std::span{&annotation, 1});
}

std::optional<std::size_t> DependencyGraph::apply(std::span<const Annotation> annotations) {
  const std::unique_lock lock{impl_->mutex};
  std::vector<Annotation> all{annotations.begin(), annotations.end()};
  std::size_t wanted = impl_->annotations.size();
  for (Annotation& said : all) {
    const auto index = static_cast<std::size_t>(&said - all.data());
    if (!is_valid(said)) return index;
    if (const auto asset = impl_->find_asset(said.subject); asset != kNoPosition) {
      said.subject = impl_->assets[asset].key;
    } else if (const auto d = impl_->find_alias_or_dependency(said.subject); d != kNoPosition) {
      said.subject = impl_->dependencies[d].value.id;
    } else {
      return index;
    }
    if (!said.empty() && !impl_->annotation_of(said.subject)) ++wanted;
    if (!said.empty() && wanted > impl_->options.max_annotations) return index;
  }
  for (const Annotation& said : all) {
    if (const auto asset = impl_->find_asset(said.subject); asset != kNoPosition) {
      impl_->mark_asset(asset);
    } else {
      impl_->mark_dependency(impl_->find_dependency(said.subject));
    }
    impl_->annotate(said);
    ++impl_->said;
  }
  return std::nullopt;
}

std::optional<AssetWordsRefused> DependencyGraph::apply(std::span<const AssetWords> words) {
  const std::unique_lock lock{impl_->mutex};
  const auto refused = impl_->take_words(words);
  if (!refused) ++impl_->said;
  impl_->welcome();
  return refused;
}

std::optional<Id> DependencyGraph::declare_asset(std::span<const Endpoint> endpoints,
                                                 bool is_internal, const Annotation& annotation) {
  if (endpoints.empty() || !is_valid(annotation)) return std::nullopt;
  const std::unique_lock lock{impl_->mutex};
  for (const Endpoint& e : endpoints) {
    const std::uint32_t position = impl_->endpoints.find(e);
    if (position == kNoPosition) continue;
    const std::uint32_t holder = impl_->endpoints[position].value.asset;
    if (holder != kNoPosition) return std::nullopt;
  }
  if (impl_->annotations.size() >= impl_->options.max_annotations) return std::nullopt;
  const std::uint32_t asset = impl_->declare_asset(endpoints, is_internal, annotation.said_at);
  if (asset == kNoPosition) return std::nullopt;
  Annotation said = annotation;
  said.subject = impl_->assets[asset].key;
  said.is_declared = true;
  ++impl_->said;
  impl_->annotate(said);
  impl_->welcome();
  return said.subject;
}

std::optional<Id> DependencyGraph::declare_dependency(const DependencyKey& key,
                                                      const Annotation& annotation) {
  if (!is_valid(annotation) || key.client == key.server) return std::nullopt;
  const std::unique_lock lock{impl_->mutex};
  if (impl_->annotations.size() >= impl_->options.max_annotations) return std::nullopt;
  const std::uint32_t position = impl_->declare_dependency(key, annotation.said_at);
  if (position == kNoPosition) return std::nullopt;
  const Id id = impl_->dependencies[position].value.id;
  const auto before = impl_->annotation_of(id);
  Annotation said = before ? both(annotation, *before) : annotation;
  said.subject = id;
  said.is_declared = true;
  ++impl_->said;
  impl_->annotate(said);
  impl_->welcome();
  return said.subject;
}

bool DependencyGraph::remove_asset(const Id& id, Timestamp at, const std::string& why) {
  const std::unique_lock lock{impl_->mutex};
  const std::uint32_t asset = impl_->find_asset(id);
  if (asset == kNoPosition) return false;
  impl_->close_asset(asset, at, why);
  impl_->refresh_stale_assets();
  ++impl_->said;
  return true;
}

bool DependencyGraph::remove_dependency(const Id& id, Timestamp at, const std::string& why) {
  const std::unique_lock lock{impl_->mutex};
  const std::uint32_t dependency = impl_->find_alias_or_dependency(id);
  if (dependency == kNoPosition) return false;
  impl_->close_dependency(dependency, at, why);
  impl_->refresh_stale_assets();
  ++impl_->said;
  return true;
}

}  // namespace flowlens
