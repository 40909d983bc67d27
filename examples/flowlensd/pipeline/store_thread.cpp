#include "pipeline/store_thread.hpp"

#include <algorithm>
#include <utility>

#include "log.hpp"
#include "pipeline/background.hpp"

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

// A large revision takes some three; one that takes longer has those behind it kept on disk.
constexpr std::chrono::seconds kSlowAnswer{5};
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5'000};
constexpr std::chrono::seconds kExpireEvery{60};
constexpr std::chrono::seconds kExpireAgain{3};  // after a failure

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

StoreThread::StoreThread(std::unique_ptr<Store> store, const Retention& retention,
                         FatalHandler fatal,
                         std::function<void(const Revision&, double)> on_applied,
                         std::unique_ptr<Spool> spool)
    : store_(std::move(store)),
      retention_(retention),
      fatal_(std::move(fatal)),
      on_applied_(std::move(on_applied)),
      queue_(std::move(spool)),
      dice_(std::random_device{}()) {}

StoreThread::~StoreThread() { finish(std::chrono::milliseconds{0}); }

void StoreThread::start() {
  thread_ = std::thread([this] { run(); });
}

/// Whoever calls holds the mutex.
bool StoreThread::is_away() const {
  return !view_.problem.empty() || (asked_at_ && Clock::now() - *asked_at_ >= kSlowAnswer);
}

bool StoreThread::has_room(bool is_by_hand) const {
  const std::lock_guard lock(mutex_);
  return queue_.has_room(is_away(), is_by_hand);
}

bool StoreThread::wait_for_room(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return queue_.has_room(is_away()); });
}

void StoreThread::submit(std::shared_ptr<const Revision> revision) {
  std::unique_lock lock(mutex_);
  const bool is_away = this->is_away();
  lock.unlock();
  queue_.submit(std::move(revision), is_away);
  lock.lock();  // lest the thread looks before and waits after
  changed_.notify_all();
}

bool StoreThread::finish(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    if (!finishing_) give_up_at_ = Clock::now() + grace;
    finishing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  return queue_.is_all_on_disk();
}

void StoreThread::change(const Retention& retention) {
  const std::lock_guard lock(mutex_);
  retention_ = retention;
}

StoreView StoreThread::view() const {
  const std::lock_guard lock(mutex_);
  StoreView view = view_;
  view.waiting = queue_.size();
  view.spool = queue_.view();
  if (asked_at_) view.writing_seconds = seconds_since(*asked_at_);
  return view;
}

/// Whoever calls holds the mutex.
bool StoreThread::may_leave_rest() const {
  return finishing_ && (Clock::now() >= give_up_at_ || queue_.is_all_on_disk());
}

void StoreThread::run() {
  work_in_background();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return !queue_.empty() || finishing_ || is_expiring_; });
    if (queue_.empty() && finishing_) return;
    lock.unlock();
    if (queue_.empty()) {
      const bool is_more = expire_once();
      lock.lock();
      is_expiring_ = is_more;
      continue;
    }
    const auto revision = next();
    if (!revision || !apply_until_good(*revision)) return;
    queue_.pop(revision->number);
    lock.lock();
    applied_at_ = revision->at;
    if (Clock::now() >= next_expiry_) is_expiring_ = true;
    changed_.notify_all();
    if (finishing_ && Clock::now() >= give_up_at_ && queue_.is_all_on_disk()) return;
  }
}

/// Null if the disk has lost it: those behind it would have gaps before them.
std::shared_ptr<const Revision> StoreThread::next() {
  try {
    return queue_.front();
  } catch (const Error& e) {
    note_failure(e.what());
    fatal_(std::string("a revision that was kept on disk is lost: ") + e.what());
    return nullptr;
  }
}

bool StoreThread::apply_until_good(const Revision& revision) {
  auto length = kFirstPause;
  while (!apply_once(revision)) {
    queue_.keep();
    changed_.notify_all();  // there may be room now
    // Not in step with others who have lost the same database.
    std::uniform_int_distribution<std::int64_t> part{length.count() / 2, length.count()};
    if (is_stale_ || !pause(std::chrono::milliseconds{part(dice_)})) return false;
    length = std::min(length * 2, kLongestPause);
  }
  return true;
}

double StoreThread::ask(const Revision& revision) {
  const auto begin = Clock::now();
  const auto note = [this](std::optional<Clock::time_point> at) {
    const std::lock_guard lock(mutex_);
    asked_at_ = at;
  };
  note(begin);
  try {
    store_->apply(revision);
  } catch (...) {
    note({});
    throw;
  }
  note({});
  return seconds_since(begin);
}

bool StoreThread::apply_once(const Revision& revision) {
  double seconds = 0;
  try {
    seconds = ask(revision);
  } catch (const StaleEpochError& e) {
    is_stale_ = true;
    note_failure(e.what());
    fatal_(taken_over(e));
    return false;
  } catch (const std::exception& e) {
    note_failure(e.what());
    return false;
  }
  if (on_applied_) on_applied_(revision, seconds);
  const std::lock_guard lock(mutex_);
  if (!view_.problem.empty()) log::info("store", "the store takes revisions again");
  view_.problem.clear();
  view_.applied_revision = revision.number;
  view_.apply_seconds = seconds;
  ++view_.applied;
  return true;
}

bool StoreThread::expire_once() {
  std::string problem;
  bool is_more = false;
  try {
    // A capture whose clock was ahead makes nothing old.
    const Timestamp now = std::min<Timestamp>(applied_at_, std::chrono::system_clock::now());
    const Retention retention = [this] {
      const std::lock_guard lock(mutex_);
      return retention_;
    }();
    is_more = store_->expire(retention, now);
  } catch (const std::exception& e) {
    problem = e.what();
  }
  if (!is_more) next_expiry_ = Clock::now() + (problem.empty() ? kExpireEvery : kExpireAgain);
  const std::lock_guard lock(mutex_);
  if (!problem.empty() && view_.expiry_problem != problem) {
    log::error("store", "hours could not be added up, or old windows removed; trying again",
               {{"reason", problem}});
  }
  view_.expiry_problem = problem;
  return is_more;
}

void StoreThread::note_failure(const std::string& why) {
  const std::lock_guard lock(mutex_);
  ++view_.failures;
  if (view_.problem != why) {
    log::error("store", "a revision could not be written; trying again", {{"reason", why}});
  }
  view_.problem = why;
}

/// \return false if there is no use in trying again.
bool StoreThread::pause(std::chrono::milliseconds length) {
  std::unique_lock lock(mutex_);
  const bool was_finishing = finishing_;
  changed_.wait_for(lock, length, [&] { return finishing_ && !was_finishing; });
  return !may_leave_rest();
}

}  // namespace flowlensd
