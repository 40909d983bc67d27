// Address translation: of flows, and the events that tell of it (RFC 8158).
#include "normalize/normalizer_state.hpp"
#include "normalize/vrf_finder.hpp"

namespace flowlens::normalize {
namespace {

/// Some exporters (MikroTik, Fortinet) always send the fields: 0 or the flow's own values say that
/// nothing was translated.
const IpAddress& translated(const IpAddress& post, const IpAddress& own) noexcept {
  return post.is_unspecified() ? own : post;
}
std::uint16_t translated(std::uint16_t post, std::uint16_t own) noexcept {
  return post == 0 ? own : post;
}

}  // namespace

void give_translation(NormalizerState& state, const NatEvent& told, std::size_t flow,
                      bool of_reverse) {
  FlowRecord& record = state.out->flows[flow];
  NatEvent post = told;
  if (of_reverse) {
    std::swap(post.post_source_address, post.post_destination_address);
    std::swap(post.post_source_port, post.post_destination_port);
  }
  Translation t;
  t.flow = static_cast<std::uint32_t>(flow);
  t.source_address = translated(post.post_source_address, record.source_address);
  t.destination_address = translated(post.post_destination_address, record.destination_address);
  t.source_port = translated(post.post_source_port, record.source_port);
  t.destination_port = translated(post.post_destination_port, record.destination_port);
  if (t.source_address == record.source_address && t.source_port == record.source_port &&
      t.destination_address == record.destination_address &&
      t.destination_port == record.destination_port) {
    return;
  }
  state.out->translations.push_back(t);
  record.present |= static_cast<std::uint32_t>(FlowField::translation);
}

void give_nat_events(NormalizerState& state, const SetAtWork& work, VrfFinder& vrfs,
                     const Block& block) {
  for (std::size_t i = 0; i < block.count; ++i) {
    const FlowRecord& flow = block.flows[i];
    NatEvent& event = state.nat.events[i];
    event.exporter = flow.exporter;
    event.observation_domain = flow.observation_domain;
    event.received = flow.received;
    event.time = flow.start;
    event.present = work.plan.nat_present;
    event.source_address = flow.source_address;
    event.destination_address = flow.destination_address;
    event.source_port = flow.source_port;
    event.destination_port = flow.destination_port;
    event.protocol = flow.protocol;
    if (event.has(NatField::vrf)) {
      const Vrf vrf = vrfs.find(state.scratch.ingress_vrf[i]);
      event.vrf = vrf.id;
      event.vrf_name = vrf.name;
    }
    if (event.has(NatField::port_block) && event.port_block_end < event.port_block_start) {
      const std::uint32_t size = std::max<std::uint32_t>(state.nat.port_block_size[i], 1);
      event.port_block_end =
          static_cast<std::uint16_t>(std::min(event.port_block_start + size - 1, 65'535u));
    }
    state.out->nat_events.push_back(event);
  }
  state.counters.nat_events += block.count;
  state.counters.records_without_flow += block.count;
}

}  // namespace flowlens::normalize
