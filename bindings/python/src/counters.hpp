/// \file
/// Ledgers and counters as dictionaries, by the names that they have in C++.
#pragma once

#include "binding.hpp"
#include "flowlens/decoder.hpp"
#include "flowlens/flow_file.hpp"
#include "flowlens/ledger.hpp"

namespace flowlens::python {

[[nodiscard]] py::dict dict_of(const DatagramLedger& ledger);
[[nodiscard]] py::dict dict_of(const OctetLedger& ledger);
[[nodiscard]] py::dict dict_of(const FlowLedger& ledger);
[[nodiscard]] py::dict dict_of(const ParserCounters& counters);
[[nodiscard]] py::dict dict_of(const NormalizerCounters& counters);
[[nodiscard]] py::dict dict_of(const FlowFileCounters& counters);
[[nodiscard]] py::dict dict_of(const InputFile& file);
[[nodiscard]] py::dict dict_of(const ExporterExplanation& explanation);

}  // namespace flowlens::python
