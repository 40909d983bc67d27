// Far more or far less than usual at this hour of the week.
#include <algorithm>
#include <cmath>
#include <optional>

#include "detect/watch.hpp"

namespace flowlens::detect {

namespace {

constexpr int kLeastDistance = 80;  ///< steps of HourOfWeek: 2.4 times
constexpr float kDistances = 8.0f;  ///< and so many times the mean distance to that side
constexpr float kSteady = 16.0f;    ///< a drop is one only of what is on average less below usual
constexpr std::uint8_t kWindowsOver = 2;  ///< in a row
constexpr std::uint8_t kWindowsUnder = 3;
constexpr std::uint8_t kWindowsUsual = 6;  ///< since the last far off: what was told of is over
constexpr float kWeight = 1.0f / 64;
constexpr std::size_t kHandSteps = 64;  ///< baselines looked at to make room for one

/// How many steps off is far, where windows are so far off on average.
int far(float mean) noexcept {
  return std::max(kLeastDistance, static_cast<int>(std::lround(kDistances * mean)));
}

/// Windows in a row.
void count_on(std::uint8_t& n, bool is_so, bool follows) noexcept {
  n = is_so ? static_cast<std::uint8_t>(std::min(follows ? n + 1 : 1, 255)) : std::uint8_t{0};
}

void drift(float& mean, int distance) noexcept {
  mean += (static_cast<float>(std::max(distance, 0)) - mean) * kWeight;
}

double excess_of(const Run& r) noexcept {
  const auto octets = static_cast<double>(r.octets), usual = static_cast<double>(r.usual);
  return r.is_over ? octets - usual : usual - octets;
}

ChangeType type_of(const Run& run) noexcept {
  return run.is_over ? ChangeType::traffic_spike : ChangeType::traffic_drop;
}

std::string times_usual(const Run& run) {
  const double times =
      static_cast<double>(std::max(run.octets, run.usual)) /
      static_cast<double>(std::max<std::uint64_t>(std::min(run.octets, run.usual), 1));
  return std::to_string(std::llround(times)) +
         (run.is_over ? " times the traffic" : " times less traffic") +
         " than usual at this hour of the week";
}

}  // namespace

Load& State::load_of(const Baseline& b) noexcept {
  return b.is_asset ? assets[b.owner].value.load : dependencies[b.owner].value.load;
}

void State::drop_baseline(std::uint32_t position) noexcept {
  Baseline& b = baselines[position];
  load_of(b).baseline = kNone;
  b.alive = false;
  free_baselines.push_back(position);
}

/// Past the bound, of some looked at in turn the one not used for longest goes.
std::uint32_t State::make_baseline(std::uint32_t owner, bool is_asset) {
  if (free_baselines.empty() && baselines.size() < options.max_baselines) {
    free_baselines.push_back(static_cast<std::uint32_t>(baselines.size()));
    baselines.emplace_back();
  }
  if (free_baselines.empty()) {
    std::size_t oldest = baseline_hand % baselines.size();
    for (std::size_t i = 0; i < std::min(kHandSteps, baselines.size()); ++i) {
      const std::size_t at = (baseline_hand + i) % baselines.size();
      if (baselines[at].used < baselines[oldest].used) oldest = at;
    }
    baseline_hand = (baseline_hand + kHandSteps) % baselines.size();
    if (baselines[oldest].used + day > now()) {  // all are in use: the new one waits
      ++counters.unwatched;
      return kNone;
    }
    drop_baseline(static_cast<std::uint32_t>(oldest));
    ++counters.evicted_baselines;
  }
  const std::uint32_t position = free_baselines.back();
  free_baselines.pop_back();
  Baseline& b = baselines[position];
  b = {};
  b.alive = true;
  b.owner = owner;
  b.is_asset = is_asset;
  b.begun = b.used = now();
  load_of(b).baseline = position;
  return position;
}

void State::judge_traffic() {
  const std::uint32_t hour = hour_of(time_of(now()));
  std::vector<Run> runs;
  std::vector<std::uint32_t> usual_again;
  for (const Touched& t : touched) {
    const Load& load = t.is_asset ? assets[t.owner].value.load : dependencies[t.owner].value.load;
    std::uint32_t position = load.baseline;
    if (position == kNone) position = make_baseline(t.owner, t.is_asset);
    if (position == kNone) continue;
    const auto run = judge(position, load.octets, hour);
    if (run) runs.push_back(*run);
    if (is_over_with(baselines[position])) usual_again.push_back(position);
  }
  touched.clear();
  const auto key = [&](std::uint32_t baseline) -> const Id& {
    const Baseline& b = baselines[baseline];
    return b.is_asset ? assets[b.owner].key : dependencies[b.owner].key;
  };
  std::sort(runs.begin(), runs.end(),
            [&](const Run& l, const Run& r) { return key(l.baseline) < key(r.baseline); });
  std::sort(usual_again.begin(), usual_again.end(),
            [&](std::uint32_t l, std::uint32_t r) { return key(l) < key(r); });
  tell_runs(runs);
  for (const std::uint32_t baseline : usual_again) tell_usual(baselines[baseline]);
}

/// What a window is to the baseline, which learns from it unless it is far off.
/// \return a run that is to be told of.
std::optional<Run> State::judge(std::uint32_t baseline, std::uint64_t octets, std::uint32_t hour) {
  Baseline& b = baselines[baseline];
  begin_hour(b, hour);
  const bool follows = b.used + 1 >= now();
  b.used = now();
  const int level = HourOfWeek::level_of(octets);
  const auto range = b.usual.around(hour);
  const bool is_known = now() - b.begun >= learning && range.high != HourOfWeek::kNone;
  // Each window of a run is far off, their mean is farther.
  const int excess = level - range.high;
  const bool is_over = is_known && 5 * excess > 4 * far(b.above) && octets >= options.min_octets;
  const bool is_far_over = excess + b.last_excess > 2 * far(b.above);
  b.last_excess = excess;
  const bool is_under = is_known && b.below < kSteady && level < range.low - far(b.below) &&
                        HourOfWeek::octets_of(range.low) >= options.min_octets;
  const bool is_off = is_over || is_under;
  count_on(b.over, is_over, follows);
  count_on(b.under, is_under, follows);
  b.calm = is_off ? std::uint8_t{0} : static_cast<std::uint8_t>(std::min(b.calm + 1, 255));
  if (!is_off) {
    b.is_told = false;
  } else if (b.over == 1 || b.under == 1) {
    b.run_began = now();
  }
  // What is far off teaches nothing, unless it has come to stay for a day.
  if (!is_off || now() - b.run_began > day) {
    b.sum += octets;
    ++b.count;
    if (range.high != HourOfWeek::kNone) {
      drift(b.above, level - range.high);
      drift(b.below, range.low - level);
    }
  }
  const bool is_due = (b.over >= kWindowsOver && is_far_over) || b.under >= kWindowsUnder;
  if (!is_due || b.is_told || is_learning()) return std::nullopt;
  b.is_told = true;
  return Run{baseline, is_over, octets, HourOfWeek::octets_of(is_over ? range.high : range.low)};
}

void State::begin_hour(Baseline& b, std::uint32_t hour) noexcept {
  if (b.hour == hour) return;
  if (b.count > 0) b.usual.learn(b.hour, HourOfWeek::level_of(b.sum / b.count));
  b.hour = hour;
  b.sum = 0;
  b.count = 0;
}

/// Whether a run was told of, and all is as usual again for long enough. Said once.
bool State::is_over_with(Baseline& b) noexcept {
  if (!b.is_unsettled || b.calm < kWindowsUsual) return false;
  b.is_unsettled = false;
  return true;
}

/// An asset's run stands for those of its dependencies, unless one of them makes most of it.
void State::tell_runs(const std::vector<Run>& runs) {
  std::unordered_map<std::uint32_t, Id> causes;
  for (const Run& run : runs) {
    Baseline& b = baselines[run.baseline];
    if (!b.is_asset || !assets[b.owner].value.is_internal || is_explained(run, runs)) continue;
    ChangeEvent event = about_traffic(type_of(run), b, run);
    event.reason = name_of(b.owner) + " has " + times_usual(run);
    b.is_unsettled = true;
    causes[b.owner] = tell(std::move(event));
  }
  for (const Run& run : runs) {
    Baseline& b = baselines[run.baseline];
    if (b.is_asset) continue;
    const DependencyWatch& d = dependencies[b.owner].value;
    b.is_unsettled = true;
    ChangeEvent event = about_traffic(type_of(run), b, run);
    for (const std::uint32_t asset : {d.server, d.client}) {
      if (const auto found = causes.find(asset); found != causes.end() && event.cause.is_none()) {
        event.cause = found->second;
      }
    }
    event.reason = name_of(d.client) + " and " + name_of(d.server) + " exchange, over " +
                   service_text(services[d.service].key) + ", " + times_usual(run);
    tell(std::move(event));
  }
}

/// Whether one dependency makes most of an asset's run.
bool State::is_explained(const Run& run, const std::vector<Run>& runs) const {
  const std::uint32_t asset = baselines[run.baseline].owner;
  return std::any_of(runs.begin(), runs.end(), [&](const Run& other) {
    const Baseline& o = baselines[other.baseline];
    if (o.is_asset || other.is_over != run.is_over) return false;
    const DependencyWatch& d = dependencies[o.owner].value;
    return (d.client == asset || d.server == asset) && excess_of(other) >= 0.7 * excess_of(run);
  });
}

ChangeEvent State::about_traffic(ChangeType type, const Baseline& b, const Run& run) const {
  ChangeEvent event = b.is_asset ? about_asset(type, b.owner, b.run_began)
                                 : about_dependency(type, b.owner, b.run_began);
  const bool is_one_client = b.is_asset && assets[b.owner].value.services == 0;
  event.severity = is_one_client ? Severity::info : Severity::warning;
  event.expected = run.usual;
  event.seen = run.octets;
  return event;
}

void State::tell_usual(const Baseline& b) {
  ChangeEvent event = b.is_asset
                          ? about_asset(ChangeType::traffic_normal, b.owner, b.run_began)
                          : about_dependency(ChangeType::traffic_normal, b.owner, b.run_began);
  event.before = "far from usual";
  event.after = "usual";
  const std::string who = b.is_asset ? name_of(b.owner)
                                     : name_of(dependencies[b.owner].value.client) + " and " +
                                           name_of(dependencies[b.owner].value.server);
  event.reason = who + (b.is_asset ? " has" : " have") + " the usual traffic again, in " +
                 std::to_string(kWindowsUsual) + " windows";
  tell(std::move(event));
}

}  // namespace flowlens::detect
