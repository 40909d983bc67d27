/// \file
/// pipeline: readers of the store, each with a connection of its own, for questions that come at once.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "library.hpp"

namespace flowlensd {

struct ReaderPoolOptions {
  /// Readers at most. Fewer than there are threads that ask: a database that never answers must not
  /// hold all of them.
  std::size_t most = 1;
  std::chrono::milliseconds patience{2'000};  ///< how long a question waits for one before it
  std::chrono::seconds keep{1'800};           ///< age at which one is made anew; 0: never
};

/// Thread-safe.
template <typename Reader>
class ReaderPool {
  using Clock = std::chrono::steady_clock;
  struct Entry {
    std::unique_ptr<Reader> reader;
    Clock::time_point made_at;
  };

 public:
  using Make = std::function<std::unique_ptr<Reader>()>;

  /// \param make  called by whoever asks.
  ReaderPool(Make make, const ReaderPoolOptions& options)
      : make_(std::move(make)), options_(options) {}

  /// What `ask` returns of a reader that nobody else has meanwhile.
  /// \throws IoError if the questions before take too long.
  template <typename Ask>
  auto with_reader(const std::string& about, const Ask& ask) const {
    Loan loan{*this, take(about)};
    if (!loan.entry.reader) loan.entry.reader = make_();
    return ask(*loan.entry.reader);
  }
  /// Questions that wait for one before them.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

 private:
  struct Loan {
    const ReaderPool& pool;
    Entry entry;
    Loan(const ReaderPool& from, Entry taken) : pool(from), entry(std::move(taken)) {}
    ~Loan() { pool.give_back(std::move(entry)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
  };

  Entry take(const std::string& about) const {
    std::unique_lock lock(mutex_);
    ++waiting_;
    const bool is_free =
        returned_.wait_for(lock, options_.patience, [this] { return lent_ < options_.most; });
    --waiting_;
    if (!is_free) {
      throw IoError("store: still busy with other questions about " + about + "; ask again");
    }
    ++lent_;
    if (free_.empty()) return {nullptr, Clock::now()};
    Entry entry = std::move(free_.back());
    free_.pop_back();
    return entry;
  }

  void give_back(Entry entry) const {
    {
      const std::lock_guard lock(mutex_);
      --lent_;
      const bool is_old =
          options_.keep.count() > 0 && Clock::now() - entry.made_at >= options_.keep;
      if (entry.reader && !is_old) free_.push_back(std::move(entry));
    }
    returned_.notify_one();
  }

  const Make make_;
  const ReaderPoolOptions options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable returned_;
  mutable std::vector<Entry> free_;
  mutable std::size_t lent_ = 0;
  mutable std::atomic<std::size_t> waiting_{0};
};

}  // namespace flowlensd
