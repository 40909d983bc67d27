#include "truth/conversations.hpp"

#include <utility>

#include "base/hash.hpp"

namespace truth {
namespace {

using flowlens::FlowField;
using flowlens::FlowRecord;

constexpr std::uint8_t kTcp = 6, kUdp = 17, kSctp = 132;

bool is_conversation(const FlowRecord& flow) noexcept {
  if (!flow.has(FlowField::source_address) || !flow.has(FlowField::destination_address) ||
      !flow.has(FlowField::protocol) || flow.kind == flowlens::FlowKind::denied ||
      flow.is_fragment_tail) {
    return false;
  }
  return flow.protocol == kTcp || flow.protocol == kUdp || flow.protocol == kSctp;
}

bool shows_handshake(const FlowRecord& flow) noexcept {
  if (flow.initiator != flowlens::Initiator::not_stated) return true;
  if (flow.protocol != kTcp || !(flow.tcp_flags & flowlens::kTcpSyn)) return false;
  const bool one_packet = flow.kind == flowlens::FlowKind::sampled_packet || flow.packet_count == 1;
  return one_packet || !(flow.tcp_flags & flowlens::kTcpAck);
}

}  // namespace

std::string_view to_string(EvidenceKind kind) noexcept {
  constexpr std::array<std::string_view, kEvidenceKindCount> kNames = {"handshake", "flags",
                                                                       "sampled", "other"};
  return kNames[static_cast<std::size_t>(kind)];
}

DependencyKey ConversationKey::dependency(std::size_t client) const noexcept {
  DependencyKey key;
  key.client.address = address[client];
  key.server.address = address[1 - client];
  key.port = port[1 - client];
  key.protocol = protocol;
  return key;
}

std::size_t ConversationHash::operator()(const ConversationKey& key) const noexcept {
  using flowlens::base::hash_of;
  using flowlens::base::mix;
  const std::uint64_t ports =
      std::uint64_t{key.port[0]} << 32 | std::uint64_t{key.port[1]} << 16 | key.protocol;
  return mix(hash_of(key.address[0], static_cast<std::uint64_t>(key.window)),
             mix(hash_of(key.address[1], 1), ports));
}

EvidenceKind Conversation::evidence(std::uint8_t protocol) const noexcept {
  if (has_handshake) return EvidenceKind::handshake;
  if (is_sampled) return EvidenceKind::sampled;
  return protocol == kTcp && seen[0] && seen[1] ? EvidenceKind::flags : EvidenceKind::other;
}

void Conversations::add(std::span<const FlowRecord> flows) {
  for (const FlowRecord& flow : flows) {
    if (!is_conversation(flow)) continue;
    const std::pair source{flow.source_address, flow.source_port};
    const std::pair destination{flow.destination_address, flow.destination_port};
    const std::size_t side = source <= destination ? 0 : 1;
    ConversationKey key;
    key.address[side] = source.first;
    key.port[side] = source.second;
    key.address[1 - side] = destination.first;
    key.port[1 - side] = destination.second;
    key.protocol = flow.protocol;
    key.window = std::chrono::floor<std::chrono::seconds>(flow.end.time_since_epoch()) / kWindow;

    Conversation& c = table_[key];
    if (c.records == 0 || flow.start < c.first_start) {
      c.first_start = flow.start;
      c.first_side = static_cast<std::uint8_t>(side);
    }
    ++c.records;
    c.octets[side] += flow.estimated_octet_count();
    c.seen[side] = true;
    c.has_handshake |= shows_handshake(flow);
    c.is_sampled |= flow.sampling_rate > 1 || flow.kind == flowlens::FlowKind::sampled_packet;
  }
}

TrueAnswer true_answer(const TrueMap& map, const ConversationKey& key) {
  using Kind = TrueAnswer::Kind;
  const auto forward = map.find(key.dependency(0)), backward = map.find(key.dependency(1));
  const bool is_forward = forward != map.end(), is_backward = backward != map.end();
  if (!is_forward && !is_backward) return {};
  if (is_forward && is_backward) return {Kind::either, 0};
  const auto& found = is_forward ? forward : backward;
  return {found->second.is_peer ? Kind::peer : Kind::client_server,
          is_forward ? std::size_t{0} : 1};
}

}  // namespace truth
