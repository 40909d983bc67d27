/// \file
/// Which parts of the daemon go by other settings while they run, and how.
#pragma once

#include "config/configuration.hpp"
#include "http/server.hpp"
#include "library.hpp"
#include "pipeline/geo.hpp"
#include "pipeline/ingest.hpp"
#include "pipeline/store_thread.hpp"

namespace flowlensd {

[[nodiscard]] Retention retention_of(const Settings& settings);
/// Without a key.
[[nodiscard]] PressureOptions pressure_of(const Settings& settings);

/// What can change; null: there is none.
struct LiveParts {
  StoreThread* store = nullptr;
  Ingest* ingest = nullptr;
  Classifier* classifier = nullptr;
  http::Server* server = nullptr;
  Geo* geo = nullptr;
};

/// The parts outlive the configuration's changes.
void follow_settings(Configuration& configuration, const LiveParts& parts);

/// Reads all sources again, and tells the log what came of it; what is wrong changes nothing.
void reload_settings(Configuration& configuration);

}  // namespace flowlensd
