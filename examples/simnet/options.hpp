/// \file
/// The command line.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "exporter.hpp"
#include "rough_network.hpp"
#include "simulation.hpp"
#include "sink.hpp"
#include "world.hpp"

namespace simnet {

struct Options {
  bool help = false;
  bool help_scenario = false;
  bool list = false;
  bool quiet = false;
  std::optional<Address> send_to;
  std::string pcap;      ///< path; empty: none
  std::string truth;     ///< path; empty: none
  std::string attempts;  ///< path; empty: none
  std::string assets;    ///< path; empty: none
  std::string gateways;  ///< path; empty: none
  Ports ports;
  WorldOptions world;
  SimulationOptions simulation;
  std::optional<std::uint32_t> sflow_sampling;  ///< of all sFlow exporters
  NetworkOptions network;
  Micros measure_from{};  ///< for those who compare with the truth: what comes before is learning
};

/// \throws std::invalid_argument that names the option and says what would be right.
[[nodiscard]] Options parse_options(std::span<char* const> arguments);

[[nodiscard]] std::string help_text();

}  // namespace simnet
