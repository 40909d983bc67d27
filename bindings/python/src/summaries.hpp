/// \file
/// What an Aggregator tells of at one time, for a Graph and a ChangeDetector.
#pragma once

#include <memory>
#include <vector>

#include "binding.hpp"
#include "flowlens/attempt.hpp"
#include "flowlens/connection_summary.hpp"
#include "flowlens/enricher.hpp"

namespace flowlens::python {

struct Summaries {
  explicit Summaries(std::shared_ptr<const Enricher> labels) : enricher(std::move(labels)) {}

  std::vector<ConnectionSummary> rows;
  std::vector<Redirection> redirections;
  std::vector<Attempt> attempts;
  std::shared_ptr<const Enricher> enricher;  ///< which names their sites
  /// The dependency of each row, once a graph has taken them. Set and read with the GIL held.
  std::shared_ptr<const std::vector<Id>> ids;
};

}  // namespace flowlens::python
