/// \file
/// How an exporter sees a conversation: which packets it looks at, and how it cuts records.
#pragma once

#include <cstdint>
#include <functional>
#include <variant>

#include "exporter.hpp"
#include "rng.hpp"
#include "traffic.hpp"

namespace simnet {

/// A record or a sampled packet on its way into an exporter.
struct Metered {
  std::variant<Flow, SampledPacket> what;
  Time at;  ///< when the exporter has it ready
};

/// Thread-compatible. Packets are picked at random, one in `sampling` on average.
///
/// sFlow hands on each picked packet. The others make one record of each direction: of all picked
/// packets, cut `active_timeout` after its first packet, and after 15 s without a packet.
class Meter {
 public:
  Meter(const ExporterPlan& plan, Rng& rng);

  /// \param emit  gets what this exporter sees of the conversation, in no order.
  void pass(const Conversation& conversation, const Observation& seen, Rng& rng,
            const std::function<void(Metered)>& emit);

 private:
  using Emit = std::function<void(Metered)>;
  void whole(const Conversation& conversation, const Observation& seen, const Emit& emit) const;
  template <typename Take>
  void pick(const Conversation& conversation, Rng& rng, Take&& take);

  ExporterPlan plan_;
  std::uint64_t skip_ = 1;   ///< packets from the last sample to the next
  std::uint64_t ahead_ = 0;  ///< of them, not passed yet
};

}  // namespace simnet
