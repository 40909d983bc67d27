#include "pipeline/ingest.hpp"

#include <algorithm>
#include <future>
#include <optional>
#include <tuple>
#include <utility>

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kDrainTime{3};
constexpr std::size_t kMostConnectionsShown = 1'000;

}  // namespace

/// The sockets of one thread, where datagrams are refused rather than the kernel left to drop them.
class Ingest::Worker {
 public:
  Worker(std::size_t index, UdpReceiver& receiver, FlowChannel& channel,
         const PressureRule& pressure, const AllowedExporters& allowed, Feed& feed)
      : index_(index),
        receiver_(receiver),
        channel_(channel),
        feed_(feed),
        pressure_(pressure),
        all_allowed_(allowed) {}

  void run(const std::atomic<bool>& stopping) {
    const auto take = [this](const ReceivedDatagram& d) { this->take(d); };
    while (!stopping) {
      allowed_ = all_allowed_.now();
      const bool is_idle = receiver_.receive(index_, feed_.wait(), take) == 0;
      feed_.settle(is_idle);
    }
    const auto deadline = Clock::now() + kDrainTime;
    while (Clock::now() < deadline &&
           receiver_.receive(index_, std::chrono::milliseconds{0}, take) > 0) {
    }
    feed_.finish();
  }

 private:
  void take(const ReceivedDatagram& d) {
    // First of all, so that a stranger makes no state and takes nobody's place.
    if (!allowed_->contains(d.session.exporter)) {
      return feed_.refuse(DiagnosticCode::exporter_not_allowed, d);
    }
    const auto level = pressure_.level(channel_.depth());
    // Without room for a full parcel nothing more is decoded: a flow once normalized is never lost.
    const bool is_stuck = feed_.is_full() && !feed_.hand_on();
    if (level == PressureRule::Level::refuse || is_stuck) {
      return feed_.refuse(DiagnosticCode::pressure, d);
    }
    FlowParcel& parcel = feed_.parcel();
    const std::size_t before = parcel.batch.flows.size();
    feed_.decode(d);
    if (level == PressureRule::Level::sample) {
      parcel.sampled_out += pressure_.thin(parcel.batch, before);
    }
    if (feed_.is_full()) feed_.hand_on();
  }

  const std::size_t index_;
  UdpReceiver& receiver_;
  FlowChannel& channel_;
  Feed& feed_;
  const PressureRule& pressure_;
  const AllowedExporters& all_allowed_;
  std::shared_ptr<const ExporterList> allowed_;  ///< as of this round of datagrams
};

/// All connections. They are slowed down, and nothing of them is refused.
class Ingest::Streams {
 public:
  Streams(const IngestOptions& options, const AllowedExporters& allowed, Feed& feed)
      : listener_(with(options.listener, allowed)), feed_(feed) {}

  void run(const std::atomic<bool>& stopping) {
    const auto take = [&](const ReceivedDatagram& d) {
      feed_.decode(d);
      if (feed_.is_full()) feed_.hand_on_in_turn(stopping);
    };
    const auto ended = [this](const TransportSession& s) {
      feed_.decoder().parser().end_session(s);
    };
    while (!stopping) {
      if (!feed_.has_turn()) continue;
      const bool is_idle = listener_.receive(feed_.wait(), take, ended) == 0;
      feed_.settle(is_idle);
    }
    listener_.stop();
    const auto deadline = Clock::now() + kDrainTime;
    while (Clock::now() < deadline &&
           listener_.receive(std::chrono::milliseconds{0}, take, ended) > 0) {
    }
    feed_.finish();
  }

  [[nodiscard]] StreamsView view() const {
    return {listener_.counters(), listener_.last_problem(), listener_.tcp_port(),
            listener_.tls_port(), listener_.connections(kMostConnectionsShown)};
  }
  void reload_certificates() { listener_.reload_certificates(); }

 private:
  static IpfixListenerOptions with(IpfixListenerOptions options, const AllowedExporters& allowed) {
    options.allows = [&allowed](const IpAddress& a) { return allowed.now()->contains(a); };
    return options;
  }
  IpfixListener listener_;
  Feed& feed_;
};

