#include "pipeline/flow_channel.hpp"

#include <utility>

namespace flowlensd {
namespace {
constexpr std::size_t kMaxSpare = 32;
}

void FlowParcel::clear() noexcept {
  batch.clear();
  sampled_out = 0;
  first_received = {};
  position = 0;
  as_of.reset();
}

bool FlowChannel::has_room(std::size_t flows) const noexcept {
  return waiting_.empty() || depth() + flows <= max_flows_;
}

void FlowChannel::push_locked(FlowParcel& parcel) {
  depth_.fetch_add(parcel.size(), std::memory_order_relaxed);
  waiting_.push_back(std::move(parcel));
  parcel = FlowParcel{};
  if (!spare_.empty()) {
    parcel = std::move(spare_.back());
    spare_.pop_back();
  }
}

bool FlowChannel::try_push(FlowParcel& parcel) {
  {
    const std::lock_guard lock(mutex_);
    if (!has_room(parcel.size())) return false;
    push_locked(parcel);
  }
  filled_.notify_one();
  return true;
}

void FlowChannel::push(FlowParcel& parcel) {
  {
    std::unique_lock lock(mutex_);
    emptied_.wait(lock, [&] { return closed_ || has_room(parcel.size()); });
    push_locked(parcel);
  }
  filled_.notify_one();
}

bool FlowChannel::wait_below(std::size_t flows, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, timeout, [&] { return closed_ || depth() < flows; });
}

bool FlowChannel::empty() {
  const std::lock_guard lock(mutex_);
  return waiting_.empty();
}

FlowChannel::Popped FlowChannel::pop(FlowParcel& parcel, std::chrono::milliseconds timeout) {
  {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, timeout, [&] { return !waiting_.empty() || closed_ || nudged_; });
    nudged_ = false;
    if (waiting_.empty()) return closed_ ? Popped::closed : Popped::nothing;
    parcel.clear();
    if (parcel.batch.flows.capacity() > 0 && spare_.size() < kMaxSpare) {
      spare_.push_back(std::move(parcel));
    }
    parcel = std::move(waiting_.front());
    waiting_.pop_front();
    depth_.fetch_sub(parcel.size(), std::memory_order_relaxed);
  }
  emptied_.notify_all();
  return Popped::parcel;
}

void FlowChannel::nudge() {
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  filled_.notify_all();
}

void FlowChannel::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  filled_.notify_all();
  emptied_.notify_all();
}

}  // namespace flowlensd
