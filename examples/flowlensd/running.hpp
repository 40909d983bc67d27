/// \file
/// What processes of all roles do while they run.
#pragma once

#include <chrono>
#include <filesystem>

#include "config/settings.hpp"
#include "pipeline/ingest.hpp"
#include "service_manager.hpp"

namespace flowlensd {

/// Says what is received, and what the kernel did not grant.
void announce_receiving(const Settings& settings, const Ingest& ingest);
/// Where a process without the role api has health and metrics.
void announce_health(const Settings& settings, std::uint16_t port);

/// Templates and sampling rates of the run before. What is wrong with them is logged.
void load_decoder_states(Ingest& ingest, const std::filesystem::path& file);
void save_decoder_states(Ingest& ingest, const std::filesystem::path& file);

/// How long the main thread may sleep so that the watchdog is fed in time.
[[nodiscard]] std::chrono::milliseconds round_time(const ServiceManager& manager);

}  // namespace flowlensd
