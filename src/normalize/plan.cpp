#include "normalize/plan.hpp"

#include <algorithm>

#include "normalize/moves.hpp"
#include "normalize/rules.hpp"
#include "normalize/steps.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint32_t bits(FlowField f) noexcept { return static_cast<std::uint32_t>(f); }
constexpr std::uint16_t bits(NatField f) noexcept { return static_cast<std::uint16_t>(f); }

/// The field that won a target.
struct Choice {
  const Rule* rule = nullptr;
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;
  std::uint16_t length = 0;
};

/// The fields of one direction.
class Choices {
 public:
  void offer(const Choice& field) noexcept {
    Choice& choice = of(field.rule->target);
    if (choice.rule == nullptr || field.rule->rank < choice.rule->rank) choice = field;
  }
  void drop(Target t) noexcept { of(t) = {}; }
  [[nodiscard]] bool has(Target t) const noexcept { return of(t).rule != nullptr; }
  [[nodiscard]] bool has(Target a, Target b) const noexcept { return has(a) || has(b); }
  [[nodiscard]] bool has_element(Target t, std::uint16_t element) const noexcept {
    return has(t) && of(t).rule->number == element;
  }
  [[nodiscard]] Choice& of(Target t) noexcept { return all_[static_cast<std::size_t>(t)]; }
  [[nodiscard]] const Choice& of(Target t) const noexcept {
    return all_[static_cast<std::size_t>(t)];
  }
  [[nodiscard]] auto begin() const noexcept { return all_.begin(); }
  [[nodiscard]] auto end() const noexcept { return all_.end(); }

 private:
  std::array<Choice, kTargets> all_{};
};
struct BothWays {
  Choices forward, reverse;
};

bool is_section(Target t) noexcept { return t == Target::frame || t == Target::ip_section; }

bool fits(const Rule& rule, std::uint16_t length) noexcept {
  if (length == 0) return false;
  if (is_section(rule.target)) return true;
  if (length == kVariableLength) return false;
  return rule.width != kAnyWidth ? length == rule.width : length <= 8;
}

const Rule* rule_for(const Template& layout, const FieldSpecifier& field) noexcept {
  const std::uint32_t enterprise = field.element.enterprise;
  if (enterprise != 0 && enterprise != kReverseEnterprise) return nullptr;
  const Rule* rule = rule_of(field.element.number);
  if (rule == nullptr || !fits(*rule, field.length_octets)) return nullptr;
  const bool is_v9 = layout.protocol() == ExportProtocol::netflow_v9;
  return rule->is_vendors_v9 && !is_v9 ? nullptr : rule;
}

/// Cuts the template into segments and finds the best field for each target.
BothWays choose(const Template& layout, std::vector<Segment>& segments) {
  BothWays choices;
  Segment segment;
  for (const FieldSpecifier& field : layout.fields()) {
    if (const Rule* rule = rule_for(layout, field)) {
      segment.has_fields = true;
      const bool is_reverse = field.element.enterprise == kReverseEnterprise || rule->fills_reverse;
      (is_reverse ? choices.reverse : choices.forward)
          .offer({rule, static_cast<std::uint32_t>(segments.size()), segment.fixed_octets,
                  field.length_octets});
    }
    if (field.length_octets == kVariableLength) {
      segment.ends_variable = true;
      segments.push_back(segment);
      segment = Segment{};
    } else {
      segment.fixed_octets += field.length_octets;
    }
  }
  segments.push_back(segment);
  for (Choices* way : {&choices.forward, &choices.reverse}) {
    if (!way->has(Target::icmp)) continue;
    way->drop(Target::icmp_type);
    way->drop(Target::icmp_code);
  }
  return choices;
}

