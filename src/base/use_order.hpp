/// \file
/// base: who goes first when a table is full. Entries link themselves, so nothing is allocated.
#pragma once

#include <cstddef>

namespace flowlens::base {

template <typename T>
struct Link {
  T* newer = nullptr;
  T* older = nullptr;
};

/// A list of entries that live elsewhere, linked by their member `kLink`.
template <typename T, Link<T> T::*kLink>
class LinkedList {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] T* newest() const noexcept { return newest_; }
  [[nodiscard]] T* oldest() const noexcept { return oldest_; }
  [[nodiscard]] static T* next_newer(const T& entry) noexcept { return (entry.*kLink).newer; }
  [[nodiscard]] static T* next_older(const T& entry) noexcept { return (entry.*kLink).older; }

  void add(T& entry) noexcept {
    entry.*kLink = {nullptr, newest_};
    (newest_ != nullptr ? (newest_->*kLink).newer : oldest_) = &entry;
    newest_ = &entry;
    ++size_;
  }
  void remove(T& entry) noexcept {
    const Link<T> link = entry.*kLink;
    (link.newer != nullptr ? (link.newer->*kLink).older : newest_) = link.older;
    (link.older != nullptr ? (link.older->*kLink).newer : oldest_) = link.newer;
    --size_;
  }

 private:
  T* newest_ = nullptr;
  T* oldest_ = nullptr;
  std::size_t size_ = 0;
};

/// Entries by their last use, newcomers apart from those that have proved themselves
/// (`T::is_proven`): a flood of newcomers, which anybody can forge, pushes out newcomers and leaves
/// the proven at least seven eighths of the table.
template <typename T, Link<T> T::*kLink>
class UseOrder {
 public:
  using List = LinkedList<T, kLink>;

  [[nodiscard]] std::size_t size() const noexcept { return newcomers_.size() + proven_.size(); }
  [[nodiscard]] const List& newcomers() const noexcept { return newcomers_; }
  [[nodiscard]] const List& proven() const noexcept { return proven_; }

  void add(T& entry) noexcept { (entry.is_proven ? proven_ : newcomers_).add(entry); }
  /// `is_proven` must be as it was when the entry was added.
  void remove(T& entry) noexcept { (entry.is_proven ? proven_ : newcomers_).remove(entry); }
  void touch(T& entry) noexcept {
    remove(entry);
    add(entry);
  }
  /// \return null if there is none.
  [[nodiscard]] T* first_to_go() const noexcept {
    const bool newcomers_first = 8 * newcomers_.size() >= size();
    return newcomers_first && !newcomers_.empty() ? newcomers_.oldest()
           : !proven_.empty()                     ? proven_.oldest()
                                                  : newcomers_.oldest();
  }

 private:
  List newcomers_;
  List proven_;
};

}  // namespace flowlens::base
