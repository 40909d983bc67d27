#include "pipeline/revision_queue.hpp"

#include <utility>

namespace flowlensd {
namespace {
constexpr std::size_t kMostInMemory = 2;  // one being written, one behind it
constexpr std::size_t kMoreByHand = 2;
}  // namespace

RevisionQueue::RevisionQueue(std::unique_ptr<Spool> spool) : spool_(std::move(spool)) {
  if (spool_) note_spool();
}

/// Whoever calls holds disk_.
void RevisionQueue::note_spool() {
  const std::lock_guard lock(mutex_);
  view_.revisions = spool_->size();
  view_.octets = spool_->octets();
  view_.limit = spool_->max_octets();
  view_.is_full = !spool_->has_room();
}

bool RevisionQueue::has_room(bool is_away, bool is_by_hand) const {
  const std::lock_guard lock(mutex_);
  if (memory_.size() < kMostInMemory + (is_by_hand ? kMoreByHand : 0)) return true;
  return is_away && view_.limit > 0 && !view_.is_full && view_.problem.empty();
}

void RevisionQueue::submit(std::shared_ptr<const Revision> revision, bool is_away) {
  bool is_behind = false;
  {
    const std::lock_guard lock(mutex_);
    memory_.push_back(std::move(revision));
    is_behind = view_.revisions > 0;
  }
  if (is_away || is_behind) keep();
}

void RevisionQueue::keep() {
  if (!spool_) return;
  const std::lock_guard disk(disk_);
  while (spool_->has_room()) {
    std::shared_ptr<const Revision> next;
    {
      const std::lock_guard lock(mutex_);
      if (memory_.empty()) break;
      next = memory_.front();
    }
    try {
      spool_->append(*next);
    } catch (const Error& e) {
      const std::lock_guard lock(mutex_);
      ++view_.failures;
      view_.problem = e.what();
      break;
    }
    const std::lock_guard lock(mutex_);
    memory_.pop_front();  // still the same one: pop() waits for disk_
    ++view_.kept;
    view_.problem.clear();
  }
  note_spool();
}

std::shared_ptr<const Revision> RevisionQueue::front() {
  const std::lock_guard disk(disk_);
  if (spool_ && !spool_->empty()) return std::make_shared<const Revision>(spool_->front());
  const std::lock_guard lock(mutex_);
  return memory_.empty() ? nullptr : memory_.front();
}

void RevisionQueue::pop(std::uint64_t number) {
  const std::lock_guard disk(disk_);
  if (spool_ && !spool_->empty() && spool_->front_number() == number) {
    spool_->pop();
    note_spool();
    return;
  }
  const std::lock_guard lock(mutex_);
  if (!memory_.empty() && memory_.front()->number == number) memory_.pop_front();
}

std::size_t RevisionQueue::size() const {
  const std::lock_guard lock(mutex_);
  return memory_.size() + view_.revisions;
}

bool RevisionQueue::is_all_on_disk() const {
  const std::lock_guard lock(mutex_);
  return memory_.empty();
}

SpoolView RevisionQueue::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

}  // namespace flowlensd
