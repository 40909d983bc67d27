#include "flowlens/change_detector.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "detect/watch.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace detect {

namespace {

/// Windows without any traffic after which they count as not seen.
constexpr std::uint32_t kBlindGap = 3;

std::uint32_t ticks(std::chrono::nanoseconds span, std::chrono::nanoseconds window) noexcept {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(span / window, 1, 0x3fff'ffff));
}

void check(const ChangeDetectorOptions& o) {
  const auto least = [](auto value, const char* name) {
    if (value <= decltype(value){}) {
      throw ConfigError("ChangeDetectorOptions: " + std::string{name} + " must be more than 0");
    }
  };
  least(o.window, "window");
  least(o.learning, "learning");
  least(o.check_every, "check_every");
  least(o.forget_after, "forget_after");
  least(o.scan_ends, "scan_ends");
  least(o.max_assets, "max_assets");
  least(o.max_services, "max_services");
  least(o.max_dependencies, "max_dependencies");
  least(o.max_baselines, "max_baselines");
  least(o.max_attempts, "max_attempts");
  least(o.max_events, "max_events");
}

}  // namespace

State::State(const ChangeDetectorOptions& o)
    : options((check(o), o)),
      learning(ticks(o.learning, o.window)),
      day(ticks(std::chrono::hours{24}, o.window)),
      forget_after(ticks(o.forget_after, o.window)),
      assets(o.max_assets, o.hash_seed),
      services(o.max_services, o.hash_seed),
      dependencies(o.max_dependencies, o.hash_seed),
      attempts(o.max_attempts, o.hash_seed) {}

std::uint32_t State::index_of(Timestamp t) const noexcept {
  const auto index = t.time_since_epoch() / options.window;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(index, 0, 0xffff'fff0));
}
Tick State::tick_of(Timestamp t) const noexcept {
  const std::uint32_t index = index_of(t);
  return index > blind ? index - blind : 0;
}
Timestamp State::time_of(Tick tick) const noexcept {
  return Timestamp{options.window * (std::int64_t{tick} + blind)};
}

/// A window that starts later than all before: what lies between was not seen by anybody.
void State::move_on(std::uint32_t index) noexcept {
  if (!has_begun) {
    has_begun = true;
    current = index;
    begun = swept = now();
  }
  if (index <= current) return;
  if (index - current > kBlindGap) blind += index - current - 1;
  current = index;
}

namespace {

/// Each once, the earliest first.
std::vector<Timestamp> windows_of(std::span<const ConnectionSummary> rows, std::span<const Id> ids,
                                  std::span<const Attempt> attempts) {
  std::vector<Timestamp> windows;
  const auto add = [&windows](Timestamp start) {
    if (windows.empty() || windows.back() != start) windows.push_back(start);
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].provisional && !ids[i].is_none()) add(rows[i].window_start);
  }
  for (const Attempt& attempt : attempts) add(attempt.window_start);
  std::sort(windows.begin(), windows.end());
  windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  return windows;
}

}  // namespace

void State::look(const DependencyGraph& with, std::span<const ConnectionSummary> rows,
                 std::span<const Id> ids, std::span<const Attempt> in_vain) {
  graph = &with;
  for (const Timestamp window : windows_of(rows, ids, in_vain)) {
    move_on(index_of(window));
    look_at_rows(window, rows, ids);
    take_attempts(window, in_vain);
    tell_returns();
    tell_appearances();
    judge_traffic();
    const auto every = ticks(options.check_every, options.window);
    if (now() - swept >= every) look_for_silence();
  }
  keep_gravest();
}

void State::look_at_rows(Timestamp window, std::span<const ConnectionSummary> rows,
                         std::span<const Id> ids) {
  std::vector<std::size_t> strangers;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].provisional || ids[i].is_none() || rows[i].window_start != window) continue;
    const std::uint32_t position = dependencies.find(ids[i]);
    if (position == kNone) {
      strangers.push_back(i);
    } else {
      see(rows[i], position);
    }
  }
  // In an order of their own, so that it does not matter in which they come.
  std::sort(strangers.begin(), strangers.end(), [&](std::size_t l, std::size_t r) {
    return std::tie(rows[l].first, ids[l]) < std::tie(rows[r].first, ids[r]);
  });
  for (const std::size_t i : strangers) meet(rows[i], ids[i]);
}

