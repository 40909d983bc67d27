#include "pipeline/resolver_thread.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRetryFlush{50};  // while the store is busy
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
    try {
      run();
    } catch (const std::exception& e) {
      fatal_(std::string("the Resolver failed: ") + e.what());
    }
  });
}

void ResolverThread::finish() {
  if (thread_.joinable()) thread_.join();
}

void ResolverThread::run() {
  FlowParcel parcel;
  bool is_closing = false;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_flush_ - Clock::now());
    const auto patience = std::max(left, std::chrono::milliseconds{0});
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
  if (Clock::now() < next_flush_) return;
  const bool is_done = writer_.try_flush(wall_clock());
  next_flush_ = Clock::now() + (is_done ? interval_ : kRetryFlush);
}

}  // namespace flowlensd
