/// \file
/// http: what analyses stand on, made once for a state of the map.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "http/router.hpp"
#include "http/rows.hpp"
#include "library.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// A snapshot and its graphs. Thread-safe: what is made later is made once.
class Analysis {
 public:
  Analysis(const DependencyGraph& graph, std::shared_ptr<const Snapshot> snapshot);

  [[nodiscard]] const Snapshot& snapshot() const noexcept { return *snapshot_; }
  [[nodiscard]] const ServiceGraph& services() const noexcept { return services_; }
  /// Without infrastructure and watchers.
  [[nodiscard]] const AssetGraph& assets() const noexcept { return assets_; }
  [[nodiscard]] const BlastScale& scale() const;
  /// Nothing if the snapshot does not have it.
  [[nodiscard]] std::optional<AssetIndex> find(const Id& id) const noexcept;

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  ServiceGraph services_;
  AssetGraph assets_;
  mutable std::once_flag has_scale_;
  mutable std::optional<BlastScale> scale_;
};

/// The newest analysis. While questions come, a thread makes it anew in the background, so that none of
/// them waits for it: what they are told is of a moment ago. On a map that changes all the time that is
/// done only once it is much older than its making took, so that it never costs more than a small part of
/// a processor. Thread-safe.
class AnalysisCache {
 public:
  /// \param graph  outlives this.
  explicit AnalysisCache(const DependencyGraph& graph) : graph_(graph) {}
  ~AnalysisCache();

  /// \param as_of  nothing: now. The past, and what a filter matches, is made anew by each call.
  [[nodiscard]] std::shared_ptr<const Analysis> get(const std::optional<AsOf>& as_of,
                                                    const Filter<DependencyRow>& filter);
  /// Makes the first one in the background, before anybody asks.
  void warm_up();
  /// Of now; some seconds old.
  [[nodiscard]] std::shared_ptr<const Analysis> newest();

 private:
  using Clock = std::chrono::steady_clock;

  void begin_run();
  void run();
  void make();
  [[nodiscard]] bool is_due(Clock::time_point now) const;

  const DependencyGraph& graph_;
  std::mutex making_;  ///< taken before the other

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Analysis> newest_;
  Clock::time_point looked_at_;  ///< when newest_ was found to be the newest
  Clock::duration took_{};
  Clock::time_point asked_at_;
  bool is_ending_ = false;
  std::thread thread_;  ///< begins with the first question
};

/// One question: what it is asked of, and how to name what is found.
struct Question {
  const Service& service;
  std::shared_ptr<const Analysis> of;

  [[nodiscard]] std::string label(AssetIndex a) const;
  [[nodiscard]] Json asset(AssetIndex a) const;
  /// \throws Problem if the map has no asset of that id.
  [[nodiscard]] AssetIndex find(const Id& id) const;
};

/// How the map hangs together: communities, who is in the middle.
void add_structure_routes(Router& router, const Service& service,
                          const std::shared_ptr<AnalysisCache>& cache);

}  // namespace flowlensd::http
