#include "http/analysis.hpp"

#include <algorithm>
#include <utility>

namespace flowlensd::http {
namespace {

constexpr std::size_t kScaleSamples = 128;

}  // namespace

Analysis::Analysis(const DependencyGraph& graph, std::shared_ptr<const Snapshot> snapshot)
    : snapshot_(std::move(snapshot)),
      services_(*snapshot_, {}, {}, replica_hints(graph, *snapshot_)),
      assets_(*snapshot_, services_.own_edges(*snapshot_)) {}

const BlastScale& Analysis::scale() const {
  std::call_once(has_scale_, [this] { scale_.emplace(services_, kScaleSamples); });
  return *scale_;
}

std::optional<AssetIndex> Analysis::find(const Id& id) const noexcept {
  const auto& ids = snapshot_->assets;
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  if (at == ids.end() || *at != id) return std::nullopt;
  return AssetIndex{static_cast<std::uint32_t>(at - ids.begin())};
}

std::shared_ptr<const Analysis> AnalysisCache::get(const DependencyGraph& graph,
                                                   const std::optional<AsOf>& as_of,
                                                   const Filter<DependencyRow>& filter) {
  using Clock = std::chrono::steady_clock;
  if (filter) {
    const auto whole = as_of ? graph.snapshot(*as_of) : graph.snapshot();
    return std::make_shared<Analysis>(graph, filter_snapshot(graph, *whole, filter));
  }
  if (as_of) return std::make_shared<Analysis>(graph, graph.snapshot(*as_of));
  const std::lock_guard lock(mutex_);
  const auto begin = Clock::now();
  if (newest_ && begin - made_at_ < kTimesAsOld * took_) return newest_;
  auto snapshot = graph.snapshot();
  if (newest_ && &newest_->snapshot() == snapshot.get()) return newest_;
  newest_ = std::make_shared<Analysis>(graph, std::move(snapshot));
  made_at_ = Clock::now();
  took_ = made_at_ - begin;
  return newest_;
}

std::string Question::label(AssetIndex a) const {
  const Id& id = of->snapshot().assets[a.value];
  const auto row = service.graph.asset(id);
  return row ? asset_label(*row) : id.to_string();
}

Json Question::asset(AssetIndex a) const {
  return {{"asset_id", of->snapshot().assets[a.value].to_string()}, {"label", label(a)}};
}

AssetIndex Question::find(const Id& id) const {
  if (const auto found = of->find(id)) return *found;
  const auto row = service.graph.asset(id);  // an alias, perhaps
  const auto found = row ? of->find(row->id) : std::nullopt;
  if (!found) {
    throw Problem{404, "Not found", "there is no asset " + id.to_string() + " on this map"};
  }
  return *found;
}

}  // namespace flowlensd::http
