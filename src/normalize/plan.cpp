#include "normalize/plan.hpp"

#include "normalize/steps.hpp"

namespace flowlens::normalize {
namespace {

/// What a step fills. Of several fields for one target, the one with the lowest rank counts.
enum class Target : std::uint8_t {
  source_v6,
  destination_v6,
  next_hop_v6,  // before the v4 ones: see put_v4_unless_zero
  source_v4,
  destination_v4,
  next_hop_v4,
  protocol,
  source_port,
  destination_port,
  octets,
  packets,
  start,
  end,
  duration,
  tcp_flags,
  ingress,
  egress,
  source_as,
  destination_as,
  source_length,
  destination_length,
  tos,
  vlan,
  icmp,
  icmp_type,
  icmp_code,
  direction,
  rate,
  packet_space,
  sampling_size,
  population,
  sampler,
  boot,
  firewall_event,
  biflow_direction,
  nat_event,
  frame,
  ip_section,
  frame_size,
  observed,
  reverse_octets,
  reverse_packets,
  reverse_flags,
  reverse_start,
  reverse_end,
  count,
};
constexpr std::size_t kTargets = static_cast<std::size_t>(Target::count);

constexpr std::uint8_t kAny = 0;  ///< 1 to 8 octets

/// How one element is read.
struct Rule {
  std::uint32_t enterprise;
  std::uint16_t number;
  Target target;
  std::uint8_t rank;
  std::uint8_t width;        ///< octets it must have, or kAny
  StepFunction by_width[5];  ///< for 1, 2, 4, 8 and other widths
};

template <auto Member>
constexpr Rule number(std::uint16_t element, Target target, std::uint8_t rank = 0,
                      std::uint32_t enterprise = 0) {
  return {enterprise,
          element,
          target,
          rank,
          kAny,
          {put_number<Member, 1>, put_number<Member, 2>, put_number<Member, 4>,
           put_number<Member, 8>, put_number<Member, 0>}};
}
template <auto Member>
constexpr Rule scratch(std::uint16_t element, Target target, std::uint8_t rank = 0,
                       std::uint32_t enterprise = 0) {
  return {enterprise,
          element,
          target,
          rank,
          kAny,
          {put_scratch<Member, 1>, put_scratch<Member, 2>, put_scratch<Member, 4>,
           put_scratch<Member, 8>, put_scratch<Member, 0>}};
}
constexpr Rule step(std::uint16_t element, Target target, StepFunction run,
                    std::uint8_t width = kAny, std::uint8_t rank = 0,
                    std::uint32_t enterprise = 0) {
  return {enterprise, element, target, rank, width, {run, run, run, run, run}};
}
template <TimeForm Form>
constexpr Rule start(std::uint16_t element, std::uint8_t rank, std::uint8_t width = kAny) {
  return step(element, Target::start, put_time<&FlowRecord::start, Form>, width, rank);
}
template <TimeForm Form>
constexpr Rule end(std::uint16_t element, std::uint8_t rank, std::uint8_t width = kAny) {
  return step(element, Target::end, put_time<&FlowRecord::end, Form>, width, rank);
}
template <TimeForm Form>
constexpr Rule reverse_start(std::uint16_t element, std::uint8_t rank, std::uint8_t width = kAny) {
  return step(element, Target::reverse_start, put_scratch_time<&Scratch::reverse_start, Form>,
              width, rank, kReverseEnterprise);
}
template <TimeForm Form>
constexpr Rule reverse_end(std::uint16_t element, std::uint8_t rank, std::uint8_t width = kAny) {
  return step(element, Target::reverse_end, put_scratch_time<&Scratch::reverse_end, Form>, width,
              rank, kReverseEnterprise);
}

using F = FlowRecord;
constexpr Rule kRules[] = {
    step(8, Target::source_v4, put_v4<&F::source_address>, 4),
    step(12, Target::destination_v4, put_v4<&F::destination_address>, 4),
    step(27, Target::source_v6, put_v6<&F::source_address>, 16),
    step(28, Target::destination_v6, put_v6<&F::destination_address>, 16),
    step(15, Target::next_hop_v4, put_v4<&F::next_hop>, 4),
    step(18, Target::next_hop_v4, put_v4<&F::next_hop>, 4, 1),  // BGP
    step(62, Target::next_hop_v6, put_v6<&F::next_hop>, 16),
    step(63, Target::next_hop_v6, put_v6<&F::next_hop>, 16, 1),  // BGP
    number<&F::protocol>(4, Target::protocol),
    number<&F::source_port>(7, Target::source_port),
    number<&F::source_port>(180, Target::source_port, 1),  // UDP
    number<&F::source_port>(182, Target::source_port, 2),  // TCP
    number<&F::destination_port>(11, Target::destination_port),
    number<&F::destination_port>(181, Target::destination_port, 1),
    number<&F::destination_port>(183, Target::destination_port, 2),
    // Delta before total, initiator's before "post": what passed the observation point.
    number<&F::octet_count>(1, Target::octets, 0),
    number<&F::octet_count>(85, Target::octets, 1),
    number<&F::octet_count>(231, Target::octets, 2),
    number<&F::octet_count>(23, Target::octets, 3),
    number<&F::octet_count>(171, Target::octets, 4),
    number<&F::packet_count>(2, Target::packets, 0),
    number<&F::packet_count>(86, Target::packets, 1),
    number<&F::packet_count>(298, Target::packets, 2),
    number<&F::packet_count>(24, Target::packets, 3),
    number<&F::packet_count>(172, Target::packets, 4),
    scratch<&Scratch::reverse_octets>(232, Target::reverse_octets, 2),
    scratch<&Scratch::reverse_packets>(299, Target::reverse_packets, 2),
    scratch<&Scratch::reverse_octets>(1, Target::reverse_octets, 0, kReverseEnterprise),
    scratch<&Scratch::reverse_octets>(85, Target::reverse_octets, 1, kReverseEnterprise),
    scratch<&Scratch::reverse_packets>(2, Target::reverse_packets, 0, kReverseEnterprise),
    scratch<&Scratch::reverse_packets>(86, Target::reverse_packets, 1, kReverseEnterprise),
    scratch<&Scratch::reverse_tcp_flags>(6, Target::reverse_flags, 0, kReverseEnterprise),
    // The finest time an exporter gives, uptime last.
    start<TimeForm::ntp>(156, 0, 8),
    start<TimeForm::ntp>(154, 1, 8),
    start<TimeForm::milliseconds>(152, 2),
    start<TimeForm::delta_microseconds>(158, 3),
    start<TimeForm::uptime>(22, 4),
    start<TimeForm::seconds>(150, 5),
    end<TimeForm::ntp>(157, 0, 8),
    end<TimeForm::ntp>(155, 1, 8),
    end<TimeForm::milliseconds>(153, 2),
    end<TimeForm::delta_microseconds>(159, 3),
    end<TimeForm::uptime>(21, 4),
    end<TimeForm::seconds>(151, 5),
    reverse_start<TimeForm::ntp>(156, 0, 8),
    reverse_start<TimeForm::ntp>(154, 1, 8),
    reverse_start<TimeForm::milliseconds>(152, 2),
    reverse_start<TimeForm::seconds>(150, 5),
    reverse_end<TimeForm::ntp>(157, 0, 8),
    reverse_end<TimeForm::ntp>(155, 1, 8),
    reverse_end<TimeForm::milliseconds>(153, 2),
    reverse_end<TimeForm::seconds>(151, 5),
    step(161, Target::duration, put_duration<1'000'000>),
    step(162, Target::duration, put_duration<1'000>, kAny, 1),
    step(325, Target::observed, put_both_times<TimeForm::ntp>, 8, 0),
    step(324, Target::observed, put_both_times<TimeForm::ntp>, 8, 1),
    step(323, Target::observed, put_both_times<TimeForm::milliseconds>, kAny, 2),
    step(322, Target::observed, put_both_times<TimeForm::seconds>, kAny, 3),
    scratch<&Scratch::boot_ms>(160, Target::boot),
    number<&F::tcp_flags>(6, Target::tcp_flags),
    number<&F::ingress_interface>(10, Target::ingress),
    number<&F::ingress_interface>(252, Target::ingress, 1),  // physical
    number<&F::egress_interface>(14, Target::egress),
    number<&F::egress_interface>(253, Target::egress, 1),
    number<&F::source_as>(16, Target::source_as),
    number<&F::destination_as>(17, Target::destination_as),
    number<&F::source_prefix_length>(9, Target::source_length),
    number<&F::source_prefix_length>(29, Target::source_length, 1),
    number<&F::destination_prefix_length>(13, Target::destination_length),
    number<&F::destination_prefix_length>(30, Target::destination_length, 1),
    number<&F::tos>(5, Target::tos),
    number<&F::vlan_id>(58, Target::vlan),
    number<&F::vlan_id>(243, Target::vlan, 1),
    number<&F::icmp_type_code>(32, Target::icmp),
    number<&F::icmp_type_code>(139, Target::icmp, 1),
    step(176, Target::icmp_type, put_icmp_type, 1),
    step(178, Target::icmp_type, put_icmp_type, 1, 1),
    step(177, Target::icmp_code, put_icmp_code, 1),
    step(179, Target::icmp_code, put_icmp_code, 1, 1),
    number<&F::flow_direction>(61, Target::direction),
    step(50, Target::rate, put_rate, kAny, 0),
    step(34, Target::rate, put_rate, kAny, 1),
    step(305, Target::rate, put_rate, kAny, 2),
    scratch<&Scratch::packet_space>(306, Target::packet_space),
    scratch<&Scratch::sampling_size>(309, Target::sampling_size),
    scratch<&Scratch::population>(310, Target::population),
    scratch<&Scratch::sampler>(48, Target::sampler, 0),
    scratch<&Scratch::sampler>(302, Target::sampler, 1),
    step(233, Target::firewall_event, put_firewall_event, 1),
    step(239, Target::biflow_direction, put_biflow_direction, 1),
    step(230, Target::nat_event, nullptr),
    step(315, Target::frame, put_frame, kAny, 0),
    step(104, Target::frame, put_frame, kAny, 1),
    step(313, Target::ip_section, put_frame, kAny),
    scratch<&Scratch::frame_size>(312, Target::frame_size),
};

const Rule* rule_of(ElementId id) noexcept {
  for (const Rule& rule : kRules) {
    if (rule.enterprise == id.enterprise && rule.number == id.number) return &rule;
  }
  return nullptr;
}

bool is_section(Target t) noexcept { return t == Target::frame || t == Target::ip_section; }

bool fits(const Rule& rule, std::uint16_t length) noexcept {
  if (length == 0) return false;
  if (is_section(rule.target)) return true;
  if (length == kVariableLength) return false;
  return rule.width != kAny ? length == rule.width : length <= 8;
}

StepFunction function_of(const Rule& rule, std::uint16_t length) noexcept {
  switch (length) {
    case 1:
      return rule.by_width[0];
    case 2:
      return rule.by_width[1];
    case 4:
      return rule.by_width[2];
    case 8:
      return rule.by_width[3];
    default:
      return rule.by_width[4];
  }
}

/// The field that won a target.
struct Choice {
  const Rule* rule = nullptr;
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;
  std::uint16_t length = 0;
};
using Choices = std::array<Choice, kTargets>;

/// Cuts the template into segments and finds the best field for each target.
Choices choose(const Template& layout, std::vector<Segment>& segments) {
  Choices choices{};
  Segment segment;
  for (const FieldSpecifier& field : layout.fields()) {
    const bool variable = field.length_octets == kVariableLength;
    const Rule* rule = rule_of(field.element);
    if (rule != nullptr && fits(*rule, field.length_octets)) {
      Choice& choice = choices[static_cast<std::size_t>(rule->target)];
      if (choice.rule == nullptr || rule->rank < choice.rule->rank) {
        choice = {rule, static_cast<std::uint32_t>(segments.size()), segment.fixed_octets,
                  field.length_octets};
      }
    }
    if (variable) {
      segment.ends_variable = true;
      segments.push_back(segment);
      segment = Segment{};
    } else {
      segment.fixed_octets += field.length_octets;
    }
  }
  segments.push_back(segment);
  return choices;
}

/// IPFIX messages have no uptime: keep the value until the boot time is known.
StepFunction without_uptime(const Choice& choice, Plan& plan) noexcept {
  if (choice.rule->number == 22) {
    plan.start_is_uptime = true;
    return put_scratch<&Scratch::start_uptime, 0>;
  }
  plan.end_is_uptime = true;
  return put_scratch<&Scratch::end_uptime, 0>;
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

/// Which of the template's fields decide what its records are.
class Has {
 public:
  explicit Has(const Choices& choices) : choices_(choices) {}
  bool operator()(Target t) const noexcept {
    return choices_[static_cast<std::size_t>(t)].rule != nullptr;
  }
  bool either(Target a, Target b) const noexcept { return (*this)(a) || (*this)(b); }

 private:
  const Choices& choices_;
};

Plan::Kind kind_of(const Has& has) noexcept {
  const bool addresses = has.either(Target::source_v4, Target::source_v6) &&
                         has.either(Target::destination_v4, Target::destination_v6);
  if (!addresses && has.either(Target::frame, Target::ip_section)) return Plan::Kind::frames;
  if (!addresses || !has(Target::protocol)) return Plan::Kind::nothing;
  // A NAT event (RFC 8158) tells of a translation, not of traffic.
  const bool counts = has.either(Target::octets, Target::packets);
  if (has(Target::nat_event) && !counts && !has(Target::firewall_event)) return Plan::Kind::nothing;
  return Plan::Kind::flows;
}

bool from_element(const Choices& choices, Target t, std::uint16_t element) noexcept {
  const Rule* rule = choices[static_cast<std::size_t>(t)].rule;
  return rule != nullptr && rule->number == element;
}

void describe(const Choices& choices, Plan& plan) noexcept {
  const Has has{choices};
  plan.kind = kind_of(has);
  for (const Presence& p : kPresence) {
    if (has(p.target)) plan.present |= static_cast<std::uint32_t>(p.field);
  }
  plan.is_biflow = has.either(Target::reverse_octets, Target::reverse_packets);
  plan.reverse_has_times = has(Target::reverse_start) && has(Target::reverse_end);
  // Element 231 counts the initiator's octets. A biflow names its initiator by biflowDirection
  // alone: without it the order may be arbitrary, and softflowd's is that of the addresses.
  const bool initiator_counts =
      from_element(choices, Target::octets, 231) || from_element(choices, Target::packets, 298);
  if (initiator_counts) plan.initiator = Initiator::source;
  plan.icmp_from_port =
      has(Target::destination_port) && !has.either(Target::icmp, Target::icmp_type);
  plan.frame_link = has(Target::frame) ? LinkType::ethernet : LinkType::ip;
  plan.has_sampler = has(Target::sampler);
  plan.has_packet_space = has(Target::packet_space) && from_element(choices, Target::rate, 305);
  plan.has_population = has(Target::sampling_size) && has(Target::population);
  plan.has_boot = has(Target::boot);
  plan.has_duration = has(Target::duration) && has(Target::start) != has(Target::end);
  plan.has_frame_size = has(Target::frame_size);
}

}  // namespace

Plan compile(const Template& layout) {
  Plan plan;
  const Choices choices = choose(layout, plan.segments);
  plan.record_octets = layout.has_variable_length() ? 0 : layout.min_record_octets();
  const bool has_uptime = layout.protocol() != ExportProtocol::ipfix;
  describe(choices, plan);
  if (plan.kind == Plan::Kind::nothing) return plan;

  for (std::uint32_t s = 0; s < plan.segments.size(); ++s) {
    Segment& segment = plan.segments[s];
    segment.first_step = static_cast<std::uint32_t>(plan.steps.size());
    for (const Choice& choice : choices) {
      if (choice.rule == nullptr || choice.segment != s) continue;
      if (choice.length == kVariableLength) {
        segment.variable_is_frame = true;
        continue;
      }
      StepFunction run = function_of(*choice.rule, choice.length);
      const std::uint16_t element = choice.rule->enterprise == 0 ? choice.rule->number : 0;
      if (!has_uptime && (element == 21 || element == 22)) run = without_uptime(choice, plan);
      if (run == nullptr) continue;
      plan.steps.push_back({run, choice.offset, choice.length});
    }
    segment.end_step = static_cast<std::uint32_t>(plan.steps.size());
  }

  const Has has{choices};
  const auto prefer_nonzero = [&](Target v4, Target v6, StepFunction plain, StepFunction careful) {
    if (!has(v4) || !has(v6)) return;
    for (Step& s : plan.steps) {
      if (s.run == plain) s.run = careful;
    }
  };
  prefer_nonzero(Target::source_v4, Target::source_v6, put_v4<&F::source_address>,
                 put_v4_unless_zero<&F::source_address>);
  prefer_nonzero(Target::destination_v4, Target::destination_v6, put_v4<&F::destination_address>,
                 put_v4_unless_zero<&F::destination_address>);
  prefer_nonzero(Target::next_hop_v4, Target::next_hop_v6, put_v4<&F::next_hop>,
                 put_v4_unless_zero<&F::next_hop>);
  plan.needs_scratch = plan.is_biflow || plan.has_sampler || plan.has_packet_space ||
                       plan.has_population || plan.has_boot || plan.has_duration ||
                       plan.start_is_uptime || plan.end_is_uptime ||
                       plan.kind == Plan::Kind::frames;
  return plan;
}

void run_steps(const Plan& plan, Block& block) noexcept {
  for (const Segment& segment : plan.segments) {
    for (std::uint32_t s = segment.first_step; s < segment.end_step; ++s) {
      const Step& step = plan.steps[s];
      step.run(block, step.offset, step.width);
    }
    if (!segment.ends_variable) return;
    for (std::size_t i = 0; i < block.count; ++i) {
      // The parser has measured the record, so length and value are there.
      const std::byte* p = block.at[i] + segment.fixed_octets;
      std::size_t length = wire::load8(p);
      p += 1;
      if (length == 255) {
        length = wire::load16(p);
        p += 2;
      }
      if (segment.variable_is_frame) block.scratch->frame[i] = {p, length};
      block.at[i] = p + length;
    }
  }
}

}  // namespace flowlens::normalize
