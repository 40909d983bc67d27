// What is otherwise than a baseline says: in another baseline, or on the map.
#include <algorithm>
#include <utility>

#include "analyze/baseline_order.hpp"
#include "flowlens/error.hpp"
#include "flowlens/hour_bitmap.hpp"

namespace flowlens {

using analyze::is_before;

namespace {

/// Rates of an edge that both have, if there is time between them to tell.
class Rates {
 public:
  Rates(const Baseline& before, Hour newest, const BaselineCompareOptions& options)
      : options_(options),
        hours_(std::max(hour_of(before.counted_until), newest) - hour_of(before.counted_until)) {}

  /// \return whether `change`, of which both edges are set, is one.
  bool judge(BaselineChange& change) const {
    if (hours_ < options_.min_hours || hours_ == 0) return false;
    const auto before = static_cast<double>(change.before.octets);
    const auto after = static_cast<double>(change.after.octets);
    change.octets_per_hour_before = before / std::max(1u, change.before.hours);
    change.octets_per_hour_after = std::max(0.0, after - before) / hours_;
    const auto [low, high] =
        std::minmax(change.octets_per_hour_before, change.octets_per_hour_after);
    return high >= static_cast<double>(options_.min_octets_per_hour) &&
           high >= options_.min_factor * low && high > low;
  }

 private:
  const BaselineCompareOptions& options_;
  Hour hours_;
};

/// The edges of a baseline, one by one.
class ListedEdges {
 public:
  explicit ListedEdges(const Baseline& of) : edges_(of.edges), is_cut_(of.left_out > 0) {}
  [[nodiscard]] bool done() const { return at_ == edges_.size(); }
  [[nodiscard]] const BaselineEdge& edge() const { return edges_[at_]; }
  void next() { ++at_; }
  /// Whether what comes after is missing only because there was no room for it.
  [[nodiscard]] bool is_cut() const { return is_cut_; }

 private:
  const std::vector<BaselineEdge>& edges_;
  bool is_cut_;
  std::size_t at_ = 0;
};

/// Those of a snapshot, which has them in the same order: of some assets, parallel ones as one.
class SnapshotEdges {
 public:
  SnapshotEdges(const Snapshot& of, const std::vector<Id>& scope) : snapshot_(of) {
    is_in_.assign(of.assets.size(), scope.empty());
    for (const Id& id : scope) {
      const auto at = std::lower_bound(of.assets.begin(), of.assets.end(), id);
      if (at == of.assets.end() || *at != id) continue;
      is_in_[static_cast<std::size_t>(at - of.assets.begin())] = true;
    }
    next();
  }
  [[nodiscard]] bool done() const { return is_done_; }
  [[nodiscard]] const BaselineEdge& edge() const { return edge_; }
  [[nodiscard]] bool is_cut() const { return false; }
  void next() {
    const auto& edges = snapshot_.edges;
    while (at_ < edges.size() && !is_in_[edges[at_].client.value] &&
           !is_in_[edges[at_].server.value]) {
      ++at_;
    }
    is_done_ = at_ == edges.size();
    if (is_done_) return;
    edge_ = {};
    for (const std::size_t first = at_; at_ < edges.size() && is_same(edges[at_], edges[first]);) {
      take(edges[at_++]);
    }
  }

 private:
  static bool is_same(const Snapshot::Edge& a, const Snapshot::Edge& b) {
    return a.client == b.client && a.server == b.server && a.protocol == b.protocol &&
           a.port == b.port;
  }
  void take(const Snapshot::Edge& e) {
    edge_.client = snapshot_.assets[e.client.value];
    edge_.server = snapshot_.assets[e.server.value];
    edge_.port = e.port;
    edge_.protocol = e.protocol;
    edge_.active_hours = std::max<std::uint32_t>(edge_.active_hours, e.active_hours);
    edge_.octets += static_cast<std::uint64_t>(e.weight);
    edge_.last_hour = std::max(edge_.last_hour, e.last_hour);
  }

  const Snapshot& snapshot_;
  std::vector<bool> is_in_;  ///< by asset
  std::size_t at_ = 0;
  BaselineEdge edge_;
  bool is_done_ = false;
};

/// What counts, where only what is recent does.
class Recent {
 public:
  Recent(const Baseline& before, Hour newest, const BaselineCompareOptions& options)
      : options_(options), then_(hour_of(before.counted_until)), newest_(newest) {}

