/// \file
/// graph: revisions as octets, for those who keep or carry them outside of the process that made them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "flowlens/diagnostic.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

/// \param sites  the graph's. Names are written, not numbers: they hold in another process too.
[[nodiscard]] std::vector<std::byte> encode_revision(const Revision& revision,
                                                     const SiteTable& sites);

/// Reads what encode_revision() of this release, or one with the same version of the format, has written.
/// Whoever keeps it adds a checksum: damage that makes sense is not found.
/// \param sites  those configured now.
/// \param revision  overwritten; after a problem its content means nothing.
/// \return `none`, `unknown_version`, `truncated` or `state_damaged` with the octet.
/// \throws ConfigError for the name of a site that `sites` lacks.
[[nodiscard]] Diagnostic decode_revision(std::span<const std::byte> octets, const SiteTable& sites,
                                         Revision& revision);

}  // namespace flowlens
