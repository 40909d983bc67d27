/// \file
/// lookups: clouds and clusters among the sources that list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "lookups/lookup_source.hpp"

namespace flowlensd {

/// One for each file, region and server that the settings name. \param graph  whose addresses are looked
/// up in the ranges; null: none are, but the files are read.
/// \throws ConfigError naming the setting and what is wrong.
void add_cloud_sources(const Settings& settings, const DependencyGraph* graph,
                       std::vector<LookupSource>& out);

/// What stands between commas, without blanks around it.
[[nodiscard]] std::vector<std::string> parts_of(std::string_view list);

}  // namespace flowlensd
