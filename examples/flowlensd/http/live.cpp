#include "http/live.hpp"

#include <algorithm>
#include <utility>

#include "http/live_update.hpp"
#include "pipeline/background.hpp"

namespace flowlensd::http {
namespace {

// Clients differ in what they want; past this many different wishes each is made for itself.
constexpr std::size_t kMaxSharedMessages = 16;
constexpr std::uint64_t kSharedUpdates = 4;  // the last ones: who is further behind is alone anyway

}  // namespace

LiveUpdates::LiveUpdates(LiveOptions options, const SiteTable& sites, const Geo* geo,
                         FatalHandler fatal)
    : options_(std::move(options)),
      sites_(sites),
      geo_(geo),
      fatal_(std::move(fatal)),
      sending_octets_(std::make_shared<std::atomic<std::uint64_t>>(0)),
      revision_(options_.revision),
      floor_(options_.revision),
      epoch_(options_.epoch) {}

LiveUpdates::~LiveUpdates() { stop(); }

void LiveUpdates::start() {
  {
    const std::lock_guard lock(waiting_mutex_);
    is_running_ = true;
  }
  thread_ = std::thread([this] {
    try {
      run();
    } catch (const std::exception& e) {
      fatal_(std::string("live updates failed: ") + e.what());
    }
  });
}

void LiveUpdates::stop() {
  {
    const std::lock_guard lock(waiting_mutex_);
    is_running_ = false;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LiveUpdates::publish(const Revision& revision) {
  submit(live_update(revision, options_.max_rows));
}

void LiveUpdates::publish(const AlertChanges& changes) {
  if (changes.alerts.empty() && changes.removed.empty()) return;
  submit(live_update(changes, options_.max_rows));
}

void LiveUpdates::publish_after_gap(const Revision& revision) {
  submit(live_update(revision, options_.max_rows), true);
}

void LiveUpdates::submit(std::unique_ptr<LiveUpdate> update, bool is_after_gap) {
  {
    const std::lock_guard lock(waiting_mutex_);
    if (is_after_gap) {
      waiting_.clear();  // what comes has all of it
      gap_.emplace();
    }
    if (waiting_.size() >= options_.max_waiting) let_go_first();
    waiting_.push_back(std::move(update));
  }
  changed_.notify_all();
}

void LiveUpdates::let_go_first() {
  if (!gap_) gap_.emplace();
  if (const LiveUpdate& gone = *waiting_.front(); gone.is_revision)
    *gap_ = {gone.revision, gone.epoch};
  waiting_.pop_front();
  ++lost_;
}

void LiveUpdates::run() {
  work_in_background();
  std::unique_lock lock(waiting_mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !waiting_.empty() || !is_running_; });
    if (!is_running_) return;
    const std::shared_ptr<LiveUpdate> update = std::move(waiting_.front());
    waiting_.pop_front();
    const std::optional<Gap> gap = std::exchange(gap_, std::nullopt);
    lock.unlock();
    make_texts(*update, sites_, geo_);
    if (gap) begin_after(*gap);
    keep(update);
    {
      const std::lock_guard listener_lock(listener_mutex_);
      if (listener_) listener_();
    }
    lock.lock();
  }
}

void LiveUpdates::begin_after(const Gap& gap) {
  const std::lock_guard lock(mutex_);
  while (!kept_.empty()) forget_first();
  ++first_;  // nobody stands right before what comes
  if (gap.revision == 0) return;
  revision_ = gap.revision;
  epoch_ = gap.epoch;
  floor_ = std::max(floor_, gap.revision);
}

void LiveUpdates::keep(std::shared_ptr<LiveUpdate> update) {
  const std::lock_guard lock(mutex_);
  if (update->is_revision) {
    if (kept_.empty()) floor_ = std::max(floor_, update->revision - 1);
    revision_ = update->revision;
    epoch_ = update->epoch;
  } else {
    update->revision = revision_;
  }
  ++counters_.updates;
  counters_.truncated += truncated_topics(*update);
  counters_.kept_octets += update->octets;
  kept_.push_back(std::move(update));
  if (kept_.size() > kSharedUpdates) kept_[kept_.size() - 1 - kSharedUpdates]->messages.clear();
  while (kept_.size() > options_.max_updates ||
         (kept_.size() > 1 && counters_.kept_octets > options_.max_octets)) {
    forget_first();
  }
}

void LiveUpdates::forget_first() {
  const LiveUpdate& gone = *kept_.front();
  // Who has the revision may still lack alerts that changed after it.
  floor_ = std::max(floor_, gone.revision + (gone.is_revision ? 0 : 1));
  counters_.kept_octets -= gone.octets;
  kept_.pop_front();
  ++first_;
}

LivePosition LiveUpdates::end() const {
  const std::lock_guard lock(mutex_);
  return {first_ + kept_.size()};
}

LivePosition LiveUpdates::after(std::uint64_t revision, const std::string& instance) const {
  const std::lock_guard lock(mutex_);
  const bool is_known = (instance.empty() || instance == options_.instance) && revision >= floor_ &&
                        revision <= revision_;
  if (!is_known) return {0};
  const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const auto& update) {
    return update->revision > revision || (update->revision == revision && !update->is_revision);
  });
  return {first_ + static_cast<std::uint64_t>(at - kept_.begin())};
}

