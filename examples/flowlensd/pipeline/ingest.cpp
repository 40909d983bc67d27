#include "pipeline/ingest.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include "log.hpp"

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLongestWait{100};  // a stop is noticed within
constexpr std::chrono::seconds kDrainTime{3};
constexpr std::chrono::seconds kLogPause{60};
constexpr std::size_t kMostQuestions = 16;  // at a worker at a time; further ones are not taken

/// One line a minute for each reason: a broken exporter must not fill the disk.
class ProblemLog {
 public:
  void note(const Diagnostic& d, const IpAddress& exporter) {
    Entry& e = entries_[static_cast<std::size_t>(d.code)];
    ++e.since;
    const auto now = Clock::now();
    if (e.last && now - *e.last < kLogPause) return;
    e.last = now;
    const bool is_normal = d.code == DiagnosticCode::unknown_template;
    log::write(is_normal ? LogLevel::info : LogLevel::warning, "ingest",
               is_normal ? "data waits for its template" : "a datagram had a problem",
               {{"exporter", exporter.to_string()},
                {"problem", to_string(d)},
                {"times", std::exchange(e.since, 0)}});
  }

 private:
  struct Entry {
    std::optional<Clock::time_point> last;
    std::uint64_t since = 0;
  };
  std::array<Entry, kDiagnosticCodeCount> entries_{};
};

}  // namespace

class Ingest::Worker {
 public:
  Worker(const IngestOptions& options, std::size_t index, UdpReceiver& receiver,
         FlowChannel& channel, const PressureRule& pressure, const AllowedExporters& allowed,
         AccountSlot& slot)
      : options_(options),
        index_(index),
        receiver_(receiver),
        channel_(channel),
        slot_(slot),
        decoder_(options.decoder),
        pressure_(pressure),
        all_allowed_(allowed) {}

  void run(const std::atomic<bool>& stopping) {
    const auto take = [this](const ReceivedDatagram& d) { this->take(d); };
    while (!stopping) {
      allowed_ = all_allowed_.now();
      const bool is_idle = receiver_.receive(index_, wait(), take) == 0;
      settle(is_idle);
    }
    const auto deadline = Clock::now() + kDrainTime;
    while (Clock::now() < deadline &&
           receiver_.receive(index_, std::chrono::milliseconds{0}, take) > 0) {
    }
    if (!parcel_.empty()) channel_.push(parcel_);
    slot_.publish(decoder_);
  }

  Decoder& decoder() noexcept { return decoder_; }

  /// The worker's thread will call it between two rounds of datagrams. Thread-safe.
  void ask(std::function<void(const Decoder&)> question) {
    const std::lock_guard lock(questions_mutex_);
    if (questions_.size() < kMostQuestions) questions_.push_back(std::move(question));
  }

 private:
  std::chrono::milliseconds wait() const {
    return parcel_.empty() ? kLongestWait : std::min(kLongestWait, options_.batch_timeout);
  }

  void take(const ReceivedDatagram& d) {
    // First of all, so that a stranger makes no state and takes nobody's place.
    if (!allowed_->contains(d.session.exporter)) {
      decoder_.parser().refuse(DiagnosticCode::exporter_not_allowed, d.octets, d.session,
                               d.received);
      return problems_.note({DiagnosticCode::exporter_not_allowed}, d.session.exporter);
    }
    const auto level = pressure_.level(channel_.depth());
    // Without room for a full parcel nothing more is decoded: a flow once normalized is never lost.
    const bool is_stuck = parcel_.size() >= options_.batch_size && !hand_on();
    if (level == PressureRule::Level::refuse || is_stuck) {
      decoder_.parser().refuse(DiagnosticCode::pressure, d.octets, d.session, d.received);
      slot_.note(d, 0, true);
      return;
    }
    const std::size_t before = parcel_.batch.flows.size();
    const bool was_empty = parcel_.size() == 0;
    const ParseResult result = decoder_.decode(d.octets, d.session, d.received, parcel_.batch);
    const std::uint64_t flows = parcel_.batch.flows.size() - before;
    slot_.note(d, flows, !result.clean());
    if (!result.clean()) problems_.note(result.first, d.session.exporter);
    if (was_empty && parcel_.size() > 0) begin_parcel(d.received);
    if (level == PressureRule::Level::sample) {
      parcel_.sampled_out += pressure_.thin(parcel_.batch, before);
    }
    if (parcel_.size() >= options_.batch_size) hand_on();
  }

  void begin_parcel(Timestamp received) {
    parcel_.first_received = received;
    parcel_since_ = Clock::now();
  }

