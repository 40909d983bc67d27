/// \file
/// Reads octets as a flow log and checks what holds for every log.
#pragma once

#include "flowlens/flow_log_reader.hpp"
#include "memory_file.hpp"

namespace flowlens::fuzz {

inline void check_flow(const FlowRecord& f, ExportProtocol format) {
  if (f.start > f.end || f.received != f.end || f.sampling_rate != 1) __builtin_trap();
  if (f.export_protocol != format) __builtin_trap();
  if (!f.has(FlowField::source_address) || !f.has(FlowField::destination_address) ||
      !f.has(FlowField::protocol)) {
    __builtin_trap();
  }
  if (!f.has(FlowField::octet_count) && f.octet_count != 0) __builtin_trap();
}

inline void check_log(const std::string& text, const FlowLogOptions& options) {
  static const MemoryFile file;
  file.write(text);
  try {
    FlowLogReader reader(file.path(), options);
    FlowBatch batch;
    std::uint64_t flows = 0;
    const auto check_counts = [&] {
      const FlowLogCounters& c = reader.counters();
      if (c.records !=
          c.conversations + c.no_data + c.skipped_data + c.beginnings + c.others + c.refused) {
        __builtin_trap();
      }
      if (reader.problems().size() > c.refused) __builtin_trap();
      for (const FlowLogProblem& p : reader.problems()) check_words(to_string(p));
    };
    try {
      while (reader.next(batch)) {
        if (batch.flows.empty() || batch.flows.size() > options.batch_flows) __builtin_trap();
        for (const FlowRecord& f : batch.flows) check_flow(f, reader.format());
        flows += batch.flows.size();
      }
    } catch (const IoError& e) {
      check_words(e.what());
      if (reader.next(batch)) __builtin_trap();
    }
    check_counts();
    if (flows != reader.counters().flows) __builtin_trap();
  } catch (const Error& e) {
    check_words(e.what());
  }
}

}  // namespace flowlens::fuzz