struct Presence {
  Target target;
  FlowField field;
};
constexpr Presence kPresence[] = {
    {Target::source_v4, FlowField::source_address},
    {Target::source_v6, FlowField::source_address},
    {Target::destination_v4, FlowField::destination_address},
    {Target::destination_v6, FlowField::destination_address},
    {Target::protocol, FlowField::protocol},
    {Target::source_port, FlowField::source_port},
    {Target::destination_port, FlowField::destination_port},
    {Target::octets, FlowField::octet_count},
    {Target::packets, FlowField::packet_count},
    {Target::start, FlowField::start},
    {Target::end, FlowField::end},
    {Target::observed, FlowField::start},
    {Target::observed, FlowField::end},
    {Target::tcp_flags, FlowField::tcp_flags},
    {Target::ingress, FlowField::ingress_interface},
    {Target::egress, FlowField::egress_interface},
    {Target::next_hop_v4, FlowField::next_hop},
    {Target::next_hop_v6, FlowField::next_hop},
    {Target::source_as, FlowField::source_as},
    {Target::destination_as, FlowField::destination_as},
    {Target::source_length, FlowField::source_prefix_length},
    {Target::destination_length, FlowField::destination_prefix_length},
    {Target::tos, FlowField::tos},
    {Target::vlan, FlowField::vlan_id},
    {Target::icmp, FlowField::icmp_type_code},
    {Target::icmp_type, FlowField::icmp_type_code},
    {Target::direction, FlowField::flow_direction},
};
struct NatPresence {
  Target target;
  NatField field;
};
constexpr NatPresence kNatPresence[] = {
    {Target::source_v4, NatField::source_address},
    {Target::source_v6, NatField::source_address},
    {Target::destination_v4, NatField::destination_address},
    {Target::destination_v6, NatField::destination_address},
    {Target::post_source_v4, NatField::post_source_address},
    {Target::post_source_v6, NatField::post_source_address},
    {Target::post_destination_v4, NatField::post_destination_address},
    {Target::post_destination_v6, NatField::post_destination_address},
    {Target::source_port, NatField::source_port},
    {Target::destination_port, NatField::destination_port},
    {Target::post_source_port, NatField::post_source_port},
    {Target::post_destination_port, NatField::post_destination_port},
    {Target::protocol, NatField::protocol},
    {Target::port_block_start, NatField::port_block},
    {Target::ingress_vrf, NatField::vrf},
    {Target::nat_pool, NatField::pool},
    {Target::start, NatField::time},
    {Target::observed, NatField::time},
};

std::uint32_t presence(const Choices& choices) noexcept {
  std::uint32_t present = 0;
  for (const Presence& p : kPresence) present |= choices.has(p.target) ? bits(p.field) : 0;
  return present;
}

Plan::Kind kind_of(const Choices& has) noexcept {
  const bool addresses = has.has(Target::source_v4, Target::source_v6) &&
                         has.has(Target::destination_v4, Target::destination_v6);
  const bool counts = has.has(Target::octets, Target::packets);
  // A NAT event (RFC 8158) tells of a translation, not of traffic.
  if (has.has(Target::nat_event) && !(counts && addresses) && !has.has(Target::firewall_event)) {
    return Plan::Kind::nat_events;
  }
  if (!addresses && has.has(Target::frame, Target::ip_section)) return Plan::Kind::frames;
  return addresses && has.has(Target::protocol) ? Plan::Kind::flows : Plan::Kind::nothing;
}

TimeFields times_of(const Choices& choices, bool has_uptime) noexcept {
  const auto of_uptime = [&](Target t, std::uint16_t element) {
    const Choice& choice = choices.of(t);
    return !has_uptime && choices.has_element(t, element) && choice.length <= 4;
  };
  TimeFields times;
  times.has_start = choices.has(Target::start, Target::observed);
  times.has_end = choices.has(Target::end, Target::observed);
  times.has_duration = choices.has(Target::duration) && times.has_start != times.has_end;
  times.start_is_uptime = of_uptime(Target::start, 22);
  times.end_is_uptime = of_uptime(Target::end, 21);
  return times;
}

CounterSource counter_source(const Choices& choices, ExportProtocol protocol) noexcept {
  const Choice& choice = choices.of(choices.has(Target::octets) ? Target::octets : Target::packets);
  if (choice.rule == nullptr) return CounterSource::none;
  const bool is_permanent =
      choice.rule->counts == CounterSource::total && protocol == ExportProtocol::netflow_v9;
  return is_permanent ? CounterSource::permanent : choice.rule->counts;
}

