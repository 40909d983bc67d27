#include "pipeline/flow_sender.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "log.hpp"
#include "pipeline/background.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBatch = 512;
constexpr milliseconds kWait{100};
// Between two batches over UDP: half a million flows a second, and no burst that a collector's socket cannot hold.
constexpr milliseconds kPace{1};
constexpr std::size_t kMessageOctets = 16'384;  // over a connection

IpfixExporterOptions exporter_options(const FlowSenderOptions& from) {
  IpfixExporterOptions o;
  o.transport = from.transport;
  o.max_waiting_flows = 4 * kBatch;
  if (from.transport != Transport::udp) o.encoder.max_message_octets = kMessageOctets;
  return o;
}

Timestamp wall_clock() { return std::chrono::system_clock::now(); }

}  // namespace

FlowSender::FlowSender(const FlowSenderOptions& options)
    : options_(options),
      sampling_({0, 0, options.one_in, options.key}),
      exporter_(options.collector, options.port, exporter_options(options)),
      queue_(options.queue) {}

FlowSender::~FlowSender() { finish(milliseconds{0}); }

void FlowSender::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "forwarding");
    run();
  });
}

void FlowSender::offer(const std::vector<FlowRecord>& flows) {
  {
    const std::lock_guard lock(mutex_);
    view_.offered += flows.size();
    view_.queue_full += flows.size() - queue_.put(flows);
  }
  changed_.notify_one();
}

void FlowSender::finish(milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_finishing_) give_up_at_ = Clock::now() + grace;
    is_finishing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

FlowSenderView FlowSender::view() const {
  const std::lock_guard lock(mutex_);
  FlowSenderView view = view_;
  view.waiting += queue_.size();
  return view;
}

void FlowSender::run() {
  work_in_background();
  while (take_batch()) {
    choose();
    send();
    publish();
  }
}

/// \return false at the end. An empty batch: nothing came for a while.
bool FlowSender::take_batch() {
  batch_.clear();
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kWait, [&] { return is_finishing_ || !queue_.empty(); });
  const bool is_late = is_finishing_ && Clock::now() >= give_up_at_;
  const bool is_empty = queue_.empty() && view_.waiting == 0;
  if (is_finishing_ && (is_late || is_empty)) return false;
  queue_.take(kBatch, batch_.flows);
  return true;
}

void FlowSender::choose() {
  const std::size_t all = batch_.flows.size();
  if (options_.filter) {
    batch_.keep_if(0, [&](const FlowRecord& f) { return options_.filter.matches(f); });
  }
  const std::size_t matching = batch_.flows.size();
  if (options_.one_in > 1) sampling_.thin(batch_, 0);
  const std::lock_guard lock(mutex_);
  view_.filtered_out += all - matching;
  view_.sampled_out += matching - batch_.flows.size();
}

void FlowSender::send() {
  exporter_.send(batch_.flows, wall_clock());
  if (options_.transport == Transport::udp) {
    if (!batch_.flows.empty()) std::this_thread::sleep_for(kPace);
    return;
  }
  // Room for the next batch, so that nothing is dropped but at our own queue.
  while (exporter_.status().waiting_flows > 2 * kBatch) {
    exporter_.wait(kWait, wall_clock());
    publish();
    const std::lock_guard lock(mutex_);
    if (is_finishing_ && Clock::now() >= give_up_at_) return;
  }
  if (batch_.flows.empty() && exporter_.status().waiting_flows > 0) {
    exporter_.wait(kWait, wall_clock());
  }
}

void FlowSender::publish() {
  const IpfixExporterStatus status = exporter_.status();
  const IpfixEncoderCounters& counters = exporter_.counters();
  note(status.problem);
  const std::lock_guard lock(mutex_);
  view_.messages = counters.messages;
  view_.octets = counters.octets;
  view_.refused = counters.refused;
  view_.lost_messages = status.lost_messages;
  view_.connections = status.connections;
  view_.is_connected = options_.transport == Transport::udp || status.is_connected;
  view_.waiting = status.waiting_flows;
  view_.sent = status.sent_flows;
  view_.problem = status.problem;
}

/// The same problem again is no news.
void FlowSender::note(const std::string& problem) {
  if (std::exchange(last_problem_, problem) == problem) return;
  if (problem.empty()) {
    log::info("forward", "flows are sent on to the collector",
              {{"collector", options_.collector.to_string()}, {"port", options_.port}});
  } else {
    log::warning("forward", "flows cannot be sent on; trying again",
                 {{"collector", options_.collector.to_string()},
                  {"port", options_.port},
                  {"reason", problem}});
  }
}

}  // namespace flowlensd
