/// \file
/// http: what analyses stand on, made once for a state of the map.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

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

/// The newest analysis. On a map that changes all the time it is made again only once it is much
/// older than its making took, so that it never costs more than a small part of a processor.
/// Thread-safe.
class AnalysisCache {
 public:
  /// \param as_of  nothing: now. The past, and what a filter matches, is made anew by each call.
  [[nodiscard]] std::shared_ptr<const Analysis> get(const DependencyGraph& graph,
                                                    const std::optional<AsOf>& as_of,
                                                    const Filter<DependencyRow>& filter);

 private:
  static constexpr int kTimesAsOld = 20;
  std::mutex mutex_;
  std::shared_ptr<const Analysis> newest_;
  std::chrono::steady_clock::time_point made_at_;
  std::chrono::steady_clock::duration took_{};
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
