#include <algorithm>
#include <utility>

#include "flowlens/alert_engine.hpp"

namespace flowlens {

AlertDryRun dry_run(AlertEngineOptions options, std::span<const AlertRule> rules,
                    std::span<const MaintenanceWindow> windows, std::vector<NotedEvent> events) {
  options.shipped.assign(rules.begin(), rules.end());
  AlertEngine engine{std::move(options)};
  for (const MaintenanceWindow& window : windows) engine.put(window);
  std::stable_sort(events.begin(), events.end(), [](const NotedEvent& a, const NotedEvent& b) {
    return a.event.at < b.event.at;
  });
  AlertDryRun result;
  for (const NotedEvent& event : events) {
    result.notices += engine.advance(event.event.at).size();
    result.notices += engine.take({&event, 1}, event.event.at).size();
  }
  result.counters = engine.counters();
  result.alerts = engine.alerts({{}, AlertOrder::opened, 0, result.counters.raised}).rows;
  std::reverse(result.alerts.begin(), result.alerts.end());
  return result;
}

}  // namespace flowlens
