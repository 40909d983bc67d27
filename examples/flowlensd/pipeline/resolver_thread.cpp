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
                               std::chrono::milliseconds flush_interval, FatalHandler fatal)
    : writer_(writer), channel_(channel), interval_(flush_interval), fatal_(std::move(fatal)) {}

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
    if (popped == FlowChannel::Popped::parcel) writer_.add(parcel, wall_clock());
    is_closing = writer_.go_on_closing();
    flush_if_due();
  }
  writer_.flush(wall_clock(), kLastFlushPatience);
}

void ResolverThread::flush_if_due() {
  const auto now = Clock::now();
  if (is_flush_wanted_.exchange(false)) {
    next_flush_ = std::min(next_flush_, std::max(now, last_flush_ + kLeastApart));
  }
  if (now < next_flush_) return;
  const bool is_done = writer_.try_flush(wall_clock());
  if (is_done) last_flush_ = now;
  next_flush_ = Clock::now() + (is_done ? interval_ : kRetryFlush);
}

}  // namespace flowlensd
