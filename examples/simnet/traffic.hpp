/// \file
/// Conversations over time: which dependency is used when, how much is said, who sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dialogue.hpp"
#include "exporter.hpp"
#include "rng.hpp"
#include "world.hpp"

namespace simnet {

/// One use of a dependency, or one attempt.
struct Conversation {
  const Dependency* dependency = nullptr;  ///< exactly one of these two is set
  const Attempt* attempt = nullptr;
  const Host* client_host = nullptr;
  const Host* server_host = nullptr;
  Address client;
  Address server;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  Time start;
  Time end;
  Dialogue dialogue{Dialogue::Shape{}};
  std::vector<std::size_t> observers;  ///< exporters by number, the nearest first
  std::uint64_t samples = 0;           ///< packets that an sFlow exporter picked
};

struct TrafficOptions {
  std::uint64_t seed = 1;
  std::uint32_t flows_per_second = 100;
  Time start;
  Micros duration{};
  std::uint32_t overlap_percent = 0;  ///< of conversations, seen by two exporters
  std::uint32_t attempt_percent = 2;
};

/// Makes conversations in the order of their start. First every dependency is used once in an
/// order drawn by lot, then they are used by weight.
class Traffic {
 public:
  /// \param world  outlives this.
  Traffic(const World& world, std::vector<Protocol> exporters, const TrafficOptions& options);

  /// \return nothing when the time is over.
  [[nodiscard]] std::optional<Conversation> next();

  /// How long it takes until every dependency was used.
  [[nodiscard]] Micros sweep_duration() const noexcept;

 private:
  [[nodiscard]] Conversation of_dependency(const Dependency& dependency, bool in_sweep);
  [[nodiscard]] Conversation of_attempt(const Attempt& attempt);
  void finish(Conversation& conversation, Micros length, bool is_management);
  [[nodiscard]] std::vector<std::size_t> route(const Conversation& conversation,
                                               bool is_management);
  [[nodiscard]] const Dependency& pick_by_weight();
  [[nodiscard]] std::uint16_t next_port(const Host& client);

  const World& world_;
  std::vector<Protocol> exporters_;
  TrafficOptions options_;
  Rng rng_;
  std::vector<std::uint32_t> sweep_;        ///< dependencies by number, shuffled
  std::vector<std::uint64_t> weight_sums_;  ///< running totals
  std::vector<std::uint16_t> ports_;        ///< next ephemeral port of each host
  std::uint64_t started_ = 0;
  bool attempt_is_next_ = false;
};

}  // namespace simnet
