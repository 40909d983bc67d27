// Data records of NetFlow and IPFIX to flows, a block at a time.
#include <algorithm>
#include <utility>

#include "normalize/normalizer_state.hpp"
#include "normalize/steps.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpV6 = 58;

constexpr std::uint32_t bits(FlowField f) noexcept { return static_cast<std::uint32_t>(f); }

/// Element 21 and 22 of IPFIX, once the boot time is known (or guessed).
void place_uptimes(const Plan& plan, const Block& block) noexcept {
  const Scratch& scratch = *block.scratch;
  const SetFacts& set = *block.set;
  // Without a boot time: the latest flow of the block ended when the message was exported.
  std::uint32_t latest = plan.end_is_uptime ? scratch.end_uptime[0] : scratch.start_uptime[0];
  for (std::size_t i = 1; i < block.count; ++i) {
    const std::uint32_t t = plan.end_is_uptime ? scratch.end_uptime[i] : scratch.start_uptime[i];
    if (static_cast<std::int32_t>(t - latest) > 0) latest = t;
  }
  const auto export_ms = static_cast<std::uint64_t>(set.export_ns / 1'000'000);
  for (std::size_t i = 0; i < block.count; ++i) {
    const bool has_boot = plan.has_boot || set.has_boot;
    const std::uint64_t boot = plan.has_boot ? scratch.boot_ms[i] : set.boot_ms;
    const std::uint32_t uptime = has_boot ? static_cast<std::uint32_t>(export_ms - boot) : latest;
    FlowRecord& flow = block.flows[i];
    if (plan.start_is_uptime)
      flow.start = from_uptime(set.export_ns, uptime, scratch.start_uptime[i]);
    if (plan.end_is_uptime) flow.end = from_uptime(set.export_ns, uptime, scratch.end_uptime[i]);
  }
}

/// One time missing, or the two the wrong way round.
void complete_times(const Plan& plan, const Block& block) noexcept {
  const bool has_start = (plan.present & bits(FlowField::start)) != 0;
  const bool has_end = (plan.present & bits(FlowField::end)) != 0;
  for (std::size_t i = 0; i < block.count; ++i) {
    FlowRecord& flow = block.flows[i];
    const std::chrono::nanoseconds duration{
        plan.has_duration ? static_cast<std::int64_t>(block.scratch->duration_ns[i]) : 0};
    if (!has_start && has_end) flow.start = flow.end - duration;
    if (!has_end && has_start) flow.end = flow.start + duration;
    if (flow.end < flow.start) flow.end = flow.start;
  }
}

/// Exporters without an ICMP element put type and code where the destination port is.
void move_icmp(const Block& block) noexcept {
  for (std::size_t i = 0; i < block.count; ++i) {
    FlowRecord& flow = block.flows[i];
    if (flow.protocol != kIcmp && flow.protocol != kIcmpV6) continue;
    flow.icmp_type_code = flow.destination_port;
    flow.source_port = flow.destination_port = 0;
    flow.present |= bits(FlowField::icmp_type_code);
    flow.present &= ~(bits(FlowField::source_port) | bits(FlowField::destination_port));
  }
}

