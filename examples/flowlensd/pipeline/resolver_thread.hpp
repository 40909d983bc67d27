/// \file
/// pipeline: the thread that takes flows from the channel and keeps the map.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "pipeline/fatal.hpp"
#include "pipeline/flow_channel.hpp"
#include "pipeline/map_writer.hpp"

namespace flowlensd {

class ResolverThread {
 public:
  ResolverThread(MapWriter& writer, FlowChannel& channel, std::chrono::milliseconds flush_interval,
                 FatalHandler fatal);
  ~ResolverThread();

  void start();
  /// After the channel was closed: takes the rest, flushes once more, and ends. Windows stay open:
  /// the next run goes on with them.
  void finish();

 private:
  void run();
  void flush_if_due();

  MapWriter& writer_;
  FlowChannel& channel_;
  const std::chrono::milliseconds interval_;
  FatalHandler fatal_;
  std::chrono::steady_clock::time_point next_flush_;
  std::thread thread_;
};

}  // namespace flowlensd