void State::meet(const ConnectionSummary& row, const Id& id) {
  const Tick tick = tick_of(row.window_start);
  const auto known = graph->dependency(id);
  if (!known || known->id != id) return;
  const bool is_new = known->first_seen >= row.window_start;
  Appearance found;
  found.key = known->key;
  found.first_seen = known->first_seen;
  const Tick first = is_new ? tick : std::min(tick, tick_of(known->first_seen));
  const std::uint32_t position = watch(*known, first, tick, &found);
  if (position == kNone) return;
  if (is_new) appearances.push_back(found);
  see(row, position);
}

void State::see(const ConnectionSummary& row, std::uint32_t position) {
  const Tick tick = tick_of(row.window_start);
  DependencyWatch& d = dependencies[position].value;
  AssetWatch& client = assets[d.client].value;
  AssetWatch& server = assets[d.server].value;
  ServiceWatch& service = services[d.service].value;
  if (std::exchange(d.is_silent, false)) back_dependencies.push_back(position);
  d.rhythm.see(tick, forget_after);
  // Who is only spoken to may be dead all the same.
  const bool has_asked = row.counts.packets_to_server > 0 || row.counts.octets_to_server > 0;
  const bool has_answered = row.counts.packets_to_client > 0 || row.counts.octets_to_client > 0;
  const auto see_asset = [&](AssetWatch& a, std::uint32_t asset) {
    a.rhythm.see(tick, forget_after);
    if (std::exchange(a.is_away, false)) back_assets.push_back(asset);
  };
  if (has_asked) see_asset(client, d.client);
  if (has_answered) see_asset(server, d.server);
  service.has_answered |= has_answered;
  if (has_answered || !service.has_answered) {
    service.rhythm.see(tick, forget_after);
    if (std::exchange(service.is_vanished, false)) back_services.push_back(d.service);
  }
  if (row.direction != d.direction) {
    ChangeEvent event = about_dependency(ChangeType::dependency_changed, position, tick);
    event.before = to_string(d.direction);
    event.after = to_string(row.direction);
    event.reason = "who serves: was " + event.before + ", is " + event.after;
    d.direction = row.direction;
    if (!is_learning()) tell(std::move(event));
  }
  const std::uint64_t octets =
      row.counts.estimated_octets_to_server + row.counts.estimated_octets_to_client;
  if (tick != now()) return;  // too late to be compared
  add_load(d.load, position, false, octets);
  add_load(client.load, d.client, true, octets);
  add_load(server.load, d.server, true, octets);
}

void State::add_load(Load& load, std::uint32_t owner, bool is_asset, std::uint64_t octets) {
  const bool is_first = load.tick != now();
  if (is_first) {
    load.tick = now();
    load.octets = 0;
  }
  const bool was_small = load.octets < options.min_octets;
  load.octets += octets;
  const bool is_small = load.octets < options.min_octets;
  // Those with a baseline are judged in every window, others once they are worth one.
  const bool is_due = load.baseline != kNone ? is_first : was_small && !is_small;
  if (is_due) touched.push_back({owner, is_asset});
}

}  // namespace detect

ChangeDetector::ChangeDetector(const ChangeDetectorOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
ChangeDetector::~ChangeDetector() = default;
ChangeDetector::ChangeDetector(ChangeDetector&&) noexcept = default;
ChangeDetector& ChangeDetector::operator=(ChangeDetector&&) noexcept = default;

void ChangeDetector::begin(const DependencyGraph& graph) {
  if (impl_->options.is_on) impl_->begin(graph);
}

void ChangeDetector::look(const DependencyGraph& graph, std::span<const ConnectionSummary> rows,
                          std::span<const Id> ids, std::vector<ChangeEvent>& out,
                          std::span<const Attempt> attempts) {
  out.clear();
  if (!impl_->options.is_on) return;
  impl_->look(graph, rows, ids, attempts);
  out.swap(impl_->events);
}

ChangeDetectorCounters ChangeDetector::counters() const noexcept {
  ChangeDetectorCounters counters = impl_->counters;
  counters.assets = impl_->assets.size();
  counters.services = impl_->services.size();
  counters.dependencies = impl_->dependencies.size();
  counters.attempts = impl_->attempts.size();
  counters.baselines = impl_->baselines.size() - impl_->free_baselines.size();
  return counters;
}

}  // namespace flowlens
