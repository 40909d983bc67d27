/// \file
/// parse: data sets whose template has not come yet (RFC 7011 §8.4).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "flowlens/parser.hpp"
#include "parse/template_store.hpp"

namespace flowlens::parse {

/// One set as it came, with what is needed to decode it later.
struct WaitingSet {
  TransportSession session;
  MessageHeader message;
  Timestamp received;
  std::vector<std::byte> body;  ///< without the set header
  std::uint32_t offset = 0;     ///< of the body in its datagram
  std::uint16_t template_id = 0;
  std::uint16_t set_index = 0;

  [[nodiscard]] AddressScope address() const noexcept {
    return {session.exporter, message.observation_domain, message.protocol, template_id};
  }
};

/// Keeps sets in the order in which they came. Bounds: octets by exporter and in total (each set
/// counts kOverhead more), and time. At a bound the oldest go.
///
/// Thread-compatible.
class WaitingQueue {
 public:
  static constexpr std::size_t kOverhead = 384;
  static constexpr int kGivenUpAtOnce = 64;

  explicit WaitingQueue(const ParserOptions& options);

  /// What gave way or ran out, for the ledgers.
  struct GivenUp {
    std::uint64_t sets = 0;
    std::uint64_t octets = 0;  ///< of bodies
  };

  /// \return false if the set alone is past the bound; then it was not kept.
  /// \throws std::bad_alloc; then nothing was kept.
  bool add(WaitingSet set, GivenUp& given_up);

  /// The oldest set that waits for a template; null if there is none. Valid until the next call.
  [[nodiscard]] const WaitingSet* first(const AddressScope& address) const noexcept;

  /// Takes out the oldest set that waits for a template. \return false if there is none.
  bool take(const AddressScope& address, WaitingSet& set) noexcept;

  /// Gives up sets that have waited too long, some at each call.
  void expire(Timestamp now, GivenUp& given_up) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  /// What waits of one exporter; both stay as they are if nothing does.
  void count(const IpAddress& exporter, std::uint64_t& sets, std::uint64_t& octets) const noexcept;

 private:
  struct Node;
  using Nodes = std::list<Node>;
  using Places = std::list<Nodes::iterator>;
  struct Node {
    WaitingSet set;
    Places::iterator in_exporter;
  };
  struct Exporter {
    Places places;  ///< oldest in front
    std::size_t octets = 0;
  };

  [[nodiscard]] static std::size_t cost(const WaitingSet& set) noexcept {
    return set.body.size() + kOverhead;
  }
  void give_up(Nodes::iterator node, GivenUp& given_up) noexcept;

  Nodes nodes_;                                                     ///< oldest in front
  std::unordered_map<AddressScope, Places, ScopeHash> by_address_;  ///< oldest in front
  std::unordered_map<IpAddress, Exporter, ScopeHash> exporters_;
  std::size_t octets_ = 0;
  std::size_t max_octets_;
  std::size_t max_octets_per_exporter_;
  std::chrono::seconds max_time_;
};

}  // namespace flowlens::parse
