/// \file
/// Runs traffic past the exporters, in the order of time.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <vector>

#include "exporter.hpp"
#include "metering.hpp"
#include "rng.hpp"
#include "routing.hpp"
#include "traffic.hpp"
#include "truth.hpp"

namespace simnet {

/// Makes simulated time pass.
class Pace {
 public:
  virtual ~Pace() = default;
  /// \return false to stop here.
  virtual bool wait_until(Time) { return true; }
};

struct SimulationOptions {
  std::vector<ExporterPlan> exporters;
  TrafficOptions traffic;
  RoutingOptions routing;
  std::uint32_t template_every = 20;
};

/// Thread-compatible. The same world and options give the same datagrams.
class Simulation {
 public:
  /// All arguments by reference outlive this.
  Simulation(const World& world, const SimulationOptions& options, DatagramSink& sink, Pace& pace);

  /// Until the traffic ends or the pace stops it; what was metered is then sent.
  void run();

  [[nodiscard]] const Truth& truth() const noexcept { return truth_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Exporter>>& exporters() const noexcept {
    return exporters_;
  }
  [[nodiscard]] Micros sweep_duration() const noexcept { return traffic_.sweep_duration(); }

 private:
  struct Event {
    Time at;
    std::uint64_t order = 0;
    std::shared_ptr<const Conversation> finished;  ///< or what an exporter metered:
    std::size_t exporter = 0;
    Metered metered;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const noexcept {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  void start(Conversation conversation);
  void send_on(std::size_t exporter, Metered& metered);
  void handle(const Event& event);
  void finish(const Conversation& conversation);
  bool advance(Time to);
  void restart_those_due(Time now);
  void push(Event event);

  SimulationOptions options_;
  Rng rng_;
  Traffic traffic_;
  Truth truth_;
  Pace& pace_;
  std::vector<std::unique_ptr<Exporter>> exporters_;
  std::vector<Meter> meters_;             ///< by exporter
  std::vector<std::uint32_t> restarted_;  ///< how often, by exporter
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t pushed_ = 0;
  Time next_tick_;
};

}  // namespace simnet
