#include <algorithm>
#include <utility>

#include "graph/graph_state.hpp"

namespace flowlens {

namespace graph {

DependencyRow State::row_of(std::uint32_t position) const {
  const DependencyKeyPositions& key = dependencies[position].key;
  const DependencyState& d = dependencies[position].value;
  const Description said = shown(d);
  DependencyRow row;
  row.id = d.id;
  const auto &client = assets[client_asset(position)], &server = assets[server_asset(position)];
  row.client_asset = client.key;
  row.server_asset = server.key;
  row.client_internal = client.value.is_internal;
  row.server_internal = server.value.is_internal;
  row.key.client = endpoints[key.client].key;
  row.key.server = endpoints[key.server].key;
  row.key.port = key.port;
  row.key.protocol = key.protocol;
  row.service = d.service;
  row.direction = said.direction;
  row.rung = said.rung;
  row.reasons = said.reasons;
  row.provisional = d.provisional != 0;
  row.first_seen = said.seen.first;
  row.last_seen = said.seen.last;
  row.totals = d.totals;
  for (std::size_t i = 0; i < said.observer_count; ++i) {
    row.observers[i] = exporters[said.observers[i]].key;
  }
  row.observer_count = said.observer_count;
  row.hours = shown_hours(position);
  row.flips = d.flips;
  const auto count = client_counts.find(position);
  if (count != client_counts.end()) row.client_count = count->second;
  if (const auto via = vias.find(position); via != vias.end()) row.via = via->second;
  if (!annotations.empty()) row.annotation = annotation_of(row.id);
  return row;
}

AssetRow State::asset_row(std::uint32_t asset) const {
  const AssetState& a = assets[asset].value;
  AssetRow row;
  row.id = assets[asset].key;
  if (a.extra) {
    row.name = a.extra->name;
    row.asset_type = a.extra->asset_type;
    row.name_source = a.extra->name_source;
    if (a.extra->name_at > Timestamp::min()) row.name_at = a.extra->name_at;
    row.type_source = a.extra->type_source;
    row.type_confidence = a.extra->type_confidence;
    if (a.extra->type_at > Timestamp::min()) row.type_at = a.extra->type_at;
  }
  for (const Held& held : a.held()) {
    HeldEndpoint& e = row.endpoints.emplace_back();
    e.endpoint = endpoints[held.endpoint].key;
    e.from = held.from;
    if (!held.is_open()) e.until = held.until;
    e.source = held.says;
  }
  row.is_internal = a.is_internal;
  row.first_seen = a.seen.first;
  row.last_seen = a.seen.last;
  if (!annotations.empty()) row.annotation = annotation_of(row.id);
  return row;
}

void State::prefetch(std::span<const std::uint32_t> dependencies_ahead) const noexcept {
  for (const std::uint32_t d : dependencies_ahead) dependencies.prefetch_at(d);
  for (const std::uint32_t d : dependencies_ahead) prefetch_hours(d);
  for (const std::uint32_t d : dependencies_ahead) {
    endpoints.prefetch_at(dependencies[d].key.client);
    endpoints.prefetch_at(dependencies[d].key.server);
  }
  for (const std::uint32_t d : dependencies_ahead) {
    assets.prefetch_at(client_asset(d));
    assets.prefetch_at(server_asset(d));
  }
}

void State::take_asset(const AssetRow& row) {
  const auto has_room = [&](const HeldEndpoint& held) {
    return !endpoints.full() || endpoints.find(held.endpoint) != kNoPosition;
  };
  // An asset holds an endpoint at least.
  if (std::none_of(row.endpoints.begin(), row.endpoints.end(), has_room)) return;
  const auto [asset, is_new] = assets.insert(row.id);
  if (asset == kNoPosition) return;
  if (is_new) note_structure(asset, true);
  AssetState& a = assets[asset].value;
  a.alive = a.published = true;
  a.is_internal = row.is_internal;
  a.seen = {row.first_seen, row.last_seen};
  if (!row.name.empty() || row.asset_type != "unknown" || row.type_source != FactSource::observed ||
      a.extra) {
    a.more().name = row.name;
    a.extra->asset_type = row.asset_type;
    a.extra->name_source = row.name_source;
    a.extra->name_at = row.name_at;
    a.extra->type_source = row.type_source;
    a.extra->type_confidence = row.type_confidence;
    a.extra->type_at = row.type_at;
  }
  a.one = {};
  if (a.extra) a.extra->held.clear();
  for (const HeldEndpoint& held : row.endpoints) {
    const std::uint32_t endpoint = endpoints.insert(held.endpoint).first;
    if (endpoint == kNoPosition) continue;
    const Held taken{held.from, held.until.value_or(Timestamp::max()), endpoint, held.source};
    if (row.endpoints.size() == 1) {
      a.one = taken;
    } else {
      a.held_list().push_back(taken);
    }
    if (taken.is_open()) {
      hand_over(endpoint, asset);
      endpoints[endpoint].value.held_says = held.source;
    } else {
      note_past_holder(endpoint, asset);
    }
  }
}

void State::take_dependency(const DependencyRow& row) {
  std::uint32_t position = find_dependency(row.key);
  if (position == kNoPosition) {
    const std::uint32_t client = endpoints.find(row.key.client);
    const std::uint32_t server = endpoints.find(row.key.server);
    if (client == kNoPosition || server == kNoPosition || dependencies.full()) return;
    if (endpoints[client].value.asset == kNoPosition) return;
    if (endpoints[server].value.asset == kNoPosition) return;
    position = make_dependency({client, server, row.key.port, row.key.protocol}, row.id);
  }
  DependencyState& d = dependencies[position].value;
  totals -= d.totals;
  totals += row.totals;
  newest_hour = std::max(newest_hour, hour_of(row.last_seen));
  free_open_windows(d);
  d.totals = row.totals;
  d.service = row.service;
  d.provisional = row.provisional ? 1 : 0;
  d.published = 1;
  Description said;
  said.seen = {row.first_seen, row.last_seen};
  said.direction = row.direction;
  said.rung = row.rung;
  said.reasons = row.reasons;
  const std::size_t named = std::min<std::size_t>(row.observer_count, kMaxObservers);
  for (std::size_t i = 0; i < named; ++i) {
    const std::uint16_t exporter = exporter_position(row.observers[i]);
    if (exporter != 0xffff) add_observer(said, exporter);
  }
  d.close_with(said);
  d.flips = std::min(row.flips, kMaxFlips) & kMaxFlips;
  if (!row.via.address.is_unspecified()) vias[position] = row.via;
  if (row.client_count > 1) client_counts[position] = row.client_count;
  hours[position] = row.hours;
  // Rows of releases before the bitmaps: two hours are known.
  hours[position].set({hour_of(row.first_seen), hour_of(row.first_seen)});
  hours[position].set({hour_of(row.last_seen), hour_of(row.last_seen)});
  count_hours(position);
}

/// For a follower: what was applied is no news.
void State::forget_changes() noexcept {
  for (const std::uint32_t asset : changed_assets) assets[asset].value.changed = false;
  for (const std::uint32_t d : changed_dependencies) dependencies[d].value.changed = 0;
  changed_assets.clear();
  changed_dependencies.clear();
  new_aliases.clear();
  events.clear();
  changed_intermediaries.clear();
  changed_annotations.clear();
  closed_dependencies.clear();
  facts.forget_changes();
}

}  // namespace graph

using namespace graph;

void DependencyGraph::apply(const Revision& revision) {
  const std::unique_lock lock{impl_->mutex};
  for (const auto* ids : {&revision.removed_dependencies, &revision.closed_dependencies}) {
    for (const Id& id : *ids) {
      const std::uint32_t dependency = impl_->find_dependency(id);
      if (dependency != kNoPosition) impl_->remove_dependency(dependency);
    }
  }
  const auto remove_assets = [&] {
    for (const Id& id : revision.removed_assets) {
      const std::uint32_t asset = impl_->assets.find(id);
      if (asset != kNoPosition && impl_->assets[asset].value.dependencies.empty()) {
        impl_->remove_asset(asset);
      }
    }
  };
  remove_assets();
  for (const AssetRow& row : revision.assets) impl_->take_asset(row);
  for (const DependencyRow& row : revision.dependencies) impl_->take_dependency(row);
  remove_assets();  // of merged ones, what they had has moved by now
  for (const Alias& alias : revision.aliases) impl_->add_alias(alias);
  for (const ChangeEvent& event : revision.events) impl_->remember(event);
  for (const IntermediaryRow& row : revision.intermediaries) impl_->take_intermediary(row);
  for (const Annotation& said : revision.annotations) impl_->annotate(said);
  for (const EndpointFacts& said : revision.facts) impl_->facts.replace(said);
  // The rows say all there is to say: nothing is worked out again, nothing is reported on.
  for (const std::uint32_t asset : impl_->stale_assets) {
    impl_->assets[asset].value.times_stale = false;
  }
  impl_->stale_assets.clear();
  impl_->removed_dependencies.clear();
  impl_->removed_assets.clear();
  impl_->forget_changes();
  impl_->revision = std::max(impl_->revision, revision.number);
}

Revision DependencyGraph::take_revision(std::uint64_t number, Epoch epoch, Timestamp at,
                                        bool has_more) {
  const std::unique_lock lock{impl_->mutex};
  impl_->welcome();
  impl_->expire_facts(at);
  Revision revision;
  revision.number = number;
  revision.epoch = epoch;
  revision.at = at;

  std::sort(impl_->changed_assets.begin(), impl_->changed_assets.end());
  revision.assets.reserve(impl_->changed_assets.size());
  for (const std::uint32_t asset : impl_->changed_assets) {
    AssetState& a = impl_->assets[asset].value;
    if (!a.alive || !a.changed) continue;
    a.changed = false;
    a.published = true;
    revision.assets.push_back(impl_->asset_row(asset));
  }
  impl_->changed_assets.clear();

  std::sort(impl_->changed_dependencies.begin(), impl_->changed_dependencies.end());
  const std::span<const std::uint32_t> changed = impl_->changed_dependencies;
  revision.dependencies.reserve(changed.size());
  for (std::size_t i = 0; i < changed.size(); ++i) {
    if (i % kAhead == 0) impl_->prefetch(changed.subspan(i, std::min(kAhead, changed.size() - i)));
    const std::uint32_t dependency = changed[i];
    DependencyState& d = impl_->dependencies[dependency].value;
    if (!d.alive || !d.changed) continue;
    d.changed = 0;
    d.published = 1;
    revision.dependencies.push_back(impl_->row_of(dependency));
  }
  impl_->changed_dependencies.clear();

  // What was removed and came back is not removed.
  const auto take_removed = [](std::vector<Id>& from, std::vector<Id>& to, const auto& is_there) {
    std::sort(from.begin(), from.end());
    from.erase(std::unique(from.begin(), from.end()), from.end());
    std::copy_if(from.begin(), from.end(), std::back_inserter(to),
                 [&](const Id& id) { return !is_there(id); });
    from.clear();
  };
  take_removed(impl_->removed_assets, revision.removed_assets,
               [this](const Id& id) { return impl_->assets.find(id) != kNoPosition; });
  take_removed(impl_->removed_dependencies, revision.removed_dependencies,
               [this](const Id& id) { return impl_->find_dependency(id) != kNoPosition; });
  take_removed(impl_->closed_dependencies, revision.closed_dependencies,
               [this](const Id& id) { return impl_->find_dependency(id) != kNoPosition; });
  revision.aliases = std::exchange(impl_->new_aliases, {});
  revision.events = std::exchange(impl_->events, {});
  for (const Id& id : std::exchange(impl_->changed_intermediaries, {})) {
    revision.intermediaries.push_back(impl_->intermediaries.at(id));
  }
  for (const Id& id : std::exchange(impl_->changed_annotations, {})) {
    const auto said = impl_->annotation_of(id);
    Annotation nothing;
    nothing.subject = id;
    revision.annotations.push_back(said ? *said : nothing);
  }
  revision.facts = impl_->facts.take_changed();
  if (revision.empty() && !has_more) {
    revision.number = impl_->revision;
  } else {
    impl_->revision = number;
  }
  return revision;
}

}  // namespace flowlens
