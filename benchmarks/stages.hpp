/// \file
/// What is measured: each stage of the walk, over one workload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "flowlens/revision.hpp"
#include "input.hpp"

namespace flowlens::bench {

/// CPU time of one stage.
struct StageFigure {
  std::string_view name;
  std::string_view unit;    ///< `record`, `sample` or `flow`: what `count` counts
  std::uint64_t count = 0;  ///< in each repetition
  double ns = 0;            ///< per unit, the median of the repetitions
  double ns_least = 0;
  double ns_most = 0;
  double ns_flushing = 0;  ///< of `ns`, inside flushes, the last one included; 0 where none are
  [[nodiscard]] double per_second() const noexcept { return ns > 0 ? 1e9 / ns : 0; }
};

/// All stages of one workload, and what came out of them.
struct WorkloadFigures {
  ExportProtocol protocol = ExportProtocol::netflow_v5;
  std::uint64_t datagrams = 0;
  std::uint64_t octets = 0;
  std::uint64_t records = 0;  ///< data records or flow samples
  std::uint64_t flows = 0;
  std::uint64_t dependencies = 0;  ///< in the map at the end of the whole way
  std::uint64_t flushes = 0;       ///< in each run of aggregate and of the whole way
  double seconds_of_input = 0;     ///< from the first datagram to the last
  bool ledgers_balanced = false;
  Revision map;  ///< at the end of the whole way, for the next stage
  std::vector<StageFigure> stages;
};

/// \param decode_only  no stage behind the Decoder.
[[nodiscard]] WorkloadFigures measure(const Workload& workload, std::size_t repetitions,
                                      bool decode_only);

}  // namespace flowlens::bench
