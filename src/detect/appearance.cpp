// What is seen for the first time, or again after a silence; many at once are a scan.
#include <algorithm>
#include <set>
#include <tuple>

#include "detect/watch.hpp"

namespace flowlens::detect {

namespace {

Id taken(std::unordered_map<std::uint32_t, Id>& from, std::uint32_t position) {
  const auto found = from.find(position);
  if (found == from.end()) return {};
  const Id id = found->second;
  from.erase(found);
  return id;
}

}  // namespace

void State::tell_returns() {
  std::map<std::uint32_t, Id> back;
  put_in_order(back_assets, true);
  put_services_in_order(back_services);
  put_in_order(back_dependencies, false);
  for (const std::uint32_t asset : back_assets) {
    (void)taken(away_events, asset);
    ChangeEvent event = about_asset(ChangeType::asset_online, asset, now());
    event.before = "offline";
    event.after = "online";
    event.reason = name_of(asset) + " is back";
    back[asset] = tell(std::move(event));
  }
  const auto cause = [&](std::initializer_list<std::uint32_t> of) {
    for (const std::uint32_t asset : of) {
      if (const auto found = back.find(asset); found != back.end()) return found->second;
    }
    return Id{};
  };
  for (const std::uint32_t service : back_services) {
    (void)taken(vanished_events, service);
    const ServiceKey key = services[service].key;
    ChangeEvent event = about_service(ChangeType::service_appeared, service, now());
    event.cause = cause({key.server});
    event.before = "vanished";
    event.after = "serving";
    event.reason = name_of(key.server) + " serves " + service_text(key) + " again";
    tell(std::move(event));
  }
  for (const std::uint32_t dependency : back_dependencies) {
    const DependencyWatch& d = dependencies[dependency].value;
    ChangeEvent event = about_dependency(ChangeType::dependency_resumed, dependency, now());
    event.cause = cause({d.server, d.client});
    event.before = "silent";
    event.after = "active";
    event.reason = name_of(d.client) + " uses " + service_text(services[d.service].key) + " of " +
                   name_of(d.server) + " again, after at most " + span_text(d.rhythm.most());
    tell(std::move(event));
  }
  back_assets.clear();
  back_services.clear();
  back_dependencies.clear();
}

/// Many addresses on one port, or many ports of one address, from one client in one window.
/// \param causes  set to the scan that each appearance is part of, or none.
void State::tell_scans(std::vector<Id>& causes) {
  causes.assign(appearances.size(), {});
  if (is_learning()) return;
  // Groups: (client, is a sweep over addresses, port and protocol or server) → appearances.
  std::map<std::tuple<std::uint32_t, bool, std::uint32_t>, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < appearances.size(); ++i) {
    const DependencyWatch& d = dependencies[appearances[i].dependency].value;
    if (!assets[d.server].value.is_internal) continue;
    const ServiceKey& key = services[d.service].key;
    groups[{d.client, true, std::uint32_t{key.port} << 8 | key.protocol}].push_back(i);
    groups[{d.client, false, d.server}].push_back(i);
  }
  for (const auto& [group, members] : groups) {
    if (members.size() < options.scan_ends) continue;
    const auto& [client, is_sweep, what] = group;
    const DependencyWatch& d = dependencies[appearances[members.front()].dependency].value;
    ChangeEvent event = about_asset(ChangeType::scan, client, now());
    event.id = change_id(
        ChangeType::scan, event.subject, {},
        time_of(now()) + std::chrono::nanoseconds{what} * 2 + std::chrono::nanoseconds{is_sweep});
    event.severity = Severity::warning;
    event.seen = members.size();
    event.expected = 0;
    const ServiceKey key = services[d.service].key;
    if (is_sweep) {
      event.port = key.port;
      event.protocol = key.protocol;
    } else {
      event.object = assets[d.server].key;
    }
    event.reason =
        name_of(client) + " reached " + std::to_string(members.size()) +
        (is_sweep ? " addresses on " + service_text(key) : " ports of " + name_of(d.server)) +
        " in one window that it had never used";
    const Id scan = tell(std::move(event));
    for (const std::size_t member : members) causes[member] = scan;
  }
}

