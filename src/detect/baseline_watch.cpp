#include "flowlens/baseline_watch.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "flowlens/enricher.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

constexpr std::size_t kTold = 3;  // differences that the reason names

void check(bool is_good, const char* what) {
  if (!is_good) throw ConfigError(std::string("BaselineWatchOptions::") + what);
}

/// How far a map is from a baseline.
struct Drift {
  explicit Drift(const BaselineDifference& d)
      : fresh(d.appeared_count),
        missing(d.gone_count),
        there(d.unchanged_count + d.changed_count) {}

  [[nodiscard]] std::uint64_t uses() const noexcept { return fresh + missing; }
  [[nodiscard]] double share() const noexcept {
    const std::uint64_t all = uses() + there;
    return all == 0 ? 0 : static_cast<double>(uses()) / static_cast<double>(all);
  }

  std::uint64_t fresh, missing, there;
};

/// A difference, and how steady the use is or was: the share of hours with traffic.
struct Telling {
  double steadiness;
  bool is_new;
  const BaselineEdge* edge;
};

std::vector<Telling> most_telling(const BaselineDifference& d, std::uint32_t recent_hours) {
  std::vector<Telling> all;
  const auto add = [&](const BaselineEdge& e, bool is_new, std::uint32_t span) {
    all.push_back({static_cast<double>(e.active_hours) / std::max(1u, span), is_new, &e});
  };
  for (const BaselineEdge& e : d.appeared) add(e, true, recent_hours);
  for (const BaselineEdge& e : d.gone) {
    add(e, false, std::min<std::uint32_t>(e.hours, HourBitmap::kHours));
  }
  const auto kept = all.begin() + static_cast<std::ptrdiff_t>(std::min(kTold, all.size()));
  std::partial_sort(all.begin(), kept, all.end(), [](const Telling& a, const Telling& b) {
    return std::pair{a.steadiness, a.edge->octets} > std::pair{b.steadiness, b.edge->octets};
  });
  all.erase(kept, all.end());
  return all;
}

/// Its name now, or then.
std::string label_of(const Id& id, const Baseline& baseline, const DependencyGraph& graph) {
  if (const auto row = graph.asset(id); row && !(row->name.empty() && row->endpoints.empty())) {
    return row->name.empty() ? row->endpoints.front().endpoint.address.to_string() : row->name;
  }
  const auto at =
      std::lower_bound(baseline.assets.begin(), baseline.assets.end(), id,
                       [](const BaselineAsset& a, const Id& wanted) { return a.id < wanted; });
  return at == baseline.assets.end() || at->id != id ? id.to_string() : at->name;
}

std::string text_of(const Telling& t, const Baseline& baseline, const DependencyGraph& graph) {
  const BaselineEdge& e = *t.edge;
  const std::string_view protocol = protocol_name(e.protocol);
  return std::string(t.is_new ? "new: " : "missing: ") + label_of(e.client, baseline, graph) +
         " uses " + (protocol.empty() ? std::to_string(e.protocol) : std::string(protocol)) + "/" +
         std::to_string(e.port) + " of " + label_of(e.server, baseline, graph);
}

std::string name_of(const Id& id, const Baseline& baseline) {
  return baseline.name.empty() ? "baseline " + id.to_string() : "baseline " + baseline.name;
}

ChangeEvent event_of(ChangeType type, const Id& id, const Id& object, Timestamp at) {
  ChangeEvent event;
  event.type = type;
  event.subject = id;
  event.object = object;
  event.at = at;
  event.id = change_id(type, id, object, at);
  return event;
}

ChangeEvent drift_event(const Id& id, Timestamp since) {
  ChangeEvent event = event_of(ChangeType::baseline_drift, id, {}, since);
  event.severity = Severity::warning;
  return event;
}

void describe(ChangeEvent& event, const Baseline& baseline, const BaselineDifference& d,
              std::uint32_t recent_hours, const DependencyGraph& graph) {
  const Drift drift{d};
  event.expected = drift.there + drift.missing;
  event.seen = drift.there;
  event.before = std::to_string(*event.expected) + " uses at " + to_string(baseline.at);
  event.after =
      std::to_string(drift.there) + " of them and " + std::to_string(drift.fresh) + " new";
  event.reason = name_of(event.subject, baseline) + ": " + std::to_string(drift.fresh) +
                 " uses are new and " + std::to_string(drift.missing) + " of " +
                 std::to_string(*event.expected) + " missing (" +
                 std::to_string(std::lround(100 * drift.share())) + " % of all)";
  for (const Telling& t : most_telling(d, recent_hours)) {
    event.reason += "; " + text_of(t, baseline, graph);
  }
}

}  // namespace

BaselineWatch::BaselineWatch(const BaselineWatchOptions& options) : options_(options) {
  check(options.min_drift > 0 && options.min_drift <= 1, "min_drift: give more than 0, at most 1");
  check(options.min_uses > 0, "min_uses is 0; it must be at least 1");
  check(options.restored_below > 0 && options.restored_below <= 1,
        "restored_below: give more than 0, at most 1");
  check(options.recent_hours > 0, "recent_hours is 0; it must be at least 1");
}

void BaselineWatch::restore(std::map<Id, Timestamp> drifting) {
  drifting_ = std::move(drifting);
  untold_.clear();
  for (const auto& [id, since] : drifting_) untold_.insert(id);
}

/// One a drift, whenever it is found to be over.
ChangeEvent BaselineWatch::restored(const Id& id, Timestamp now, std::string reason) {
  const Timestamp since = drifting_.at(id);
  ChangeEvent event = event_of(ChangeType::baseline_restored, id, drift_event(id, since).id, since);
  event.at = now;
  event.reason = std::move(reason);
  drifting_.erase(id);
  untold_.erase(id);
  return event;
}

std::vector<ChangeEvent> BaselineWatch::look(const DependencyGraph& graph,
                                             std::span<const WatchedBaseline> kept, Timestamp now) {
  std::vector<ChangeEvent> events;
  std::set<Id> gone;
  for (const auto& [id, since] : drifting_) gone.insert(id);
  for (const WatchedBaseline& w : kept) gone.erase(w.id);
  for (const Id& id : gone) events.push_back(restored(id, now, "the baseline is kept no more"));

  const auto snapshot = graph.snapshot();
  BaselineCompareOptions compare;
  compare.recent_hours = options_.recent_hours;
  compare.min_new_hours = options_.min_new_hours;
  for (const auto& [id, baseline] : kept) {
    const BaselineDifference d = compare_with_snapshot(*baseline, *snapshot, compare);
    const Drift drift{d};
    if (!drifting_.contains(id)) {
      if (drift.share() < options_.min_drift || drift.uses() < options_.min_uses) continue;
      drifting_[id] = now;
    } else if (drift.share() < options_.restored_below * options_.min_drift) {
      ChangeEvent event = restored(id, now, name_of(id, *baseline) + " is true again");
      event.expected = drift.there + drift.missing;
      event.seen = drift.there;
      events.push_back(std::move(event));
      continue;
    } else if (untold_.erase(id) == 0) {
      continue;
    }
    ChangeEvent event = drift_event(id, drifting_.at(id));
    describe(event, *baseline, d, options_.recent_hours, graph);
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace flowlens