std::uint32_t clamp_rate(std::uint64_t rate) noexcept {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(rate, 1, 0xffff'ffffu));
}

void complete_sampling(NormalizerState& state, const Plan& plan, const Block& block,
                       const DataSet& set) noexcept {
  const Scratch& scratch = *block.scratch;
  for (std::size_t i = 0; i < block.count; ++i) {
    FlowRecord& flow = block.flows[i];
    if (plan.has_packet_space && flow.sampling_source == SamplingSource::record) {
      const std::uint64_t taken = flow.sampling_rate;
      const std::uint64_t space = std::min<std::uint64_t>(scratch.packet_space[i], 0xffff'ffffu);
      flow.sampling_rate = clamp_rate((taken + space) / taken);
    }
    if (plan.has_population && scratch.sampling_size[i] != 0) {
      flow.sampling_rate = clamp_rate(scratch.population[i] / scratch.sampling_size[i]);
      flow.sampling_source = SamplingSource::record;
    }
    if (plan.has_sampler && flow.sampling_source != SamplingSource::record) {
      const std::uint32_t rate = state.facts.rate_of(
          set.session->exporter, set.message->observation_domain, scratch.sampler[i]);
      if (rate == 0) continue;
      flow.sampling_rate = rate;
      flow.sampling_source = SamplingSource::options;
    }
  }
}

/// Fills the flows of one block. `block.at` points to the records' starts.
void fill(NormalizerState& state, const Plan& plan, Block& block, const DataSet& set) noexcept {
  run_steps(plan, block);
  if (plan.start_is_uptime || plan.end_is_uptime) place_uptimes(plan, block);
  complete_times(plan, block);
  if (plan.icmp_from_port) move_icmp(block);
  if (plan.has_sampler || plan.has_packet_space || plan.has_population) {
    complete_sampling(state, plan, block, set);
  }
}

/// The other half of a biflow.
FlowRecord reversed(const FlowRecord& forward, const Plan& plan, const Scratch& scratch,
                    std::size_t i) noexcept {
  FlowRecord flow = forward;
  std::swap(flow.source_address, flow.destination_address);
  std::swap(flow.source_port, flow.destination_port);
  std::swap(flow.source_as, flow.destination_as);
  std::swap(flow.source_prefix_length, flow.destination_prefix_length);
  std::swap(flow.ingress_interface, flow.egress_interface);
  const auto swap_bits = [&flow](FlowField a, FlowField b) {
    const bool has_a = flow.has(a);
    const bool has_b = flow.has(b);
    flow.present &= ~(bits(a) | bits(b));
    flow.present |= (has_a ? bits(b) : 0) | (has_b ? bits(a) : 0);
  };
  swap_bits(FlowField::source_port, FlowField::destination_port);
  swap_bits(FlowField::source_as, FlowField::destination_as);
  swap_bits(FlowField::source_prefix_length, FlowField::destination_prefix_length);
  swap_bits(FlowField::ingress_interface, FlowField::egress_interface);
  flow.octet_count = scratch.reverse_octets[i];
  flow.packet_count = scratch.reverse_packets[i];
  flow.tcp_flags = scratch.reverse_tcp_flags[i];
  flow.next_hop = {};
  flow.present &= ~(bits(FlowField::next_hop) | bits(FlowField::tcp_flags));
  if (flow.tcp_flags != 0) flow.present |= bits(FlowField::tcp_flags);
  if (plan.reverse_has_times) {
    flow.start = scratch.reverse_start[i];
    flow.end = std::max(flow.start, scratch.reverse_end[i]);
  }
  if (flow.initiator == Initiator::source) {
    flow.initiator = Initiator::destination;
  } else if (flow.initiator == Initiator::destination) {
    flow.initiator = Initiator::source;
  }
  return flow;
}

void give_biflows(const Plan& plan, const Block& block, std::vector<FlowRecord>& out) {
  for (std::size_t i = 0; i < block.count; ++i) {
    out.push_back(block.flows[i]);
    const Scratch& scratch = *block.scratch;
    if (scratch.reverse_octets[i] == 0 && scratch.reverse_packets[i] == 0) continue;
    out.push_back(reversed(block.flows[i], plan, scratch, i));
  }
}

/// Records that hold a piece of a packet (RFC 7133, PSAMP).
void give_frames(NormalizerState& state, const Plan& plan, const Block& block) {
  for (std::size_t i = 0; i < block.count; ++i) {
    FlowRecord& flow = block.flows[i];
    flow.kind = FlowKind::sampled_packet;
    dissect(block.scratch->frame[i], plan.frame_link, state.dissection);
    const std::uint64_t frame_octets = plan.has_frame_size ? block.scratch->frame_size[i] : 0;
    if (apply_dissection(state, frame_octets, flow)) {
      give_packet(state, flow);
    } else {
      ++state.counters.records_without_flow;
    }
  }
}

/// Points the block at the next records. \return octets of them.
std::size_t place(const Plan& plan, const Template& layout, std::span<const std::byte> records,
                  std::size_t count, Block& block) noexcept {
  block.count = count;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    block.at[i] = records.data() + at;
    at += plan.record_octets != 0 ? plan.record_octets : record_length(layout, records.subspan(at));
  }
  return at;
}

SetFacts facts_of(NormalizerState& state, const DataSet& set) noexcept {
  SetFacts facts;
  facts.export_ns = to_unix_ns(set.message->export_time);
  facts.uptime_ms = set.message->sys_uptime_ms;
  const ExporterFacts::Domain& domain =
      state.facts.domain(set.session->exporter, set.message->observation_domain);
  facts.has_boot = domain.boot_ms.has_value();
  facts.boot_ms = domain.boot_ms.value_or(0);
  return facts;
}

}  // namespace

