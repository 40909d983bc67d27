#include "http/request_answering.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "http/queued_message.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

constexpr std::size_t kHands = 4;
constexpr std::size_t kMostAnswer = 32u << 20;      // octets
constexpr std::chrono::milliseconds kLook{1'000};   // at least so often, woken or not
constexpr std::chrono::milliseconds kLookSoon{50};  // while requests come
constexpr std::chrono::seconds kComing{10};         // after the last one
constexpr std::chrono::milliseconds kAfterFailure{500};
constexpr int kTries = 20;  // to answer
constexpr std::chrono::seconds kLongestFlush{10};
constexpr std::chrono::milliseconds kFlushLook{20};

http::Response too_large(std::size_t octets) {
  return http::problem(507, "Answer too large",
                       "the answer has " + std::to_string(octets) + " octets, at most " +
                           std::to_string(kMostAnswer) +
                           " leave the Resolver's process: ask for less, or ask there");
}

}  // namespace

RequestAnswering::RequestAnswering(std::unique_ptr<RequestTaker> taker,
                                   std::unique_ptr<RequestTaker> answerer,
                                   const http::Router& router, const DependencyGraph& graph,
                                   const MapSource& writer, std::function<void()> flush_soon,
                                   FatalHandler fatal)
    : taker_(std::move(taker)),
      answerer_(std::move(answerer)),
      router_(router),
      graph_(graph),
      writer_(writer),
      flush_soon_(std::move(flush_soon)),
      fatal_(std::move(fatal)) {}

RequestAnswering::~RequestAnswering() { stop(); }

void RequestAnswering::start() {
  for (std::size_t i = 0; i < kHands; ++i) hands_.emplace_back([this] { work(); });
  thread_ = std::thread([this] { run(); });
}

void RequestAnswering::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (std::thread& hand : hands_) {
    if (hand.joinable()) hand.join();
  }
}

/// The thread.
void RequestAnswering::run() {
  std::string problem;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (is_ending_) return;
    }
    try {
      take();
      problem.clear();
      taker_->wait(Clock::now() < last_request_ + kComing ? kLookSoon : kLook);
    } catch (const StaleEpochError& e) {
      return fatal_(taken_over(e));
    } catch (const std::exception& e) {
      if (problem.empty()) {
        log::warning("api", "requests of other processes cannot be read; trying again",
                     {{"reason", e.what()}});
      }
      problem = e.what();
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kAfterFailure, [this] { return is_ending_; });
    }
  }
}

/// No more than there are hands for: what waits here is lost if this process ends.
void RequestAnswering::take() {
  std::size_t room = 0;
  {
    const std::lock_guard lock(mutex_);
    room = kHands - std::min(kHands, busy_ + waiting_.size());
  }
  if (room == 0) return;
  auto taken = taker_->take(room);
  if (taken.empty()) return;
  last_request_ = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    for (QueuedRequest& request : taken) waiting_.push_back(std::move(request));
  }
  changed_.notify_all();
}

/// A hand.
void RequestAnswering::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const QueuedRequest request = std::move(waiting_.front());
    waiting_.pop_front();
    ++busy_;
    lock.unlock();
    try {
      answer(request);
    } catch (const std::exception& e) {
      ++unanswered_;
      log::error("api", "a request of another process failed", {{"reason", e.what()}});
    }
    lock.lock();
    --busy_;
  }
}

void RequestAnswering::answer(const QueuedRequest& queued) {
  std::optional<http::Request> request = http::decode_request(queued.body);
  const GraphCounters before = graph_.counters();
  http::Response response =
      request ? router_.run(*std::move(request))
              : http::problem(500, "Internal error",
                              "the request cannot be read: all processes must be of one release");
  const std::uint64_t revision = revision_of_change(before);
  if (response.body.size() > kMostAnswer) response = too_large(response.body.size());
  QueuedAnswer answer = http::encode_answer(std::move(response));
  answer.revision = revision;
  send(queued.position, answer);
}

/// What was said since then is in the next revision; or in one that was made meanwhile, which is seen once a
/// flush has begun later than that.
std::uint64_t RequestAnswering::revision_of_change(const GraphCounters& before) const {
  const GraphCounters after = graph_.counters();
  if (after.said == before.said) return 0;
  if (flush_soon_) flush_soon_();
  if (after.revision == before.revision) return after.revision + 1;
  const Timestamp said_by = std::chrono::system_clock::now();
  const auto give_up_at = Clock::now() + kLongestFlush;
  while (Clock::now() < give_up_at && graph_.counters().revision == after.revision &&
         writer_.view().flushed <= said_by) {
    std::this_thread::sleep_for(kFlushLook);
  }
  return graph_.counters().revision;
}

void RequestAnswering::send(std::uint64_t position, const QueuedAnswer& answer) {
  for (int i = 0; i < kTries; ++i) {
    try {
      const std::lock_guard turn(answering_);
      answerer_->answer(position, answer);
      ++answered_;
      return;
    } catch (const StaleEpochError& e) {
      ++unanswered_;
      return fatal_(taken_over(e));
    } catch (const Error& e) {
      if (i == 0)
        log::warning("api", "an answer could not be kept; trying again", {{"reason", e.what()}});
    }
    std::this_thread::sleep_for(kAfterFailure);
  }
  ++unanswered_;
}

RequestAnsweringCounters RequestAnswering::counters() const noexcept {
  return {answered_, unanswered_};
}

}  // namespace flowlensd
