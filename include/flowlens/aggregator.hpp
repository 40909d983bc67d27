/// \file
/// aggregate: flows to summaries: windows, pairing, de-duplication, direction (DESIGN section 2).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flowlens/attempt.hpp"
#include "flowlens/connection_summary.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/ledger.hpp"
#include "flowlens/redirection.hpp"
#include "flowlens/translation_table.hpp"

namespace flowlens {

/// A user's word: what has one of these addresses serves at this port.
struct DeclaredService {
  IpPrefix addresses;  ///< a single address has all its bits
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;  ///< IANA protocol number; 0: any that has ports
};

/// An inventory's word: there is a listener, until then.
struct Listener {
  Endpoint endpoint;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  Timestamp expires;
};

struct AggregatorOptions {
  std::chrono::seconds window{300};           ///< length of a window, on event time
  std::chrono::seconds allowed_lateness{60};  ///< how far the watermark lies behind `now`
  std::chrono::seconds max_past{3'600};       ///< event times are clamped to [received − this,
  std::chrono::seconds max_future{60};        ///<   received + this]
  /// Over all open windows; then the oldest window folds early. Also the bound on summaries held.
  std::size_t max_conversations = 4'000'000;
  std::size_t max_exporters = 65'535;  ///< observation points; further ones share one entry
  std::uint64_t hash_seed = 0;         ///< against chosen collisions; never changes a result
  /// How far exporters' clocks may lie apart: what one counted just before a window began is not
  /// counted again for another that puts it just behind.
  std::chrono::seconds max_clock_skew{65};
  /// Ends (address, protocol, port) whose part is remembered from window to window; the one silent
  /// longest goes. Also the bound on what else is remembered of ports.
  std::size_t max_remembered_ends = 1'000'000;
  std::chrono::seconds memory_half_life{21'600};  ///< of the evidence that an end has served
  std::vector<DeclaredService>
      declared_services;                     ///< win over all evidence; the most specific wins
  std::size_t max_listeners = 1'000'000;     ///< see Aggregator::list()
  std::size_t max_translations = 1'000'000;  ///< see Aggregator::translations(); also bounds those
                                             ///< that are found, their pairs to a sixteenth of it,
                                             ///< and comparisons of conversations in a window
  /// How long a translation is believed of which only the beginning or the end was told.
  std::chrono::seconds translation_lifetime{86'400};
  std::size_t max_attempts = 100'000;  ///< told of one window; of one client at most 8,192 of them
};

struct AggregatorCounters {
  std::uint64_t conversations = 0;         ///< held now
  std::uint64_t folded_early = 0;          ///< at the bound
  std::uint64_t observations_refused = 0;  ///< flows by a 17th observer of the same traffic
  std::uint64_t times_clamped = 0;         ///< flows whose time was implausible
  std::uint64_t windows_closed = 0;
  std::uint64_t octets_late = 0;  ///< estimated octets carried into an open window
  std::uint64_t remembered_ends = 0;
  std::uint64_t forgotten_ends = 0;  ///< at the bound
  std::uint64_t redirections = 0;
  TranslationCounters translations;
  /// Addresses found to stand for another, by conversations that were seen with both.
  std::uint64_t translator_pairs = 0;
  std::uint64_t translator_pairs_refused = 0;  ///< observations past the bound
  /// Times that a window had no more comparisons left to tell which of many alike are one.
  std::uint64_t translator_comparisons_refused = 0;
  std::uint64_t attempts_refused = 0;  ///< not told, at the bounds
};

/// Pairs the halves of a conversation, counts it once however many exporters saw it, decides who
/// serves, and sums up by dependency and window.
///
/// The result of a window depends on the flows in it, not on the order in which they came. For that
/// the watermark is `now` less the allowed lateness: were it to follow the newest event of the
/// exporters, a flow that comes a little out of order would find its window closed.
///
/// A direction is decided for good when its window closes, by the flows of the window and by what was
/// remembered of both ends when the window before was closed (and by what all flows of the window add
/// to that). Until then rows show the best present answer.
///
/// Where exporters on both sides of a translator see the same connections and nobody tells, the two
/// are one: the client inside talks, or the server inside answers, and the address outside is `via`.
/// That takes unsampled exporters that are on one side each, and evidence that chance and look-alikes
/// do not give (aggregate/translators.hpp).
///
/// Not in any dependency: attempts (a TCP connection that nobody answered or that was refused, and
/// what a firewall denied, and what somebody sent to many that stayed silent) and control traffic
/// (ICMP but for echo, IGMP, fragments without ports). Who called whom in vain is told when the window
/// closes, but for what may as well be an answer: without a SYN, from a known service's port or to one
/// that clients draw.
///
/// Thread-compatible.
class Aggregator {
 public:
  /// \throws ConfigError if a length or limit is 0 or less.
  explicit Aggregator(const AggregatorOptions& options = {});
  ~Aggregator();
  Aggregator(Aggregator&&) noexcept;
  Aggregator& operator=(Aggregator&&) noexcept;

  /// Takes flows with their labels (same length). A flow is spread over the windows it spans, its
  /// octets and packets by time; as a flow it is counted in the window of its end.
  /// \param now  the caller's clock; never goes back. Windows that end `allowed_lateness` before it
  ///   take nothing any more.
  void add(std::span<const FlowRecord> flows, std::span<const FlowLabels> labels, Timestamp now);

  /// Takes note of a listener, from now on and until it expires on event time. \return false at the
  /// bound.
  bool list(const Listener& listener);

  /// Where to tell what looks otherwise elsewhere. At its close a window attributes what it has seen
  /// to who really talks: what is told until then counts, whenever it came.
  [[nodiscard]] TranslationTable& translations() noexcept;

  /// Counts flows that were lost or left out before they came here.
  void count_sampled_out(std::uint64_t flows) noexcept;
  void count_dropped(FlowDropReason why, std::uint64_t flows) noexcept;

  /// Moves the watermark to `now`'s, closes windows that end before it, and appends a row for each
  /// dependency that changed since the last call. Rows of closed windows are final.
  /// \param redirections  null, or what stronger evidence turned round is appended to it.
  /// \param attempts  null, or the attempts of the windows that closed are appended to it.
  void flush(Timestamp now, std::vector<ConnectionSummary>& out,
             std::vector<Redirection>* redirections = nullptr,
             std::vector<Attempt>* attempts = nullptr);
  /// As flush(), for those who cannot wait while a window closes: windows that end before the watermark
  /// take nothing any more, but go_on_closing() closes them, and their rows come with the flush after
  /// that. What comes out in the end is the same. Until then the ledgers count what their last rows say.
  void flush_in_parts(Timestamp now, std::vector<ConnectionSummary>& out,
                      std::vector<Redirection>* redirections = nullptr,
                      std::vector<Attempt>* attempts = nullptr);
  /// Goes on with what flush_in_parts() has left. add() may be called in between. flush() and finish()
  /// do all that is left.
  /// \param work  conversations, ends or rows to look at, at some 10 to 500 ns each; several times
  ///   what the window holds makes a close.
  /// \return whether there is more to do.
  bool go_on_closing(std::size_t work);
  /// Closes every window, whatever the watermark, and appends their rows: for the end of a capture.
  void finish(std::vector<ConnectionSummary>& out, std::vector<Redirection>* redirections = nullptr,
              std::vector<Attempt>* attempts = nullptr);

  /// normalized is counted here: every flow that came, and those counted as left out or dropped.
  /// What came last is worked out first, so this is not for every flow.
  [[nodiscard]] const FlowLedger& ledger() const noexcept;
  /// Octets as exported; applied is exactly what all windows hold.
  [[nodiscard]] const FlowOctetLedger& octets() const noexcept;
  [[nodiscard]] AggregatorCounters counters() const noexcept;
  /// Everything before it is closed.
  [[nodiscard]] Timestamp watermark() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
