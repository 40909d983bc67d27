#include "pipeline/grouping.hpp"

#include <utility>

namespace flowlensd {
namespace {

constexpr int kTimesAsLong = 20;  // between two looks, as one takes

}  // namespace

Grouping::Grouping(const ApplicationBookOptions& options, const DependencyGraph& graph,
                   std::unique_ptr<ApplicationStore> store, Tell tell,
                   std::chrono::milliseconds interval, FatalHandler fatal)
    : options_(options),
      graph_(graph),
      tell_(std::move(tell)),
      book_(options),
      saving_("applications", std::move(store), fatal),
      thread_(
          "the search for applications", interval, [this](Timestamp now) { look_at_leisure(now); },
          fatal) {
  if (saving_.store() == nullptr) return;
  book_.restore(saving_.store()->load());
  list_ = std::make_shared<const List>(book_.all());
}

void Grouping::look_at_leisure(Timestamp now) {
  const auto begin = Clock::now();
  if (begin < next_) return;
  look(now);
  const auto end = Clock::now();
  next_ = end + kTimesAsLong * (end - begin);
}

void Grouping::look(Timestamp now) {
  const auto snapshot = graph_.snapshot();
  follow_merged_assets(*snapshot);
  const auto [before, words] = ask([](const ApplicationBook& book) {
    return std::pair{book.before(), book.words()};
  });
  if (snapshot != seen_ || words != seen_words_) {
    const ServiceGraph services{*snapshot, {}, {}, replica_hints(graph_, *snapshot)};
    proposals_ = propose_applications(*snapshot, services.own_edges(*snapshot), before);
    seen_ = snapshot;
    seen_words_ = words;
  }
  {
    const std::lock_guard lock(mutex_);
    if (book_.words() != words) return;  // somebody has said something meanwhile: next time
    // Told before it is saved: after a crash in between it is told again, with the same ids.
    const auto events = membership_events(book_.take(proposals_, now), book_, graph_);
    if (tell_ && !events.empty()) tell_(events);
    revision_ = snapshot->revision;
    list_ = std::make_shared<const List>(book_.all());
  }
  save();
}

void Grouping::read_again() {
  ApplicationBook book{options_};
  book.restore(saving_.store()->load());
  auto list = std::make_shared<const List>(book.all());
  const std::lock_guard lock(mutex_);
  book_ = std::move(book);
  list_ = std::move(list);
}

/// What was said of an asset that somebody has merged into another is said of that.
void Grouping::follow_merged_assets(const Snapshot& snapshot) {
  const auto beyond =
      ask([&](const ApplicationBook& book) { return book.beyond(snapshot.assets); });
  for (const Id& id : beyond) {
    const auto row = graph_.asset(id);
    if (!row || row->id == id) continue;
    const std::lock_guard lock(mutex_);
    book_.rename_asset(id, row->id);
  }
}

void Grouping::save() {
  saving_.save([this] {
    const std::lock_guard lock(mutex_);
    return book_.take_changes();
  });
}

std::shared_ptr<const Grouping::List> Grouping::all() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

GroupingView Grouping::view() const {
  const std::lock_guard lock(mutex_);
  return {book_.counters(), revision_, saving_.failures(), saving_.problem()};
}

}  // namespace flowlensd
