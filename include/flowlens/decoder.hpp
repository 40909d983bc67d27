/// \file
/// normalize: the Decoder, Parser and Normalizer together: datagrams in, flows out.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "flowlens/explanation.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/information_model.hpp"
#include "flowlens/normalizer.hpp"
#include "flowlens/parser.hpp"

namespace flowlens {

struct DecoderOptions {
  ParserOptions parser;
  NormalizerOptions normalizer;
};

/// Decodes exporters' datagrams into flows.
///
/// Thread-compatible: one Decoder per thread, and always the same exporter to the same one.
class Decoder {
 public:
  /// \throws ConfigError if a limit is 0.
  explicit Decoder(const DecoderOptions& options = {});

  /// Decodes one datagram and appends its flows to `batch`.
  /// \param received  of the caller's clock.
  ParseResult decode(std::span<const std::byte> datagram, const TransportSession& session,
                     Timestamp received, FlowBatch& batch) noexcept;

  /// Turns one packet of ordinary traffic into a flow, appended to `batch`; see
  /// Normalizer::on_packet(). \return false if it has no addresses or no protocol (ARP, and what the
  /// capture cut short): then there is no flow.
  bool decode(const CapturedPacket& packet, FlowBatch& batch) noexcept;

  [[nodiscard]] Parser& parser() noexcept { return parser_; }
  [[nodiscard]] const Parser& parser() const noexcept { return parser_; }
  [[nodiscard]] NormalizerCounters counters() const noexcept { return normalizer_.counters(); }

  [[nodiscard]] const Normalizer& normalizer() const noexcept { return normalizer_; }

  /// Tells what is known of an exporter: its own address, or that of an sFlow agent. Looks at every
  /// stream: for people who ask, not for each datagram.
  /// \param elements  the user's own ones, for their names; null: none.
  [[nodiscard]] ExporterExplanation explain(const IpAddress& exporter, Timestamp now,
                                            const InformationModel* elements = nullptr) const;

  /// Templates and what exporters told, for a restart: versioned, checksummed, the same format whatever
  /// the number of decoders.
  [[nodiscard]] std::vector<std::byte> save_state() const;
  /// \return `none`, or what is wrong with the octets; then nothing was taken from them.
  Diagnostic load_state(std::span<const std::byte> state) noexcept;

 private:
  Parser parser_;
  Normalizer normalizer_;
};

}  // namespace flowlens