  bool hand_on() { return channel_.try_push(parcel_); }

  /// Between two rounds of datagrams. Waiting for more makes sense only while some come.
  void settle(bool is_idle) {
    const bool is_due = is_idle || Clock::now() - parcel_since_ >= options_.batch_timeout;
    if (is_due && !parcel_.empty()) hand_on();
    slot_.publish(decoder_);
    answer();
  }

  void answer() {
    std::deque<std::function<void(const Decoder&)>> questions;
    {
      const std::lock_guard lock(questions_mutex_);
      questions.swap(questions_);
    }
    for (const auto& question : questions) question(decoder_);
  }

  const IngestOptions& options_;
  const std::size_t index_;
  UdpReceiver& receiver_;
  FlowChannel& channel_;
  AccountSlot& slot_;
  Decoder decoder_;
  const PressureRule& pressure_;
  const AllowedExporters& all_allowed_;
  std::shared_ptr<const ExporterList> allowed_;  ///< as of this round of datagrams
  ProblemLog problems_;
  FlowParcel parcel_;
  Clock::time_point parcel_since_{};

  std::mutex questions_mutex_;
  std::deque<std::function<void(const Decoder&)>> questions_;
};

Ingest::Ingest(const IngestOptions& options, FlowChannel& channel, Accounts& accounts,
               FatalHandler fatal)
    : options_(options),
      pressure_(options.pressure),
      allowed_(options.allowed),
      receiver_(options.receiver),
      fatal_(std::move(fatal)) {
  for (std::size_t i = 0; i < options.receiver.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(options_, i, receiver_, channel, pressure_,
                                                allowed_,
                                                accounts.slot(options.first_account + i)));
  }
}

Ingest::~Ingest() { stop(); }

Diagnostic Ingest::load_states(const std::vector<std::vector<std::byte>>& states) {
  Diagnostic first;
  for (const auto& worker : workers_) {
    for (const auto& state : states) {
      const Diagnostic d = worker->decoder().load_state(state);
      if (first.code == DiagnosticCode::none) first = d;
    }
  }
  return first;
}

void Ingest::allow(ExporterList allowed) { allowed_.change(std::move(allowed)); }

void Ingest::start() {
  for (const auto& worker : workers_) {
    threads_.emplace_back([this, w = worker.get()] {
      try {
        w->run(stopping_);
      } catch (const std::exception& e) {
        fatal_(std::string("a receive worker failed: ") + e.what());
      }
    });
  }
}

void Ingest::stop() {
  stopping_ = true;
  for (std::thread& t : threads_) t.join();
  threads_.clear();
}

template <typename Answer>
std::vector<Answer> Ingest::ask(std::chrono::milliseconds wait,
                                const std::function<Answer(const Decoder&)>& question) {
  const auto until = Clock::now() + wait;
  std::vector<std::future<Answer>> promised;
  for (const auto& worker : workers_) {
    // Shared: it may be answered when nobody waits any more.
    auto task = std::make_shared<std::packaged_task<Answer(const Decoder&)>>(question);
    promised.push_back(task->get_future());
    worker->ask([task = std::move(task)](const Decoder& decoder) { (*task)(decoder); });
  }
  std::vector<Answer> answers;
  for (auto& answer : promised) {
    // One that was not taken is broken, and ready at once.
    if (answer.wait_until(until) != std::future_status::ready) continue;
    try {
      answers.push_back(answer.get());
    } catch (const std::future_error&) {
      continue;
    }
  }
  return answers;
}

std::vector<std::vector<std::byte>> Ingest::save_states(std::chrono::milliseconds wait) {
  using State = std::vector<std::byte>;
  if (!threads_.empty()) {
    return ask<State>(wait, [](const Decoder& decoder) { return decoder.save_state(); });
  }
  std::vector<State> states;
  for (const auto& worker : workers_) states.push_back(worker->decoder().save_state());
  return states;
}

std::optional<ExporterExplanation> Ingest::explain(const IpAddress& exporter, Timestamp now,
                                                   std::chrono::milliseconds wait) {
  auto all =
      ask<ExporterExplanation>(wait, [=, elements = options_.elements](const Decoder& decoder) {
        return decoder.explain(exporter, now, elements.get());
      });
  if (all.size() < workers_.size()) return std::nullopt;
  // Saved templates are given to all workers; the one that hears the exporter knows its streams.
  const auto best = std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.status.streams.size(), !a.status.empty()) <
           std::tuple(b.status.streams.size(), !b.status.empty());
  });
  return std::move(*best);
}

}  // namespace flowlensd
