/// \file
/// parse: the inside of a Parser, shared by the files of the single protocols.
#pragma once

#include <vector>

#include "flowlens/parser.hpp"
#include "parse/template_store.hpp"
#include "parse/waiting_queue.hpp"
#include "wire/byte_reader.hpp"

namespace flowlens {

namespace parse {

/// What a Parser holds.
struct ParserState {
  explicit ParserState(const ParserOptions& o);

  ParserOptions options;
  DatagramLedger datagrams;
  OctetLedger octets;
  ParserCounters counters;
  TemplateStore templates;
  WaitingQueue waiting;
  Template v5_layout;
  std::vector<FieldSpecifier> fields;  ///< of the template being read; reused
};

inline constexpr std::uint16_t kNetflowV5 = 5;
inline constexpr std::uint16_t kNetflowV9 = 9;
inline constexpr std::uint16_t kIpfix = 10;
inline constexpr std::uint32_t kSflowV5 = 5;

inline constexpr std::size_t kSetHeader = 4;
inline constexpr std::uint16_t kFirstDataSetId = 256;

/// The layout of NetFlow v5 records as a built-in template, so that one path carries all of
/// NetFlow.
[[nodiscard]] Template make_v5_layout();

/// One datagram on its way through the parser.
struct Walk {
  ParserState& parser;
  std::span<const std::byte> datagram;
  const TransportSession& session;
  Timestamp received;
  RecordSink& sink;
  MessageHeader message{};
  ParseResult result{};
  std::uint16_t set_index = 0;
  std::uint32_t records_seen = 0;  ///< data and template records, to be held against the header
  bool all_sets_read = true;       ///< then records_seen is all there was

  /// Keeps the earliest thing that was wrong.
  void remark(DiagnosticCode code, std::size_t offset, std::uint32_t detail = 0) noexcept {
    if (result.first.code == DiagnosticCode::none) {
      result.first = {code, static_cast<std::uint32_t>(offset), detail};
    }
  }
  /// Counts octets as skipped, and says why.
  void skip(DiagnosticCode code, std::size_t octets, std::size_t offset,
            std::uint32_t detail = 0) noexcept {
    parser.octets.skipped[static_cast<std::size_t>(code)] += octets;
    remark(code, offset, detail);
  }
  /// Refuses the datagram as a whole.
  void refuse(DiagnosticCode code, std::size_t offset, std::uint32_t detail = 0) noexcept {
    ++parser.datagrams.refused[static_cast<std::size_t>(code)];
    remark(code, offset, detail);
  }
  /// The header is sound: from here on every octet is accounted for.
  void accept(std::size_t header_octets) noexcept {
    result.accepted = true;
    ++parser.datagrams.accepted;
    parser.octets.accepted += datagram.size();
    parser.octets.header += header_octets;
  }
};

/// The octets of a set without its header, and where they stand in the datagram.
struct SetBody {
  std::span<const std::byte> octets;
  std::size_t offset = 0;
  std::uint16_t id = 0;
  std::uint16_t index = 0;
};

void parse_v5(Walk& walk) noexcept;
void parse_v9(Walk& walk) noexcept;
void parse_ipfix(Walk& walk) noexcept;
void parse_sflow(Walk& walk) noexcept;

/// Learns the templates of a (options) template set.
void read_template_set(Walk& walk, const SetBody& set, bool is_options) noexcept;
/// Gives the records of a data set to the sink, or lets it wait for its template.
void read_data_set(Walk& walk, const SetBody& set) noexcept;
/// Decodes what waited for a template that has just come.
void replay_waiting(Walk& walk, std::uint16_t template_id) noexcept;
/// Takes sets that waited in vain out of the ledgers' `waiting`.
void account(ParserState& parser, const WaitingQueue::GivenUp& given_up) noexcept;

/// What deliver() did with the octets of a set.
struct Delivered {
  std::uint32_t records = 0;
  std::size_t octets = 0;  ///< of whole records; the rest is padding or damage
  bool damaged = false;    ///< the rest is a record cut short
};
/// Finds the whole records and hands them to the sink.
Delivered deliver(RecordSink& sink, DataSet set, std::span<const std::byte> body) noexcept;

}  // namespace parse

struct Parser::Impl : parse::ParserState {
  using ParserState::ParserState;
};

}  // namespace flowlens
