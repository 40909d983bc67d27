#include "flowlens/ledger.hpp"

#include <numeric>

namespace flowlens {
namespace {

template <typename Counts>
std::uint64_t total(const Counts& counts) noexcept {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

template <typename Counts>
void add_each(Counts& to, const Counts& from) noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

}  // namespace

std::uint64_t sum(const DiagnosticCounts& counts) noexcept { return total(counts); }

std::string_view reason(FlowDropReason r) noexcept {
  switch (r) {
    case FlowDropReason::pressure:
      return "pressure";
    case FlowDropReason::table_full:
      return "table_full";
    case FlowDropReason::incomplete:
      return "incomplete";
    case FlowDropReason::kCount:
      break;
  }
  return "";
}

bool DatagramLedger::balanced() const noexcept { return received == accepted + total(refused); }

DatagramLedger& DatagramLedger::operator+=(const DatagramLedger& o) noexcept {
  received += o.received;
  accepted += o.accepted;
  add_each(refused, o.refused);
  return *this;
}

bool OctetLedger::balanced() const noexcept {
  return accepted == header + templates + options + decoded + waiting + total(skipped) + padding;
}

OctetLedger& OctetLedger::operator+=(const OctetLedger& o) noexcept {
  accepted += o.accepted;
  header += o.header;
  templates += o.templates;
  options += o.options;
  decoded += o.decoded;
  waiting += o.waiting;
  add_each(skipped, o.skipped);
  padding += o.padding;
  return *this;
}

bool FlowLedger::balanced() const noexcept {
  return normalized == applied + duplicate + attempt + control + sampled_out + total(dropped);
}

FlowLedger& FlowLedger::operator+=(const FlowLedger& o) noexcept {
  normalized += o.normalized;
  applied += o.applied;
  duplicate += o.duplicate;
  attempt += o.attempt;
  control += o.control;
  sampled_out += o.sampled_out;
  add_each(dropped, o.dropped);
  late_carried += o.late_carried;
  return *this;
}

bool FlowOctetLedger::balanced() const noexcept {
  return received == applied + duplicate + attempt + control + total(dropped);
}

FlowOctetLedger& FlowOctetLedger::operator+=(const FlowOctetLedger& o) noexcept {
  received += o.received;
  applied += o.applied;
  duplicate += o.duplicate;
  attempt += o.attempt;
  control += o.control;
  add_each(dropped, o.dropped);
  return *this;
}

}  // namespace flowlens
