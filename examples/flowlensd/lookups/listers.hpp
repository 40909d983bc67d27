/// \file
/// lookups: which sources the settings name.
#pragma once

#include <vector>

#include "config/settings.hpp"
#include "lookups/lookup_source.hpp"

namespace flowlensd {

/// \throws ConfigError naming the setting and what is wrong.
[[nodiscard]] std::vector<LookupSource> make_lookup_sources(const Settings& settings,
                                                            const SiteTable& sites);

}  // namespace flowlensd
