/// \file
/// pipeline: what a follower keeps in the database, written in order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "library.hpp"
#include "log.hpp"
#include "pipeline/fatal.hpp"

namespace flowlensd {

/// Writes changes to a store of the library. What could not be written is tried again first; meanwhile
/// whoever makes the changes collects what is new, within its own bounds.
///
/// Thread-compatible.
template <typename Store, typename Changes>
class Saving {
 public:
  /// \param what  is kept, for messages: `alerts`. \param store  null: nothing is.
  Saving(std::string what, std::unique_ptr<Store> store, FatalHandler fatal)
      : what_(std::move(what)), store_(std::move(store)), fatal_(std::move(fatal)) {}

  [[nodiscard]] Store* store() noexcept { return store_.get(); }

  /// \param take  gives what has changed since it was last asked.
  template <typename Take>
  void save(const Take& take) {
    if (!store_ || is_stale_) return;
    try {
      write(take);
      if (!problem_.empty()) log::info(what_, "the store takes " + what_ + " again");
      problem_.clear();
    } catch (const StaleEpochError& e) {
      is_stale_ = true;
      fatal_("another flowlensd keeps the " + what_ + " now: " + e.what());
    } catch (const IoError& e) {
      ++failures_;
      if (problem_ != e.what()) {
        log::error(what_, what_ + " could not be saved; trying again", {{"reason", e.what()}});
      }
      problem_ = e.what();
    }
  }

  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
  /// Empty: the last attempt was good.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

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

  const std::string what_;
  std::unique_ptr<Store> store_;
  const FatalHandler fatal_;
  std::optional<Changes> unsaved_;
  std::uint64_t failures_ = 0;
  std::string problem_;
  bool is_stale_ = false;
};

}  // namespace flowlensd
