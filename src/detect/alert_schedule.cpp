// When rules and maintenance windows hold.
#include <algorithm>

#include "flowlens/alert_rules.hpp"

namespace flowlens {

bool WeeklyHours::holds(Timestamp at) const noexcept {
  using std::chrono::minutes;
  constexpr minutes kDay{24 * 60}, kWeek{7 * 24 * 60};
  // 1970-01-01 was a Thursday, three days after a Monday.
  const minutes local =
      std::chrono::floor<minutes>(at.time_since_epoch()) + ahead_of_utc + 3 * kDay;
  const minutes of_week = (local % kWeek + kWeek) % kWeek;
  for (int day = 0; day < 7; ++day) {
    if ((days >> day & 1) == 0) continue;
    const minutes since = (of_week - day * kDay - from + 2 * kWeek) % kWeek;
    if (since < duration) return true;
  }
  return false;
}

bool MaintenanceWindow::holds(Timestamp at) const noexcept {
  if (from && at < *from) return false;
  if (until && at >= *until) return false;
  return !weekly || weekly->holds(at);
}

bool MaintenanceWindow::is_about(const NotedEvent& event) const noexcept {
  if (filter && !filter.matches(event)) return false;
  if (!asset && environment.empty() && datacenter.empty()) return true;
  return std::any_of(event.assets.begin(), event.assets.end(), [&](const NotedAsset& a) {
    return (!asset || a.id == *asset) && (environment.empty() || a.environment == environment) &&
           (datacenter.empty() || a.datacenter == datacenter);
  });
}

}  // namespace flowlens
