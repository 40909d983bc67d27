/// \file
/// pipeline: which assets belong together. A thread looks at the map from time to time, keeps what it
/// finds with what people say of it, and tells who joined and left.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "flowlens/application_store.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/periodic.hpp"
#include "pipeline/saving.hpp"

namespace flowlensd {

/// How it fares.
struct GroupingView {
  ApplicationBookCounters book;
  std::uint64_t revision = 0;  ///< of the map that was looked at last
  std::uint64_t failures = 0;  ///< attempts to save
  std::string problem;         ///< empty: the last attempt was good
};

/// Thread-safe but for start(), stop() and look().
class Grouping {
 public:
  using Tell = std::function<void(const std::vector<ChangeEvent>&)>;
  using List = std::vector<KnownApplication>;

  /// \param store  null: applications live in memory only. \param tell  takes events.
  /// References outlive this. \throws what the store's load() does.
  Grouping(const ApplicationBookOptions& options, const DependencyGraph& graph,
           std::unique_ptr<ApplicationStore> store, Tell tell, std::chrono::milliseconds interval,
           FatalHandler fatal);

  void start() { thread_.start(); }
  void stop() { thread_.stop(); }
  /// Looks once. Not while the thread runs.
  void look(Timestamp now);
  /// Instead of looking, for a copy of what another process finds: takes what that has kept.
  /// \throws what the store's load() does.
  void read_again();

  /// As of the last look or word, without waiting for one. shared_ptr: a later one takes its place
  /// while somebody reads it.
  [[nodiscard]] std::shared_ptr<const List> all() const;
  /// What `ask` returns of the book. It must not keep a reference.
  template <typename Ask>
  auto ask(const Ask& ask) const {
    const std::lock_guard lock(mutex_);
    return ask(std::as_const(book_));
  }
  /// The same, and what `change` does is saved.
  template <typename Change>
  auto change(const Change& change) {
    auto result = [&] {
      const std::lock_guard lock(mutex_);
      auto said = change(book_);
      list_ = std::make_shared<const List>(book_.all());
      return said;
    }();
    save();
    return result;
  }
  [[nodiscard]] GroupingView view() const;

 private:
  using Clock = std::chrono::steady_clock;

  void look_at_leisure(Timestamp now);
  void follow_merged_assets(const Snapshot& snapshot);
  void save();

  const ApplicationBookOptions options_;
  const DependencyGraph& graph_;
  const Tell tell_;

  mutable std::mutex mutex_;  ///< of all down to the empty line
  ApplicationBook book_;
  std::shared_ptr<const List> list_ = std::make_shared<const List>();
  std::uint64_t revision_ = 0;

  Saving<ApplicationStore, ApplicationChanges> saving_;

  // Of the last look: as long as neither changes, nor do the proposals.
  std::shared_ptr<const Snapshot> seen_;
  std::uint64_t seen_words_ = 0;
  std::vector<Application> proposals_;
  Clock::time_point next_{};  ///< not before it, so that a large map costs a small part of a core
  Periodic thread_;
};

}  // namespace flowlensd
