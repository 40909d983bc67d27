// Data records of NetFlow and IPFIX to flows, a block at a time.
#include <algorithm>
#include <utility>

#include "normalize/normalizer_state.hpp"
#include "normalize/rates.hpp"
#include "normalize/steps.hpp"
#include "normalize/vrf_finder.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpV6 = 58;

constexpr std::uint32_t bits(FlowField f) noexcept { return static_cast<std::uint32_t>(f); }

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

/// FW_EXT_EVENT of a Cisco ASA without the event itself: from 1001 on are reasons for a denial, from
/// 2001 on for an end.
void note_denials(const Block& block) noexcept {
  for (std::size_t i = 0; i < block.count; ++i) {
    const std::uint16_t event = block.scratch->extended_event[i];
    if (event > 1'000 && event < 2'000) block.flows[i].kind = FlowKind::denied;
  }
}

/// Fills the flows of one block. `block.at` points to the records' starts.
void fill(NormalizerState& state, const SetAtWork& work, Block& block,
          const Block& reverse) noexcept {
  const Plan& plan = work.plan;
  run_steps(plan, block, reverse);
  complete_times(state, work, plan.times, block);
  if (plan.is_biflow) complete_times(state, work, plan.reverse_times, reverse);
  if (plan.icmp_from_port) move_icmp(block);
  if (plan.has_extended_event) note_denials(block);
  complete_sampling(state, work, block);
}

struct Pair {
  FlowField a, b;
};
constexpr Pair kPairs[] = {
    {FlowField::source_port, FlowField::destination_port},
    {FlowField::source_as, FlowField::destination_as},
    {FlowField::source_prefix_length, FlowField::destination_prefix_length},
    {FlowField::ingress_interface, FlowField::egress_interface},
};

void swap_ends(FlowRecord& flow) noexcept {
  std::swap(flow.source_address, flow.destination_address);
  std::swap(flow.source_port, flow.destination_port);
  std::swap(flow.source_as, flow.destination_as);
  std::swap(flow.source_prefix_length, flow.destination_prefix_length);
  std::swap(flow.ingress_interface, flow.egress_interface);
  for (const Pair& pair : kPairs) {
    const bool has_a = flow.has(pair.a);
    const bool has_b = flow.has(pair.b);
    flow.present &= ~(bits(pair.a) | bits(pair.b));
    flow.present |= (has_a ? bits(pair.b) : 0) | (has_b ? bits(pair.a) : 0);
  }
  if (flow.initiator == Initiator::source) {
    flow.initiator = Initiator::destination;
  } else if (flow.initiator == Initiator::destination) {
    flow.initiator = Initiator::source;
  }
}

/// What has a value of its own for each direction comes from the reverse elements (RFC 5103), or is
/// not known of the other one; the rest is the same both ways.
FlowRecord reversed(const FlowRecord& forward, const FlowRecord& told, const Plan& plan) noexcept {
  constexpr std::uint32_t kOfOneDirection = bits(FlowField::octet_count) |
                                            bits(FlowField::packet_count) |
                                            bits(FlowField::tcp_flags) | bits(FlowField::next_hop);
  FlowRecord flow = forward;
  swap_ends(flow);
  const auto has = [&plan](FlowField f) { return (plan.reverse_present & bits(f)) != 0; };
  flow.octet_count = told.octet_count;
  flow.packet_count = told.packet_count;
  flow.tcp_flags = told.tcp_flags;
  flow.next_hop = has(FlowField::next_hop) ? told.next_hop : IpAddress{};
  if (has(FlowField::tos)) flow.tos = told.tos;
  if (has(FlowField::vlan_id)) flow.vlan_id = told.vlan_id;
  if (has(FlowField::icmp_type_code)) flow.icmp_type_code = told.icmp_type_code;
  if (has(FlowField::flow_direction)) flow.flow_direction = told.flow_direction;
  if (has(FlowField::ingress_interface)) flow.ingress_interface = told.ingress_interface;
  if (has(FlowField::egress_interface)) flow.egress_interface = told.egress_interface;
  if (plan.reverse_times.has_start || plan.reverse_times.has_end) {
    flow.start = told.start;
    flow.end = told.end;
    flow.present &= ~bits(FlowField::times_replaced);
    flow.present |= told.present & bits(FlowField::times_replaced);
  }
  constexpr std::uint32_t kKept =
      ~(bits(FlowField::source_address) | bits(FlowField::destination_address));
  flow.present = (flow.present & ~kOfOneDirection) | (plan.reverse_present & kKept);
  return flow;
}

