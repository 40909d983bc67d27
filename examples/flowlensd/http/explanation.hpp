/// \file
/// http: one exporter explained, as JSON.
#pragma once

#include "http/rows.hpp"

namespace flowlensd::http {

/// \param kernel_dropped  datagrams that the kernel dropped, of whatever exporter.
[[nodiscard]] Json explanation_json(const ExporterExplanation& explanation,
                                    std::uint64_t kernel_dropped);

}  // namespace flowlensd::http
