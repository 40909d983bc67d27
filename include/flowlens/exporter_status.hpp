/// \file
/// parse: what a Parser knows of one exporter: its streams and their sequence numbers, restarts,
/// losses by cause, templates, the last problem. Plain values: they stay as they were.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "flowlens/diagnostic.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/template.hpp"
#include "flowlens/time.hpp"
#include "flowlens/transport_session.hpp"

namespace flowlens {

/// What the sequence numbers of a protocol count: nothing in NetFlow v1; datagrams in v9 (RFC 3954
/// §5.1) and sFlow; flow records in v5 and v7; data records, those of options included, in IPFIX
/// (RFC 7011 §3.1).
enum class SequenceUnit : std::uint8_t { none, datagrams, records };
[[nodiscard]] SequenceUnit sequence_unit(ExportProtocol protocol) noexcept;

/// What the sequence numbers of one stream said. Counts since its first datagram.
struct SequenceStatus {
  SequenceUnit unit = SequenceUnit::none;
  std::uint32_t last = 0;        ///< the number in the newest header
  std::uint64_t received = 0;    ///< units that came
  std::uint64_t lost = 0;        ///< units that did not; one that comes late is taken off again
  std::uint64_t gaps = 0;        ///< jumps ahead over lost units
  std::uint64_t late = 0;        ///< datagrams overtaken by others
  std::uint64_t duplicates = 0;  ///< datagrams that came again
  std::uint64_t wraps = 0;       ///< past 2^32
  std::uint64_t resets = 0;      ///< begun anew
  std::uint64_t astray = 0;      ///< datagrams whose number fitted nothing, alone
  /// Datagrams with records that could not be counted: their template was unknown, or they were
  /// damaged. `lost` behind them is the least that can be.
  std::uint64_t unknowable = 0;
  friend bool operator==(const SequenceStatus&, const SequenceStatus&) = default;
};

/// What sFlow samples said, over all data sources of a stream.
struct SampleStatus {
  std::uint64_t sources = 0;  ///< data sources followed now
  std::uint64_t lost = 0;     ///< samples that did not come, by each source's own numbers
  std::uint64_t late = 0;     ///< or came again
  std::uint64_t resets = 0;
  std::uint64_t drops = 0;  ///< samples that the agent dropped itself, as it says
  friend bool operator==(const SampleStatus&, const SampleStatus&) = default;
};

/// What came over the last one to two minutes of a stream.
struct RecentTraffic {
  std::chrono::seconds over{0};  ///< 0: no time has passed, so there is no rate
  std::uint64_t datagrams = 0;
  std::uint64_t octets = 0;
  std::uint64_t records = 0;
  friend bool operator==(const RecentTraffic&, const RecentTraffic&) = default;
};

/// One exporter's observation domain in one protocol; for sFlow a sub-agent of an agent.
struct StreamStatus {
  ExportProtocol protocol = ExportProtocol::ipfix;
  std::uint32_t observation_domain = 0;
  IpAddress agent;             ///< sFlow: as the datagrams name it; else the exporter
  TransportSession session;    ///< of the newest datagram
  std::uint32_t sessions = 0;  ///< ports with a sequence of their own
  Timestamp first_heard;
  Timestamp last_heard;
  std::uint64_t datagrams = 0;
  std::uint64_t octets = 0;
  std::uint64_t records = 0;  ///< of data; sFlow: samples
  std::uint64_t options_records = 0;
  std::uint64_t problems = 0;             ///< datagrams with a diagnostic
  std::uint64_t queue_refused = 0;        ///< datagrams refused unread: our own queue was full
  std::uint64_t restarts = 0;             ///< seen by uptime or sequence
  std::optional<Timestamp> last_restart;  ///< when it was noticed
  std::optional<Timestamp> boot;          ///< by the newest uptime and our clock; IPFIX tells none
  RecentTraffic recent;
  SequenceStatus sequence;
  SampleStatus samples;
  Diagnostic last_problem;
  Timestamp last_problem_at;
  friend bool operator==(const StreamStatus&, const StreamStatus&) = default;
};

/// One template as it is held.
struct TemplateStatus {
  ExportProtocol protocol = ExportProtocol::ipfix;
  std::uint32_t observation_domain = 0;
  TransportSession session;
  std::uint16_t id = 0;
  std::uint16_t scope_field_count = 0;
  bool is_options = false;
  Timestamp first_announced;  ///< with this layout
  Timestamp last_announced;
  Timestamp last_used;  ///< announced or decoded by, to 0.1 s
  std::vector<FieldSpecifier> fields;
  friend bool operator==(const TemplateStatus&, const TemplateStatus&) = default;
};

/// Where data was lost, each loss under one cause. What the kernel dropped belongs to a socket, not
/// to an exporter: UdpReceiverCounters has it; such datagrams are missing from `network` too.
struct LossByCause {
  std::uint64_t network_datagrams = 0;  ///< by sequence: NetFlow v9, sFlow
  std::uint64_t network_records = 0;    ///< by sequence: NetFlow v5, v7, IPFIX
  std::uint64_t network_samples = 0;    ///< by the sequence of sFlow data sources
  std::uint64_t exporter_samples = 0;   ///< dropped inside of the exporter, as sFlow tells
  std::uint64_t queue_datagrams = 0;    ///< refused unread
  std::uint64_t waiting_sets = 0;       ///< not lost yet: their template has not come
  friend bool operator==(const LossByCause&, const LossByCause&) = default;
};

/// All that a Parser knows of one exporter.
struct ExporterStatus {
  IpAddress exporter;
  std::vector<StreamStatus> streams;
  std::vector<TemplateStatus> templates;  ///< the first kMaxTemplates by use
  std::uint64_t template_count = 0;       ///< all that are held
  std::uint64_t octets_waiting = 0;
  LossByCause loss;
  Diagnostic last_problem;  ///< of its streams, or of a datagram that was refused as a whole
  Timestamp last_problem_at;

  static constexpr std::size_t kMaxTemplates = 256;
  /// Nothing is known of that address.
  [[nodiscard]] bool empty() const noexcept {
    return streams.empty() && templates.empty() && last_problem.code == DiagnosticCode::none;
  }
  friend bool operator==(const ExporterStatus&, const ExporterStatus&) = default;
};

}  // namespace flowlens
