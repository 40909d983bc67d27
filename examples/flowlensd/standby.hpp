/// \file
/// Waiting for one's turn to write the map of a PostgreSQL database.
#pragma once

#include <memory>

#include "config/settings.hpp"
#include "pipeline/data_dir.hpp"
#include "pipeline/lease_keeper.hpp"
#include "service.hpp"
#include "service_manager.hpp"
#include "stop_signal.hpp"

namespace flowlensd {

/// The daemon was asked to stop while it stood by.
struct StoppedStandingBy {};

struct StandbyParts {
  const Settings& settings;
  const Life& life;
  StopSignal& stop;
  ServiceManager& manager;
};

/// Takes the lease, waiting for as long as another process renews it; meanwhile /health says so. A lease that an
/// earlier run with the same data folder has left is taken at once: that process has gone, or the folder would
/// be locked.
/// \param waits  whether to stand by; false: it is an error if another process writes.
/// \return null where the settings name no PostgreSQL database, or nothing is kept.
/// \throws StoppedStandingBy, flowlens::IoError, flowlens::ConfigError
[[nodiscard]] std::unique_ptr<LeaseKeeper> take_turn(const StandbyParts& parts, const DataDir* dir,
                                                     bool waits);

}  // namespace flowlensd
