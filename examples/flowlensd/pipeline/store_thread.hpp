/// \file
/// pipeline: the thread that owns the Store.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "flowlens/store.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/revision_queue.hpp"

namespace flowlensd {

/// How the store fares.
struct StoreView {
  std::uint64_t applied_revision = 0;
  std::uint64_t applied = 0;   ///< revisions written by this process
  std::uint64_t failures = 0;  ///< attempts that failed
  std::size_t waiting = 0;     ///< revisions, in memory and on disk
  SpoolView spool;
  double writing_seconds =
      0;                     ///< for so long the store has not answered; 0: nothing is asked of it
  double apply_seconds = 0;  ///< the last one took
  std::string problem;       ///< empty: the last attempt was good
  std::string expiry_problem;  ///< empty: the last look for what is too old was good
};

/// Writes revisions in order. A failure is tried again for as long as the daemon runs; meanwhile revisions
/// wait on disk. Without a spool, and once it is full, has_room() is false and the flush is stretched. Once a
/// minute, while no revision waits, the store adds up
/// hours and days and removes what is too old, by the time of the last revision.
///
/// Thread-safe.
class StoreThread {
 public:
  /// \param spool  null: what waits is kept in memory only.
  StoreThread(std::unique_ptr<Store> store, const Retention& retention, FatalHandler fatal,
              std::function<void(const Revision&, double seconds)> on_applied,
              std::unique_ptr<Spool> spool = nullptr);
  ~StoreThread();

  void start();
  /// Whether submit() may be called: few revisions wait in memory. Never waits for disk or store.
  /// \param is_by_hand  see RevisionQueue.
  [[nodiscard]] bool has_room(bool is_by_hand = false) const;
  /// Waits until has_room(). \return false after `timeout`.
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds timeout) const;
  void submit(std::shared_ptr<const Revision> revision);
  /// Writes what waits, for at most `grace`, and ends the thread. What is on disk may stay there.
  /// \return false if something was left that is neither in the store nor on disk.
  bool finish(std::chrono::milliseconds grace);

  void change(const Retention& retention);

  [[nodiscard]] StoreView view() const;

 private:
  void run();
  /// \return false if it is there still and nothing more is to be tried.
  bool apply_until_good(const Revision& revision);
  bool apply_once(const Revision& revision);
  /// \return how long it took, in seconds. \throws what the store throws.
  double ask(const Revision& revision);
  /// One step. \return whether there may be more to do.
  bool expire_once();
  bool pause(std::chrono::milliseconds length);
  void note_failure(const std::string& why);
  [[nodiscard]] bool is_away() const;
  [[nodiscard]] bool may_leave_rest() const;
  std::shared_ptr<const Revision> next();

  std::unique_ptr<Store> store_;
  Retention retention_;
  FatalHandler fatal_;
  std::function<void(const Revision&, double)> on_applied_;
  RevisionQueue queue_;
  std::minstd_rand dice_;  ///< of the thread

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  StoreView view_;
  std::optional<std::chrono::steady_clock::time_point>
      asked_at_;  ///< the store, which has not answered
  bool finishing_ = false;
  bool is_stale_ = false;
  bool is_expiring_ = false;
  Timestamp applied_at_;  ///< of the last revision, in the time of the traffic
  std::chrono::steady_clock::time_point next_expiry_{};
  std::chrono::steady_clock::time_point give_up_at_{};
  std::thread thread_;
};

}  // namespace flowlensd
