/// \file
/// What other tools make of the same flows, by the rules they publish (notes/mapping.md 1.1).
#pragma once

#include <memory>
#include <vector>

#include "truth/contender.hpp"

namespace truth {

/// - `lower-port`: the lower port serves (ntopng's and ElastiFlow's tie-break, InterMapper).
/// - `range`: nfdump's "guess direction": who starts first is the client, but turned round where
///   src < 1024 <= dst, src < 32768 <= dst or src < 49152 <= dst.
/// - `services`: one port in the service list and the other not; both: the one below 1024; else the
///   lower port (QRadar, ElastiFlow).
/// - `ephemeral`: one port below 32768 and the other not; else who starts first is the client.
///
/// They count every conversation, answered or not, and add up what several observers saw.
[[nodiscard]] std::vector<std::unique_ptr<Contender>> make_baselines(const Conversations& all);

}  // namespace truth
