#include "pipeline/follower.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "log.hpp"
#include "pipeline/background.hpp"

namespace flowlensd {
namespace {

constexpr std::size_t kMostAtOnce = 16;            // revisions
constexpr std::chrono::milliseconds kLook{1'000};  // at least so often, woken or not
constexpr std::chrono::milliseconds kAfterFailure{1'000};

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

double age_of(Timestamp at) {
  const Timestamp now = std::chrono::system_clock::now();
  return std::max(0.0, std::chrono::duration<double>(now - at).count());
}

/// What names rows of `before`, and none of `now`.
template <typename Row, typename IdOf>
auto gone(const std::vector<Row>& before, const std::vector<Row>& now, IdOf id_of) {
  std::vector<decltype(id_of(now.front()))> there;
  there.reserve(now.size());
  for (const Row& row : now) there.push_back(id_of(row));
  std::sort(there.begin(), there.end());
  decltype(there) ids;
  for (const Row& row : before) {
    if (!std::binary_search(there.begin(), there.end(), id_of(row))) ids.push_back(id_of(row));
  }
  return ids;
}

/// What makes one map the other.
Revision difference(const Revision& before, Revision now, const FeedPosition& at) {
  const auto by_id = [](const auto& row) { return row.id; };
  const auto by_subject = [](const Annotation& said) { return said.subject; };
  const auto by_subject_of_facts = [](const EndpointFacts& said) { return said.subject; };
  now.removed_assets = gone(before.assets, now.assets, by_id);
  now.removed_dependencies = gone(before.dependencies, now.dependencies, by_id);
  for (const Id& id : gone(before.annotations, now.annotations, by_subject)) {
    now.annotations.emplace_back().subject = id;
  }
  for (const Endpoint& subject : gone(before.facts, now.facts, by_subject_of_facts)) {
    now.facts.push_back({subject, {}});
  }
  now.number = at.revision;
  now.epoch = at.epoch;
  now.at = at.at;
  return now;
}

}  // namespace

Follower::Follower(std::unique_ptr<RevisionFeed> feed, DependencyGraph& graph,
                   const DependencyGraphOptions& options, Watch watch, FatalHandler fatal)
    : feed_(std::move(feed)),
      graph_(graph),
      options_(options),
      watch_(std::move(watch)),
      fatal_(std::move(fatal)) {}

Follower::~Follower() { stop(); }

void Follower::load() {
  const FeedPosition at = feed_->load(graph_);
  {
    const std::lock_guard lock(mutex_);
    view_.at = at;
  }
  note(at.revision);
}

void Follower::start() {
  thread_ = std::thread([this] {
    try {
      run();
    } catch (const std::exception& e) {
      fatal_(std::string("the copy of the map cannot follow: ") + e.what());
    }
  });
}

void Follower::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Follower::run() {
  work_in_background();
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (is_ending_) return;
    }
    try {
      if (!look()) feed_->wait(kLook);
    } catch (const IoError& e) {
      note_failure(e.what());
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kAfterFailure, [this] { return is_ending_; });
    }
  }
}

bool Follower::look() {
  const FeedPosition at = status().at;
  FeedPart part = feed_->next(at, kMostAtOnce);
  if (part.has_gap && part.revisions.empty()) {
    read_anew();
    note(part.newest);
    return false;  // not again and again, should that not help
  }
  const bool is_more = !part.revisions.empty() && part.revisions.back().number < part.newest;
  for (Revision& revision : part.revisions) take(std::move(revision), false);
  note(part.newest);
  return is_more;
}

void Follower::take(Revision revision, bool is_after_gap) {
  graph_.apply(revision);
  {
    const std::lock_guard lock(mutex_);
    view_.at = {revision.number, revision.epoch, revision.at};
    view_.lag_seconds = age_of(revision.at);
    ++view_.applied;
  }
  changed_.notify_all();
  if (watch_) watch_(std::move(revision), is_after_gap);
}

/// The graph is read by others meanwhile, so it becomes the other map by one revision.
void Follower::read_anew() {
  Revision change;
  FeedPosition at;
  {
    DependencyGraph fresh{options_, graph_.sites()};
    at = feed_->load(fresh);
    change = difference(graph_.copy(), fresh.copy(), at);
  }
  log::warning("follower", "revisions are missing: the map is read anew",
               {{"had", status().at.revision}, {"has", at.revision}});
  take(std::move(change), true);
  const std::lock_guard lock(mutex_);
  ++view_.reloads;
}

void Follower::note(std::uint64_t newest) {
  const std::lock_guard lock(mutex_);
  if (!view_.problem.empty()) log::info("follower", "the database can be read again");
  view_.problem.clear();
  view_.newest = newest;
  answered_at_ = Clock::now();
  if (view_.at.revision >= newest) level_at_ = answered_at_;
}

void Follower::note_failure(const std::string& why) {
  const std::lock_guard lock(mutex_);
  ++view_.failures;
  if (view_.problem != why) {
    log::error("follower", "the database cannot be read; trying again", {{"reason", why}});
  }
  view_.problem = why;
}

bool Follower::wait_for(std::uint64_t revision, std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] { return view_.at.revision >= revision; });
}

FollowerView Follower::status() const {
  const std::lock_guard lock(mutex_);
  FollowerView view = view_;
  view.silent_seconds = seconds(Clock::now() - answered_at_);
  // While nothing is known of newer revisions, silence tells.
  view.behind_seconds = view.at.revision < view.newest ? seconds(Clock::now() - level_at_) : 0;
  return view;
}

MapView Follower::view() const {
  const FollowerView now = status();
  MapView view;
  view.graph = graph_.counters();
  view.revision = now.at.revision;
  view.epoch = now.at.epoch.value;
  view.flushed = now.at.at;
  return view;
}

}  // namespace flowlensd