void State::tell_appearances() {
  std::vector<Id> scans;
  tell_scans(scans);
  std::map<std::uint32_t, Id> new_assets, new_services;
  for (std::size_t i = 0; i < appearances.size(); ++i) {
    // Past the bounds plain discovery is counted only: to put it into words takes longer than all else.
    const Appearance& a = appearances[i];
    const bool is_plain = scans[i].is_none() && !a.is_settled_service && !a.is_new_outside;
    const bool is_past = is_plain ? i >= options.max_events
                                  : !scans[i].is_none() && parts[scans[i]] >= options.max_parts;
    if (is_past) {
      ++counters.left_out;
      continue;
    }
    tell_appearance(a, scans[i], new_assets, new_services);
  }
  appearances.clear();
}

void State::tell_appearance(const Appearance& a, const Id& cause,
                            std::map<std::uint32_t, Id>& new_assets,
                            std::map<std::uint32_t, Id>& new_services) {
  const DependencyWatch& d = dependencies[a.dependency].value;
  const ServiceKey key = services[d.service].key;
  const std::string client = name_of(d.client), server = name_of(d.server);
  const auto tell_asset = [&](std::uint32_t asset, const std::string& name, const char* does) {
    ChangeEvent event = about_asset(ChangeType::new_asset, asset, now());
    event.cause = cause;
    event.after = name;
    event.reason = name + " is seen for the first time: it " + does + " " + service_text(key);
    new_assets[asset] = tell(std::move(event));
  };
  if (a.is_new_client) tell_asset(d.client, client, "uses");
  if (a.is_new_server) tell_asset(d.server, server, "serves");
  const auto of = [](const std::map<std::uint32_t, Id>& from, std::uint32_t what) {
    const auto found = from.find(what);
    return found == from.end() ? Id{} : found->second;
  };
  if (a.is_new_service) {
    ChangeEvent event = about_service(ChangeType::service_appeared, d.service, now());
    event.cause = cause.is_none() ? of(new_assets, d.server) : cause;
    event.after = service_text(key);
    event.reason = server + " serves " + service_text(key) + ", first to " + client;
    const Id root = event.cause;
    const Id id = tell(std::move(event));
    new_services[d.service] = root.is_none() ? id : root;
  }
  const AssetWatch& c = assets[d.client].value;
  const AssetWatch& s = assets[d.server].value;
  const bool is_outside = c.is_internal != s.is_internal;
  ChangeEvent event = about_dependency(
      is_outside ? ChangeType::new_external_connection : ChangeType::new_dependency, a.dependency,
      now());
  event.id = change_id(event.type, event.subject, event.object, a.first_seen);
  event.after = client + " → " + server + " " + service_text(key);
  event.reason = client + " uses " + service_text(key) + " of " + server + " for the first time";
  if (is_outside && s.is_internal) event.before = "not used from outside";
  if (!is_learning() && cause.is_none()) {
    const AssetWatch& inner = c.is_internal ? c : s;
    if (a.is_settled_service && s.is_internal) {
      event.severity = Severity::warning;
      event.reason += "; its clients had been the same few for long";
    } else if (is_outside && a.is_new_outside && c.is_internal && inner.services > 0 &&
               inner.rhythm.is_known(learning)) {
      event.severity = Severity::warning;
      event.reason += "; this server had never spoken to the outside";
    }
  }
  event.cause = cause;
  if (cause.is_none() && event.severity == Severity::info) {
    for (const Id& id :
         {of(new_services, d.service), of(new_assets, d.client), of(new_assets, d.server)}) {
      if (event.cause.is_none()) event.cause = id;
    }
  }
  tell(std::move(event));
}

}  // namespace flowlens::detect
