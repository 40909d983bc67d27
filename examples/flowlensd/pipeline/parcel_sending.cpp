#include "pipeline/parcel_sending.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "flowlens/flow_codec.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;

// One transaction brings so many flows at most: some 2 MB.
constexpr std::uint64_t kMostFlowsAtOnce = 50'000;
constexpr milliseconds kLongestWait{1'000};
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{2'000};
constexpr std::chrono::seconds kLookEvery{5};

}  // namespace

ParcelSending::ParcelSending(FlowChannel& channel, std::unique_ptr<ParcelWriter> writer)
    : channel_(channel), writer_(std::move(writer)), dice_(std::random_device{}()) {}

ParcelSending::~ParcelSending() {
  channel_.close();
  finish(milliseconds{0});
}

void ParcelSending::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "sending");
    run();
  });
}

std::uint64_t ParcelSending::finish(milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    if (!give_up_at_) give_up_at_ = Clock::now() + grace;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  return view_.in_hand;
}

ParcelSendingView ParcelSending::view() const {
  const std::lock_guard lock(mutex_);
  ParcelSendingView view = view_;
  if (asked_at_) {
    view.writing_seconds = std::chrono::duration<double>(Clock::now() - *asked_at_).count();
  }
  return view;
}

bool ParcelSending::is_ending() const {
  const std::lock_guard lock(mutex_);
  return give_up_at_.has_value();
}

bool ParcelSending::is_over() const {
  const std::lock_guard lock(mutex_);
  return give_up_at_ && Clock::now() >= *give_up_at_;
}

void ParcelSending::run() {
  FlowParcel parcel;
  while (true) {
    const auto popped = channel_.pop(parcel, kLongestWait);
    if (popped == FlowChannel::Popped::closed) {
      if (is_ending()) return;
      pause(kFirstPause);  // workers may still bring their last
      continue;
    }
    if (popped == FlowChannel::Popped::parcel) {
      collect(parcel);
      send();
    }
    if (Clock::now() >= next_look_) look_at_channel();
  }
}

void ParcelSending::collect(FlowParcel& first) {
  add(first);
  std::uint64_t flows = first.size();
  while (flows < kMostFlowsAtOnce &&
         channel_.pop(first, milliseconds{0}) == FlowChannel::Popped::parcel) {
    add(first);
    flows += first.size();
  }
}

void ParcelSending::add(const FlowParcel& parcel) {
  StoredParcel& stored = batch_.emplace_back();
  stored.made_at = std::chrono::system_clock::now();
  stored.first_received = parcel.first_received;
  stored.flows = parcel.batch.flows.size();
  stored.sampled_out = parcel.sampled_out;
  stored.octets = encode_flows(parcel.batch);
  const std::lock_guard lock(mutex_);
  view_.in_hand += stored.flows;
}

/// A batch that could not be written in time stays in view_.in_hand.
void ParcelSending::send() {
  auto length = kFirstPause;
  while (!is_over() && !send_once()) {
    // Not in step with others who have lost the same database.
    std::uniform_int_distribution<std::int64_t> part{length.count() / 2, length.count()};
    pause(milliseconds{part(dice_)});
    length = std::min(length * 2, kLongestPause);
  }
  batch_.clear();
  ++number_;
}

bool ParcelSending::send_once() {
  const auto ask = [this](std::optional<Clock::time_point> at) {
    const std::lock_guard lock(mutex_);
    asked_at_ = at;
  };
  ask(Clock::now());
  try {
    const bool has_room = writer_->append(batch_, number_);
    ask({});
    if (has_room) note_sent();
    const std::lock_guard lock(mutex_);
    if (!has_room && !view_.is_full) {
      log::warning("channel",
                   "the database holds as many flows as it may: nobody takes them; they wait here",
                   {{"remedy",
                     "start a flowlensd with the role resolve on this database, or raise "
                     "FLOWLENS_CHANNEL_MAX_OCTETS"}});
    }
    view_.is_full = !has_room;
    view_.problem.clear();
    return has_room;
  } catch (const std::exception& e) {
    ask({});
    note_problem(e.what());
    return false;
  }
}

void ParcelSending::note_sent() {
  const std::lock_guard lock(mutex_);
  if (!view_.problem.empty()) log::info("channel", "the database takes flows again");
  for (const StoredParcel& p : batch_) {
    view_.flows += p.flows;
    view_.sampled_out += p.sampled_out;
    view_.octets += p.octets.size();
    view_.in_hand -= p.flows;
  }
  view_.parcels += batch_.size();
}

void ParcelSending::note_problem(const std::string& why) {
  const std::lock_guard lock(mutex_);
  ++view_.failures;
  if (view_.problem != why) {
    log::error("channel", "flows could not be handed on; trying again", {{"reason", why}});
  }
  view_.problem = why;
}

void ParcelSending::look_at_channel() {
  next_look_ = Clock::now() + kLookEvery;
  try {
    const ParcelState state = writer_->state();
    const std::lock_guard lock(mutex_);
    view_.channel = state;
    view_.problem.clear();
  } catch (const std::exception& e) {
    note_problem(e.what());
  }
}

void ParcelSending::pause(milliseconds length) {
  std::unique_lock lock(mutex_);
  const bool was_ending = give_up_at_.has_value();
  changed_.wait_for(lock, length, [&] { return give_up_at_.has_value() && !was_ending; });
}

}  // namespace flowlensd
