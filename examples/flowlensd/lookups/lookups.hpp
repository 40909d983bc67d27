/// \file
/// lookups: all that turns addresses into what people call them.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "config/settings.hpp"
#include "library.hpp"
#include "lookups/fact_door.hpp"
#include "lookups/listers.hpp"
#include "lookups/lookup_runner.hpp"

namespace flowlensd {

/// Thread-safe, but for show().
class Lookups {
 public:
  /// Asks nobody yet. \param resolver  with the map of the run before; outlives this. \param heard  for
  /// sources that ask exporters.
  /// \throws ConfigError for a source that cannot be.
  Lookups(const Settings& settings, Resolver& resolver, HeardExporters heard);

  /// A look-up that asks by itself, and tells door(): what it says of itself. Before start().
  void show(std::function<LookupStatus()> status) { others_.push_back(std::move(status)); }
  void start();
  void stop() { runner_.stop(); }
  /// Asks each source that lists once; for the end of a capture. Not after start().
  void ask_all();

  [[nodiscard]] FactDoor& door() noexcept { return door_; }
  [[nodiscard]] std::vector<LookupStatus> statuses() const;

 private:
  void forget_others();

  FactDoor door_;
  LookupRunner runner_;
  std::vector<std::function<LookupStatus()>> others_;
};

}  // namespace flowlensd
