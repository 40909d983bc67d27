#include "pipeline/map_writer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "pipeline/background.hpp"

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

MapWriter::MapWriter(Resolver& resolver, StoreThread* store, const FlowLedger& earlier_epochs,
                     Epoch epoch, MapObservers observers)
    : resolver_(resolver),
      store_(store),
      earlier_(earlier_epochs),
      epoch_(epoch),
      observers_(std::move(observers)),
      revision_(resolver.graph().counters().revision) {
  publish({}, resolver_.ledger(), 0);
}

MapWriter::~MapWriter() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Timestamp MapWriter::advance(Timestamp now) noexcept {
  now_ = std::max(now_, now);
  return now_;
}

void MapWriter::add(const FlowBatch& batch, std::size_t first, std::size_t end, Timestamp now) {
  resolver_.add(batch, first, end, advance(now));
}

void MapWriter::add(const FlowParcel& parcel, Timestamp now) {
  if (parcel.sampled_out > 0) resolver_.count_sampled_out(parcel.sampled_out);
  tell(parcel.batch);
  if (parcel.position > 0) resolver_.note_input(parcel.position);
  if (parcel.batch.flows.empty()) return;
  add(parcel.batch, 0, parcel.batch.flows.size(), now);
  if (observers_.on_flows) observers_.on_flows(parcel.batch.flows);
  if (observers_.on_latency) {
    const Timestamp arrived = parcel.as_of ? std::chrono::system_clock::now() : now;
    observers_.on_latency(std::chrono::duration<double>(arrived - parcel.first_received).count());
  }
}

bool MapWriter::try_flush(Timestamp now, bool is_by_hand) {
  std::unique_lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  if (is_applying_ || is_saving_ || (store_ != nullptr && !store_->has_room(is_by_hand))) {
    ++postponed_;
    return false;
  }
  lock.unlock();
  resolver_.summarize_in_parts(advance(now), summaries_);
  count_first_half();
  lock.lock();
  is_applying_ = true;
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  lock.unlock();
  changed_.notify_all();
  return true;
}

void MapWriter::count_first_half() {
  aggregator_ = resolver_.aggregator_counters();
  next_hops_refused_ = resolver_.next_hops_refused();
}

bool MapWriter::go_on_closing() {
  constexpr std::size_t kWork = 4'096;  // about a millisecond
  return resolver_.go_on_closing(kWork);
}

void MapWriter::flush(Timestamp now, std::chrono::milliseconds patience) {
  take(now, false, patience);
}

void MapWriter::finish(Timestamp now, std::chrono::milliseconds patience) {
  take(now, true, patience);
}

void MapWriter::take(Timestamp now, bool is_end, std::chrono::milliseconds patience) {
  wait_until_idle();
  if (store_ != nullptr && !store_->wait_for_room(patience)) {
    const std::lock_guard lock(mutex_);
    ++postponed_;
  }
  const auto begin = Clock::now();
  Revision revision = is_end ? resolver_.finish(advance(now)) : resolver_.flush(advance(now));
  count_first_half();
  hand_on(std::move(revision), seconds_since(begin));
}

/// The thread: the second half of flushes that try_flush() began.
void MapWriter::run() {
  work_in_background();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_applying_ || is_ending_; });
    if (!is_applying_) return;
    lock.unlock();
    std::exception_ptr failure;
    try {
      const auto begin = Clock::now();
      Revision revision = resolver_.apply(summaries_);
      hand_on(std::move(revision), seconds_since(begin));
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    failure_ = failure;
    is_applying_ = false;
    changed_.notify_all();
    if (failure_) return;
  }
}

void MapWriter::wait_until_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !is_applying_ && !is_saving_; });
  if (failure_) std::rethrow_exception(failure_);
}

std::vector<std::byte> MapWriter::save_changes() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !is_applying_ && !is_saving_; });
  is_saving_ = true;  // meanwhile no flush begins
  lock.unlock();
  std::vector<std::byte> state = resolver_.save_changes();
  lock.lock();
  is_saving_ = false;
  changed_.notify_all();
  return state;
}

void MapWriter::hand_on(Revision revision, double seconds) {
  const Timestamp at = revision.at;
  const FlowLedger flows = revision.flows;
  // A revision without rows still carries the ledger of flows that came to nothing.
  const bool has_news = revision.number > revision_;
  revision_ = std::max(revision_, revision.number);
  if (observers_.on_revision && has_news) observers_.on_revision(revision);
  if (store_ != nullptr && has_news) {
    const auto shared = std::make_shared<const Revision>(std::move(revision));
    if (observers_.on_submit) observers_.on_submit(shared);
    store_->submit(shared);
  }
  if (observers_.on_flush) observers_.on_flush(seconds);
  publish(at, flows, seconds);
}

void MapWriter::publish(Timestamp now, const FlowLedger& flows, double flush_seconds) {
  MapView fresh;
  fresh.flows = flows;
  fresh.flows_all_epochs = earlier_;
  fresh.flows_all_epochs += flows;
  fresh.aggregator = aggregator_;
  fresh.external_peers = resolver_.external_peers_counters();
  fresh.graph = resolver_.graph().counters();
  fresh.changes = resolver_.changes_counters();
  fresh.gateways = resolver_.gateways().counters();
  fresh.next_hops_refused = next_hops_refused_;
  fresh.revision = fresh.graph.revision;
  fresh.epoch = epoch_.value;
  fresh.flushed = now;
  fresh.flush_seconds = flush_seconds;
  const std::lock_guard lock(mutex_);
  fresh.flushes_postponed = postponed_;
  view_ = fresh;
}

MapView MapWriter::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

}  // namespace flowlensd
