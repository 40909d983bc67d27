#include "pipeline/flow_keeper.hpp"

#include <algorithm>
#include <utility>

#include "log.hpp"
#include "pipeline/background.hpp"

namespace flowlensd {
namespace {

constexpr double kCalmSeconds = 10;
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5'000};
constexpr std::chrono::seconds kExpireEvery{60};

}  // namespace

bool FlowRate::allows(std::uint64_t flows, Clock::time_point now) noexcept {
  if (most_ == 0) return true;
  if (since_ == Clock::time_point{}) since_ = now;
  count_ += flows;
  const double seconds = std::chrono::duration<double>(now - since_).count();
  // A burst is seen before the second is over.
  if (static_cast<double>(count_) > most_ * std::max(seconds, 1.0)) is_open_ = false;
  if (seconds < 1) return is_open_;
  const double rate = static_cast<double>(count_) / seconds;
  calm_seconds_ = rate < most_ / 2 ? calm_seconds_ + seconds : 0;
  if (calm_seconds_ >= kCalmSeconds) is_open_ = true;
  since_ = now;
  count_ = 0;
  return is_open_;
}

FlowKeeper::FlowKeeper(std::unique_ptr<FlowStore> store, const FlowKeeperOptions& options)
    : store_(std::move(store)),
      options_(options),
      rate_(options.max_rate),
      dice_(std::random_device{}()),
      queue_(options.queue) {}

FlowKeeper::~FlowKeeper() { finish(std::chrono::milliseconds{0}); }

void FlowKeeper::start() {
  thread_ = std::thread([this] { run(); });
}

void FlowKeeper::offer(const std::vector<FlowRecord>& flows) {
  const bool is_allowed = rate_.allows(flows.size(), Clock::now());
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    view_.is_paused = !is_allowed;
    if (!is_allowed) {
      view_.over_rate += flows.size();
      return;
    }
    view_.queue_full += flows.size() - queue_.put(flows);
    is_due = queue_.size() >= options_.batch_low;
  }
  if (is_due) changed_.notify_one();
}

void FlowKeeper::finish(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_finishing_) give_up_at_ = Clock::now() + grace;
    is_finishing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

FlowKeeperView FlowKeeper::view() const {
  const std::lock_guard lock(mutex_);
  FlowKeeperView view = view_;
  view.waiting = queue_.size();
  return view;
}

/// More at once the more wait, as scaling model 8.3 has it. Whoever calls holds the mutex.
std::size_t FlowKeeper::batch_size() const noexcept {
  const double pressure = static_cast<double>(queue_.size()) / static_cast<double>(options_.queue);
  if (pressure > 0.8) return options_.batch_high;
  if (pressure > 0.5) return (options_.batch_low + options_.batch_high) / 2;
  return options_.batch_low;
}

void FlowKeeper::run() {
  work_in_background();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_for(lock, options_.batch_timeout,
                      [&] { return is_finishing_ || queue_.size() >= options_.batch_low; });
    while (!queue_.empty() && !is_stale_) {
      queue_.take(batch_size(), batch_);
      lock.unlock();
      write_until_good();
      lock.lock();
      if (is_finishing_ && Clock::now() >= give_up_at_) break;
    }
    if (is_finishing_ || is_stale_) break;
    if (Clock::now() < next_expiry_) continue;
    lock.unlock();
    expire();
    lock.lock();
  }
  view_.lost += queue_.size();
  queue_.clear();
}

/// \return false if it may be tried again.
bool FlowKeeper::write_batch() {
  try {
    store_->append(batch_, batch_number_);
  } catch (const StaleEpochError& e) {
    is_stale_ = true;  // the store thread meets the same, and ends the daemon
    note(e.what());
    return true;
  } catch (const std::exception& e) {
    note(e.what());
    return false;
  }
  note({});
  ++batch_number_;
  const std::lock_guard lock(mutex_);
  view_.kept += std::exchange(batch_, {}).size();
  return true;
}

void FlowKeeper::write_until_good() {
  auto length = kFirstPause;
  while (!write_batch()) {
    std::uniform_int_distribution<std::int64_t> part{length.count() / 2, length.count()};
    if (!pause(std::chrono::milliseconds{part(dice_)})) break;
    length = std::min(length * 2, kLongestPause);
  }
  const std::lock_guard lock(mutex_);
  view_.lost += batch_.size();
  batch_.clear();
}

/// \return false if there is no use in trying again.
bool FlowKeeper::pause(std::chrono::milliseconds length) {
  std::unique_lock lock(mutex_);
  const bool was_finishing = is_finishing_;
  changed_.wait_for(lock, length, [&] { return is_finishing_ && !was_finishing; });
  return !is_finishing_ || Clock::now() < give_up_at_;
}

/// A step at a time, so that what comes meanwhile is written between two.
void FlowKeeper::expire() {
  bool is_more = false;
  std::uint64_t octets = 0;
  try {
    is_more = store_->expire(options_.retention, std::chrono::system_clock::now());
    if (!is_more) octets = store_->octets();
  } catch (const std::exception& e) {
    note(e.what());
  }
  if (is_more) return;
  next_expiry_ = Clock::now() + kExpireEvery;
  const std::lock_guard lock(mutex_);
  view_.octets = octets;
}

void FlowKeeper::note(const std::string& problem) {
  const std::lock_guard lock(mutex_);
  if (!problem.empty()) ++view_.failures;
  if (!problem.empty() && problem != view_.problem) {
    log::error("store", "single flows could not be kept; trying again", {{"reason", problem}});
  } else if (problem.empty() && !view_.problem.empty()) {
    log::info("store", "single flows are kept again");
  }
  view_.problem = problem;
}

}  // namespace flowlensd
