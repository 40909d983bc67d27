// Far more or far less than usual at this hour of the week.
#include <algorithm>
#include <cmath>

#include "detect/watch.hpp"

namespace flowlens::detect {

namespace {

constexpr int kLeastDistance = 80;  ///< steps of HourOfWeek: 2.4 times
constexpr float kDistances = 8.0f;  ///< and so many times the mean distance to that side
constexpr float kSteady = 16.0f;    ///< a drop is one only of what is on average less below usual
constexpr std::uint8_t kWindowsOver = 2;  ///< in a row
constexpr std::uint8_t kWindowsUnder = 3;
constexpr float kWeight = 1.0f / 64;
constexpr std::size_t kHandSteps = 64;  ///< baselines looked at to make room for one

/// A run of windows far from usual.
struct Run {
  std::uint32_t baseline = kNone;
  bool is_over = true;
  std::uint64_t octets = 0;
  std::uint64_t usual = 0;
};

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
  for (const Touched& t : touched) {
    Load& load = t.is_asset ? assets[t.owner].value.load : dependencies[t.owner].value.load;
    std::uint32_t position = load.baseline;
    if (position == kNone) position = make_baseline(t.owner, t.is_asset);
    if (position == kNone) continue;
    Baseline& b = baselines[position];
    if (b.hour != hour) {
      if (b.count > 0) b.usual.learn(b.hour, HourOfWeek::level_of(b.sum / b.count));
      b.hour = hour;
      b.sum = 0;
      b.count = 0;
    }
    const bool follows = b.used + 1 >= now();
    b.used = now();
    const int level = HourOfWeek::level_of(load.octets);
    const auto range = b.usual.around(hour);
    const bool is_known = now() - b.begun >= learning && range.high != HourOfWeek::kNone;
    const auto far = [](float mean) {
      return std::max(kLeastDistance, static_cast<int>(std::lround(kDistances * mean)));
    };
    // Each window of a run is far off, their mean is farther.
    const int excess = level - range.high;
    const bool is_over =
        is_known && 5 * excess > 4 * far(b.above) && load.octets >= options.min_octets;
    const bool is_far_over = excess + b.last_excess > 2 * far(b.above);
    b.last_excess = excess;
    const bool is_under = is_known && b.below < kSteady && level < range.low - far(b.below) &&
                          HourOfWeek::octets_of(range.low) >= options.min_octets;
    const auto count_on = [&](std::uint8_t& n, bool is_so) {
      n = is_so ? static_cast<std::uint8_t>(std::min(follows ? n + 1 : 1, 255)) : std::uint8_t{0};
    };
    count_on(b.over, is_over);
    count_on(b.under, is_under);
    if (!is_over && !is_under) {
      b.is_told = false;
    } else if (b.over == 1 || b.under == 1) {
      b.run_began = now();
    }
    // What is far off teaches nothing, unless it has come to stay for a day.
    if ((!is_over && !is_under) || now() - b.run_began > day) {
      b.sum += load.octets;
      ++b.count;
      if (range.high != HourOfWeek::kNone) {
        const auto drift = [](float& mean, int distance) {
          mean += (static_cast<float>(std::max(distance, 0)) - mean) * kWeight;
        };
        drift(b.above, level - range.high);
        drift(b.below, range.low - level);
      }
    }
    const bool is_due = (b.over >= kWindowsOver && is_far_over) || b.under >= kWindowsUnder;
    if (!is_due || b.is_told || is_learning()) continue;
    b.is_told = true;
    runs.push_back(
        {position, is_over, load.octets, HourOfWeek::octets_of(is_over ? range.high : range.low)});
  }
  touched.clear();
  const auto key = [&](const Run& run) -> const Id& {
    const Baseline& b = baselines[run.baseline];
    return b.is_asset ? assets[b.owner].key : dependencies[b.owner].key;
  };
  std::sort(runs.begin(), runs.end(), [&](const Run& l, const Run& r) { return key(l) < key(r); });

  // An asset's run stands for those of its dependencies, unless one of them makes most of it.
  std::unordered_map<std::uint32_t, Id> causes;
  const auto event_of = [&](const Run& run, ChangeEvent event) {
    const Baseline& b = baselines[run.baseline];
    const bool is_one_client = b.is_asset && assets[b.owner].value.services == 0;
    event.severity = is_one_client ? Severity::info : Severity::warning;
    event.expected = run.usual;
    event.seen = run.octets;
    return event;
  };
  const auto words = [&](const Run& run) {
    const double times =
        static_cast<double>(std::max(run.octets, run.usual)) /
        static_cast<double>(std::max<std::uint64_t>(std::min(run.octets, run.usual), 1));
    return std::to_string(std::llround(times)) +
           (run.is_over ? " times the traffic" : " times less traffic") +
           " than usual at this hour of the week";
  };
  const auto type_of = [](const Run& run) {
    return run.is_over ? ChangeType::traffic_spike : ChangeType::traffic_drop;
  };
  for (const Run& run : runs) {
    const Baseline& b = baselines[run.baseline];
    if (!b.is_asset || !assets[b.owner].value.is_internal) continue;
    const bool is_explained = std::any_of(runs.begin(), runs.end(), [&](const Run& other) {
      const Baseline& o = baselines[other.baseline];
      if (o.is_asset || other.is_over != run.is_over) return false;
      const DependencyWatch& d = dependencies[o.owner].value;
      if (d.client != b.owner && d.server != b.owner) return false;
      const auto excess = [](const Run& r) {
        return r.is_over ? static_cast<double>(r.octets) - static_cast<double>(r.usual)
                         : static_cast<double>(r.usual) - static_cast<double>(r.octets);
      };
      return excess(other) >= 0.7 * excess(run);
    });
    if (is_explained) continue;
    ChangeEvent event = event_of(run, about_asset(type_of(run), b.owner, b.run_began));
    event.reason = name_of(b.owner) + " has " + words(run);
    causes[b.owner] = tell(std::move(event));
  }
  for (const Run& run : runs) {
    const Baseline& b = baselines[run.baseline];
    if (b.is_asset) continue;
    const DependencyWatch& d = dependencies[b.owner].value;
    ChangeEvent event = event_of(run, about_dependency(type_of(run), b.owner, b.run_began));
    for (const std::uint32_t asset : {d.server, d.client}) {
      if (const auto found = causes.find(asset); found != causes.end() && event.cause.is_none()) {
        event.cause = found->second;
      }
    }
    event.reason = name_of(d.client) + " and " + name_of(d.server) + " exchange, over " +
                   service_text(services[d.service].key) + ", " + words(run);
    tell(std::move(event));
  }
}

}  // namespace flowlens::detect
