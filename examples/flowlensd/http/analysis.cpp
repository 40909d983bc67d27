#include "http/analysis.hpp"

#include <algorithm>
#include <utility>

#include "pipeline/background.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kScaleSamples = 128;

constexpr int kTimesAsOld = 20;               // as its making took, before it is made anew
constexpr std::chrono::seconds kLeastAge{1};  // before the map is looked at again
constexpr std::chrono::seconds kOldest{5};    // beyond what is due; then a question waits
constexpr std::chrono::milliseconds kWorthWaiting{20};  // shorter: the question does so
constexpr std::chrono::minutes kKeptWarm{10};           // after the last question

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

AnalysisCache::~AnalysisCache() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const Analysis> AnalysisCache::get(const std::optional<AsOf>& as_of,
                                                   const Filter<DependencyRow>& filter) {
  if (filter) {
    const auto whole = as_of ? graph_.snapshot(*as_of) : graph_.snapshot();
    return std::make_shared<Analysis>(graph_, filter_snapshot(graph_, *whole, filter));
  }
  if (as_of) return std::make_shared<Analysis>(graph_, graph_.snapshot(*as_of));
  return newest();
}

/// With mutex_ held.
void AnalysisCache::begin_run() {
  asked_at_ = Clock::now();
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void AnalysisCache::warm_up() {
  const std::lock_guard lock(mutex_);
  begin_run();
}

std::shared_ptr<const Analysis> AnalysisCache::newest() {
  const auto fresh_one = [this]() -> std::shared_ptr<const Analysis> {
    const std::lock_guard lock(mutex_);
    begin_run();
    const auto most = kTimesAsOld * took_ + (took_ < kWorthWaiting ? Clock::duration{} : kOldest);
    return newest_ && asked_at_ - looked_at_ < most ? newest_ : nullptr;
  };
  if (auto found = fresh_one()) return found;
  const std::lock_guard making(making_);
  if (auto found = fresh_one()) return found;  // somebody else has made it meanwhile
  make();
  const std::lock_guard lock(mutex_);
  return newest_;
}

/// With making_ held.
void AnalysisCache::make() {
  const auto begin = Clock::now();
  auto snapshot = graph_.snapshot();
  std::shared_ptr<const Analysis> made;
  {
    const std::lock_guard lock(mutex_);
    if (newest_ && &newest_->snapshot() == snapshot.get()) made = newest_;
  }
  const bool is_new = !made;
  if (is_new) made = std::make_shared<Analysis>(graph_, std::move(snapshot));
  const std::lock_guard lock(mutex_);
  newest_ = std::move(made);
  looked_at_ = begin;
  if (is_new) took_ = Clock::now() - begin;
}

bool AnalysisCache::is_due(Clock::time_point now) const {
  return now - asked_at_ < kKeptWarm &&
         now - looked_at_ >= std::max<Clock::duration>(kLeastAge, kTimesAsOld * took_);
}

void AnalysisCache::run() {
  work_in_background();
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    if (is_due(Clock::now())) {
      lock.unlock();
      {
        const std::lock_guard making(making_);
        make();
      }
      lock.lock();
    }
    changed_.wait_for(lock, kLeastAge / 2, [this] { return is_ending_; });
  }
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