/// What stands beside a flow given out. \param record  its place in the block.
void give_beside(NormalizerState& state, const SetAtWork& work, VrfFinder& vrfs, std::size_t record,
                 std::size_t flow, bool of_reverse) {
  const Plan& plan = work.plan;
  if (plan.has_translation) give_translation(state, state.nat.events[record], flow, of_reverse);
  if (plan.has_ingress_vrf || plan.has_egress_vrf) {
    state.out->vrfs.push_back(vrfs.of_flow(plan, state.scratch, record, of_reverse));
    state.out->vrfs.back().flow = static_cast<std::uint32_t>(flow);
  }
}

void give_flows(NormalizerState& state, const SetAtWork& work, VrfFinder& vrfs,
                const Block& block) {
  const Plan& plan = work.plan;
  std::vector<FlowRecord>& out = state.out->flows;
  const std::size_t first = out.size();
  out.insert(out.end(), block.flows, block.flows + block.count);
  if (!plan.has_translation && !plan.has_ingress_vrf && !plan.has_egress_vrf) return;
  for (std::size_t i = 0; i < block.count; ++i) {
    give_beside(state, work, vrfs, i, first + i, false);
  }
}

void give_biflows(NormalizerState& state, const SetAtWork& work, VrfFinder& vrfs,
                  const Block& block, const Block& reverse) {
  std::vector<FlowRecord>& out = state.out->flows;
  for (std::size_t i = 0; i < block.count; ++i) {
    out.push_back(block.flows[i]);
    give_beside(state, work, vrfs, i, out.size() - 1, false);
    const FlowRecord& told = reverse.flows[i];
    if (told.octet_count == 0 && told.packet_count == 0) continue;
    out.push_back(reversed(block.flows[i], told, work.plan));
    give_beside(state, work, vrfs, i, out.size() - 1, true);
  }
}

/// Records that hold a piece of a packet (RFC 7133, PSAMP).
void give_frames(NormalizerState& state, const Plan& plan, const Block& block) {
  for (std::size_t i = 0; i < block.count; ++i) {
    FlowRecord& flow = block.flows[i];
    flow.kind = FlowKind::sampled_packet;
    flow.counter_source = CounterSource::packet;
    const std::uint64_t frame_octets = plan.has_frame_size ? block.scratch->frame_size[i] : 0;
    if (read_dissected(state, block.scratch->frame[i], plan.frame_link, frame_octets, flow)) {
      state.out->flows.push_back(flow);
      if (state.dissection.count != 1) give_layers(state);
    } else {
      ++state.counters.records_without_flow;
    }
  }
}

/// The record behind the one at `p`, of variable length.
const std::byte* behind_record(const Plan& plan, const std::byte* p) noexcept {
  for (const Segment& segment : plan.segments) {
    p += segment.fixed_octets;
    if (!segment.ends_variable) break;
    const std::span<const std::byte> value = variable_at(p);
    p = value.data() + value.size();
  }
  return p;
}

/// Points to the records from `p` on. \return what is behind them.
const std::byte* place(const Plan& plan, const std::byte* p, Block& block) noexcept {
  for (std::size_t i = 0; i < block.count; ++i) {
    block.at[i] = p;
    p = plan.record_octets != 0 ? p + plan.record_octets : behind_record(plan, p);
  }
  return p;
}

/// A flow with all that the records of a set share.
FlowRecord prototype(const DataSet& set, const Plan& plan, Exporter& exporter, Domain& domain) {
  const MessageHeader& message = *set.message;
  FlowRecord flow = plan.like;
  flow.exporter = set.session->exporter;
  flow.observation_domain = message.observation_domain;
  flow.received = flow.start = flow.end = set.received;
  flow.export_protocol = message.protocol;
  const Rate rate = ExporterTable::rate_of(exporter, message.observation_domain, domain);
  const std::uint32_t interval = message.sampling & kV5Interval;
  if (interval != 0 && rate.source != SamplingSource::override_table) {
    flow.sampling_rate = interval;
    flow.sampling_source = SamplingSource::header;
  } else if (rate.rate != 0) {
    flow.sampling_rate = rate.rate;
    flow.sampling_source = rate.source;
  }
  return flow;
}

