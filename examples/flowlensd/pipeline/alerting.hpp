/// \file
/// pipeline: a follower that makes alerts of the events of revisions. A thread of its own takes them,
/// keeps what comes of them and tells channels; whoever hands on revisions never waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "flowlens/alert_store.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/saving.hpp"

namespace flowlensd {

/// With the rules that FlowLens comes with. \param channels  of those that name none.
[[nodiscard]] AlertEngineOptions alert_options(const std::vector<std::string>& channels = {"log"});

/// How the follower fares.
struct AlertingView {
  AlertCounters engine;
  std::uint64_t waiting = 0;   ///< events
  std::uint64_t dropped = 0;   ///< events that there was no room for
  std::uint64_t failures = 0;  ///< attempts to save
  std::string problem;         ///< empty: the last attempt was good
};

/// Thread-safe but for start(), stop(), watch() and look().
class Alerting {
 public:
  using Notify = std::function<void(const AlertNotice&)>;

  /// \param store  null: alerts live in memory only. \param notify  called by one thread at a time.
  /// References outlive this. \throws what the store's load() does.
  Alerting(AlertEngineOptions options, const DependencyGraph& graph, const NetworkRules& networks,
           std::unique_ptr<AlertStore> store, Notify notify, FatalHandler fatal);
  ~Alerting();

  /// Takes up events that the map had before this process began, and that nobody has looked at.
  void start();
  /// Before start(). \param watch  is given what has changed as it is kept; it must not wait, nor ask
  /// this object.
  void watch(std::function<void(const AlertChanges&)> watch) { watch_ = std::move(watch); }
  /// Takes what waits, and ends the thread.
  void stop();
  /// Never waits.
  void submit(const std::vector<ChangeEvent>& events);
  /// Takes what waits. Not while the thread runs.
  void look(Timestamp now);

  /// What `ask` returns of the engine. It must not keep a reference.
  template <typename Ask>
  auto ask(const Ask& ask) const {
    const std::lock_guard lock(engine_mutex_);
    return ask(std::as_const(engine_));
  }
  /// The same, and what `change` does is saved.
  template <typename Change>
  auto change(const Change& change) {
    auto result = [&] {
      const std::lock_guard lock(engine_mutex_);
      return change(engine_);
    }();
    save();
    return result;
  }
  /// The rules, windows and limits as they are, given to an engine beside this one.
  [[nodiscard]] AlertDryRun dry_run(const std::vector<AlertRule>& rules,
                                    const std::vector<ChangeEvent>& events) const;
  [[nodiscard]] AlertingView view() const;

 private:
  void run();
  void take(const std::vector<ChangeEvent>& events, Timestamp now);
  void save();

  const DependencyGraph& graph_;
  const NetworkRules& networks_;
  const Notify notify_;
  const FatalHandler fatal_;
  std::function<void(const AlertChanges&)> watch_;

  mutable std::mutex engine_mutex_;
  AlertEngine engine_;  ///< its own
  Saving<AlertStore, AlertChanges> saving_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ChangeEvent> waiting_;
  std::uint64_t dropped_ = 0;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace flowlensd
