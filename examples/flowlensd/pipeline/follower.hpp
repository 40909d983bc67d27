/// \file
/// pipeline: a copy of the map that follows the process which writes it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "flowlens/revision_feed.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/map_writer.hpp"

namespace flowlensd {

/// How the copy fares.
struct FollowerView {
  FeedPosition at;
  std::uint64_t newest = 0;  ///< revision of the store, as of the last look
  double lag_seconds =
      0;  ///< age of the last revision when the copy had it, by the clocks of both machines
  double behind_seconds = 0;  ///< for so long there have been revisions that the copy lacks
  double silent_seconds = 0;  ///< since the database answered last
  std::uint64_t applied = 0;  ///< revisions
  std::uint64_t reloads = 0;  ///< times that revisions were missing, and all was read anew
  std::uint64_t failures = 0;
  std::string problem;  ///< empty: the last look was good
};

/// Reads the map once, and then each revision as it comes. Where some are missing, because it could not look
/// for too long, it reads the map anew, and clients of live updates are told so.
///
/// Thread-safe but for load(), start() and stop().
class Follower final : public MapSource {
 public:
  /// Given each revision after the graph has it; after a gap it holds the whole map. Rows come without what people
  /// say of them, which stands beside. Must not wait.
  using Watch = std::function<void(Revision, bool is_after_gap)>;

  /// \param options  of the graph, to which a second one is made while all is read anew. References outlive this.
  Follower(std::unique_ptr<RevisionFeed> feed, DependencyGraph& graph,
           const DependencyGraphOptions& options, Watch watch, FatalHandler fatal);
  ~Follower() override;

  /// Reads the map; before start(). \throws what RevisionFeed::load() does.
  void load();
  void start();
  void stop();

  /// \return whether the copy has the revision, at last after `patience`.
  [[nodiscard]] bool wait_for(std::uint64_t revision, std::chrono::milliseconds patience) const;
  [[nodiscard]] FollowerView status() const;
  [[nodiscard]] MapView view() const override;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  /// \return whether there may be more at once.
  bool look();
  void take(Revision revision, bool is_after_gap);
  void read_anew();
  void note(std::uint64_t newest);
  void note_failure(const std::string& why);

  const std::unique_ptr<RevisionFeed> feed_;
  DependencyGraph& graph_;
  const DependencyGraphOptions options_;
  const Watch watch_;
  const FatalHandler fatal_;

  mutable std::mutex mutex_;  ///< of all down to the empty line
  mutable std::condition_variable changed_;
  FollowerView view_;
  Clock::time_point answered_at_ = Clock::now();
  Clock::time_point level_at_ = Clock::now();  ///< when the copy had all for the last time
  bool is_ending_ = false;

  std::thread thread_;
};

}  // namespace flowlensd
