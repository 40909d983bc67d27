/// \file
/// Where flows come from: a simulated network, or a capture of whatever made it.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "flowlens/flow_record.hpp"
#include "options.hpp"
#include "truth/true_map.hpp"

namespace truth {

/// Gets what one datagram or packet told, and when it came.
using TakeFlows = std::function<void(const flowlens::FlowBatch& batch, flowlens::Timestamp now)>;

/// The defaults of flowlens-simnet, and what the scenario says.
[[nodiscard]] simnet::Options scenario(const std::string& path);

/// Another seed for all that is drawn by lot.
void set_seed(simnet::Options& scenario, std::uint64_t seed);

/// Plays the scenario and decodes what its exporters send, all in memory.
/// \param gateways  null, or set to the CSV of flowlens-simnet --gateways.
/// \return what was true.
[[nodiscard]] TrueMap simulate(const simnet::Options& scenario, const TakeFlows& take,
                               std::string* gateways = nullptr);

/// Reads a capture of export datagrams, of ordinary traffic, or of both.
/// \throws flowlens::IoError naming the file.
void read_capture(const std::string& path, const TakeFlows& take);

}  // namespace truth
