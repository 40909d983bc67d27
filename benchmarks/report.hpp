/// \file
/// Figures as a table for people, or as JSON.
#pragma once

#include <span>
#include <string>

#include "conditions.hpp"
#include "stages.hpp"

namespace flowlens::bench {

[[nodiscard]] std::string as_table(const Conditions& conditions,
                                   std::span<const WorkloadFigures> workloads,
                                   std::size_t repetitions);
[[nodiscard]] std::string as_json(const Conditions& conditions,
                                  std::span<const WorkloadFigures> workloads,
                                  std::size_t repetitions);

}  // namespace flowlens::bench
