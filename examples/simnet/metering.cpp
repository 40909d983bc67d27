#include "metering.hpp"

#include <array>
#include <optional>
#include <utility>

namespace simnet {
namespace {

constexpr Micros kInactiveTimeout = std::chrono::seconds{15};

std::uint16_t interface_of(const Host& host) {
  return static_cast<std::uint16_t>(1 + static_cast<unsigned>(host.segment));
}

Time time_of(const Conversation& conversation, std::uint64_t index) {
  const auto count = static_cast<std::int64_t>(conversation.dialogue.packet_count());
  return conversation.start +
         (conversation.end - conversation.start) * static_cast<std::int64_t>(index) / count;
}

void turn(Flow& flow) {
  std::swap(flow.source, flow.destination);
  std::swap(flow.source_port, flow.destination_port);
  std::swap(flow.input, flow.output);
}

/// The ends as they are there, of a request.
Translated ends_at(const Conversation& conversation, const Observation& seen) {
  return {seen.is_outside ? conversation.outer_client : conversation.client,
          seen.is_in_front ? conversation.front : conversation.server,
          seen.is_outside ? conversation.outer_port : conversation.client_port,
          seen.is_in_front ? conversation.front_port : conversation.server_port};
}

/// What the nearest translator makes of the ends.
void tell_translation(const Conversation& conversation, Observation seen, bool to_server,
                      Flow& flow) {
  const bool is_of_client = conversation.outer_port != 0;
  if (!is_of_client && conversation.front_port == 0) return;
  (is_of_client ? seen.is_outside : seen.is_in_front) ^= true;
  Translated other = ends_at(conversation, seen);
  if (!to_server) {
    std::swap(other.source, other.destination);
    std::swap(other.source_port, other.destination_port);
  }
  flow.translated = other;
  flow.is_request = to_server;
  const bool is_nearer_client = is_of_client ? seen.is_outside : !seen.is_in_front;
  flow.is_past_translator = to_server ? !is_nearer_client : is_nearer_client;
}

/// \return the half that goes one way, without its counts.
Flow flow_of(const Conversation& conversation, const Observation& seen, bool to_server) {
  const Translated ends = ends_at(conversation, seen);
  Flow flow;
  flow.source = ends.source;
  flow.destination = ends.destination;
  flow.source_port = ends.source_port;
  flow.destination_port = ends.destination_port;
  flow.input = interface_of(*conversation.client_host);
  flow.output = interface_of(*conversation.server_host);
  if (!to_server) turn(flow);
  flow.protocol = conversation.dialogue.shape().protocol;
  tell_translation(conversation, seen, to_server, flow);
  return flow;
}

SampledPacket packet_of(const Conversation& conversation, const Observation& seen,
                        std::uint64_t index) {
  SampledPacket sample;
  sample.packet = conversation.dialogue.packet(index);
  const Flow flow = flow_of(conversation, seen, sample.packet.to_server);
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

/// Makes records of single packets, of both directions.
class RecordCache {
 public:
  RecordCache(const Conversation& conversation, const Observation& seen, Micros active_timeout,
              const std::function<void(Metered)>& emit)
      : conversation_(conversation), seen_(seen), active_(active_timeout), emit_(emit) {}

  void add(const Packet& packet, Time at) {
    std::optional<Flow>& flow = open_[packet.to_server ? 0 : 1];
    if (flow && at - flow->end > kInactiveTimeout) send(flow, flow->end + kInactiveTimeout);
    if (flow && active_.count() > 0 && at - flow->start >= active_) {
      send(flow, flow->start + active_);
    }
    if (!flow) {
      flow = flow_of(conversation_, seen_, packet.to_server);
      flow->start = at;
    }
    flow->end = at;
    flow->octets += packet.ip_octets;
    flow->packets += 1;
    flow->tcp_flags |= packet.tcp_flags;
  }

  /// \param is_complete  every packet was seen, so the end of the conversation too.
  void finish(bool is_complete) {
    for (std::optional<Flow>& flow : open_) {
      if (flow) send(flow, is_complete ? conversation_.end : flow->end + kInactiveTimeout);
    }
  }

 private:
  void send(std::optional<Flow>& flow, Time at) {
    emit_({*flow, at});
    flow.reset();
  }

  const Conversation& conversation_;
  const Observation& seen_;
  Micros active_;
  const std::function<void(Metered)>& emit_;
  std::array<std::optional<Flow>, 2> open_;
};

}  // namespace

Meter::Meter(const ExporterPlan& plan, Rng& rng) : plan_(plan) {
  skip_ = rng.range(1, 2 * std::uint64_t{plan.sampling} - 1);
  ahead_ = skip_ - 1;
}

template <typename Take>
void Meter::pick(const Conversation& conversation, Rng& rng, Take&& take) {
  const std::uint64_t count = conversation.dialogue.packet_count();
  std::uint64_t index = ahead_;
  while (index < count) {
    take(index, skip_);
    skip_ = rng.range(1, 2 * std::uint64_t{plan_.sampling} - 1);
    index += skip_;
  }
  ahead_ = index - count;
}

/// All packets in one record each way.
void Meter::whole(const Conversation& conversation, const Observation& seen,
                  const Emit& emit) const {
  const std::uint64_t count = conversation.dialogue.packet_count();
  for (const bool to_server : {true, false}) {
    const HalfTotals half =
        to_server ? conversation.dialogue.to_server() : conversation.dialogue.to_client();
    if (half.packets == 0) continue;
    Flow flow = flow_of(conversation, seen, to_server);
    flow.tcp_flags = half.tcp_flags;
    flow.octets = half.octets;
    flow.packets = half.packets;
    // The answer begins with the second packet.
    flow.start = to_server ? conversation.start : time_of(conversation, count > 1 ? 1 : 0);
    flow.end = conversation.end;
    emit({flow, conversation.end});
  }
}

void Meter::pass(const Conversation& conversation, const Observation& seen, Rng& rng,
                 const std::function<void(Metered)>& emit) {
  if (plan_.protocol == Protocol::sflow) {
    pick(conversation, rng, [&](std::uint64_t index, std::uint64_t skipped) {
      SampledPacket sample = packet_of(conversation, seen, index);
      sample.skipped = skipped;
      emit({sample, time_of(conversation, index)});
    });
    return;
  }
  const Micros length = conversation.end - conversation.start;
  const bool is_cut = plan_.active_timeout.count() > 0 && length >= plan_.active_timeout;
  if (plan_.sampling == 1 && !is_cut) return whole(conversation, seen, emit);
  RecordCache cache(conversation, seen, plan_.active_timeout, emit);
  pick(conversation, rng, [&](std::uint64_t index, std::uint64_t) {
    cache.add(conversation.dialogue.packet(index), time_of(conversation, index));
  });
  cache.finish(plan_.sampling == 1);
}

}  // namespace simnet
