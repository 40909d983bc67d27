#include "rough_network.hpp"

namespace simnet {

RoughNetwork::RoughNetwork(const NetworkOptions& options, std::uint64_t seed, DatagramSink& next)
    : options_(options), rng_(seed + 3), next_(next) {}

void RoughNetwork::send(std::size_t exporter, Protocol protocol,
                        std::span<const std::uint8_t> datagram, Time at) {
  while (!on_the_way_.empty() && on_the_way_.top().at <= at) deliver_one();
  if (options_.loss_percent > 0 && rng_.percent(options_.loss_percent)) return;
  if (options_.longest_delay.count() == 0) return next_.send(exporter, protocol, datagram, at);
  const Micros delay{rng_.below(static_cast<std::uint64_t>(options_.longest_delay.count()) + 1)};
  on_the_way_.push(
      {at + delay, sent_++, exporter, protocol, Bytes(datagram.begin(), datagram.end())});
}

void RoughNetwork::deliver_all() {
  while (!on_the_way_.empty()) deliver_one();
}

void RoughNetwork::deliver_one() {
  const OnTheWay& first = on_the_way_.top();
  next_.send(first.exporter, first.protocol, first.datagram, first.at);
  on_the_way_.pop();
}

}  // namespace simnet
