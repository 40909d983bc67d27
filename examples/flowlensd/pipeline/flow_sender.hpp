/// \file
/// pipeline: flows on their way to another collector.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "flowlens/filter.hpp"
#include "flowlens/ipfix_exporter.hpp"
#include "library.hpp"
#include "pipeline/flow_queue.hpp"
#include "pipeline/pressure.hpp"

namespace flowlensd {

struct FlowSenderOptions {
  IpAddress collector;
  std::uint16_t port = 4739;
  Transport transport = Transport::udp;
  Filter<FlowRecord> filter;    ///< empty: all
  std::uint32_t one_in = 1;     ///< conversations that are sent
  std::size_t queue = 100'000;  ///< flows that may wait
  std::uint64_t key = 0;        ///< decides which conversations are sent
};

/// offered = filtered_out + sampled_out + queue_full + refused + sent + lost at the end + waiting
struct FlowSenderView {
  std::uint64_t offered = 0;
  std::uint64_t filtered_out = 0;
  std::uint64_t sampled_out = 0;
  std::uint64_t queue_full = 0;  ///< not sent, as too many waited
  std::uint64_t refused = 0;     ///< not sent, as more kinds of records than fit in templates
  std::uint64_t sent = 0;
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;
  std::uint64_t lost_messages = 0;  ///< UDP: the socket had no room for them
  std::size_t waiting = 0;
  std::uint64_t connections = 0;
  bool is_connected = false;
  std::string problem;  ///< empty: none
};

/// Filters, samples and sends from a thread of its own. Whoever brings flows never waits.
///
/// Thread-safe; one thread calls offer().
class FlowSender {
 public:
  /// \throws IoError, ConfigError as IpfixExporter does.
  explicit FlowSender(const FlowSenderOptions& options);
  ~FlowSender();

  void start();
  void offer(const std::vector<FlowRecord>& flows);
  /// Sends what waits, if the collector takes it within `grace`, and ends the thread.
  void finish(std::chrono::milliseconds grace);

  [[nodiscard]] FlowSenderView view() const;

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  bool take_batch();
  void choose();
  void send();
  void publish();
  void note(const std::string& problem);

  const FlowSenderOptions options_;
  PressureRule sampling_;
  IpfixExporter exporter_;  ///< of the thread
  FlowBatch batch_;         ///< the same
  std::string last_problem_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FlowQueue queue_;
  FlowSenderView view_;
  bool is_finishing_ = false;
  Clock::time_point give_up_at_{};
  std::thread thread_;
};

}  // namespace flowlensd
