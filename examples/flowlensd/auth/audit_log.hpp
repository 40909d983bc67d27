/// \file
/// auth: who did what, written behind the requests.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "auth/auth_store.hpp"

namespace flowlensd {

struct AuditOptions {
  std::chrono::hours keep{0};  ///< 0: for ever
  std::uint64_t max_entries = 1'000'000;
  std::size_t max_waiting = 10'000;  ///< while the store is away
  /// Refusals cost the one who is refused nothing, so that they alone are bounded in rate.
  std::uint32_t refusals_per_second = 5;
  std::uint32_t refusals_at_once = 100;
};

struct AuditCounters {
  std::uint64_t recorded = 0;
  std::uint64_t dropped_full = 0;  ///< more waited than may
  std::uint64_t dropped_rate = 0;  ///< refusals past their rate
  std::uint64_t sessions = 0;      ///< in the store, as of the last look
};

/// Hands entries to the store from a thread of its own, which also removes what is old. Thread-safe.
class AuditLog {
 public:
  AuditLog(AuthStore& store, AuditOptions options);
  ~AuditLog();

  void start();
  /// Writes what waits, if the store takes it.
  void stop();

  void record(AuditEntry entry);
  /// The same for a log-in that failed and the like.
  void record_refusal(AuditEntry entry);
  /// What waits is written first. \throws flowlens::IoError
  [[nodiscard]] std::vector<AuditEntry> page(const AuditQuery& query);
  [[nodiscard]] AuditCounters counters() const;

 private:
  void run();
  /// \return false if the store did not take it; it waits on.
  bool write_out() noexcept;
  void tidy(Timestamp now) noexcept;

  AuthStore& store_;
  const AuditOptions options_;
  std::mutex writing_;  ///< taken before mutex_
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<AuditEntry> waiting_;
  AuditCounters counters_;
  double refusals_left_;
  Timestamp refusals_at_{};
  bool is_failing_ = false;
  bool is_stopping_ = false;
  std::thread thread_;
};

/// Text from outside as one line of at most `most` printable ASCII characters.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t most);

}  // namespace flowlensd
