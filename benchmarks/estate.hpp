/// \file
/// A made-up estate, the same each time: who uses whom, for benchmarks of large maps.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "flowlens/connection_summary.hpp"

namespace flowlens::bench {

class Dice {
 public:
  std::uint32_t roll(std::uint32_t sides) {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return static_cast<std::uint32_t>((z ^ z >> 31) % sides);
  }

 private:
  std::uint64_t state_ = 1;
};

/// An estate: a fifth are servers, in applications of twelve (3 web, 6 in the middle, 2 databases, a
/// cache); the others are people's machines, which use some web servers, popular ones more. DNS and
/// monitoring are for everyone. Ten dependencies an asset.
class Estate {
 public:
  struct Use {
    std::uint32_t client, server;
    std::uint16_t port;
    friend auto operator<=>(const Use&, const Use&) = default;
  };

  explicit Estate(std::uint32_t assets) : applications_(assets / 60) {
    for (std::uint32_t app = 0; app < applications_; ++app) add_application(app);
    const std::uint32_t servers = 12 * applications_;
    for (std::uint32_t a = servers + kInfrastructure; a < assets; ++a) add_person(a);
    for (std::uint32_t s = 0; s < servers; ++s) uses_.push_back({servers + 2 + s % 2, s, 22});
    each_once();
    while (uses_.size() < std::size_t{10} * assets) {
      const std::size_t missing = std::size_t{10} * assets - uses_.size();
      for (std::size_t i = 0; i <= missing / 2; ++i) {
        use_web(servers + kInfrastructure + dice_.roll(assets - servers - kInfrastructure));
      }
      each_once();
    }
  }

  [[nodiscard]] const std::vector<Use>& uses() const { return uses_; }

 private:
  static constexpr std::uint32_t kInfrastructure = 4;  ///< after the servers: 2 DNS, 2 monitors

  void each_once() {
    std::sort(uses_.begin(), uses_.end());
    uses_.erase(std::unique(uses_.begin(), uses_.end()), uses_.end());
  }
  void add_application(std::uint32_t app) {
    const std::uint32_t first = 12 * app;
    for (std::uint32_t middle = first + 3; middle < first + 9; ++middle) {
      for (std::uint32_t web = first; web < first + 3; ++web) uses_.push_back({web, middle, 8080});
      uses_.push_back({middle, first + 9, 5432});
      uses_.push_back({middle, first + 10, 5432});
      uses_.push_back({middle, first + 11, 6379});
    }
    for (int i = 0; i < 3; ++i) {  // other applications' services
      const std::uint32_t other = 12 * dice_.roll(applications_);
      if (other != first) uses_.push_back({first + 3 + dice_.roll(6), other + dice_.roll(3), 443});
    }
    for (std::uint32_t s = first; s < first + 12; ++s) use_infrastructure(s);
  }
  void add_person(std::uint32_t asset) {
    use_infrastructure(asset);
    for (int i = 0; i < 4; ++i) use_web(asset);
  }
  void use_infrastructure(std::uint32_t asset) {
    for (std::uint32_t dns = 0; dns < 2; ++dns) {
      uses_.push_back({asset, 12 * applications_ + dns, 53});
    }
  }
  void use_web(std::uint32_t asset) {
    const std::uint32_t popular = 1 + dice_.roll(applications_);
    const std::uint32_t web = 12 * dice_.roll(popular);
    for (std::uint32_t i = 0; i < 2; ++i) uses_.push_back({asset, web + dice_.roll(3), 443});
  }

  std::uint32_t applications_;
  Dice dice_;
  std::vector<Use> uses_;
};

inline ConnectionSummary summary_of(const Estate::Use& use, Timestamp at) {
  ConnectionSummary s;
  s.key.client.address = IpAddress::v4(0x0a00'0000u + use.client);
  s.key.server.address = IpAddress::v4(0x0a00'0000u + use.server);
  s.key.port = use.port;
  s.key.protocol = use.port == 53 ? 17 : 6;
  s.window_start = s.first = at;
  s.last = at + std::chrono::minutes{4};
  s.counts = {1, 1'000, 5'000, 10, 12, 1'000, 5'000};
  s.added = s.counts;
  s.observers[0] = IpAddress::v4(0xc000'0201u);
  s.observer_count = 1;
  s.rung = DirectionRung::tcp_flags;
  s.client_internal = s.server_internal = true;
  s.provisional = false;
  return s;
}

}  // namespace flowlens::bench
