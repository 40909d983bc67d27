#include "pipeline/resolver_thread.hpp"

#include <pthread.h>

#include <algorithm>
#include <string>
#include <utility>

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRetryFlush{50};      // while the store is busy
constexpr std::chrono::milliseconds kLeastApart{250};     // flushes that somebody wants
constexpr std::chrono::milliseconds kLongestWait{1'000};  // silent_for() is watched
constexpr std::chrono::milliseconds kLastFlushPatience{10'000};

Timestamp wall_clock() { return std::chrono::system_clock::now(); }

}  // namespace

ResolverThread::ResolverThread(MapWriter& writer, FlowChannel& channel,
                               std::chrono::milliseconds flush_interval, TimeSource time_source,
                               FatalHandler fatal)
    : writer_(writer),
      channel_(channel),
      interval_(flush_interval),
      time_source_(time_source),
      fatal_(std::move(fatal)) {}

ResolverThread::~ResolverThread() {
  channel_.close();
  finish();
}

void ResolverThread::start() {
  next_flush_ = Clock::now() + interval_;
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "resolver");
    try {
      run();
    } catch (const std::exception& e) {
      fatal_(std::string("the Resolver failed: ") + e.what());
    }
  });
}

void ResolverThread::flush_soon() {
  is_flush_wanted_ = true;
  channel_.nudge();
}

void ResolverThread::finish() {
  if (thread_.joinable()) thread_.join();
}

void ResolverThread::run() {
  FlowParcel parcel;
  bool is_closing = false;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_flush_ - Clock::now());
    const auto patience = std::clamp(left, std::chrono::milliseconds{0}, kLongestWait);
    last_round_ = Clock::now();
    // A window closes between parcels, so that flows do not pile up meanwhile.
    const auto popped = channel_.pop(parcel, is_closing ? std::chrono::milliseconds{0} : patience);
    if (popped == FlowChannel::Popped::closed) break;
    if (popped == FlowChannel::Popped::parcel) take(parcel);
    is_closing = writer_.go_on_closing();
    flush_if_due();
  }
  writer_.flush(now().value_or(wall_clock()), kLastFlushPatience);
}

void ResolverThread::take(const FlowParcel& parcel) {
  if (parcel.as_of) time_ = std::max(time_.value_or(*parcel.as_of), *parcel.as_of);
  writer_.add(parcel, time_.value_or(wall_clock()));
}

std::optional<Timestamp> ResolverThread::now() const {
  return time_source_ == TimeSource::clock ? wall_clock() : time_;
}

void ResolverThread::flush_if_due() {
  const auto begin = Clock::now();
  if (is_flush_wanted_.exchange(false)) {
    is_by_hand_ = true;
    next_flush_ = std::min(next_flush_, std::max(begin, last_flush_ + kLeastApart));
  }
  if (begin < next_flush_) return;
  const auto time = now();
  const bool is_done = time && writer_.try_flush(*time, is_by_hand_);
  if (is_done) {
    last_flush_ = begin;
    is_by_hand_ = false;
  }
  next_flush_ = Clock::now() + (is_done ? interval_ : kRetryFlush);
}

}  // namespace flowlensd
