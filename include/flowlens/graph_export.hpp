/// \file
/// graph: the map as a file.
#pragma once

#include <iosfwd>
#include <optional>
#include <string_view>

#include "flowlens/dependency_graph.hpp"

namespace flowlens {

enum class ExportFormat { json, graphml, dot, mermaid, csv };

/// \return nothing for a name that is none of `json`, `graphml`, `dot`, `mermaid`, `csv`.
[[nodiscard]] std::optional<ExportFormat> parse_export_format(std::string_view name) noexcept;
/// `application/graphml+xml` and the like.
[[nodiscard]] std::string_view media_type(ExportFormat format) noexcept;

/// Writes all assets and dependencies, in the order of their ids, so that equal maps give equal
/// octets. Every text from outside is escaped as the format asks.
/// \throws IoError if the stream fails.
void write_graph(const DependencyGraph& graph, ExportFormat format, std::ostream& out);
/// The same for rows at hand, as DependencyGraph::copy() gives them. \param sites  the graph's.
void write_map(Revision rows, const SiteTable& sites, ExportFormat format, std::ostream& out);

}  // namespace flowlens