LiveMessage LiveUpdates::next(LivePosition& at, const LiveSubscription& wanted) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t end = first_ + kept_.size();
  bool has_missed = at.next < first_;
  while (!has_missed && at.next < end) {
    LiveUpdate& update = *kept_[at.next - first_];
    ++at.next;
    const auto text = text_of_update(update, wanted);
    if (text == nullptr) {
      has_missed = true;
    } else if (!text->empty()) {
      ++counters_.messages;
      return {text, update.revision};
    }
  }
  if (!has_missed) return {nullptr, revision_};
  at.next = end;
  ++counters_.coalesced;
  return notice();
}

/// \return null if too much is on its way already, empty if nothing is in it for that client.
std::shared_ptr<const std::string> LiveUpdates::text_of_update(LiveUpdate& update,
                                                               const LiveSubscription& wanted) {
  const auto found = update.messages.find(wanted.key);
  if (found != update.messages.end()) return found->second;
  const std::uint64_t sending = sending_octets_->load();
  if (sending > options_.max_sending_octets) return nullptr;
  auto text = share(live_message(update, wanted, options_.instance, options_.max_told));
  const bool is_recent = kept_.back()->revision < update.revision + kSharedUpdates;
  if (is_recent && update.messages.size() < kMaxSharedMessages) {
    update.messages.emplace(wanted.key, text);
  }
  return text;
}

/// A text that counts itself out when the last client has it.
std::shared_ptr<const std::string> LiveUpdates::share(std::string text) const {
  const auto counter = sending_octets_;
  *counter += text.size();
  const auto free = [counter](const std::string* t) {
    *counter -= t->size();
    delete t;
  };
  return {new std::string(std::move(text)), free};
}

LiveMessage LiveUpdates::notice() const {
  return {share("{\"type\":\"snapshot_required\",\"revision\":" + std::to_string(revision_) +
                ",\"epoch\":" + std::to_string(epoch_) + ",\"instance\":\"" + options_.instance +
                "\",\"detail\":\"changes between what you have and this revision are not kept any "
                "more; read the map anew, then go on from here\"}"),
          revision_};
}

LiveMessage LiveUpdates::hello(std::uint64_t ping_seconds) const {
  const std::lock_guard lock(mutex_);
  std::string topics;
  for (const std::string_view name : kLiveTopicNames) {
    topics += (topics.empty() ? "\"" : ",\"") + std::string(name) + "\"";
  }
  return {share("{\"type\":\"hello\",\"revision\":" + std::to_string(revision_) +
                ",\"epoch\":" + std::to_string(epoch_) + ",\"instance\":\"" + options_.instance +
                "\",\"topics\":[" + topics +
                "],\"ping_interval_seconds\":" + std::to_string(ping_seconds) + "}"),
          revision_};
}

std::uint64_t LiveUpdates::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

LiveCounters LiveUpdates::counters() const {
  LiveCounters counters;
  {
    const std::lock_guard lock(mutex_);
    counters = counters_;
    counters.kept_updates = kept_.size();
  }
  counters.sending_octets = *sending_octets_;
  const std::lock_guard lock(waiting_mutex_);
  counters.lost = lost_;
  return counters;
}

}  // namespace flowlensd::http
