// What rests longer than it ever does. A dead host is one thing: its services and dependencies are
// parts of it.
#include <algorithm>
#include <set>

#include "detect/watch.hpp"

namespace flowlens::detect {

namespace {

/// So many assets, and this share of those judged, silent at once: more likely nobody looked.
constexpr std::size_t kManyAssets = 20;
constexpr std::size_t kShareOfAssets = 5;  ///< a fifth

}  // namespace

void State::look_for_silence() {
  swept = now();
  look_for_lost_assets();
  look_for_lost_services();
  look_for_silent_dependencies();
}

void State::look_for_lost_assets() {
  std::vector<std::uint32_t> lost;
  std::size_t judged = 0;
  for (std::uint32_t i = 0; i < assets.positions(); ++i) {
    AssetWatch& a = assets[i].value;
    if (!a.alive || a.is_away || !a.is_internal || !a.rhythm.is_known(learning)) continue;
    ++judged;
    if (is_overdue(a.rhythm)) lost.push_back(i);
  }
  if (lost.empty()) return;
  put_in_order(lost, true);
  Id root;
  if (lost.size() >= kManyAssets && lost.size() * kShareOfAssets >= judged) {
    ChangeEvent event;
    event.type = ChangeType::visibility_lost;
    event.at = time_of(now());
    event.id = change_id(event.type, {}, {}, event.at);
    event.severity = Severity::warning;
    event.expected = judged;
    event.seen = judged - lost.size();
    event.reason = std::to_string(lost.size()) + " of " + std::to_string(judged) +
                   " assets fell silent at once: an exporter or the way to FlowLens is more likely "
                   "down than they are";
    root = tell(std::move(event));
  }
  std::vector<std::uint32_t> services_lost;
  for (const std::uint32_t asset : lost) assets[asset].value.is_away = true;
  for (std::uint32_t i = 0; i < services.positions(); ++i) {
    ServiceWatch& s = services[i].value;
    if (!s.alive || s.is_vanished || !s.rhythm.is_known(learning)) continue;
    if (assets[services[i].key.server].value.is_away) services_lost.push_back(i);
  }
  put_services_in_order(services_lost);
  tell_lost_services(services_lost, lost, root);
}

void State::look_for_lost_services() {
  std::vector<std::uint32_t> lost;
  for (std::uint32_t i = 0; i < services.positions(); ++i) {
    const ServiceWatch& s = services[i].value;
    if (s.alive && !s.is_vanished && is_overdue(s.rhythm)) lost.push_back(i);
  }
  put_services_in_order(lost);
  if (!lost.empty()) tell_lost_services(lost, {}, {});
}

/// Assets and services that are gone, with what stands in for them.
void State::tell_lost_services(const std::vector<std::uint32_t>& lost,
                               const std::vector<std::uint32_t>& lost_assets, const Id& root) {
  for (const std::uint32_t service : lost) services[service].value.is_vanished = true;
  // Two passes over what is watched: the clients of each, then where else they find the same.
  std::map<std::uint32_t, std::set<std::uint32_t>> clients;
  for (const std::uint32_t service : lost) clients[service];
  for (std::uint32_t i = 0; i < dependencies.positions(); ++i) {
    const DependencyWatch& d = dependencies[i].value;
    if (!d.alive || d.is_silent) continue;
    if (const auto found = clients.find(d.service); found != clients.end()) {
      found->second.insert(d.client);
    }
  }
  std::map<std::pair<std::uint16_t, std::uint8_t>, std::vector<std::uint32_t>> by_port;
  for (const std::uint32_t service : lost) {
    by_port[{services[service].key.port, services[service].key.protocol}].push_back(service);
  }
  std::map<std::uint32_t, std::map<std::uint32_t, std::size_t>>
      others;  // service → server → clients
  for (std::uint32_t i = 0; i < dependencies.positions() && !lost.empty(); ++i) {
    const DependencyWatch& d = dependencies[i].value;
    if (!d.alive || d.is_silent || services[d.service].value.is_vanished) continue;
    const ServiceKey& key = services[d.service].key;
    const auto same = by_port.find({key.port, key.protocol});
    if (same == by_port.end() || pause_of(services[d.service].value.rhythm) > day) continue;
    for (const std::uint32_t service : same->second) {
      if (clients[service].count(d.client) > 0) ++others[service][d.server];
    }
  }
  // A replica: half of its clients use the other, too.
  const auto replica_of = [&](std::uint32_t service) {
    std::uint32_t best = kNone;
    std::size_t most = 0;
    for (const auto& [server, shared] : others[service]) {
      if (2 * shared >= clients[service].size() && shared > most) {
        best = server;
        most = shared;
      }
    }
    return best;
  };

  std::map<std::uint32_t, std::vector<std::uint32_t>> of_asset;
  for (const std::uint32_t service : lost)
    of_asset[services[service].key.server].push_back(service);
  for (const std::uint32_t asset : lost_assets) {
    const AssetWatch& a = assets[asset].value;
    ChangeEvent event = about_asset(ChangeType::asset_offline, asset, a.rhythm.last);
    event.cause = root;
    event.before = "online";
    event.after = "offline";
    event.seen = std::uint64_t{pause_of(a.rhythm)} *
                 static_cast<std::uint64_t>(options.window / std::chrono::seconds{1});
    event.expected = std::uint64_t{a.rhythm.most()} *
                     static_cast<std::uint64_t>(options.window / std::chrono::seconds{1});
    std::size_t left = 0;
    for (const std::uint32_t service : of_asset[asset]) {
      event.severity = std::max(event.severity, Severity::warning);
      if (replica_of(service) == kNone) left = std::max(left, clients[service].size());
    }
    if (left >= options.critical_clients) event.severity = Severity::critical;
    event.reason = name_of(asset) + " is silent since " + to_string(time_of(a.rhythm.last + 1)) +
                   "; it has never rested longer than " + span_text(a.rhythm.most());
    if (left > 0) event.reason += "; " + std::to_string(left) + " clients have no other server";
    away_events[asset] = tell(std::move(event));
  }
  for (const std::uint32_t service : lost) {
    const ServiceKey key = services[service].key;
    const Rhythm& r = services[service].value.rhythm;
    const std::uint32_t other = replica_of(service);
    ChangeEvent event = about_service(
        other == kNone ? ChangeType::service_vanished : ChangeType::replica_lost, service, r.last);
    const auto host = away_events.find(key.server);
    if (host != away_events.end()) event.cause = host->second;
    event.before = "serving";
    event.after = "vanished";
    const std::size_t count = clients[service].size();
    if (assets[key.server].value.is_internal && count > 0) {
      const bool is_grave = other == kNone && count >= options.critical_clients;
      event.severity = is_grave ? Severity::critical : Severity::warning;
    }
    event.reason = name_of(key.server) + " serves " + service_text(key) + " no more, to any of " +
                   std::to_string(count) + " clients";
    if (other != kNone) event.reason += "; " + name_of(other) + " still serves them";
    vanished_events[service] = tell(std::move(event));
  }
}

Id State::cause_of(const DependencyWatch& d) const {
  for (const std::uint32_t asset : {d.server, d.client}) {
    if (const auto found = away_events.find(asset); found != away_events.end())
      return found->second;
  }
  const auto found = vanished_events.find(d.service);
  return found == vanished_events.end() ? Id{} : found->second;
}

void State::look_for_silent_dependencies() {
  std::vector<std::uint32_t> late, gone;
  for (std::uint32_t i = 0; i < dependencies.positions(); ++i) {
    const DependencyWatch& d = dependencies[i].value;
    if (!d.alive) continue;
    const std::uint32_t pause = pause_of(d.rhythm);
    if (pause < options.quiet_windows) continue;
    const bool is_late = is_overdue(d.rhythm);
    const bool is_known = d.rhythm.is_known(learning);
    // What came once may come once a month.
    const std::uint32_t due =
        is_known ? d.rhythm.allowed(options.quiet_windows, day) : forget_after;
    if (pause > forget_after + due) gone.push_back(i);
    if (is_late && !d.is_silent) late.push_back(i);
  }
  put_in_order(late, false);
  for (const std::uint32_t i : late) {
    DependencyWatch& d = dependencies[i].value;
    const std::uint32_t pause = pause_of(d.rhythm);
    // Re-directed meanwhile: its traffic goes on under another id.
    const auto row = graph->dependency(dependencies[i].key);
    if (!row || row->id != dependencies[i].key) {
      gone.push_back(i);
      continue;
    }
    d.is_silent = true;
    ChangeEvent event = about_dependency(ChangeType::dependency_silent, i, d.rhythm.last);
    event.cause = cause_of(d);
    const bool is_job = d.rhythm.is_job();
    if (event.cause.is_none() && is_job) event.severity = Severity::warning;
    event.before = "active";
    event.after = "silent";
    event.reason = name_of(d.client) + " has not used " + service_text(services[d.service].key) +
                   " of " + name_of(d.server) + " for " + span_text(pause) +
                   (is_job ? "; it comes every " : "; it has never rested longer than ") +
                   span_text(d.rhythm.most());
    tell(std::move(event));
  }
  put_in_order(gone, false);
  for (const std::uint32_t i : gone) {
    const DependencyWatch& d = dependencies[i].value;
    // What was seen for a moment only, as by a scan, goes without a word.
    if (d.is_silent && pause_of(d.rhythm) > forget_after) {
      ChangeEvent event = about_dependency(ChangeType::removed_dependency, i, d.rhythm.last);
      event.before = "silent";
      event.after = "forgotten";
      event.reason = name_of(d.client) + " has not used " + service_text(services[d.service].key) +
                     " of " + name_of(d.server) + " for " + span_text(pause_of(d.rhythm));
      for (const std::uint32_t asset : {d.client, d.server}) {
        const AssetWatch& a = assets[asset].value;
        if (a.dependencies > 1 || !a.is_internal || !a.is_away) continue;
        ChangeEvent last = about_asset(ChangeType::removed_asset, asset, a.rhythm.last);
        last.before = "offline";
        last.after = "forgotten";
        last.reason = name_of(asset) + " has been silent for " + span_text(pause_of(a.rhythm));
        const Id cause = tell(std::move(last));
        if (event.cause.is_none()) event.cause = cause;
      }
      tell(std::move(event));
    }
    forget(i);
  }
}

}  // namespace flowlens::detect