bool has_translation(const Choices& has) noexcept {
  return has.has(Target::post_source_v4, Target::post_source_v6) ||
         has.has(Target::post_destination_v4, Target::post_destination_v6) ||
         has.has(Target::post_source_port, Target::post_destination_port);
}

void describe(const Template& layout, const BothWays& choices, Plan& plan) noexcept {
  const Choices& has = choices.forward;
  const bool has_uptime = layout.protocol() != ExportProtocol::ipfix;
  plan.kind = kind_of(has);
  plan.present = presence(has);
  plan.reverse_present = presence(choices.reverse);
  for (const NatPresence& p : kNatPresence)
    if (has.has(p.target)) plan.nat_present |= bits(p.field);
  plan.is_biflow = choices.reverse.has(Target::octets, Target::packets);
  plan.times = times_of(has, has_uptime);
  plan.reverse_times = times_of(choices.reverse, has_uptime);
  plan.icmp_from_port =
      has.has(Target::destination_port) && !has.has(Target::icmp, Target::icmp_type);
  plan.frame_link = has.has(Target::frame) ? LinkType::ethernet : LinkType::ip;
  plan.has_rate = has.has(Target::rate);
  plan.has_sampler = has.has(Target::sampler);
  plan.sampler_is_selector = has.has_element(Target::sampler, 302);
  plan.has_packet_space = has.has(Target::packet_space) && has.has_element(Target::rate, 305);
  plan.has_population = has.has(Target::sampling_size) && has.has(Target::population);
  plan.has_boot = has.has(Target::boot);
  plan.has_frame_size = has.has(Target::frame_size);
  plan.has_extended_event = has.has(Target::extended_event) && !has.has(Target::firewall_event);
  plan.has_translation = plan.kind == Plan::Kind::flows && has_translation(has);
  plan.has_ingress_vrf = has.has(Target::ingress_vrf);
  plan.has_egress_vrf = has.has(Target::egress_vrf);
  plan.like.present = plan.present;
  plan.like.counter_source = counter_source(has, layout.protocol());
  // Element 231 counts the initiator's octets, and the events of a Cisco ASA have its addresses
  // first. A biflow names its initiator by biflowDirection alone: without it the order may be
  // arbitrary, and softflowd's is that of the addresses.
  if (plan.like.counter_source == CounterSource::initiator || has.has(Target::extended_event)) {
    plan.like.initiator = Initiator::source;
  }
}

/// A template that holds both families: the address that is not zero counts.
StepFunction careful(const Choices& has, Target target) noexcept {
  switch (target) {
    case Target::source_v4:
      return has.has(Target::source_v6) ? put_v4_unless_zero<&FlowRecord::source_address> : nullptr;
    case Target::destination_v4:
      return has.has(Target::destination_v6) ? put_v4_unless_zero<&FlowRecord::destination_address>
                                             : nullptr;
    case Target::next_hop_v4:
      return has.has(Target::next_hop_v6) ? put_v4_unless_zero<&FlowRecord::next_hop> : nullptr;
    default:
      return nullptr;
  }
}
bool has_both_families(const Choices& has, Target target) noexcept {
  const auto both = [&](Target v4, Target v6) {
    return (target == v4 || target == v6) && has.has(v4) && has.has(v6);
  };
  return both(Target::source_v4, Target::source_v6) ||
         both(Target::destination_v4, Target::destination_v6) ||
         both(Target::next_hop_v4, Target::next_hop_v6);
}

StepFunction step_for(const Choices& has, const TimeFields& times, const Choice& choice) noexcept {
  const Target target = choice.rule->target;
  // IPFIX messages have no uptime: keep the value until the boot time is known.
  if (target == Target::start && times.start_is_uptime)
    return put_scratch<&Scratch::start_uptime, 0>;
  if (target == Target::end && times.end_is_uptime) return put_scratch<&Scratch::end_uptime, 0>;
  if (const StepFunction run = careful(has, target)) return run;
  return function_of(*choice.rule, choice.length);
}

constexpr bool is_address(Target t) noexcept { return t <= Target::next_hop_v4; }

