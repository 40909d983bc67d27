/// \file
/// Checks that the ledgers of a Parser or Decoder balance, and agree with what was fed. No test
/// framework: programs, unit tests and fuzz targets all use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "flowlens/decoder.hpp"

namespace flowlens::test {

/// Follows a Parser (or the one in a Decoder) from its first datagram on.
class LedgerCheck {
 public:
  /// Tells of one datagram that was fed, and what the parser said.
  void fed(std::size_t length_octets, const ParseResult& result) {
    ++received_;
    if (!result.accepted) return;
    ++accepted_;
    accepted_octets_ += length_octets;
  }

  /// \return what does not balance, in words; empty if all is well.
  [[nodiscard]] std::string problem(const Parser& parser) const {
    const DatagramLedger& datagrams = parser.datagrams();
    const OctetLedger& octets = parser.octets();
    if (!datagrams.balanced()) return "the datagram ledger does not balance";
    if (!octets.balanced()) return "the octet ledger does not balance: " + to_text(octets);
    if (datagrams.received != received_)
      return differ("datagrams received", datagrams.received, received_);
    if (datagrams.accepted != accepted_)
      return differ("datagrams accepted", datagrams.accepted, accepted_);
    if (octets.accepted != accepted_octets_)
      return differ("octets accepted", octets.accepted, accepted_octets_);
    if (parser.counters().sets_waiting == 0 && octets.waiting != 0) {
      return differ("octets waiting in no set", octets.waiting, 0);
    }
    return {};
  }

  /// The same for a Decoder, and its records: each gave one flow, two, or none and was counted.
  /// \param flows  all it has given out.
  [[nodiscard]] std::string problem(const Decoder& decoder, std::uint64_t flows) const {
    if (std::string why = problem(decoder.parser()); !why.empty()) return why;
    const NormalizerCounters& counters = decoder.counters();
    if (counters.flows != flows) return differ("flows", counters.flows, flows);
    if (counters.records_without_flow > counters.records) {
      return differ("records without flow", counters.records_without_flow, counters.records);
    }
    const std::uint64_t with_flow = counters.records - counters.records_without_flow;
    if (flows < with_flow || flows > 2 * with_flow)
      return differ("flows of records", flows, with_flow);
    return {};
  }

 private:
  static std::string differ(const char* what, std::uint64_t have, std::uint64_t want) {
    return std::string{what} + ": counted " + std::to_string(have) + ", should be " +
           std::to_string(want);
  }
  static std::string to_text(const OctetLedger& o) {
    return std::to_string(o.accepted) + " accepted, " + std::to_string(o.header) + " header, " +
           std::to_string(o.templates) + " templates, " + std::to_string(o.options) + " options, " +
           std::to_string(o.decoded) + " decoded, " + std::to_string(o.waiting) + " waiting, " +
           std::to_string(sum(o.skipped)) + " skipped, " + std::to_string(o.padding) + " padding";
  }

  std::uint64_t received_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t accepted_octets_ = 0;
};

}  // namespace flowlens::test
