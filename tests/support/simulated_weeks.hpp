// A network that lives by the clock and the week: workstations at work, servers around the clock with
// more to do by day, backups at night, noise everywhere. Windows out of a seed; time is an input.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "flowlens/connection_summary.hpp"
#include "support/traffic.hpp"

namespace flowlens::testing {

class SimulatedWeeks {
 public:
  static constexpr std::uint32_t kDay = 288;  ///< windows
  static constexpr std::uint32_t kWeek = 7 * kDay;

  static constexpr std::uint32_t kMonitor = 100, kBackup = 101, kDirectory = 102, kWeb = 110,
                                 kApp = 120, kDatabase = 130, kFiles = 140, kOutside = 1'000;

  struct Use {
    std::uint32_t client, server;
    std::uint16_t port;
    enum class Shape : std::uint8_t { steady, by_day, at_work, nightly } shape;
    double octets;      ///< of a usual window
    double share;       ///< of windows with traffic, while it is active
    double factor = 1;  ///< of the fault at hand
  };

  SimulatedWeeks(std::uint64_t seed, std::uint32_t workstations) : dice_(seed) {
    constexpr std::uint32_t kServers[] = {
        kMonitor, kBackup,  kDirectory, kDirectory + 1, kWeb,          kWeb + 1, kWeb + 2,
        kApp,     kApp + 1, kApp + 2,   kDatabase,      kDatabase + 1, kFiles,   kFiles + 1};
    using Shape = Use::Shape;
    for (const std::uint32_t s : kServers) {
      if (s != kMonitor) add({kMonitor, s, 9'100, Shape::steady, 40e3, 1.0});
      if (s != kBackup) add({s, kBackup, 10'000, Shape::nightly, 40e6, 0.95});
      if (s < kDirectory || s > kDirectory + 1)
        add({s, kDirectory + s % 2, 53, Shape::steady, 9e3, 0.8});
    }
    for (std::uint32_t web = kWeb; web < kWeb + 3; ++web) {
      for (std::uint32_t app = kApp; app < kApp + 3; ++app)
        add({web, app, 8'080, Shape::by_day, 4e6, 0.98});
    }
    for (std::uint32_t app = kApp; app < kApp + 3; ++app) {
      add({app, kDatabase, 5'432, Shape::by_day, 9e6, 0.98});
      add({app, kDatabase + 1, 5'432, Shape::by_day, 3e6, 0.9});
    }
    for (std::uint32_t i = 0; i < workstations; ++i) {
      const std::uint32_t w = 200 + i;
      begins_[w] = 7.5 + 2 * real();
      ends_[w] = 16 + 3 * real();
      for (std::uint32_t n = 0; n < 3; ++n) add({w, kWeb + n, 443, Shape::at_work, 2e6, 0.25});
      add({w, kDirectory, 389, Shape::at_work, 3e3, 0.4});
      add({w, kFiles + i % 2, 445, Shape::at_work, 6e6, 0.3});
      for (std::uint64_t n = dice_.below(4); n > 0; --n) {
        add({w, kOutside + static_cast<std::uint32_t>(dice_.below(15)), 443, Shape::at_work, 8e5,
             0.2});
      }
    }
  }

  void add(const Use& use) { uses_.push_back(use); }
  [[nodiscard]] std::vector<Use>& uses() noexcept { return uses_; }
  [[nodiscard]] Dice& dice() noexcept { return dice_; }
  void kill(std::uint32_t host, bool is_dead = true) { dead_[host] = is_dead; }

  static Endpoint endpoint(std::uint32_t host) {
    return {{},
            IpAddress::v4(host >= kOutside ? 0xc633'6400u + host - kOutside : 0x0a00'0000u + host)};
  }
  static Timestamp start(std::uint32_t window) {
    return Timestamp{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}} +  // a Monday
           std::chrono::minutes{5} * window;
  }
  /// Rows of the closed window.
  void draw(std::uint32_t window, std::vector<ConnectionSummary>& rows) {
    rows.clear();
    for (const Use& use : uses_) {
      const double level = activity(use, window);
      if (level <= 0 || real() >= use.share || is_dead(use.client) || is_dead(use.server)) continue;
      rows.push_back(row(use, window, use.octets * level * use.factor * std::exp(0.3 * normal())));
    }
  }
  [[nodiscard]] bool is_dead(std::uint32_t host) const {
    const auto found = dead_.find(host);
    return found != dead_.end() && found->second;
  }

  static ConnectionSummary row(const Use& use, std::uint32_t window, double octets) {
    ConnectionSummary s;
    s.key = {endpoint(use.client), endpoint(use.server), use.port, 6};
    s.window_start = start(window);
    s.first = s.window_start + std::chrono::seconds{10};
    s.last = s.window_start + std::chrono::seconds{250};
    s.counts.flows = 2;
    s.counts.packets_to_server = s.counts.packets_to_client = 10;
    s.counts.octets_to_server = static_cast<std::uint64_t>(octets / 4) + 100;
    s.counts.octets_to_client = static_cast<std::uint64_t>(octets * 3 / 4) + 100;
    s.counts.estimated_octets_to_server = s.counts.octets_to_server;
    s.counts.estimated_octets_to_client = s.counts.octets_to_client;
    s.added = s.counts;
    s.service = find_service(6, use.port);
    s.rung = DirectionRung::stated_initiator;
    s.client_internal = use.client < kOutside;
    s.server_internal = use.server < kOutside;
    s.provisional = false;
    return s;
  }

 private:
  double real() { return static_cast<double>(dice_.next() >> 11) * 0x1p-53; }
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += real();
    return sum;
  }
  [[nodiscard]] double activity(const Use& use, std::uint32_t window) {
    const std::uint32_t weekday = window / kDay % 7;
    const double hour = (window % kDay) / 12.0;
    const bool is_weekend = weekday >= 5;
    switch (use.shape) {
      case Use::Shape::steady:
        return 1;
      case Use::Shape::by_day: {
        const double day = std::exp(-(hour - 13) * (hour - 13) / 18);
        return 0.15 + day * (is_weekend ? 0.2 : 1.0);
      }
      case Use::Shape::at_work:
        return !is_weekend && hour >= begins_[use.client] && hour < ends_[use.client] ? 1 : 0;
      case Use::Shape::nightly:
        return hour >= 2 && hour < 3 ? 1 : 0;
    }
    return 0;
  }

  Dice dice_;
  std::vector<Use> uses_;
  std::map<std::uint32_t, double> begins_, ends_;
  std::map<std::uint32_t, bool> dead_;
};

}  // namespace flowlens::testing
