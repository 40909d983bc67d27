#include "http/forwarding.hpp"

#include <utility>
#include <vector>

#include "http/queued_message.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

using http::Problem;
using http::Response;

constexpr std::chrono::milliseconds kLook{50};  // for answers, where the database wakes nobody
constexpr std::chrono::milliseconds kAfterFailure{500};

Problem not_done(const std::string& why, const char* retry_after) {
  return {
      503, "Not done", why + "; nothing was changed, ask again", {{"Retry-After", retry_after}}};
}

/// Without Retry-After: who asks again at once might do it twice.
Problem unknown(const std::string& why) {
  return {503, "Outcome unknown",
          why + "; what was asked may have been done or not: look before you ask again"};
}

}  // namespace

/// One of those that may wait.
class Forwarding::Place {
 public:
  explicit Place(Forwarding& of) : of_(of) {
    const std::lock_guard lock(of_.mutex_);
    if (of_.counters_.waiting >= of_.options_.max_waiting) {
      ++of_.counters_.refused;
      throw not_done("too many requests wait for the Resolver", "1");
    }
    ++of_.counters_.waiting;
  }
  ~Place() {
    const std::lock_guard lock(of_.mutex_);
    --of_.counters_.waiting;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Forwarding& of_;
};

Forwarding::Forwarding(std::unique_ptr<RequestSender> sender,
                       std::unique_ptr<RequestSender> watcher, WaitForCopy wait_for_copy,
                       const ForwardingOptions& options)
    : options_(options),
      wait_for_copy_(std::move(wait_for_copy)),
      sender_(std::move(sender)),
      watcher_(std::move(watcher)) {}

Forwarding::~Forwarding() { stop(); }

void Forwarding::start() {
  is_running_ = true;
  thread_ = std::thread([this] { run(); });
}

void Forwarding::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_running_ = false;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

/// The thread: looks for the answers that somebody waits for.
void Forwarding::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !is_running_ || !waiting_.empty(); });
      if (!is_running_) return;
    }
    try {
      look();
      watcher_->wait(kLook);
    } catch (const std::exception& e) {
      log::warning("api", "answers of the Resolver cannot be read", {{"reason", e.what()}});
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kAfterFailure, [this] { return !is_running_; });
    }
  }
}

void Forwarding::look() {
  std::vector<std::uint64_t> positions;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [position, fate] : waiting_) {
      if (!fate) positions.push_back(position);
    }
  }
  if (positions.empty()) return;
  auto fates = watcher_->fates(positions);
  const std::lock_guard lock(mutex_);
  for (RequestFate& fate : fates) {
    const auto at = waiting_.find(fate.position);
    if (at != waiting_.end()) at->second = std::move(fate);
  }
  changed_.notify_all();
}

std::uint64_t Forwarding::send(const std::string& octets) {
  const std::lock_guard turn(sending_);
  try {
    const std::uint64_t position = sender_->send(octets);
    count(&ForwardingCounters::sent);
    return position;
  } catch (const IoError& e) {
    log::warning("api", "a request could not be sent to the Resolver", {{"reason", e.what()}});
    count(&ForwardingCounters::unknown);
    throw unknown("the database did not say that it has the request");
  }
}

std::optional<RequestFate> Forwarding::wait(std::uint64_t position, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  const auto at = waiting_.try_emplace(position).first;
  changed_.notify_all();
  changed_.wait_until(lock, until, [&] { return !is_running_ || at->second; });
  std::optional<RequestFate> fate = std::move(at->second);
  waiting_.erase(at);
  return fate;
}

bool Forwarding::withdraw(std::uint64_t position) {
  const std::lock_guard turn(sending_);
  try {
    return sender_->withdraw(position);
  } catch (const IoError&) {
    return false;
  }
}

RequestFate Forwarding::fate_of(std::uint64_t position) {
  if (auto fate = wait(position, Clock::now() + options_.until_taken)) return *std::move(fate);
  if (withdraw(position)) {
    count(&ForwardingCounters::withdrawn);
    throw not_done("no Resolver has taken the request; /health says how it fares", "5");
  }
  if (auto fate = wait(position, Clock::now() + options_.until_answered)) return *std::move(fate);
  count(&ForwardingCounters::unknown);
  throw unknown("the Resolver has taken the request and not answered in time");
}

Response Forwarding::forward(const http::Request& request) {
  const std::string octets = http::encode_request(request);
  if (octets.size() > options_.max_octets) {
    count(&ForwardingCounters::refused);
    throw Problem{413, "Content too large",
                  "at most " + std::to_string(options_.max_octets) +
                      " octets go to the Resolver, with the head of the request"};
  }
  const Place place(*this);
  const RequestFate fate = fate_of(send(octets));
  if (fate.kind == RequestFate::Kind::lost) {
    count(&ForwardingCounters::unknown);
    throw unknown("the Resolver ended while it worked on the request");
  }
  if (!wait_for_copy_(fate.answer.revision, options_.until_answered)) {
    count(&ForwardingCounters::unknown);
    throw Problem{503, "Done, not shown yet",
                  "the Resolver has done what was asked, in revision " +
                      std::to_string(fate.answer.revision) +
                      ", which the copy of the map here does not have yet: do not ask again"};
  }
  count(&ForwardingCounters::answered);
  if (auto response = http::decode_answer(fate.answer)) return *std::move(response);
  throw unknown("the Resolver's answer cannot be read: all processes must be of one release");
}

void Forwarding::count(std::uint64_t ForwardingCounters::*counter) {
  const std::lock_guard lock(mutex_);
  ++(counters_.*counter);
}

ForwardingCounters Forwarding::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace flowlensd
