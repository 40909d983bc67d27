#include "normalize/rules.hpp"

#include <array>
#include <cstddef>

#include "normalize/nat_steps.hpp"
#include "normalize/steps.hpp"

namespace flowlens::normalize {
namespace {

// Offsets are taken of a standard-layout type, and nothing here has a destructor.
#define FLOWLENS_PLACE(member) \
  Place { offsetof(FlowRecord, member), sizeof(FlowRecord::member) }

template <auto Member>
constexpr Rule number(std::uint16_t element, Target target, Place place, std::uint8_t rank = 0) {
  return {element,
          target,
          rank,
          kAnyWidth,
          {put_number<Member, 1>, put_number<Member, 2>, put_number<Member, 4>,
           put_number<Member, 8>, put_number<Member, 0>},
          place};
}
template <auto Member>
constexpr Rule scratch(std::uint16_t element, Target target, std::uint8_t rank = 0) {
  return {element,
          target,
          rank,
          kAnyWidth,
          {put_scratch<Member, 1>, put_scratch<Member, 2>, put_scratch<Member, 4>,
           put_scratch<Member, 8>, put_scratch<Member, 0>}};
}
constexpr Rule step(std::uint16_t element, Target target, StepFunction run,
                    std::uint8_t width = kAnyWidth, std::uint8_t rank = 0, Place place = {}) {
  return {element, target, rank, width, {run, run, run, run, run}, place};
}
template <auto Member>
constexpr Rule nat(std::uint16_t element, Target target, std::uint8_t rank = 0) {
  return step(element, target, put_nat_number<Member>, kAnyWidth, rank);
}
template <auto Member>
constexpr Rule v4(std::uint16_t element, Target target, Place place, std::uint8_t rank = 0) {
  // The last 4 octets: the 12 before are the same for all IPv4 addresses.
  return step(element, target, put_v4<Member>, 4, rank,
              {static_cast<std::uint16_t>(place.offset + 12), 4});
}
template <auto Member, TimeForm Form>
constexpr Rule time(std::uint16_t element, Target target, std::uint8_t rank) {
  return {element,
          target,
          rank,
          kAnyWidth,
          {put_time<Member, Form, 1>, put_time<Member, Form, 2>, put_time<Member, Form, 4>,
           put_time<Member, Form, 8>, put_time<Member, Form, 0>}};
}
template <TimeForm Form>
constexpr Rule start(std::uint16_t element, std::uint8_t rank) {
  return time<&FlowRecord::start, Form>(element, Target::start, rank);
}
template <TimeForm Form>
constexpr Rule end(std::uint16_t element, std::uint8_t rank) {
  return time<&FlowRecord::end, Form>(element, Target::end, rank);
}
constexpr Rule octets(std::uint16_t element, CounterSource counts, std::uint8_t rank) {
  Rule rule =
      number<&FlowRecord::octet_count>(element, Target::octets, FLOWLENS_PLACE(octet_count), rank);
  rule.counts = counts;
  return rule;
}
constexpr Rule packets(std::uint16_t element, CounterSource counts, std::uint8_t rank) {
  Rule rule = number<&FlowRecord::packet_count>(element, Target::packets,
                                                FLOWLENS_PLACE(packet_count), rank);
  rule.counts = counts;
  return rule;
}
constexpr Rule of_responder(Rule rule) {
  rule.fills_reverse = true;
  return rule;
}
constexpr Rule vendors_v9(Rule rule) {
  rule.is_vendors_v9 = true;
  return rule;
}

using F = FlowRecord;
using C = CounterSource;
constexpr Rule kRules[] = {
    v4<&F::source_address>(8, Target::source_v4, FLOWLENS_PLACE(source_address)),
    v4<&F::destination_address>(12, Target::destination_v4, FLOWLENS_PLACE(destination_address)),
    step(27, Target::source_v6, put_v6<&F::source_address>, 16, 0, FLOWLENS_PLACE(source_address)),
    step(28, Target::destination_v6, put_v6<&F::destination_address>, 16, 0,
         FLOWLENS_PLACE(destination_address)),
    v4<&F::next_hop>(15, Target::next_hop_v4, FLOWLENS_PLACE(next_hop)),
    v4<&F::next_hop>(18, Target::next_hop_v4, FLOWLENS_PLACE(next_hop), 1),  // BGP
    step(62, Target::next_hop_v6, put_v6<&F::next_hop>, 16, 0, FLOWLENS_PLACE(next_hop)),
    step(63, Target::next_hop_v6, put_v6<&F::next_hop>, 16, 1, FLOWLENS_PLACE(next_hop)),  // BGP
    number<&F::protocol>(4, Target::protocol, FLOWLENS_PLACE(protocol)),
    number<&F::source_port>(7, Target::source_port, FLOWLENS_PLACE(source_port)),
    number<&F::source_port>(180, Target::source_port, FLOWLENS_PLACE(source_port), 1),  // UDP
    number<&F::source_port>(182, Target::source_port, FLOWLENS_PLACE(source_port), 2),  // TCP
    number<&F::destination_port>(11, Target::destination_port, FLOWLENS_PLACE(destination_port)),
    number<&F::destination_port>(181, Target::destination_port, FLOWLENS_PLACE(destination_port),
                                 1),
    number<&F::destination_port>(183, Target::destination_port, FLOWLENS_PLACE(destination_port),
                                 2),
    // Delta before total, initiator's before "post": what passed the observation point. Frames are
    // longer than the packets in them, so theirs come last.
    octets(1, C::delta, 0),
    octets(85, C::total, 1),
    octets(231, C::initiator, 2),
    octets(23, C::post_delta, 3),
    octets(171, C::post_total, 4),
    octets(352, C::layer2_delta, 5),
    octets(353, C::layer2_total, 6),
    packets(2, C::delta, 0),
    packets(86, C::total, 1),
    packets(298, C::initiator, 2),
    packets(24, C::post_delta, 3),
    packets(172, C::post_total, 4),
    of_responder(octets(232, C::initiator, 2)),
    of_responder(packets(299, C::initiator, 2)),
    // The finest time an exporter gives, uptime last.
    step(156, Target::start, put_ntp_time<&F::start>, 8, 0),
    step(154, Target::start, put_ntp_time<&F::start>, 8, 1),
    start<TimeForm::milliseconds>(152, 2),
    start<TimeForm::delta_microseconds>(158, 3),
    start<TimeForm::uptime>(22, 4),
    start<TimeForm::seconds>(150, 5),
    step(157, Target::end, put_ntp_time<&F::end>, 8, 0),
    step(155, Target::end, put_ntp_time<&F::end>, 8, 1),
    end<TimeForm::milliseconds>(153, 2),
    end<TimeForm::delta_microseconds>(159, 3),
    end<TimeForm::uptime>(21, 4),
    end<TimeForm::seconds>(151, 5),
    step(161, Target::duration, put_duration<1'000'000>),
    step(162, Target::duration, put_duration<1'000>, kAnyWidth, 1),
    step(325, Target::observed, put_both_times<TimeForm::ntp>, 8, 0),
    step(324, Target::observed, put_both_times<TimeForm::ntp>, 8, 1),
    step(323, Target::observed, put_both_times<TimeForm::milliseconds>, kAnyWidth, 2),
    step(322, Target::observed, put_both_times<TimeForm::seconds>, kAnyWidth, 3),
    scratch<&Scratch::boot_ms>(160, Target::boot),
    number<&F::tcp_flags>(6, Target::tcp_flags, FLOWLENS_PLACE(tcp_flags)),
    number<&F::ingress_interface>(10, Target::ingress, FLOWLENS_PLACE(ingress_interface)),
    number<&F::ingress_interface>(252, Target::ingress, FLOWLENS_PLACE(ingress_interface), 1),
    number<&F::egress_interface>(14, Target::egress, FLOWLENS_PLACE(egress_interface)),
    number<&F::egress_interface>(253, Target::egress, FLOWLENS_PLACE(egress_interface), 1),
    number<&F::source_as>(16, Target::source_as, FLOWLENS_PLACE(source_as)),
    number<&F::destination_as>(17, Target::destination_as, FLOWLENS_PLACE(destination_as)),
    number<&F::source_prefix_length>(9, Target::source_length,
                                     FLOWLENS_PLACE(source_prefix_length)),
    number<&F::source_prefix_length>(29, Target::source_length,
                                     FLOWLENS_PLACE(source_prefix_length), 1),
    number<&F::destination_prefix_length>(13, Target::destination_length,
                                          FLOWLENS_PLACE(destination_prefix_length)),
    number<&F::destination_prefix_length>(30, Target::destination_length,
                                          FLOWLENS_PLACE(destination_prefix_length), 1),
    number<&F::tos>(5, Target::tos, FLOWLENS_PLACE(tos)),
    number<&F::vlan_id>(58, Target::vlan, FLOWLENS_PLACE(vlan_id)),
    number<&F::vlan_id>(243, Target::vlan, FLOWLENS_PLACE(vlan_id), 1),
    number<&F::icmp_type_code>(32, Target::icmp, FLOWLENS_PLACE(icmp_type_code)),
    number<&F::icmp_type_code>(139, Target::icmp, FLOWLENS_PLACE(icmp_type_code), 1),
    step(176, Target::icmp_type, put_icmp_type, 1),
    step(178, Target::icmp_type, put_icmp_type, 1, 1),
    step(177, Target::icmp_code, put_icmp_code, 1),
    step(179, Target::icmp_code, put_icmp_code, 1, 1),
    number<&F::flow_direction>(61, Target::direction, FLOWLENS_PLACE(flow_direction)),
    step(50, Target::rate, put_rate, kAnyWidth, 0),
    step(34, Target::rate, put_rate, kAnyWidth, 1),
    step(305, Target::rate, put_rate, kAnyWidth, 2),
    step(311, Target::rate, put_probability, kAnyWidth, 3),
    scratch<&Scratch::packet_space>(306, Target::packet_space),
    scratch<&Scratch::sampling_size>(309, Target::sampling_size),
    scratch<&Scratch::population>(310, Target::population),
    scratch<&Scratch::sampler>(48, Target::sampler, 0),
    scratch<&Scratch::sampler>(302, Target::sampler, 1),
    step(233, Target::firewall_event, put_firewall_event, 1),
    vendors_v9(step(40005, Target::firewall_event, put_firewall_event, 1, 1)),
    vendors_v9(scratch<&Scratch::extended_event>(33002, Target::extended_event)),
    step(239, Target::biflow_direction, put_biflow_direction, 1),
    step(315, Target::frame, put_frame, kAnyWidth, 0),
    step(104, Target::frame, put_frame, kAnyWidth, 1),
    step(313, Target::ip_section, put_frame, kAnyWidth),
    scratch<&Scratch::frame_size>(312, Target::frame_size),
    nat<&NatEvent::event>(230, Target::nat_event),
    step(225, Target::post_source_v4, put_nat_v4<&NatEvent::post_source_address>, 4),
    step(226, Target::post_destination_v4, put_nat_v4<&NatEvent::post_destination_address>, 4),
    step(281, Target::post_source_v6, put_nat_v6<&NatEvent::post_source_address>, 16),
    step(282, Target::post_destination_v6, put_nat_v6<&NatEvent::post_destination_address>, 16),
    nat<&NatEvent::post_source_port>(227, Target::post_source_port),
    nat<&NatEvent::post_destination_port>(228, Target::post_destination_port),
    vendors_v9(
        step(40001, Target::post_source_v4, put_nat_v4<&NatEvent::post_source_address>, 4, 1)),
    vendors_v9(step(40002, Target::post_destination_v4,
                    put_nat_v4<&NatEvent::post_destination_address>, 4, 1)),
    vendors_v9(nat<&NatEvent::post_source_port>(40003, Target::post_source_port, 1)),
    vendors_v9(nat<&NatEvent::post_destination_port>(40004, Target::post_destination_port, 1)),
    scratch<&Scratch::ingress_vrf>(234, Target::ingress_vrf),
    scratch<&Scratch::egress_vrf>(235, Target::egress_vrf),
    nat<&NatEvent::pool>(283, Target::nat_pool),
    nat<&NatEvent::port_block_start>(361, Target::port_block_start),
    nat<&NatEvent::port_block_end>(362, Target::port_block_end),
    step(364, Target::port_block_size, put_port_block_size),
};

/// The place of each element of IANA's in kRules, from 1; 0: not there.
constexpr std::array<std::uint8_t, 512> places() {
  static_assert(std::size(kRules) < 256);
  std::array<std::uint8_t, 512> places{};
  for (std::size_t i = std::size(kRules); i-- > 0;) {
    const std::uint16_t number = kRules[i].number;
    if (number < places.size()) places[number] = static_cast<std::uint8_t>(i + 1);
  }
  return places;
}
constexpr auto kPlaces = places();

}  // namespace

const Rule* rule_of(std::uint16_t number) noexcept {
  if (number < kPlaces.size()) {
    const std::size_t place = kPlaces[number];
    return place != 0 ? &kRules[place - 1] : nullptr;
  }
  for (const Rule& rule : kRules) {
    if (rule.number == number) return &rule;
  }
  return nullptr;
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

}  // namespace flowlens::normalize
