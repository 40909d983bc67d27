/// \file
/// The way of the datagrams to the collector: some are lost, some overtake others.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "exporter.hpp"
#include "rng.hpp"

namespace simnet {

struct NetworkOptions {
  std::uint32_t loss_percent = 0;  ///< of the datagrams
  Micros longest_delay{};          ///< each is delayed by something up to this
};

/// Thread-compatible.
class RoughNetwork : public DatagramSink {
 public:
  /// \param next  where datagrams go; outlives this.
  RoughNetwork(const NetworkOptions& options, std::uint64_t seed, DatagramSink& next);

  void send(std::size_t exporter, Protocol protocol, std::span<const std::uint8_t> datagram,
            Time at) override;
  /// What is still on its way.
  void deliver_all();

 private:
  struct OnTheWay {
    Time at;
    std::uint64_t order = 0;
    std::size_t exporter = 0;
    Protocol protocol = Protocol::netflow_v5;
    Bytes datagram;
  };
  struct Later {
    bool operator()(const OnTheWay& a, const OnTheWay& b) const noexcept {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  void deliver_one();

  NetworkOptions options_;
  Rng rng_;
  DatagramSink& next_;
  std::priority_queue<OnTheWay, std::vector<OnTheWay>, Later> on_the_way_;
  std::uint64_t sent_ = 0;
};

}  // namespace simnet