/// IPv4 addresses are moved behind a prefix that the flow has already.
void prepare_v4(Target target, FlowRecord& like) noexcept {
  if (target == Target::source_v4) like.source_address = IpAddress::v4(0);
  if (target == Target::destination_v4) like.destination_address = IpAddress::v4(0);
  if (target == Target::next_hop_v4) like.next_hop = IpAddress::v4(0);
}

/// Compiles the fields of one segment, of both directions.
class SegmentCompiler {
 public:
  SegmentCompiler(Plan& plan, const BothWays& choices, std::uint32_t index,
                  std::uint32_t octets_before)
      : plan_(plan), choices_(choices), index_(index), octets_before_(octets_before) {}

  void run(bool with_moves) {
    Segment& segment = plan_.segments[index_];
    segment.first_step = static_cast<std::uint32_t>(plan_.steps.size());
    const bool has_moves = with_moves && add_all_moves(segment);
    plan_.moves_lay_flows |= has_moves && index_ == 0;
    add_steps(segment, choices_.forward, plan_.times, false, has_moves);
    if (plan_.is_biflow) {
      add_steps(segment, choices_.reverse, plan_.reverse_times, true, false);
    }
    segment.end_step = static_cast<std::uint32_t>(plan_.steps.size());
  }

 private:
  [[nodiscard]] bool is_movable(const Choice& choice) const noexcept {
    return choice.rule != nullptr && choice.segment == index_ && choice.rule->place.octets != 0 &&
           !has_both_families(choices_.forward, choice.rule->target);
  }
  bool add_all_moves(const Segment& segment) {
    std::vector<Placed> fields;
    for (const Choice& choice : choices_.forward) {
      if (!is_movable(choice)) continue;
      const Target target = choice.rule->target;
      fields.push_back({choice.offset, choice.length, is_address(target), choice.rule->place});
    }
    if (!add_moves(fields, segment.fixed_octets, octets_before_, plan_)) return false;
    for (const Choice& choice : choices_.forward) {
      if (is_movable(choice)) prepare_v4(choice.rule->target, plan_.like);
    }
    return true;
  }
  void add_steps(Segment& segment, const Choices& choices, const TimeFields& times, bool of_reverse,
                 bool has_moves) {
    for (const Choice& choice : choices) {
      if (choice.rule == nullptr || choice.segment != index_) continue;
      if (has_moves && is_movable(choice)) continue;
      if (choice.length == kVariableLength) {
        segment.variable_is_frame |= !of_reverse;
        continue;
      }
      const StepFunction run = step_for(choices, times, choice);
      plan_.steps.push_back({run, choice.offset, choice.length, of_reverse});
    }
  }

  Plan& plan_;
  const BothWays& choices_;
  std::uint32_t index_;
  std::uint32_t octets_before_;
};

}  // namespace

Plan compile(const Template& layout, bool with_moves) {
  Plan plan;
  const BothWays choices = choose(layout, plan.segments);
  plan.record_octets = layout.has_variable_length() ? 0 : layout.min_record_octets();
  describe(layout, choices, plan);
  if (plan.kind == Plan::Kind::nothing) return plan;
  std::uint32_t octets_before = 0;
  for (std::uint32_t s = 0; s < plan.segments.size(); ++s) {
    // The first one may lay the flows, whatever it holds.
    if (s == 0 || plan.segments[s].has_fields) {
      SegmentCompiler{plan, choices, s, octets_before}.run(with_moves && can_move());
    }
    octets_before += plan.segments[s].fixed_octets + 1;
  }
  return plan;
}

void run_steps(const Plan& plan, Block& block, const Block& reverse) noexcept {
  for (const Segment& segment : plan.segments) {
    for (std::uint32_t s = segment.first_step; s < segment.end_step; ++s) {
      const Step& step = plan.steps[s];
      step.run(step.of_reverse ? reverse : block, step.offset, step.width);
    }
    if (!segment.ends_variable) return;
    for (std::size_t i = 0; i < block.count; ++i) {
      const std::span<const std::byte> value = variable_at(block.at[i] + segment.fixed_octets);
      if (segment.variable_is_frame) block.scratch->frame[i] = value;
      block.at[i] = value.data() + value.size();
    }
  }
}

}  // namespace flowlens::normalize
