/// \file
/// Traffic drawn from a seed: conversations of all kinds, seen by several exporters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "support/flows.hpp"

namespace flowlens::testing {

/// The same numbers everywhere (splitmix64), unlike those of <random>'s distributions.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
  bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }
  template <typename T, std::size_t N>
  const T& of(const T (&from)[N]) noexcept {
    return from[below(N)];
  }
  template <typename T>
  void shuffle(std::vector<T>& v) noexcept {
    for (std::size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[below(i)]);
  }

 private:
  std::uint64_t state_;
};

struct TrafficOptions {
  std::size_t conversations = 100;
  std::size_t hosts = 12;            ///< few, so that conversations meet
  std::chrono::seconds length{600};  ///< flows begin within so much of kNoon
  std::chrono::milliseconds longest_flow{40'000};
};

/// The records of one conversation as one exporter tells them.
inline void observe(Dice& dice, const Flow& up, const Flow& down, int exporter,
                    std::vector<FlowRecord>& out) {
  const std::uint32_t rate =
      dice.one_in(3) ? 1u + static_cast<std::uint32_t>(dice.below(3)) * 50 : 1;
  const bool both_points = dice.one_in(4);
  for (Flow flow : {up, down}) {
    if (dice.one_in(8)) continue;
    for (std::uint8_t point = 0; point <= (both_points ? 1 : 0); ++point) {
      flow.by("192.0.2." + std::to_string(1 + exporter), exporter % 2 ? 7 : 0, point);
      flow.sampled(rate);
      flow.octet_count = up.octet_count / rate + dice.below(3);
      flow.packet_count = up.packet_count / rate + dice.below(2);
      if (flow.protocol == 6 && rate > 1 && dice.one_in(3)) flow.of_kind(FlowKind::sampled_packet);
      out.push_back(flow);
    }
  }
}

inline std::vector<FlowRecord> draw_traffic(Dice& dice, const TrafficOptions& options) {
  constexpr std::uint16_t kPorts[] = {22,   53,   80,    123,   443,   514,  3306,
                                      5432, 8080, 20000, 33000, 50000, 50001};
  constexpr unsigned kFlags[] = {
      kTcpSyn,           kTcpSyn, kTcpSyn | kTcpAck,           kTcpAck,
      kTcpRst | kTcpAck, kTcpRst, kTcpSyn | kTcpAck | kTcpFin, kTcpSyn | kTcpRst};
  std::vector<FlowRecord> flows;
  const auto host = [&] { return "10.0.0." + std::to_string(1 + dice.below(options.hosts)); };
  const auto longest_ns =
      static_cast<std::uint64_t>(std::chrono::nanoseconds{options.longest_flow}.count());
  const auto length_ns =
      static_cast<std::uint64_t>(std::chrono::nanoseconds{options.length}.count());
  for (std::size_t i = 0; i < options.conversations; ++i) {
    const std::string a = host(), b = dice.one_in(20) ? std::string("239.0.0.1") : host();
    const std::uint8_t protocol = dice.one_in(3) ? 17 : dice.one_in(10) ? 47 : 6;
    const std::uint16_t port_a = dice.of(kPorts), port_b = dice.of(kPorts);
    const std::size_t records = 1 + dice.below(3);
    for (std::size_t n = 0; n < records; ++n) {
      Flow up = protocol == 47 ? flow(47, a, b) : with_ports(protocol, a, port_a, b, port_b);
      Flow down = protocol == 47 ? flow(47, b, a) : with_ports(protocol, b, port_b, a, port_a);
      if (dice.one_in(12)) {
        up = icmp(a, b, 8);
        down = icmp(b, a, dice.one_in(3) ? 3 : 0);
      }
      const Timestamp start = kNoon + std::chrono::nanoseconds{dice.below(length_ns)};
      const Timestamp end = start + std::chrono::nanoseconds{dice.below(longest_ns)};
      up.at(start, end).octets(dice.below(100'000)).packets(dice.below(100));
      down.at(start + std::chrono::milliseconds{dice.below(3)}, end + std::chrono::milliseconds{3});
      if (protocol == 6 && !dice.one_in(15)) {
        up.flags(dice.of(kFlags));
        down.flags(dice.of(kFlags));
      }
      if (dice.one_in(10)) up.begun_by(dice.one_in(2) ? Initiator::source : Initiator::destination);
      if (dice.one_in(30)) up.of_kind(FlowKind::denied);
      const int exporters = 1 + static_cast<int>(dice.below(4));
      for (int e = 0; e < exporters; ++e) observe(dice, up, down, e, flows);
    }
  }
  return flows;
}

}  // namespace flowlens::testing
