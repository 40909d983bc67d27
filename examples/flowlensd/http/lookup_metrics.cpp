#include "http/lookup_metrics.hpp"

#include <algorithm>
#include <map>

#include "lookups/lookups.hpp"

namespace flowlensd::http {
namespace {

struct OfOneKind {
  std::uint64_t origins = 0;
  std::uint64_t failing = 0;
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
  std::uint64_t facts = 0;
  std::uint64_t refused = 0;
  std::uint64_t broken = 0;
  std::uint64_t passed_over = 0;
  std::uint64_t beyond = 0;
  double last_success =
      0;  ///< of the origin whose last one is the longest ago; 0: one had none yet
};

double seconds_of(const std::optional<Timestamp>& time) {
  return time ? static_cast<double>(to_unix_ns(*time)) / 1e9 : 0;
}

std::map<std::string, OfOneKind> by_kind(const std::vector<LookupStatus>& statuses) {
  std::map<std::string, OfOneKind> kinds;
  for (const LookupStatus& s : statuses) {
    const auto [place, is_new] = kinds.try_emplace(s.source);
    OfOneKind& kind = place->second;
    const double last = seconds_of(s.last_success);
    kind.last_success = is_new ? last : std::min(kind.last_success, last);
    ++kind.origins;
    kind.failing += s.last_error.empty() ? 0 : 1;
    kind.successes += s.successes;
    kind.failures += s.failures;
    kind.facts += s.facts;
    kind.refused += s.refused;
    kind.broken += s.remarks.broken;
    kind.passed_over += s.remarks.passed_over;
    kind.beyond += s.remarks.beyond;
  }
  return kinds;
}

}  // namespace

void add_lookups(Families& out, const Lookups* lookups) {
  if (lookups == nullptr) return;
  const auto kinds = by_kind(lookups->statuses());
  if (kinds.empty()) return;
  const auto put = [&](MetricFamily& family, const auto& value_of) {
    for (const auto& [source, kind] : kinds) {
      Families::put(family, {{"source", source}}, value_of(kind));
    }
  };
  put(out.gauges("flowlens_lookup_origins", "Files, servers and accounts that are asked."),
      [](const OfOneKind& k) { return number(k.origins); });
  put(out.gauges("flowlens_lookup_failing", "Those of them whose last answer was an error."),
      [](const OfOneKind& k) { return number(k.failing); });
  put(out.gauges("flowlens_lookup_facts", "Facts that they say now."),
      [](const OfOneKind& k) { return number(k.facts); });
  put(out.gauges("flowlens_lookup_last_success_timestamp_seconds",
                 "When the one that is silent for the longest time answered last; 0: never."),
      [](const OfOneKind& k) { return k.last_success; });
  auto& runs = out.counters("flowlens_lookup_runs_total", "Times that they were asked.");
  for (const auto& [source, kind] : kinds) {
    Families::put(runs, {{"source", source}, {"result", "ok"}}, number(kind.successes));
    Families::put(runs, {{"source", source}, {"result", "failed"}}, number(kind.failures));
  }
  auto& unused = out.gauges("flowlens_lookup_unused_entries",
                            "Of their last lists: broken, of no one machine, or past a limit.");
  for (const auto& [source, kind] : kinds) {
    Families::put(unused, {{"source", source}, {"reason", "broken"}}, number(kind.broken));
    Families::put(unused, {{"source", source}, {"reason", "passed_over"}},
                  number(kind.passed_over));
    Families::put(unused, {{"source", source}, {"reason", "beyond"}}, number(kind.beyond));
  }
  put(out.counters("flowlens_lookup_refused_facts_total",
                   "Facts that were none, or found no room."),
      [](const OfOneKind& k) { return number(k.refused); });
}

}  // namespace flowlensd::http
