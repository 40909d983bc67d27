/// \file
/// lookups: which sources the settings name.
#pragma once

#include <functional>
#include <vector>

#include "config/settings.hpp"
#include "lookups/lookup_source.hpp"

namespace flowlensd {

/// Addresses of the exporters that were heard; any thread.
using HeardExporters = std::function<std::vector<IpAddress>()>;

/// \param graph  for sources that are asked of what is on the map; outlives them. Null: there is no map.
/// \param heard  none: no exporter was.
/// \throws ConfigError naming the setting and what is wrong.
[[nodiscard]] std::vector<LookupSource> make_lookup_sources(const Settings& settings,
                                                            const SiteTable& sites,
                                                            const DependencyGraph* graph = nullptr,
                                                            HeardExporters heard = {});

}  // namespace flowlensd
