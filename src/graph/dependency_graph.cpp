#include "flowlens/dependency_graph.hpp"

#include <algorithm>
#include <utility>

#include "graph/graph_state.hpp"

namespace flowlens {

using namespace graph;

namespace {

/// Fills a page from rows at ascending positions. `next_alive(p)` gives the first position with a
/// row at or after p, or kNoPosition.
template <typename Row, typename NextAlive, typename RowAt>
void fill(Page<Row>& page, std::uint32_t after, std::size_t limit, NextAlive next_alive,
          RowAt row_at) {
  std::uint32_t position = next_alive(after);
  page.next = after;
  while (position != kNoPosition && page.rows.size() < limit) {
    page.rows.push_back(row_at(position));
    page.next = position + 1;
    position = next_alive(position + 1);
  }
  page.has_more = position != kNoPosition;
}

template <typename Table>
std::uint32_t next_alive_in(const Table& table, std::uint32_t position) {
  while (position < table.positions() && !table[position].value.alive) ++position;
  return position < table.positions() ? position : kNoPosition;
}

}  // namespace

DependencyGraph::DependencyGraph(const DependencyGraphOptions& options, SiteTable sites)
    : impl_(std::make_unique<Impl>(options, std::move(sites))) {}
DependencyGraph::~DependencyGraph() = default;

std::optional<AssetRow> DependencyGraph::asset(const Id& id) const {
  const std::shared_lock lock{impl_->mutex};
  const std::uint32_t position = impl_->find_asset(id);
  if (position == kNoPosition) return std::nullopt;
  return impl_->asset_row(position);
}

std::optional<AssetRow> DependencyGraph::asset_of(const Endpoint& endpoint) const {
  const std::shared_lock lock{impl_->mutex};
  const std::uint32_t position = impl_->endpoints.find(endpoint);
  if (position == kNoPosition) return std::nullopt;
  const std::uint32_t asset = impl_->endpoints[position].value.asset;
  if (asset == kNoPosition) return std::nullopt;
  return impl_->asset_row(asset);
}

std::optional<DependencyRow> DependencyGraph::dependency(const Id& id) const {
  const std::shared_lock lock{impl_->mutex};
  const std::uint32_t position = impl_->find_alias_or_dependency(id);
  if (position == kNoPosition) return std::nullopt;
  return impl_->row_of(position);
}

Page<AssetRow> DependencyGraph::assets(const AssetQuery& query) const {
  if (query.as_of || query.filter || query.order != AssetOrder::arrival || query.skip > 0 ||
      query.min_flows > 0) {
    return impl_->matching_assets(query);
  }
  const std::shared_lock lock{impl_->mutex};
  Page<AssetRow> page;
  page.total = impl_->assets.size();
  fill(
      page, query.after, query.limit,
      [this](std::uint32_t p) { return next_alive_in(impl_->assets, p); },
      [this](std::uint32_t p) { return impl_->asset_row(p); });
  return page;
}

Page<DependencyRow> DependencyGraph::dependencies(const DependencyQuery& query) const {
  if (query.as_of || query.filter || query.order != DependencyOrder::arrival || query.skip > 0) {
    return impl_->matching_dependencies(query);
  }
  const std::shared_lock lock{impl_->mutex};
  Page<DependencyRow> page;
  const auto row_at = [this](std::uint32_t p) { return impl_->row_of(p); };
  if (!query.asset) {
    page.total = impl_->dependencies.size();
    fill(
        page, query.after, query.limit,
        [this](std::uint32_t p) { return next_alive_in(impl_->dependencies, p); }, row_at);
    return page;
  }
  const std::uint32_t asset = impl_->find_asset(*query.asset);
  if (asset == kNoPosition) return page;
  const auto& list = impl_->assets[asset].value.dependencies;
  page.total = list.size();
  fill(
      page, query.after, query.limit,
      [&list](std::uint32_t p) {
        const auto at = std::lower_bound(list.begin(), list.end(), p);
        return at == list.end() ? kNoPosition : *at;
      },
      row_at);
  return page;
}

GraphCounters DependencyGraph::counters() const {
  const std::shared_lock lock{impl_->mutex};
  GraphCounters counters;
  counters.assets = impl_->assets.size();
  counters.dependencies = impl_->dependencies.size();
  counters.refused_flows = impl_->refused_flows;
  counters.refused_aliases = impl_->refused_aliases;
  counters.intermediaries = impl_->intermediaries.size();
  counters.facts = impl_->facts.size();
  counters.refused_facts = impl_->facts.refused();
  counters.expired_facts = impl_->facts.expired();
  counters.revision = impl_->revision;
  counters.said = impl_->said;
  counters.totals = impl_->totals;
  return counters;
}

Revision DependencyGraph::copy() const {
  const std::shared_lock lock{impl_->mutex};
  Revision all;
  all.number = impl_->revision;
  all.assets.reserve(impl_->assets.size());
  for (std::uint32_t p = 0; p < impl_->assets.positions(); ++p) {
    if (impl_->assets[p].value.alive) all.assets.push_back(impl_->asset_row(p));
  }
  all.dependencies.reserve(impl_->dependencies.size());
  for (std::uint32_t p = 0; p < impl_->dependencies.positions(); ++p) {
    if (impl_->dependencies[p].value.alive) all.dependencies.push_back(impl_->row_of(p));
  }
  for (std::uint32_t p = 0; p < impl_->aliases.positions(); ++p) {
    all.aliases.push_back(impl_->aliases[p].value);
  }
  all.events.assign(impl_->recent_events.begin(), impl_->recent_events.end());
  for (const auto& [id, row] : impl_->intermediaries) all.intermediaries.push_back(row);
  for (const auto& [id, said] : impl_->annotations) all.annotations.push_back(*said);
  std::sort(all.annotations.begin(), all.annotations.end(),
            [](const Annotation& a, const Annotation& b) { return a.subject < b.subject; });
  all.facts = impl_->facts.all();
  return all;
}

const SiteTable& DependencyGraph::sites() const noexcept { return impl_->sites; }

}  // namespace flowlens