Ingest::Ingest(const IngestOptions& options, FlowChannel& channel, Accounts& accounts,
               FatalHandler fatal)
    : options_(options),
      pressure_(options.pressure),
      allowed_(options.allowed),
      fatal_(std::move(fatal)) {
  std::size_t account = options.first_account;
  const auto make_feed = [&]() -> Feed& {
    return feeds_.emplace_back(options_.feed, options_.decoder, channel, accounts.slot(account++));
  };
  if (!options.receiver.ports.empty()) {
    receiver_ = std::make_unique<UdpReceiver>(options.receiver);
    for (std::size_t i = 0; i < options.receiver.workers; ++i) {
      workers_.push_back(
          std::make_unique<Worker>(i, *receiver_, channel, pressure_, allowed_, make_feed()));
    }
  }
  if (options.listener.tcp_port || options.listener.tls_port) {
    streams_ = std::make_unique<Streams>(options_, allowed_, make_feed());
  }
  if (!options.files.directories.empty()) {
    files_ = std::make_unique<FileWatching>(options.files, make_feed());
  }
}

Ingest::~Ingest() { stop(); }

Diagnostic Ingest::load_states(const std::vector<std::vector<std::byte>>& states) {
  Diagnostic first;
  for (Feed& feed : feeds_) {
    for (const auto& state : states) {
      const Diagnostic d = feed.decoder().load_state(state);
      if (first.code == DiagnosticCode::none) first = d;
    }
  }
  return first;
}

void Ingest::allow(ExporterList allowed) { allowed_.change(std::move(allowed)); }

void Ingest::start() {
  const auto run = [this](auto& source, const char* what) {
    threads_.emplace_back([this, &source, what] {
      try {
        source.run(stopping_);
      } catch (const std::exception& e) {
        fatal_(std::string(what) + " failed: " + e.what());
      }
    });
  };
  for (const auto& worker : workers_) run(*worker, "a receive worker");
  if (streams_) run(*streams_, "receiving by connections");
  if (files_) run(*files_, "reading watched files");
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
  for (Feed& feed : feeds_) {
    // Shared: it may be answered when nobody waits any more.
    auto task = std::make_shared<std::packaged_task<Answer(const Decoder&)>>(question);
    promised.push_back(task->get_future());
    feed.ask([task = std::move(task)](const Decoder& decoder) { (*task)(decoder); });
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
  for (Feed& feed : feeds_) states.push_back(feed.decoder().save_state());
  return states;
}

std::optional<ExporterExplanation> Ingest::explain(const IpAddress& exporter, Timestamp now,
                                                   std::chrono::milliseconds wait) {
  auto all =
      ask<ExporterExplanation>(wait, [=, elements = options_.elements](const Decoder& decoder) {
        return decoder.explain(exporter, now, elements.get());
      });
  if (all.size() < feeds_.size()) return std::nullopt;
  // Saved templates are given to all workers; the one that hears the exporter knows its streams.
  const auto best = std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.status.streams.size(), !a.status.empty()) <
           std::tuple(b.status.streams.size(), !b.status.empty());
  });
  return std::move(*best);
}

UdpReceiverCounters Ingest::counters() const noexcept {
  return receiver_ ? receiver_->counters() : UdpReceiverCounters{};
}

std::vector<std::uint16_t> Ingest::ports() const {
  return receiver_ ? receiver_->ports() : std::vector<std::uint16_t>{};
}

std::size_t Ingest::granted_buffer_octets() const noexcept {
  return receiver_ ? receiver_->granted_buffer_octets() : 0;
}

std::optional<StreamsView> Ingest::streams() const {
  return streams_ ? std::optional{streams_->view()} : std::nullopt;
}

std::vector<WatchedDirectory> Ingest::watched() const {
  return files_ ? files_->view() : std::vector<WatchedDirectory>{};
}

void Ingest::reload_certificates() {
  if (streams_) streams_->reload_certificates();
}

}  // namespace flowlensd
