/// \file
/// pipeline: what a follower keeps in the database, written in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "flowlens/store.hpp"
#include "library.hpp"
#include "log.hpp"
#include "pipeline/fatal.hpp"

namespace flowlensd {

/// Writes changes to a store of the library. What could not be written is tried again first; meanwhile
/// whoever makes the changes collects what is new, within its own bounds.
///
/// Nobody else's lock is held while the store writes, and a store that never answers holds one thread:
/// others leave their changes to a later save() after a moment. Thread-safe.
template <typename Store, typename Changes>
class Saving {
 public:
  /// \param what  is kept, for messages: `alerts`. \param store  null: nothing is.
  /// \param patience  how long save() waits for another one.
  Saving(std::string what, std::unique_ptr<Store> store, FatalHandler fatal,
         std::chrono::milliseconds patience = std::chrono::seconds{2})
      : what_(std::move(what)),
        store_(std::move(store)),
        fatal_(std::move(fatal)),
        patience_(patience) {}

  /// To load from, before the first save().
  [[nodiscard]] Store* store() noexcept { return store_.get(); }

  /// \param take  gives what has changed since it was last asked; it locks what it needs, and whoever calls
  /// holds no such lock.
  template <typename Take>
  void save(const Take& take) {
    if (!store_) return;
    const std::unique_lock lock(writing_, patience_);
    if (!lock || is_stale_) return;
    try {
      write(take);
      note({});
    } catch (const StaleEpochError& e) {
      is_stale_ = true;
      fatal_(taken_over(e));
    } catch (const IoError& e) {
      note(e.what());
    }
  }

  [[nodiscard]] std::uint64_t failures() const {
    const std::lock_guard lock(noting_);
    return failures_;
  }
  /// Empty: the last attempt was good.
  [[nodiscard]] std::string problem() const {
    const std::lock_guard lock(noting_);
    return problem_;
  }

 private:
  template <typename Take>
  void write(const Take& take) {
    if (unsaved_) store_->save(*unsaved_);
    unsaved_.reset();
    Changes changes = take();
    if (changes.empty()) return;
    unsaved_ = std::move(changes);
    store_->save(*unsaved_);
    unsaved_.reset();
  }

  void note(const std::string& problem) {
    const std::lock_guard lock(noting_);
    if (!problem.empty()) ++failures_;
    if (problem.empty() && !problem_.empty()) {
      log::info(what_, "the store takes " + what_ + " again");
    } else if (problem != problem_) {
      log::error(what_, what_ + " could not be saved; trying again", {{"reason", problem}});
    }
    problem_ = problem;
  }

  const std::string what_;
  std::unique_ptr<Store> store_;
  const FatalHandler fatal_;
  const std::chrono::milliseconds patience_;

  std::timed_mutex writing_;  ///< of all down to the empty line
  std::optional<Changes> unsaved_;
  bool is_stale_ = false;

  mutable std::mutex noting_;
  std::uint64_t failures_ = 0;
  std::string problem_;
};

}  // namespace flowlensd
