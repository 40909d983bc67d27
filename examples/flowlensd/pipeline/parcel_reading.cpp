#include "pipeline/parcel_reading.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "flowlens/error.hpp"
#include "flowlens/flow_codec.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMostFlowsAtOnce = 20'000;
// Beyond, the Resolver has enough to do.
constexpr std::size_t kMostWaiting = 20'000;
constexpr milliseconds kPollEvery{250};
constexpr milliseconds kBusyPause{10};
constexpr milliseconds kPauseAfterFailure{1'000};
constexpr std::chrono::seconds kCleanUpEvery{2};

Timestamp wall_clock() { return std::chrono::system_clock::now(); }

}  // namespace

ParcelReading::ParcelReading(std::unique_ptr<ParcelReader> reader, FlowChannel& channel,
                             std::uint64_t position, FatalHandler fatal)
    : reader_(std::move(reader)), channel_(channel), fatal_(std::move(fatal)), position_(position) {
  view_.position = position;
}

ParcelReading::~ParcelReading() { stop(); }

void ParcelReading::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "reading");
    try {
      run();
    } catch (const std::exception& e) {
      fatal_(std::string("taking flows from the database failed: ") + e.what());
    }
  });
}

void ParcelReading::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

ParcelReadingView ParcelReading::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void ParcelReading::run() {
  milliseconds length{0};
  while (pause(length)) {
    if (channel_.depth() > kMostWaiting) {
      length = kBusyPause;
      continue;
    }
    try {
      length = read_once() ? milliseconds{0} : kPollEvery;
      if (Clock::now() >= next_clean_up_) clean_up();
      const std::lock_guard lock(mutex_);
      if (!view_.problem.empty()) log::info("channel", "flows come from the database again");
      view_.problem.clear();
    } catch (const Error& e) {
      note_problem(e.what());
      length = kPauseAfterFailure;
    }
  }
}

bool ParcelReading::read_once() {
  const Timestamp now = wall_clock();
  const auto parcels = reader_->read(position_, kMostFlowsAtOnce);
  for (const StoredParcel& stored : parcels) take(stored, now);
  if (!parcels.empty()) return true;
  {
    const std::lock_guard lock(mutex_);
    view_.behind_seconds = 0;
  }
  // Nothing was there at that time, so the Resolver may go on up to it.
  if (!channel_.empty()) return false;
  FlowParcel tick;
  tick.as_of = now;
  channel_.push(tick);
  return false;
}

void ParcelReading::take(const StoredParcel& stored, Timestamp now) {
  FlowParcel parcel;
  if (!decode(stored, parcel)) {
    throw IoError("parcel " + std::to_string(stored.position) +
                  " of flows was written by a later release; update this process");
  }
  const std::uint64_t flows = parcel.batch.flows.size();
  parcel.sampled_out = stored.sampled_out;
  parcel.first_received = stored.first_received;
  parcel.position = stored.position;
  parcel.as_of = std::min(stored.made_at, now);
  channel_.push(parcel);
  const std::lock_guard lock(mutex_);
  view_.missing_parcels += stored.position - position_ - 1;
  view_.position = position_ = stored.position;
  view_.flows += flows;
  ++view_.parcels;
  view_.behind_seconds = std::chrono::duration<double>(now - std::min(stored.made_at, now)).count();
}

bool ParcelReading::decode(const StoredParcel& stored, FlowParcel& parcel) {
  const Diagnostic d = decode_flows(stored.octets, parcel.batch);
  if (d.code == DiagnosticCode::unknown_version) return false;
  if (d.code == DiagnosticCode::none) return true;
  log::error("channel", "a parcel of flows is damaged and is passed over",
             {{"position", stored.position}, {"flows", stored.flows}, {"problem", to_string(d)}});
  parcel.batch.clear();
  const std::lock_guard lock(mutex_);
  view_.damaged_flows += stored.flows;
  return true;
}

void ParcelReading::clean_up() {
  next_clean_up_ = Clock::now() + kCleanUpEvery;
  reader_->remove_taken();
  const ParcelState state = reader_->state();
  const std::lock_guard lock(mutex_);
  view_.channel = state;
}

void ParcelReading::note_problem(const std::string& why) {
  const std::lock_guard lock(mutex_);
  ++view_.failures;
  if (view_.problem != why) {
    log::error("channel", "flows cannot be taken from the database; trying again",
               {{"reason", why}});
  }
  view_.problem = why;
}

bool ParcelReading::pause(milliseconds length) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, length, [&] { return is_stopping_; });
}

}  // namespace flowlensd