  [[nodiscard]] bool is_there(const BaselineEdge& e) const { return is_recent(e, newest_); }
  /// Whether it would be missed: it had traffic every day or so.
  [[nodiscard]] bool is_missed(const BaselineEdge& e) const {
    if (options_.recent_hours == 0) return true;
    const std::uint32_t span = std::min<std::uint32_t>(e.hours, HourBitmap::kHours);
    return is_recent(e, then_) && e.active_hours * 24 >= span;
  }
  [[nodiscard]] bool is_new(const BaselineEdge& e) const {
    return e.active_hours >= options_.min_new_hours;
  }

 private:
  [[nodiscard]] bool is_recent(const BaselineEdge& e, Hour newest) const {
    return options_.recent_hours == 0 || e.last_hour == 0 ||
           e.last_hour + options_.recent_hours > newest;
  }

  const BaselineCompareOptions& options_;
  Hour then_, newest_;
};

/// Walks both in order.
template <typename Edges>
class Comparison {
 public:
  Comparison(const Baseline& before, Edges now, Hour newest, const BaselineCompareOptions& options)
      : options_(options),
        rates_(before, newest, options),
        recent_(before, newest, options),
        old_(before),
        now_(std::move(now)) {}

  BaselineDifference run() {
    while (!old_.done() || !now_.done()) {
      const bool is_past_cut = (old_.done() && old_.is_cut()) || (now_.done() && now_.is_cut());
      if (is_past_cut) break;
      if (now_.done() || (!old_.done() && is_before(old_.edge(), now_.edge()))) {
        went(old_.edge());
        old_.next();
      } else if (old_.done() || is_before(now_.edge(), old_.edge())) {
        came();
        now_.next();
      } else {
        stayed();
        old_.next();
        now_.next();
      }
    }
    return std::move(found_);
  }

 private:
  template <typename Item>
  void add(std::vector<Item>& list, const Item& item, std::uint64_t& count) {
    ++count;
    if (list.size() < options_.max_listed) list.push_back(item);
  }
  void went(const BaselineEdge& edge) {
    if (!recent_.is_missed(edge)) {
      ++found_.passed_over_count;
    } else {
      add(found_.gone, edge, found_.gone_count);
    }
  }
  void came() {
    if (!recent_.is_there(now_.edge()) || !recent_.is_new(now_.edge())) {
      ++found_.passed_over_count;
    } else {
      add(found_.appeared, now_.edge(), found_.appeared_count);
    }
  }
  void stayed() {
    if (!recent_.is_there(now_.edge())) return went(old_.edge());
    BaselineChange change{old_.edge(), now_.edge(), 0, 0};
    if (rates_.judge(change)) {
      add(found_.changed, change, found_.changed_count);
    } else {
      ++found_.unchanged_count;
    }
  }

  const BaselineCompareOptions& options_;
  Rates rates_;
  Recent recent_;
  ListedEdges old_;
  Edges now_;
  BaselineDifference found_;
};

void check(const BaselineCompareOptions& options) {
  if (!(options.min_factor >= 1)) throw ConfigError("min_factor: give 1 or more");
}

}  // namespace

double BaselineDifference::drift() const noexcept {
  const std::uint64_t different = appeared_count + gone_count + changed_count;
  const std::uint64_t all = different + unchanged_count;
  return all == 0 ? 0 : static_cast<double>(different) / static_cast<double>(all);
}

BaselineDifference compare_baselines(const Baseline& before, const Baseline& after,
                                     const BaselineCompareOptions& options) {
  check(options);
  return Comparison{before, ListedEdges{after}, hour_of(after.counted_until), options}.run();
}

BaselineDifference compare_with_snapshot(const Baseline& before, const Snapshot& now,
                                         const BaselineCompareOptions& options) {
  check(options);
  Hour newest = 0;
  for (const Snapshot::Edge& e : now.edges) newest = std::max(newest, e.last_hour);
  return Comparison{before, SnapshotEdges{now, before.scope}, newest, options}.run();
}

}  // namespace flowlens
