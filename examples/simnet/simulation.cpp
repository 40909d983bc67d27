#include "simulation.hpp"

#include <utility>

namespace simnet {
namespace {

constexpr Micros kTick = std::chrono::milliseconds{100};

}  // namespace

Simulation::Simulation(const World& world, const SimulationOptions& options, DatagramSink& sink,
                       Pace& pace)
    : options_(options),
      rng_(options.traffic.seed + 2),
      traffic_(world, options.exporters, options.traffic),
      truth_(world),
      pace_(pace),
      restarted_(options.exporters.size(), 0),
      next_tick_(options.traffic.start) {
  for (std::size_t i = 0; i < options.exporters.size(); ++i) {
    const ExporterPlan& plan = options.exporters[i];
    ExporterOptions exporter;
    exporter.number = i;
    // Whole milliseconds and some days ago.
    exporter.boot = std::chrono::floor<std::chrono::milliseconds>(options.traffic.start) -
                    std::chrono::milliseconds{rng_.range(86'400'000, 10 * 86'400'000)};
    exporter.template_every = options.template_every;
    exporter.sampling_rate = plan.sampling;
    exporter.clock_skew = plan.clock_skew;
    exporter.tells_translations = plan.tells_translations;
    exporter.tells_next_hops = options.routing.is_told;
    exporters_.push_back(make_exporter(plan.protocol, exporter, sink));
    meters_.emplace_back(plan, rng_);
  }
}

void Simulation::push(Event event) {
  event.order = pushed_++;
  events_.push(std::move(event));
}

bool Simulation::advance(Time to) {
  for (; next_tick_ <= to; next_tick_ += kTick) {
    if (!pace_.wait_until(next_tick_)) return false;
    restart_those_due(next_tick_);
    for (const auto& exporter : exporters_) exporter->tick(next_tick_);
  }
  return pace_.wait_until(to);
}

/// At equal distances over the whole time.
void Simulation::restart_those_due(Time now) {
  for (std::size_t i = 0; i < exporters_.size(); ++i) {
    const std::uint32_t restarts = options_.exporters[i].restarts;
    if (restarted_[i] == restarts) continue;
    const Micros after = options_.traffic.duration * (restarted_[i] + 1) / (restarts + 1);
    if (now < options_.traffic.start + after) continue;
    exporters_[i]->restart(now);
    ++restarted_[i];
  }
}

void Simulation::run() {
  std::optional<Conversation> next = traffic_.next();
  Time now = options_.traffic.start;
  while (next || !events_.empty()) {
    const bool starts = next && (events_.empty() || next->start <= events_.top().at);
    const Time at = starts ? next->start : events_.top().at;
    if (!advance(at)) break;
    now = at;
    if (starts) {
      start(std::move(*next));
      next = traffic_.next();
    } else {
      const Event event = events_.top();
      events_.pop();
      handle(event);
    }
  }
  for (const auto& exporter : exporters_) exporter->flush(now);
}

void Simulation::start(Conversation conversation) {
  std::uint32_t best_sampling = 0;
  for (const Observation& seen : conversation.observers) {
    std::uint64_t records = 0;
    meters_[seen.exporter].pass(conversation, seen, rng_, [&](Metered metered) {
      ++records;
      Event event;
      event.at = metered.at;
      event.exporter = seen.exporter;
      if (options_.routing.is_told) send_on(seen.exporter, metered);
      event.metered = std::move(metered);
      push(std::move(event));
    });
    const std::uint32_t sampling = options_.exporters[seen.exporter].sampling;
    if (best_sampling != 0 && sampling >= best_sampling) continue;
    best_sampling = sampling;
    conversation.records = records;
  }
  Event event;
  event.at = conversation.end;
  event.finished = std::make_shared<const Conversation>(std::move(conversation));
  push(std::move(event));
}

/// As caches of routers do: the next hop is that of a flow's first packet.
void Simulation::send_on(std::size_t exporter, Metered& metered) {
  const Time half = options_.traffic.start + options_.traffic.duration / 2;
  std::visit(
      [&](auto& what) {
        Time at = metered.at;
        if constexpr (requires { what.start; }) at = what.start;
        const std::uint64_t flow =
            what.source_port + 7U * what.destination_port + what.destination.octets[3];
        what.next_hop = next_hop(options_.routing, exporter, what.destination, at >= half, flow);
        truth_.add_way(exporter, what.destination, what.next_hop, at);
      },
      metered.what);
}

void Simulation::handle(const Event& event) {
  if (event.finished) return finish(*event.finished);
  std::visit([&](const auto& what) { exporters_[event.exporter]->add(what, event.at); },
             event.metered.what);
}

void Simulation::finish(const Conversation& conversation) {
  const HalfTotals up = conversation.dialogue.to_server(), down = conversation.dialogue.to_client();
  Exported exported;
  exported.flows = conversation.records;
  for (const Observation& seen : conversation.observers) {
    Exporter& exporter = *exporters_[seen.exporter];
    exported.protocols |= 1U << static_cast<unsigned>(exporter.protocol());
    exporter.account(up.octets + down.octets, up.packets + down.packets);
    const bool is_real = !seen.is_outside && !seen.is_in_front;
    exported.by_inner |= is_real || exporter.tells_translations();
    exported.by_outer |= seen.is_outside;
    exported.by_front |= seen.is_in_front;
  }
  truth_.add(conversation, exported);
}

}  // namespace simnet
