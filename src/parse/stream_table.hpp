/// \file
/// parse: the streams of all exporters: sequence numbers, restarts, problems.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "base/use_order.hpp"
#include "flowlens/exporter_status.hpp"
#include "flowlens/parser.hpp"
#include "parse/sample_sources.hpp"
#include "parse/sequence.hpp"

namespace flowlens::parse {

/// An observation domain of an exporter; sFlow: a sub-agent of an agent, whoever sent it.
struct StreamKey {
  IpAddress exporter;
  IpAddress agent;
  std::uint32_t observation_domain = 0;
  ExportProtocol protocol = ExportProtocol::ipfix;
  friend bool operator==(const StreamKey&, const StreamKey&) noexcept = default;
};
[[nodiscard]] StreamKey stream_key(const MessageHeader& message,
                                   const TransportSession& session) noexcept;

/// What one datagram meant for its stream.
struct StreamMessage {
  const MessageHeader* header = nullptr;
  const TransportSession* session = nullptr;
  Timestamp received;
  std::size_t octets = 0;
  std::uint32_t records = 0;
  std::uint32_t options_records = 0;
  std::uint32_t units = 0;    ///< of the sequence
  std::uint32_t unknown = 0;  ///< at most so many more
};

/// One stream.
class Stream {
 public:
  Stream(const StreamKey& key, Timestamp received, SourceBudget& budget);

  void note(const StreamMessage& message);
  void note_sample(const SflowSample& sample) noexcept { sources_.note(sample); }
  void note_problem(const Diagnostic& problem, Timestamp received) noexcept;
  /// One more datagram that was refused unread: its records are lost, but not on the way.
  void note_refused(const StreamMessage& message);
  /// Records that had waited for their template were decoded at last.
  void resolve(const TransportSession& session, std::uint32_t sequence, std::uint32_t records,
               std::uint32_t octets, bool of_options) noexcept;
  [[nodiscard]] StreamStatus status() const;
  [[nodiscard]] const StreamKey& key() const noexcept { return key_; }
  [[nodiscard]] Timestamp last_heard() const noexcept { return status_.last_heard; }

  base::Link<Stream> by_use;
  bool is_proven = false;
  std::uint8_t uses = 0;
  Timestamp touched;

 private:
  /// The sequence of one port. An exporter may have several, or another one after a restart.
  struct Track {
    explicit Track(const TransportSession& s, SequenceUnit unit) : session(s), sequence(unit) {}
    TransportSession session;
    SequenceTracker sequence;
    UptimeTracker uptime;
    Timestamp last_heard;
  };
  static constexpr std::size_t kMaxTracks = 4;

  Track& track_of(const StreamMessage& message);
  bool judge_uptime(Track& track, const StreamMessage& message) noexcept;
  void judge(const StreamMessage& message);
  void count_recent(const StreamMessage& message) noexcept;
  void keep_sequence(const SequenceStatus& from) noexcept;

  StreamKey key_;
  StreamStatus status_;
  std::vector<Track> tracks_;
  SequenceStatus past_;  ///< of tracks that gave way
  Timestamp recent_since_;
  RecentTraffic recent_;  ///< of this minute
  RecentTraffic before_;  ///< of the minute before
  SampleSources sources_;
};

/// Bound: streams. At it a newcomer goes first, then the one heard longest ago.
class StreamTable {
 public:
  explicit StreamTable(const ParserOptions& options);

  /// Also notes the use. \return null if there is none.
  [[nodiscard]] Stream* find(const StreamKey& key, Timestamp now) noexcept;
  /// \throws std::bad_alloc; then nothing was added.
  Stream& add(const StreamKey& key, Timestamp now);

  [[nodiscard]] std::size_t size() const noexcept { return streams_.size(); }
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  [[nodiscard]] std::uint64_t sources_evicted() const noexcept { return budget_.evicted; }

  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto& [key, stream] : streams_) visit(*stream);
  }

 private:
  struct Hash {
    std::uint64_t seed = 0;
    std::size_t operator()(const StreamKey& k) const noexcept {
      return base::mix(base::hash_of(k.exporter, seed + k.observation_domain),
                       base::hash_of(k.agent, static_cast<std::uint64_t>(k.protocol)));
    }
  };

  SourceBudget budget_;  // outlives the streams
  std::unordered_map<StreamKey, std::unique_ptr<Stream>, Hash> streams_;
  base::UseOrder<Stream, &Stream::by_use> order_;
  Stream* last_ = nullptr;
  std::size_t max_streams_;
  std::uint64_t evicted_ = 0;
};

}  // namespace flowlens::parse