const Plan& NormalizerState::plan_of(const Template& layout) {
  Recent& slot = recent[layout.serial() & 15u];
  if (slot.plan != nullptr && slot.serial == layout.serial()) return *slot.plan;
  const Plan* plan = plans.find(layout.serial());
  if (plan == nullptr) {
    recent.fill({});  // one of them may have to go
    plan = &plans.put(layout.serial(), compile(layout));
  }
  slot = {layout.serial(), plan};
  return *plan;
}

FlowRecord prototype(NormalizerState& state, const DataSet& set, std::uint32_t present) noexcept {
  const MessageHeader& message = *set.message;
  FlowRecord flow;
  flow.exporter = set.session->exporter;
  flow.observation_domain = message.observation_domain;
  flow.received = flow.start = flow.end = set.received;
  flow.export_protocol = message.protocol;
  flow.present = present;
  if (message.protocol == ExportProtocol::netflow_v5) {
    const std::uint32_t interval = message.sampling & 0x3fffu;
    if (interval != 0) {
      flow.sampling_rate = interval;
      flow.sampling_source = SamplingSource::header;
    }
    return flow;
  }
  const std::uint32_t rate =
      state.facts.domain(flow.exporter, flow.observation_domain).sampling_rate;
  if (rate != 0) {
    flow.sampling_rate = rate;
    flow.sampling_source = SamplingSource::options;
  }
  return flow;
}

void normalize_set(NormalizerState& state, const DataSet& set) {
  const Plan& plan = state.plan_of(*set.layout);
  if (plan.kind == Plan::Kind::nothing || state.out == nullptr) {
    state.counters.records_without_flow += set.record_count;
    return;
  }
  FlowRecord like = prototype(state, set, plan.present);
  like.initiator = plan.initiator;
  const SetFacts facts = facts_of(state, set);
  std::vector<FlowRecord>& out = state.out->flows;
  const bool is_plain = plan.kind == Plan::Kind::flows && !plan.is_biflow;
  std::size_t next = out.size();
  if (is_plain) out.resize(next + set.record_count, like);

  Block block;
  block.scratch = &state.scratch;
  block.set = &facts;
  if (plan.needs_scratch) state.scratch = Scratch{};
  std::span<const std::byte> rest = set.records;
  for (std::size_t left = set.record_count; left != 0; left -= block.count) {
    rest = rest.subspan(place(plan, *set.layout, rest, std::min(left, kBlock), block));
    if (is_plain) {
      block.flows = out.data() + next;
      next += block.count;
    } else {
      std::fill_n(state.flows.begin(), block.count, like);
      block.flows = state.flows.data();
    }
    fill(state, plan, block, set);
    if (is_plain) continue;
    if (plan.kind == Plan::Kind::frames) {
      give_frames(state, plan, block);
    } else {
      give_biflows(plan, block, out);
    }
  }
}

}  // namespace flowlens::normalize
