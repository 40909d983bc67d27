#include "pipeline/feed.hpp"

#include <algorithm>
#include <utility>

#include "log.hpp"

namespace flowlensd {
namespace {

constexpr std::chrono::milliseconds kLongestWait{100};  // a stop is noticed within
constexpr std::chrono::seconds kLogPause{60};
constexpr std::size_t kMostQuestions = 16;  // at a feed at a time; further ones are not taken

}  // namespace

void ProblemLog::note(const Diagnostic& d, const IpAddress& exporter) {
  Entry& e = entries_[static_cast<std::size_t>(d.code)];
  ++e.since;
  const auto now = std::chrono::steady_clock::now();
  if (e.last && now - *e.last < kLogPause) return;
  e.last = now;
  const bool is_normal = d.code == DiagnosticCode::unknown_template;
  log::write(is_normal ? LogLevel::info : LogLevel::warning, "ingest",
             is_normal ? "data waits for its template" : "a datagram had a problem",
             {{"exporter", exporter.to_string()},
              {"problem", to_string(d)},
              {"times", std::exchange(e.since, 0)}});
}

std::chrono::milliseconds Feed::wait() const noexcept {
  return parcel_.empty() ? kLongestWait : std::min(kLongestWait, options_.batch_timeout);
}

void Feed::begin_parcel(bool was_empty, Timestamp received) {
  if (!was_empty || parcel_.size() == 0) return;
  parcel_.first_received = received;
  parcel_since_ = Clock::now();
}

void Feed::decode(const ReceivedDatagram& d) {
  const std::size_t before = parcel_.batch.flows.size();
  const bool was_empty = parcel_.size() == 0;
  const ParseResult result = decoder_.decode(d.octets, d.session, d.received, parcel_.batch);
  slot_.note(d, parcel_.batch.flows.size() - before, !result.clean());
  if (!result.clean()) problems_.note(result.first, d.session.exporter);
  begin_parcel(was_empty, d.received);
}

void Feed::decode(const CapturedPacket& packet) {
  const bool was_empty = parcel_.size() == 0;
  decoder_.decode(packet, parcel_.batch);
  begin_parcel(was_empty, std::chrono::system_clock::now());
}

void Feed::take(const FlowRecord& flow) {
  const bool was_empty = parcel_.size() == 0;
  parcel_.batch.flows.push_back(flow);
  begin_parcel(was_empty, std::chrono::system_clock::now());
}

void Feed::refuse(DiagnosticCode why, const ReceivedDatagram& d) {
  decoder_.parser().refuse(why, d.octets, d.session, d.received);
  if (why == DiagnosticCode::exporter_not_allowed) return problems_.note({why}, d.session.exporter);
  slot_.note(d, 0, true);
}

bool Feed::has_turn() {
  if (channel_.wait_below(options_.most_waiting, kLongestWait)) return true;
  answer();
  return false;
}

bool Feed::hand_on_in_turn(const std::atomic<bool>& stopping) {
  while (!has_turn()) {
    if (stopping) return false;
  }
  channel_.push(parcel_);
  return true;
}

void Feed::settle(bool is_idle) {
  const bool is_due = is_idle || Clock::now() - parcel_since_ >= options_.batch_timeout;
  if (is_due && !parcel_.empty()) hand_on();
  slot_.publish(decoder_);
  answer();
}

void Feed::finish() {
  if (!parcel_.empty()) channel_.push(parcel_);
  slot_.publish(decoder_);
}

void Feed::ask(std::function<void(const Decoder&)> question) {
  const std::lock_guard lock(questions_mutex_);
  if (questions_.size() < kMostQuestions) questions_.push_back(std::move(question));
}

void Feed::answer() {
  std::deque<std::function<void(const Decoder&)>> questions;
  {
    const std::lock_guard lock(questions_mutex_);
    questions.swap(questions_);
  }
  for (const auto& question : questions) question(decoder_);
}

}  // namespace flowlensd
