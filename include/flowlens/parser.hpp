/// \file
/// parse: datagrams to record sets. NetFlow v1, v5, v7, v9 (RFC 3954), IPFIX (RFC 7011), sFlow v5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flowlens/diagnostic.hpp"
#include "flowlens/exporter_status.hpp"
#include "flowlens/ledger.hpp"
#include "flowlens/record.hpp"
#include "flowlens/sflow_record.hpp"
#include "flowlens/sflow_sample.hpp"
#include "flowlens/transport_session.hpp"

namespace flowlens {

/// Receives what a datagram holds, once per set, never per record. Implement what you need. Nothing
/// may throw, and every view ends with the call.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void on_data_set(const DataSet&) noexcept {}     ///< records of flows
  virtual void on_options_set(const DataSet&) noexcept {}  ///< records of an options template
  virtual void on_sample(const SflowSample&) noexcept {}
  /// Behind on_sample() for each sample of counters: its content by name, unit and value.
  virtual void on_counters(const CounterSample&) noexcept {}
  /// A template came, new, the same or changed. `layout` lives until it is replaced or dropped.
  virtual void on_template(const MessageHeader&, const TransportSession&,
                           const Template& /*layout*/, bool /*is_new*/) noexcept {}
};

/// Limits of a Parser. What happens at each is counted in the ledgers or in ParserCounters.
struct ParserOptions {
  std::size_t max_templates = 65'536;              ///< over all exporters; the longest unused goes
  std::size_t max_templates_per_exporter = 4'096;  ///< by exporter address
  std::size_t max_fields_per_template = 1'024;
  std::size_t max_fields = 2'097'152;  ///< of all templates of all exporters
  std::size_t max_fields_per_exporter = 131'072;
  std::size_t max_waiting_octets = 16 << 20;  ///< data before its template, over all exporters
  std::size_t max_waiting_octets_per_exporter = 256 << 10;
  std::chrono::seconds max_waiting_time{60};
  std::chrono::seconds template_lifetime{1'800};  ///< since announced or last used (RFC 7011 §8.4)
  std::size_t max_streams = 16'384;  ///< observation domains that are followed, over all exporters
  std::size_t max_sample_sources = 262'144;  ///< sFlow data sources, likewise
  std::uint64_t hash_seed = 0;  ///< a secret random number, so that no sender can choose collisions
  std::size_t max_declared_elements = 65'536;  ///< types told by RFC 5610, over all exporters
  std::size_t max_declared_elements_per_exporter = 1'024;
};

/// What one parse() did. What came before a problem was delivered.
struct ParseResult {
  std::uint32_t sets = 0;          ///< handed to the sink; for sFlow: samples
  std::uint32_t sets_waiting = 0;  ///< their template has not come yet
  std::uint32_t sets_skipped = 0;  ///< malformed, or past the bound on waiting
  bool accepted = false;           ///< the header was sound; see DatagramLedger
  Diagnostic first;                ///< the earliest problem
  [[nodiscard]] bool clean() const noexcept { return first.code == DiagnosticCode::none; }
};

/// What the tables of a Parser hold and lost.
struct ParserCounters {
  std::uint64_t templates = 0;          ///< held now
  std::uint64_t templates_evicted = 0;  ///< dropped at a bound
  std::uint64_t templates_expired = 0;
  std::uint64_t templates_redefined = 0;  ///< announced again with another layout
  std::uint64_t sets_waiting = 0;         ///< held now
  std::uint64_t sets_replayed = 0;        ///< waited, and were decoded when the template came
  std::uint64_t sets_given_up = 0;        ///< waited in vain
  std::uint64_t streams = 0;              ///< held now
  std::uint64_t streams_evicted = 0;      ///< dropped at a bound
  std::uint64_t sample_sources_evicted = 0;
  std::uint64_t declared_elements = 0;  ///< held now, see Parser::declared_element
  std::uint64_t declared_elements_evicted = 0;
  std::uint64_t declared_elements_refused = 0;  ///< not an enterprise's, or of no known type
};

/// Finds the records in datagrams and keeps the templates needed for it.
///
/// The version is read from the octets, so any port takes any protocol. Templates are looked up by
/// exact transport session and observation domain first, then by exporter address and domain; those of
/// a connection only by the former.
/// Nothing is kept of a source whose datagrams held nothing valid, but the last problems.
///
/// Thread-compatible: one thread at a time; distinct parsers are independent. For several threads
/// give each a Parser and always the same exporter to the same one.
class Parser {
 public:
  /// \throws ConfigError if a limit is 0.
  explicit Parser(const ParserOptions& options = {});
  ~Parser();
  Parser(Parser&&) noexcept;
  Parser& operator=(Parser&&) noexcept;

  /// Parses one datagram. Allocates only when it learns a template or keeps a set that must wait.
  /// \param datagram  one UDP payload; not kept.
  /// \param received  of our clock; decides life times, and travels with what has to wait.
  ParseResult parse(std::span<const std::byte> datagram, const TransportSession& session,
                    Timestamp received, RecordSink& sink) noexcept;

  /// Counts a datagram that the caller had to refuse unread. Only its header is looked at, so that
  /// what it held is not taken for a loss on the way.
  void refuse(DiagnosticCode why, std::span<const std::byte> datagram,
              const TransportSession& session, Timestamp received) noexcept;

  /// Forgets the templates of a session that has ended: a connection, or a file read to its end.
  void end_session(const TransportSession& session) noexcept;

  [[nodiscard]] const DatagramLedger& datagrams() const noexcept;
  [[nodiscard]] const OctetLedger& octets() const noexcept;
  [[nodiscard]] ParserCounters counters() const noexcept;

  /// What is known of an exporter, by the address it sends from or, for sFlow, by its agent's. Looks
  /// at every stream: not for each datagram.
  [[nodiscard]] ExporterStatus status(const IpAddress& exporter) const;
  /// The exporters whose streams are followed, ascending.
  [[nodiscard]] std::vector<IpAddress> exporters() const;

  /// What an exporter told of an enterprise's element by options records (RFC 5610): name (may be
  /// empty), type, semantics, units. Hearsay: ask it for elements that find_element() or your own
  /// InformationModel do not know.
  /// \return null if it told nothing. Valid until the next parse().
  [[nodiscard]] const InformationElement* declared_element(const IpAddress& exporter,
                                                           ElementId id) const noexcept;

  /// The templates as octets, to be given to load_state() later: versioned and checksummed. Those of
  /// connections are left out, as they end with the process.
  [[nodiscard]] std::vector<std::byte> save_state() const;
  /// Adds what save_state() of any parser gave. Nothing is added from octets that are damaged.
  /// \return `none`, or what is wrong with them.
  Diagnostic load_state(std::span<const std::byte> state) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
