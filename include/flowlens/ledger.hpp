/// \file
/// base: the three ledgers. Everything that comes in is accounted for, exactly (DESIGN section 4).
/// Plain values: add them up over workers with +=.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "flowlens/diagnostic.hpp"

namespace flowlens {

/// Counts by DiagnosticCode.
using DiagnosticCounts = std::array<std::uint64_t, kDiagnosticCodeCount>;
[[nodiscard]] std::uint64_t sum(const DiagnosticCounts& counts) noexcept;

/// received = accepted + refused.
struct DatagramLedger {
  std::uint64_t received = 0;
  std::uint64_t accepted = 0;
  DiagnosticCounts refused{};  ///< nothing of it was used, by reason

  [[nodiscard]] bool balanced() const noexcept;
  DatagramLedger& operator+=(const DatagramLedger& other) noexcept;
};

/// Where the octets of accepted datagrams went:
/// accepted = header + templates + options + decoded + waiting + skipped + padding.
struct OctetLedger {
  std::uint64_t accepted = 0;
  std::uint64_t header = 0;     ///< message, set and sample headers
  std::uint64_t templates = 0;  ///< template and options template records
  std::uint64_t options = 0;    ///< records of options templates
  std::uint64_t decoded = 0;    ///< data records and samples that were handed on
  std::uint64_t waiting = 0;    ///< sets whose template has not come; falls again when it does
  DiagnosticCounts skipped{};   ///< by reason
  std::uint64_t padding = 0;

  [[nodiscard]] bool balanced() const noexcept;
  OctetLedger& operator+=(const OctetLedger& other) noexcept;
};

/// Why a flow came to nothing.
enum class FlowDropReason : std::uint8_t {
  pressure,    ///< the queue before the Resolver was full
  table_full,  ///< a bound of the Aggregator or DependencyGraph
  incomplete,  ///< no addresses or no protocol in the record
  kCount
};
[[nodiscard]] std::string_view reason(FlowDropReason r) noexcept;

/// Where flows went, from the Normalizer on:
/// normalized = applied + duplicate + attempt + control + sampled_out + dropped.
struct FlowLedger {
  std::uint64_t normalized = 0;
  std::uint64_t applied = 0;      ///< counted in a dependency
  std::uint64_t duplicate = 0;    ///< the same traffic, by another than the best observer
  std::uint64_t attempt = 0;      ///< unanswered or refused: no dependency
  std::uint64_t control = 0;      ///< ICMP errors, neighbour discovery and the like: no service
  std::uint64_t sampled_out = 0;  ///< left out under pressure; others stand for them
  std::array<std::uint64_t, static_cast<std::size_t>(FlowDropReason::kCount)> dropped{};
  std::uint64_t late_carried = 0;  ///< of `applied` and the rest: had a share in a closed window

  [[nodiscard]] bool balanced() const noexcept;
  FlowLedger& operator+=(const FlowLedger& other) noexcept;
};

/// Where the octets of flows went that reached the Aggregator, as exported:
/// received = applied + duplicate + attempt + control + dropped.
struct FlowOctetLedger {
  std::uint64_t received = 0;
  std::uint64_t applied = 0;  ///< the sum over the windows of all dependencies
  std::uint64_t duplicate = 0;
  std::uint64_t attempt = 0;
  std::uint64_t control = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(FlowDropReason::kCount)> dropped{};

  [[nodiscard]] bool balanced() const noexcept;
  FlowOctetLedger& operator+=(const FlowOctetLedger& other) noexcept;
};

}  // namespace flowlens
