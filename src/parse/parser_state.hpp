/// \file
/// parse: the inside of a Parser, shared by the files of the single protocols.
#pragma once

#include <array>
#include <vector>

#include "flowlens/parser.hpp"
#include "parse/declared_elements.hpp"
#include "parse/stream_table.hpp"
#include "parse/template_store.hpp"
#include "parse/waiting_queue.hpp"
#include "parse/work.hpp"
#include "wire/byte_reader.hpp"

namespace flowlens {

namespace parse {

/// The layouts of NetFlow v1, v5 and v7 as built-in templates, so that one path carries all of
/// NetFlow.
struct FixedLayouts {
  FixedLayouts();
  /// \param count  records that the header claims. \param octets  behind the header.
  [[nodiscard]] const Template& of(ExportProtocol protocol, std::size_t count,
                                   std::size_t octets) const noexcept;

  Template v1, v1_short, v5, v7;
};

/// The last datagrams that were refused as a whole: their senders may have no stream.
class RecentRefusals {
 public:
  struct Refusal {
    IpAddress exporter;
    Diagnostic problem;
    Timestamp received;
  };
  void note(const IpAddress& exporter, const Diagnostic& problem, Timestamp received) noexcept {
    ring_[at_++ % ring_.size()] = {exporter, problem, received};
  }
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const Refusal& r : ring_) visit(r);
  }

 private:
  std::array<Refusal, 128> ring_{};
  std::size_t at_ = 0;
};

/// What a Parser holds.
struct ParserState {
  explicit ParserState(const ParserOptions& o);

  ParserOptions options;
  DatagramLedger datagrams;
  OctetLedger octets;
  ParserCounters counters;
  TemplateStore templates;
  WaitingQueue waiting;
  DeclaredElements declared;
  StreamTable streams;
  RecentRefusals refusals;
  FixedLayouts fixed;
  std::vector<FieldSpecifier> fields;  ///< of the template being read; reused
  std::vector<std::byte> rewritten;    ///< records of an sFlow v4 sample as v5 has them; reused
};

inline constexpr std::uint16_t kNetflowV1 = 1;
inline constexpr std::uint16_t kNetflowV5 = 5;
inline constexpr std::uint16_t kNetflowV7 = 7;
inline constexpr std::uint16_t kNetflowV9 = 9;
inline constexpr std::uint16_t kIpfix = 10;

inline constexpr std::size_t kSetHeader = 4;
inline constexpr std::uint16_t kFirstDataSetId = 256;

/// One datagram on its way through the parser.
struct Walk {
  ParserState& parser;
  std::span<const std::byte> datagram;
  const TransportSession& session;
  Timestamp received;
  RecordSink& sink;
  MessageHeader message{};
  ParseResult result{};
  WorkBudget work{};
  std::uint16_t set_index = 0;
  std::uint32_t records = 0;  ///< of data, sFlow: samples
  std::uint32_t options_records = 0;
  std::uint32_t template_records = 0;
  std::uint32_t unknown_octets = 0;  ///< that may hold records, but could not be read
  Stream* stream = nullptr;          ///< of an sFlow datagram, once a sample was read
  bool all_sets_read = true;         ///< then the records above are all there were

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

/// What deliver() did with the octets of a set.
struct Delivered {
  std::uint32_t records = 0;
  std::size_t octets = 0;  ///< of whole records; the rest is padding or damage
  bool damaged = false;    ///< the rest is a record cut short
  bool cut = false;        ///< the rest would have cost more than is left for the datagram
};

/// The octets of a set without its header, and where they stand in the datagram.
struct SetBody {
  std::span<const std::byte> octets;
  std::size_t offset = 0;
  std::uint16_t id = 0;
  std::uint16_t index = 0;
};

/// NetFlow v1, v5 or v7.
void parse_fixed(Walk& walk, ExportProtocol protocol) noexcept;
/// Records that a datagram may have.
[[nodiscard]] std::uint16_t most_records(ExportProtocol protocol) noexcept;
/// The headers alone. \return `none`, or why the datagram is refused.
DiagnosticCode read_fixed_header(wire::ByteReader& in, ExportProtocol protocol,
                                 MessageHeader& header) noexcept;
DiagnosticCode read_v9_header(wire::ByteReader& in, MessageHeader& header) noexcept;
DiagnosticCode read_ipfix_header(wire::ByteReader& in, MessageHeader& header,
                                 std::size_t& length) noexcept;
DiagnosticCode read_sflow_header(wire::ByteReader& in, MessageHeader& header,
                                 std::uint32_t& samples) noexcept;

/// Books an accepted message on its stream, which is made if something valid came of that exporter.
void note_message(Walk& walk) noexcept;
/// Finds the stream that samples are booked on, if there is one.
void find_stream(Walk& walk) noexcept;
/// Books a datagram that is refused unread on its stream, if there is one.
void note_unread(ParserState& parser, std::span<const std::byte> datagram,
                 const TransportSession& session, Timestamp received) noexcept;
/// Books records that had waited. \param octets  of their set.
void note_replayed(Walk& walk, const WaitingSet& set, const Delivered& done,
                   bool of_options) noexcept;

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

/// Finds the whole records and hands them to the sink, as many as `work` allows.
Delivered deliver(RecordSink& sink, DataSet set, std::span<const std::byte> body,
                  WorkBudget& work) noexcept;

}  // namespace parse

struct Parser::Impl : parse::ParserState {
  using ParserState::ParserState;
};

}  // namespace flowlens
