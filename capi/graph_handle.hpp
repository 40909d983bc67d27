/// \file
/// capi: what several files ask of a graph.
#pragma once

#include "flowlens/dependency_graph.hpp"
#include "handles.hpp"

namespace flowlens::capi {

/// A graph of the caller's own. \throws Refused for NULL and for a resolver's.
[[nodiscard]] DependencyGraph& own_graph(flowlens_graph* graph);
[[nodiscard]] const DependencyGraph& graph_of(const flowlens_graph* graph);
/// \param name  NULL: the site `default`. \throws Refused for one that there is not.
[[nodiscard]] SiteId site_of(const SiteTable& sites, const char* name);
/// \throws Refused for octets that are none, ConfigError for a site that `sites` lacks.
[[nodiscard]] Revision revision_of(const void* octets, std::size_t size, const SiteTable& sites);

}  // namespace flowlens::capi
