#include "parse/stream_table.hpp"

#include <algorithm>

namespace flowlens::parse {
namespace {

constexpr std::chrono::seconds kRecent{60};
constexpr std::chrono::milliseconds kUseGranularity{100};
constexpr std::uint8_t kUsesToProve = 4;

void add(RecentTraffic& to, const RecentTraffic& more) noexcept {
  to.datagrams += more.datagrams;
  to.octets += more.octets;
  to.records += more.records;
}

SequenceStatus& operator+=(SequenceStatus& to, const SequenceStatus& more) noexcept {
  to.received += more.received;
  to.lost += more.lost;
  to.gaps += more.gaps;
  to.late += more.late;
  to.duplicates += more.duplicates;
  to.wraps += more.wraps;
  to.resets += more.resets;
  to.astray += more.astray;
  to.unknowable += more.unknowable;
  return to;
}

}  // namespace

StreamKey stream_key(const MessageHeader& message, const TransportSession& session) noexcept {
  const bool by_agent = is_sflow(message.protocol);
  return {session.exporter, by_agent ? message.agent : session.exporter, message.observation_domain,
          message.protocol};
}

Stream::Stream(const StreamKey& key, Timestamp received, SourceBudget& budget)
    : key_(key), recent_since_(received), sources_(budget) {
  status_.protocol = key.protocol;
  status_.observation_domain = key.observation_domain;
  status_.agent = key.agent;
  status_.first_heard = status_.last_heard = received;
  past_.unit = sequence_unit(key.protocol);
}

/// By port; an sFlow agent numbers the same from whatever port.
Stream::Track& Stream::track_of(const StreamMessage& message) {
  const TransportSession& session = *message.session;
  if (is_sflow(key_.protocol) && !tracks_.empty()) return tracks_.front();
  for (Track& track : tracks_) {
    if (track.session == session) return track;
  }
  for (Track& track : tracks_) {  // one exporter that changes its port carries on
    if (!track.sequence.is_next(message.header->sequence)) continue;
    track.session = session;
    return track;
  }
  if (tracks_.size() < kMaxTracks) return tracks_.emplace_back(session, past_.unit);
  Track& oldest =
      *std::min_element(tracks_.begin(), tracks_.end(),
                        [](const Track& a, const Track& b) { return a.last_heard < b.last_heard; });
  past_ += oldest.sequence.status();
  oldest = Track{session, past_.unit};
  return oldest;
}

/// \return whether the exporter has restarted.
bool Stream::judge_uptime(Track& track, const StreamMessage& message) noexcept {
  if (key_.protocol == ExportProtocol::ipfix) return false;
  const std::uint32_t uptime_ms = message.header->sys_uptime_ms;
  // From a new port, and up for less time than the stream has been silent: the same, restarted.
  const bool is_reborn = !track.uptime.has_begun() && status_.datagrams != 0 &&
                         std::chrono::milliseconds{uptime_ms} < message.received - last_heard();
  const bool restarted = track.uptime.judge(uptime_ms, message.received) || is_reborn;
  status_.boot = track.uptime.boot();
  return restarted;
}

void Stream::judge(const StreamMessage& message) {
  Track& track = track_of(message);
  track.last_heard = message.received;
  const bool restarted = judge_uptime(track, message);
  const bool has_time = !is_sflow(key_.protocol);
  const SequenceVerdict verdict =
      track.sequence.judge({message.header->sequence, message.units, message.unknown,
                            has_time ? message.header->export_time : Timestamp{}},
                           restarted);
  if (restarted || verdict == SequenceVerdict::reset) {
    ++status_.restarts;
    status_.last_restart = message.received;
    sources_.restart();
  }
}

void Stream::count_recent(const StreamMessage& message) noexcept {
  const auto age = message.received - recent_since_;
  if (age >= kRecent) {
    before_ = age < 2 * kRecent ? recent_ : RecentTraffic{};
    before_.over = kRecent;
    recent_ = {};
    recent_since_ = age < 2 * kRecent ? recent_since_ + kRecent : message.received;
  }
  add(recent_, {{}, 1, message.octets, message.records + message.options_records});
}

void Stream::note(const StreamMessage& message) {
  judge(message);
  count_recent(message);
  status_.session = *message.session;
  status_.last_heard = std::max(status_.last_heard, message.received);
  ++status_.datagrams;
  status_.octets += message.octets;
  status_.records += message.records;
  status_.options_records += message.options_records;
}

void Stream::note_refused(const StreamMessage& message) {
  judge(message);
  status_.last_heard = std::max(status_.last_heard, message.received);
  ++status_.queue_refused;
}

void Stream::note_problem(const Diagnostic& problem, Timestamp received) noexcept {
  ++status_.problems;
  status_.last_problem = problem;
  status_.last_problem_at = received;
}

void Stream::resolve(const TransportSession& session, std::uint32_t sequence, std::uint32_t records,
                     std::uint32_t octets, bool of_options) noexcept {
  (of_options ? status_.options_records : status_.records) += records;
  if (past_.unit != SequenceUnit::records) return;
  for (Track& track : tracks_) {
    if (track.session == session) track.sequence.resolve(sequence, records, octets);
  }
}

StreamStatus Stream::status() const {
  StreamStatus status = status_;
  status.sessions = static_cast<std::uint32_t>(tracks_.size());
  status.sequence = past_;
  Timestamp newest;
  for (const Track& track : tracks_) {
    status.sequence += track.sequence.status();
    if (track.last_heard < newest) continue;
    newest = track.last_heard;
    status.sequence.last = track.sequence.status().last;
  }
  status.samples = sources_.status();
  status.recent = recent_;
  status.recent.over = std::chrono::ceil<std::chrono::seconds>(status_.last_heard - recent_since_);
  add(status.recent, before_);
  status.recent.over += before_.over;
  return status;
}

StreamTable::StreamTable(const ParserOptions& options)
    : streams_(16, Hash{options.hash_seed}), max_streams_(options.max_streams) {
  budget_.max_slots = options.max_sample_sources;
  budget_.hash_seed = options.hash_seed;
}

Stream* StreamTable::find(const StreamKey& key, Timestamp now) noexcept {
  if (last_ == nullptr || last_->key() != key) {
    const auto found = streams_.find(key);
    if (found == streams_.end()) return nullptr;
    last_ = found->second.get();
  }
  if (now - last_->touched < kUseGranularity) return last_;
  order_.remove(*last_);
  last_->touched = now;
  if (last_->uses < kUsesToProve && ++last_->uses == kUsesToProve) last_->is_proven = true;
  order_.add(*last_);
  return last_;
}

Stream& StreamTable::add(const StreamKey& key, Timestamp now) {
  auto stream = std::make_unique<Stream>(key, now, budget_);
  stream->touched = now;
  if (streams_.size() >= max_streams_) {
    Stream* leaving = order_.first_to_go();
    order_.remove(*leaving);
    if (last_ == leaving) last_ = nullptr;
    streams_.erase(StreamKey{leaving->key()});
    ++evicted_;
  }
  Stream& added = *stream;
  streams_.emplace(key, std::move(stream));
  order_.add(added);
  return added;
}

}  // namespace flowlens::parse
