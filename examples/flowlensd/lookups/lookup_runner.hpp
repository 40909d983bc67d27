/// \file
/// lookups: asks each source at its interval, and when its file changes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "lookups/fact_door.hpp"
#include "lookups/lookup_source.hpp"

namespace flowlensd {

struct LookupRunnerOptions {
  std::size_t threads = 4;  ///< so many sources are asked at once; one that hangs holds up no other
  /// Between two looks whether files have changed, or a source has news.
  std::chrono::milliseconds file_interval{2'000};
};

/// A source that fails keeps what it said last, and is asked again at its interval. Thread-safe.
class LookupRunner {
 public:
  /// \param door  outlives this.
  LookupRunner(std::vector<LookupSource> sources, FactDoor& door, LookupRunnerOptions options = {});
  ~LookupRunner();

  void start();
  /// Waits for the sources that are being asked: each has time-outs of its own.
  void stop();
  /// Asks each once. Not while threads run.
  void ask_all();

  [[nodiscard]] std::vector<LookupStatus> statuses() const;

 private:
  using Clock = std::chrono::steady_clock;
  /// What shows that a file has changed.
  using Stamp = std::optional<std::pair<std::filesystem::file_time_type, std::uintmax_t>>;
  struct Entry {
    LookupSource source;
    LookupStatus status;
    Clock::time_point due;
    Clock::time_point rested;  ///< not asked before, whatever changes
    Stamp stamp;
    bool is_asked = false;  ///< by a thread, which alone uses the lister
  };

  void run();
  /// Null: none is due now. Called with the lock.
  Entry* next_due();
  [[nodiscard]] Clock::time_point next_look() const;
  void ask(Entry& entry);
  static Stamp stamp_of(const LookupSource& source);
  static bool is_watched(const LookupSource& source);

  const LookupRunnerOptions options_;
  FactDoor& door_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false;
  std::vector<Entry> entries_;  ///< never grows or shrinks
  std::vector<std::thread> threads_;
};

}  // namespace flowlensd
