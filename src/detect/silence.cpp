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

/// Services that are gone: who used each, and where else they find the same.
struct Losses {
  std::map<std::uint32_t, std::set<std::uint32_t>> clients;              ///< by service
  std::map<std::uint32_t, std::map<std::uint32_t, std::size_t>> others;  ///< then by server

  [[nodiscard]] std::size_t clients_of(std::uint32_t service) const {
    return clients.at(service).size();
  }
  /// The server that half of the clients use too, and most of them; kNone: there is none.
  [[nodiscard]] std::uint32_t replica_of(std::uint32_t service) const {
    const auto found = others.find(service);
    if (found == others.end()) return kNone;
    std::uint32_t best = kNone;
    std::size_t most = 0;
    for (const auto& [server, shared] : found->second) {
      if (2 * shared >= clients_of(service) && shared > most) {
        best = server;
        most = shared;
      }
    }
    return best;
  }
};

/// Two passes over what is watched.
Losses losses_of(const State& s, const std::vector<std::uint32_t>& lost) {
  Losses found;
  std::map<std::pair<std::uint16_t, std::uint8_t>, std::vector<std::uint32_t>> by_port;
  for (const std::uint32_t service : lost) {
    found.clients[service];
    by_port[{s.services[service].key.port, s.services[service].key.protocol}].push_back(service);
  }
  if (lost.empty()) return found;
  for (std::uint32_t i = 0; i < s.dependencies.positions(); ++i) {
    const DependencyWatch& d = s.dependencies[i].value;
    if (!d.alive || d.is_silent) continue;
    const auto of = found.clients.find(d.service);
    if (of != found.clients.end()) of->second.insert(d.client);
  }
  for (std::uint32_t i = 0; i < s.dependencies.positions(); ++i) {
    const DependencyWatch& d = s.dependencies[i].value;
    if (!d.alive || d.is_silent) continue;
    const auto& [key, other] = s.services[d.service];
    const auto same = by_port.find({key.port, key.protocol});
    if (same == by_port.end() || other.is_vanished || s.pause_of(other.rhythm) > s.day) continue;
    for (const std::uint32_t service : same->second) {
      if (found.clients[service].contains(d.client)) ++found.others[service][d.server];
    }
  }
  return found;
}

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
  const Losses losses = losses_of(*this, lost);
  std::map<std::uint32_t, std::vector<std::uint32_t>> of_asset;
  for (const std::uint32_t service : lost) {
    of_asset[services[service].key.server].push_back(service);
  }
  for (const std::uint32_t asset : lost_assets) {
    std::size_t left = 0;
    for (const std::uint32_t service : of_asset[asset]) {
      if (losses.replica_of(service) != kNone) continue;
      left = std::max(left, losses.clients_of(service));
    }
    ChangeEvent event = about_lost_asset(asset, !of_asset[asset].empty(), left);
    event.cause = root;
    away_events[asset] = tell(std::move(event));
  }
  for (const std::uint32_t service : lost) {
    vanished_events[service] =
        tell(about_lost_service(service, losses.clients_of(service), losses.replica_of(service)));
  }
}

/// \param left  clients that have no other server for what it served.
ChangeEvent State::about_lost_asset(std::uint32_t asset, bool serves, std::size_t left) const {
  const Rhythm& r = assets[asset].value.rhythm;
  ChangeEvent event = about_asset(ChangeType::asset_offline, asset, r.last);
  if (serves) event.severity = Severity::warning;
  if (left >= options.critical_clients) event.severity = Severity::critical;
  event.before = "online";
  event.after = "offline";
  const auto seconds = static_cast<std::uint64_t>(options.window / std::chrono::seconds{1});
  event.seen = pause_of(r) * seconds;
  event.expected = r.most() * seconds;
  event.reason = name_of(asset) + " is silent since " + to_string(time_of(r.last + 1)) +
                 "; it has never rested longer than " + span_text(r.most());
  if (left > 0) event.reason += "; " + std::to_string(left) + " clients have no other server";
  return event;
}

/// \param other  the server that stands in for it, or kNone.
ChangeEvent State::about_lost_service(std::uint32_t service, std::size_t clients,
                                      std::uint32_t other) const {
  const auto& [key, watched] = services[service];
  const auto type = other == kNone ? ChangeType::service_vanished : ChangeType::replica_lost;
  ChangeEvent event = about_service(type, service, watched.rhythm.last);
  const auto host = away_events.find(key.server);
  if (host != away_events.end()) event.cause = host->second;
  event.before = "serving";
  event.after = "vanished";
  if (assets[key.server].value.is_internal && clients > 0) {
    const bool is_grave = other == kNone && clients >= options.critical_clients;
    event.severity = is_grave ? Severity::critical : Severity::warning;
  }
  event.reason = name_of(key.server) + " serves " + service_text(key) + " no more, to any of " +
                 std::to_string(clients) + " clients";
  if (other != kNone) event.reason += "; " + name_of(other) + " still serves them";
  return event;
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
    // Re-directed meanwhile: its traffic goes on under another id.
    const auto row = graph->dependency(dependencies[i].key);
    if (row && row->id == dependencies[i].key) {
      tell_silent(i);
    } else {
      gone.push_back(i);
    }
  }
  put_in_order(gone, false);
  for (const std::uint32_t i : gone) {
    const DependencyWatch& d = dependencies[i].value;
    // What was seen for a moment only, as by a scan, goes without a word.
    if (d.is_silent && pause_of(d.rhythm) > forget_after) tell_removed(i);
    forget(i);
  }
}

void State::tell_silent(std::uint32_t dependency) {
  DependencyWatch& d = dependencies[dependency].value;
  d.is_silent = true;
  ChangeEvent event = about_dependency(ChangeType::dependency_silent, dependency, d.rhythm.last);
  event.cause = cause_of(d);
  const bool is_job = d.rhythm.is_job();
  if (event.cause.is_none() && is_job) event.severity = Severity::warning;
  event.before = "active";
  event.after = "silent";
  event.reason = name_of(d.client) + " has not used " + service_text(services[d.service].key) +
                 " of " + name_of(d.server) + " for " + span_text(pause_of(d.rhythm)) +
                 (is_job ? "; it comes every " : "; it has never rested longer than ") +
                 span_text(d.rhythm.most());
  tell(std::move(event));
}

/// With it go ends that have no other dependency left.
void State::tell_removed(std::uint32_t dependency) {
  const DependencyWatch& d = dependencies[dependency].value;
  ChangeEvent event = about_dependency(ChangeType::removed_dependency, dependency, d.rhythm.last);
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

}  // namespace flowlens::detect
