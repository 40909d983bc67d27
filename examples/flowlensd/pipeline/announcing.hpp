/// \file
/// pipeline: revisions on their way to processes that follow, ahead of the store.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "flowlens/revision_feed.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"

namespace flowlensd {

struct AnnouncingView {
  std::uint64_t announced = 0;    ///< revisions
  std::uint64_t passed_over = 0;  ///< failed, or too many waited: followers get them by the store
  std::string problem;            ///< empty: the last attempt was good
};

/// A thread of its own, with a connection of its own. Thread-safe.
class Announcing {
 public:
  Announcing(std::unique_ptr<RevisionAnnouncer> announcer, FatalHandler fatal);
  ~Announcing();

  void start();
  /// Waits for the one at hand; the others are passed over.
  void stop();
  /// Waits for nothing.
  void offer(std::shared_ptr<const Revision> revision);
  [[nodiscard]] AnnouncingView view() const;

 private:
  void run();
  void announce(const Revision& revision);

  const std::unique_ptr<RevisionAnnouncer> announcer_;
  const FatalHandler fatal_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const Revision>> waiting_;
  AnnouncingView view_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace flowlensd
