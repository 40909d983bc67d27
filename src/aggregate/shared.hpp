/// \file
/// aggregate: what all windows of an Aggregator have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "aggregate/declared_services.hpp"
#include "aggregate/doubtful_rows.hpp"
#include "aggregate/endpoint_memory.hpp"
#include "aggregate/observers.hpp"
#include "aggregate/port_lore.hpp"
#include "aggregate/translators.hpp"
#include "flowlens/aggregator.hpp"
#include "flowlens/ledger.hpp"
#include "flowlens/translation_table.hpp"

namespace flowlens::aggregate {

struct Shared {
  explicit Shared(const AggregatorOptions& o);

  AggregatorOptions options;
  Observers observers;
  FlowLedger ledger;
  FlowOctetLedger octets;
  std::uint64_t conversations = 0;  ///< held by all open windows
  std::uint64_t rows = 0;           ///< of summaries, held by all open windows
  std::uint64_t observations_refused = 0;
  std::uint64_t comparisons_refused = 0;
  std::uint64_t attempts_refused = 0;
  std::uint64_t redirections = 0;
  std::chrono::nanoseconds tick;  ///< of WindowTime

  DeclaredServices declared;
  EndpointMemory memory;
  ControlFlows controls;
  ClientPortRanges client_ports;
  Silence silence;  ///< of the window that is being closed
  DoubtfulRows doubtful;
  TranslationTable translations;
  Translators translators;
  TranslationTable paired;  ///< translations that were found, not told
  Likenesses likenesses;    ///< in the window that is being closed

  [[nodiscard]] std::size_t max_looks() const noexcept { return options.max_translations / 2 + 1; }
};

}  // namespace flowlens::aggregate
