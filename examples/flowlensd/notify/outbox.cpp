#include "notify/outbox.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "log.hpp"
#include "pipeline/background.hpp"

namespace flowlensd {

Outbox::Outbox(std::string name, Deliver deliver, const OutboxOptions& options)
    : name_(std::move(name)), deliver_(std::move(deliver)), options_(options) {
  thread_ = std::thread([this] { run(); });
}

Outbox::~Outbox() { stop(); }

void Outbox::push(std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (is_ending_) {
      ++view_.abandoned;
      return;
    }
    if (waiting_.size() >= options_.max_waiting) {
      waiting_.pop_front();
      ++view_.crowded_out;
    }
    waiting_.push_back({std::move(text), Clock::now()});
  }
  changed_.notify_all();
}

void Outbox::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

OutboxView Outbox::view() const {
  const std::lock_guard lock(mutex_);
  OutboxView view = view_;
  view.waiting = waiting_.size();
  return view;
}

void Outbox::run() {
  work_in_background();
  std::unique_lock lock(mutex_);
  auto pause = options_.first_pause;
  while (!is_ending_) {
    changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (is_ending_ || deliver_first(lock)) {
      pause = options_.first_pause;
      continue;
    }
    changed_.wait_for(lock, pause, [this] { return is_ending_; });
    pause = std::min(2 * pause, options_.longest_pause);
  }
  const auto until = Clock::now() + options_.grace;
  while (!waiting_.empty() && Clock::now() < until && deliver_first(lock)) {
  }
  end();
}

/// \return false if the receiver cannot be told now.
bool Outbox::deliver_first(std::unique_lock<std::mutex>& lock) {
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  lock.unlock();
  const Delivery delivery = attempt(first.text);
  lock.lock();
  note(delivery);
  if (delivery.problem.empty()) return true;
  if (delivery.is_refused) return true;
  if (Clock::now() - first.since > options_.give_up_after) {
    ++view_.given_up;
  } else if (waiting_.size() >= options_.max_waiting) {
    ++view_.crowded_out;
  } else {
    waiting_.push_front(std::move(first));
  }
  return false;
}

Delivery Outbox::attempt(const std::string& text) const noexcept {
  try {
    return deliver_(text);
  } catch (const std::exception& e) {
    return {e.what()};
  }
}

/// The log says when it begins and when it is over, not each time.
void Outbox::note(const Delivery& delivery) {
  const bool is_good = delivery.problem.empty();
  ++(is_good ? view_.delivered : view_.failures);
  if (delivery.is_refused) ++view_.refused;
  if (is_good && !view_.problem.empty()) {
    log::info("alerts", "the channel is told again", {{"channel", name_}});
  }
  if (!is_good && view_.problem.empty()) {
    log::error("alerts",
               delivery.is_refused ? "the channel refuses a notice"
                                   : "the channel cannot be told; trying again",
               {{"channel", name_}, {"reason", delivery.problem}});
  }
  view_.problem = delivery.problem;
}

void Outbox::end() {
  view_.abandoned += waiting_.size();
  waiting_.clear();
  if (view_.abandoned == 0) return;
  log::warning("alerts", "the channel was not told of all at the end",
               {{"channel", name_}, {"notices", view_.abandoned}});
}

}  // namespace flowlensd
