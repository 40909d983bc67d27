/// \file
/// The conversations in a stream of flows, by window: what any tool could have known of each.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>

#include "flowlens/flow_record.hpp"
#include "truth/true_map.hpp"

namespace truth {

/// The best evidence of who began that a conversation's records hold, whether it is used or not.
enum class EvidenceKind : std::uint8_t {
  handshake,  ///< the exporter says it, or a SYN or SYN+ACK stands alone in a record
  flags,      ///< TCP, unsampled, both halves, flags or-ed
  sampled,    ///< less than one packet in one, no handshake among them
  other       ///< UDP, one half only, no flags
};
inline constexpr std::size_t kEvidenceKindCount = 4;
[[nodiscard]] std::string_view to_string(EvidenceKind kind) noexcept;

/// Side 0 has the lower (address, port).
struct ConversationKey {
  std::array<flowlens::IpAddress, 2> address;
  std::array<std::uint16_t, 2> port{};
  std::uint8_t protocol = 0;
  std::int64_t window = 0;  ///< of the end of its records: its number since 1970
  friend bool operator==(const ConversationKey&, const ConversationKey&) noexcept = default;

  /// The dependency, if `client` (0 or 1) is the client side.
  [[nodiscard]] DependencyKey dependency(std::size_t client) const noexcept;
};
struct ConversationHash {
  std::size_t operator()(const ConversationKey& key) const noexcept;
};

struct Conversation {
  std::array<std::uint64_t, 2> octets{};  ///< sent by each side, sampling undone, all observers
  std::uint32_t records = 0;
  std::uint8_t first_side = 0;  ///< whose record starts first; of equal ones that which came first
  bool has_handshake = false;
  bool is_sampled = false;
  std::array<bool, 2> seen{};
  flowlens::Timestamp first_start;

  [[nodiscard]] EvidenceKind evidence(std::uint8_t protocol) const noexcept;
};

/// Thread-compatible.
class Conversations {
 public:
  /// Flows without addresses or protocol, and what is no traffic between two ports, are left out.
  void add(std::span<const flowlens::FlowRecord> flows);

  using Table = std::unordered_map<ConversationKey, Conversation, ConversationHash>;
  [[nodiscard]] const Table& all() const noexcept { return table_; }

  static constexpr std::chrono::seconds kWindow{300};

 private:
  Table table_;
};

/// What the truth says of a conversation.
struct TrueAnswer {
  enum class Kind : std::uint8_t { none, client_server, peer, either } kind = Kind::none;
  std::size_t client_side = 0;
};
/// `either` where both ends truly serve the other on these very ports: it cannot be told.
[[nodiscard]] TrueAnswer true_answer(const TrueMap& map, const ConversationKey& key);

}  // namespace truth