SetFacts facts_of(const DataSet& set, const Domain& domain) noexcept {
  SetFacts facts;
  facts.export_ns = to_unix_ns(set.message->export_time);
  facts.uptime_ms = set.message->sys_uptime_ms;
  facts.has_boot = domain.boot_ms.has_value();
  facts.boot_ms = domain.boot_ms.value_or(0);
  return facts;
}

/// Blocks of a set, one after the other, to where their flows go.
class SetRunner {
 public:
  SetRunner(NormalizerState& state, SetAtWork& work)
      : state_(state), work_(work), vrfs_(work.exporter, work.like.observation_domain) {
    block_.at = reverse_.at = at_.data();
    block_.set = reverse_.set = &work.facts;
    block_.moves = work.plan.moves.data();
    block_.like = &work.like;
    block_.nat = reverse_.nat = &state.nat;
    block_.saw_ntp_fraction = reverse_.saw_ntp_fraction = &work.plan.saw_ntp_fraction;
    block_.scratch = &state.scratch;
    reverse_.scratch = &state.reverse_scratch;
    block_.flows = state.flows.data();
    reverse_.flows = state.reverse_flows.data();
  }

  void run() {
    const Plan& plan = work_.plan;
    const bool tells_of_nat = plan.has_translation || plan.kind == Plan::Kind::nat_events;
    const std::byte* next = work_.set.records.data();
    for (std::size_t left = work_.set.record_count; left != 0; left -= block_.count) {
      block_.count = reverse_.count = std::min(left, kBlock);
      next = place(plan, next, block_);
      if (!plan.moves_lay_flows) std::fill_n(block_.flows, block_.count, work_.like);
      if (plan.is_biflow) std::fill_n(reverse_.flows, block_.count, work_.like);
      if (tells_of_nat) clear_nat();
      fill(state_, work_, block_, reverse_);
      give();
    }
  }

 private:
  void clear_nat() noexcept {
    std::fill_n(state_.nat.events.begin(), block_.count, NatEvent{});
    std::fill_n(state_.nat.port_block_size.begin(), block_.count, std::uint16_t{0});
  }
  void give() {
    switch (work_.plan.kind) {
      case Plan::Kind::frames:
        return give_frames(state_, work_.plan, block_);
      case Plan::Kind::nat_events:
        return give_nat_events(state_, work_, vrfs_, block_);
      default:
        return work_.plan.is_biflow ? give_biflows(state_, work_, vrfs_, block_, reverse_)
                                    : give_flows(state_, work_, vrfs_, block_);
    }
  }

  NormalizerState& state_;
  SetAtWork& work_;
  VrfFinder vrfs_;
  std::array<const std::byte*, kBlock> at_;
  Block block_, reverse_;
};

}  // namespace

Plan& NormalizerState::plan_of(const Template& layout) {
  Recent& slot = recent[layout.serial() & 15u];
  if (slot.plan != nullptr && slot.serial == layout.serial()) return *slot.plan;
  Plan* plan = plans.find(layout.serial());
  if (plan == nullptr) {
    recent.fill({});  // one of them may have to go
    plan = &plans.put(layout.serial(), compile(layout));
  }
  slot = {layout.serial(), plan};
  return *plan;
}

const OptionsPlan& NormalizerState::options_plan_of(const Template& layout) {
  if (const OptionsPlan* plan = options_plans.find(layout.serial())) return *plan;
  return options_plans.put(layout.serial(), OptionsPlan{layout});
}

void normalize_set(NormalizerState& state, const DataSet& set) {
  Plan& plan = state.plan_of(*set.layout);
  Exporter& exporter = state.exporters.exporter(set.session->exporter);
  Domain& domain = ExporterTable::domain(exporter, set.message->observation_domain);
  ExporterTable::note_header(exporter, domain, set);
  if (plan.kind == Plan::Kind::nothing || state.out == nullptr) {
    state.counters.records_without_flow += set.record_count;
    return;
  }
  SetAtWork work{
      set, plan, exporter, domain, facts_of(set, domain), prototype(set, plan, exporter, domain)};
  const std::size_t before = state.out->flows.size();
  SetRunner{state, work}.run();
  exporter.flows += state.out->flows.size() - before;
}

}  // namespace flowlens::normalize
