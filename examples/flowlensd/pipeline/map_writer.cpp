#include "pipeline/map_writer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace flowlensd {

MapWriter::MapWriter(Resolver& resolver, StoreThread* store, const FlowLedger& earlier_epochs,
                     Epoch epoch, MapObservers observers)
    : resolver_(resolver),
      store_(store),
      earlier_(earlier_epochs),
      epoch_(epoch),
      observers_(std::move(observers)),
      revision_(resolver.graph().counters().revision) {
  publish({}, 0);
}

Timestamp MapWriter::advance(Timestamp now) noexcept {
  now_ = std::max(now_, now);
  return now_;
}

void MapWriter::add(std::span<const FlowRecord> flows, Timestamp now) {
  resolver_.add(flows, advance(now));
}

void MapWriter::add(const FlowParcel& parcel, Timestamp now) {
  if (parcel.sampled_out > 0) resolver_.count_sampled_out(parcel.sampled_out);
  if (parcel.batch.flows.empty()) return;
  add(parcel.batch.flows, now);
  if (observers_.on_latency) {
    observers_.on_latency(std::chrono::duration<double>(now - parcel.first_received).count());
  }
}

bool MapWriter::try_flush(Timestamp now) {
  if (store_ != nullptr && !store_->has_room()) {
    ++postponed_;
    return false;
  }
  take(now, false);
  return true;
}

void MapWriter::flush(Timestamp now, std::chrono::milliseconds patience) {
  if (store_ != nullptr && !store_->wait_for_room(patience)) ++postponed_;
  take(now, false);
}

void MapWriter::finish(Timestamp now, std::chrono::milliseconds patience) {
  if (store_ != nullptr && !store_->wait_for_room(patience)) ++postponed_;
  take(now, true);
}

void MapWriter::take(Timestamp now, bool is_end) {
  const auto begin = std::chrono::steady_clock::now();
  Revision revision = is_end ? resolver_.finish(advance(now)) : resolver_.flush(advance(now));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  // A revision without rows still carries the ledger of flows that came to nothing.
  const bool has_news = revision.number > revision_;
  revision_ = std::max(revision_, revision.number);
  if (store_ != nullptr && has_news) store_->submit(std::move(revision));
  if (observers_.on_flush) observers_.on_flush(seconds);
  publish(now_, seconds);
}

void MapWriter::publish(Timestamp now, double flush_seconds) {
  MapView fresh;
  fresh.flows = resolver_.ledger();
  fresh.flows_all_epochs = earlier_;
  fresh.flows_all_epochs += fresh.flows;
  fresh.aggregator = resolver_.aggregator_counters();
  fresh.graph = resolver_.graph().counters();
  fresh.revision = fresh.graph.revision;
  fresh.epoch = epoch_.value;
  fresh.flushed = now;
  fresh.flush_seconds = flush_seconds;
  fresh.flushes_postponed = postponed_;
  const std::lock_guard lock(mutex_);
  view_ = fresh;
}

MapView MapWriter::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

}  // namespace flowlensd
