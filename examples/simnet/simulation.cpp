#include "simulation.hpp"

#include <utility>

namespace simnet {
namespace {

constexpr Micros kTick = std::chrono::milliseconds{100};

std::uint16_t interface_of(const Host& host) {
  return static_cast<std::uint16_t>(1 + static_cast<unsigned>(host.segment));
}

/// \return the half that goes one way.
Flow flow_of(const Conversation& conversation, bool to_server) {
  Flow flow;
  flow.source = conversation.client;
  flow.destination = conversation.server;
  flow.source_port = conversation.client_port;
  flow.destination_port = conversation.server_port;
  flow.input = interface_of(*conversation.client_host);
  flow.output = interface_of(*conversation.server_host);
  if (!to_server) {
    std::swap(flow.source, flow.destination);
    std::swap(flow.source_port, flow.destination_port);
    std::swap(flow.input, flow.output);
  }
  const HalfTotals half =
      to_server ? conversation.dialogue.to_server() : conversation.dialogue.to_client();
  flow.protocol = conversation.dialogue.shape().protocol;
  flow.tcp_flags = half.tcp_flags;
  flow.octets = half.octets;
  flow.packets = half.packets;
  flow.start = conversation.start;
  flow.end = conversation.end;
  return flow;
}

SampledPacket packet_of(const Conversation& conversation, std::uint64_t index) {
  SampledPacket sample;
  sample.packet = conversation.dialogue.packet(index);
  const Flow flow = flow_of(conversation, sample.packet.to_server);
  sample.source = flow.source;
  sample.destination = flow.destination;
  sample.source_port = flow.source_port;
  sample.destination_port = flow.destination_port;
  sample.source_host = conversation.client_host->number;
  sample.destination_host = conversation.server_host->number;
  if (!sample.packet.to_server) std::swap(sample.source_host, sample.destination_host);
  sample.protocol = flow.protocol;
  sample.index = index;
  sample.input = flow.input;
  sample.output = flow.output;
  return sample;
}

}  // namespace

Simulation::Simulation(const World& world, const SimulationOptions& options, DatagramSink& sink,
                       Pace& pace)
    : options_(options),
      rng_(options.traffic.seed + 2),
      traffic_(world, options.exporters, options.traffic),
      truth_(world),
      pace_(pace),
      next_tick_(options.traffic.start) {
  for (std::size_t i = 0; i < options.exporters.size(); ++i) {
    ExporterOptions exporter;
    exporter.number = i;
    // Whole milliseconds and some days ago.
    exporter.boot = std::chrono::floor<std::chrono::milliseconds>(options.traffic.start) -
                    std::chrono::milliseconds{rng_.range(86'400'000, 10 * 86'400'000)};
    exporter.template_every = options.template_every;
    const bool is_sampled = options.exporters[i] == Protocol::sflow;
    exporter.sampling_rate = is_sampled ? options.sflow_sampling : 1;
    exporters_.push_back(make_exporter(options.exporters[i], exporter, sink));
    const std::uint64_t skip = rng_.range(1, 2 * exporter.sampling_rate - 1);
    samplers_.push_back({skip, skip - 1});
  }
}

void Simulation::push(Event event) {
  event.order = pushed_++;
  events_.push(std::move(event));
}

bool Simulation::advance(Time to) {
  for (; next_tick_ <= to; next_tick_ += kTick) {
    if (!pace_.wait_until(next_tick_)) return false;
    for (const auto& exporter : exporters_) exporter->tick(next_tick_);
  }
  return pace_.wait_until(to);
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
  for (const std::size_t exporter : conversation.observers) {
    if (exporters_[exporter]->protocol() != Protocol::sflow) continue;
    conversation.samples = sample(conversation, exporter);
  }
  Event event;
  event.at = conversation.end;
  event.finished = std::make_shared<const Conversation>(std::move(conversation));
  push(std::move(event));
}

std::uint64_t Simulation::sample(const Conversation& conversation, std::size_t exporter) {
  Sampler& sampler = samplers_[exporter];
  const std::uint64_t count = conversation.dialogue.packet_count();
  const Micros length = conversation.end - conversation.start;
  std::uint64_t samples = 0;
  std::uint64_t index = sampler.ahead;
  while (index < count) {
    Event event;
    event.at = conversation.start +
               length * static_cast<std::int64_t>(index) / static_cast<std::int64_t>(count);
    event.exporter = exporter;
    event.sample = packet_of(conversation, index);
    event.sample.skipped = sampler.skip;
    push(std::move(event));
    ++samples;
    sampler.skip = rng_.range(1, 2 * options_.sflow_sampling - 1);
    index += sampler.skip;
  }
  sampler.ahead = index - count;
  return samples;
}

void Simulation::handle(const Event& event) {
  if (event.finished) {
    finish(*event.finished, event.at);
  } else {
    exporters_[event.exporter]->add(event.sample, event.at);
  }
}

void Simulation::finish(const Conversation& conversation, Time now) {
  const Flow request = flow_of(conversation, true);
  const Flow reply = flow_of(conversation, false);
  Exported exported;
  for (const std::size_t number : conversation.observers) {
    Exporter& exporter = *exporters_[number];
    exported.protocols |= 1U << static_cast<unsigned>(exporter.protocol());
    exporter.account(request.octets + reply.octets, request.packets + reply.packets);
    if (exporter.protocol() == Protocol::sflow) continue;
    exporter.add(request, now);
    if (reply.packets > 0) exporter.add(reply, now);
    exported.flows = reply.packets > 0 ? 2 : 1;  // an unsampled observer is the best one
  }
  if (exported.flows == 0) exported.flows = conversation.samples;
  truth_.add(conversation, exported);
}

}  // namespace simnet
