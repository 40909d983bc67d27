#include "auth/audit_log.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "log.hpp"

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 500;
constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::seconds kPauseAfterFailure{2};
constexpr std::chrono::seconds kCountEvery{15};
constexpr std::chrono::hours kExpireEvery{1};

}  // namespace

std::string one_line(std::string_view text, std::size_t most) {
  std::string out(text.substr(0, most));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

AuditLog::AuditLog(AuthStore& store, AuditOptions options)
    : store_(store), options_(options), refusals_left_(options.refusals_at_once) {}

AuditLog::~AuditLog() { stop(); }

void AuditLog::start() {
  thread_ = std::thread([this] { run(); });
}

void AuditLog::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void AuditLog::record(AuditEntry entry) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= options_.max_waiting) {
    ++counters_.dropped_full;
    return;
  }
  ++counters_.recorded;
  waiting_.push_back(std::move(entry));
}

void AuditLog::record_refusal(AuditEntry entry) {
  {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> passed = entry.at - std::exchange(refusals_at_, entry.at);
    const double most = options_.refusals_at_once;
    const double earned = std::clamp(passed.count(), 0.0, 3'600.0) * options_.refusals_per_second;
    refusals_left_ = std::min(refusals_left_ + earned, most);
    if (refusals_left_ < 1) {
      ++counters_.dropped_rate;
      return;
    }
    refusals_left_ -= 1;
  }
  record(std::move(entry));
}

std::vector<AuditEntry> AuditLog::page(const AuditQuery& query) {
  static_cast<void>(write_out());
  return store_.audit(query);
}

AuditCounters AuditLog::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void AuditLog::run() {
  auto next_count = Clock::now();
  auto next_expiry = Clock::now();
  while (true) {
    const bool is_written = write_out();
    const auto now = Clock::now();
    if (now >= next_expiry) {
      tidy(std::chrono::system_clock::now());
      next_expiry = now + kExpireEvery;
    }
    if (now >= next_count) {
      try {
        const std::uint64_t sessions = store_.session_count(std::chrono::system_clock::now());
        const std::lock_guard lock(mutex_);
        counters_.sessions = sessions;
      } catch (const std::exception&) {
        // The number of before stays; write_out() tells of a store that is away.
      }
      next_count = now + kCountEvery;
    }
    std::unique_lock lock(mutex_);
    if (is_stopping_ && (waiting_.empty() || !is_written)) return;
    if (!is_stopping_) wake_.wait_for(lock, is_written ? kPause : kPauseAfterFailure);
  }
}

bool AuditLog::write_out() noexcept {
  const std::lock_guard writing(writing_);
  while (true) {
    std::vector<AuditEntry> batch;
    {
      const std::lock_guard lock(mutex_);
      const auto end =
          waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kBatch));
      batch.assign(waiting_.begin(), end);
    }
    if (batch.empty()) return true;
    try {
      store_.append(batch);
    } catch (const std::exception& e) {
      if (!std::exchange(is_failing_, true)) {
        log::error("auth", "the audit cannot be written; it waits", {{"reason", e.what()}});
      }
      return false;
    }
    is_failing_ = false;
    const std::lock_guard lock(mutex_);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
  }
}

void AuditLog::tidy(Timestamp now) noexcept {
  try {
    const Timestamp from =
        options_.keep.count() == 0 ? Timestamp{} : Timestamp{now - options_.keep};
    const std::uint64_t removed = store_.expire(now, from, options_.max_entries);
    if (removed > 0) log::info("auth", "old audit entries were removed", {{"entries", removed}});
  } catch (const std::exception& e) {
    log::warning("auth", "what is old could not be removed", {{"reason", e.what()}});
  }
}

}  // namespace flowlensd
