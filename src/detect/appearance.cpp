// What is seen for the first time, or again after a silence.
#include "detect/watch.hpp"

namespace flowlens::detect {

namespace {

Id id_in(const std::map<std::uint32_t, Id>& events, std::uint32_t position) {
  const auto found = events.find(position);
  return found == events.end() ? Id{} : found->second;
}

}  // namespace

void State::tell_returns() {
  std::map<std::uint32_t, Id> back;
  put_in_order(back_assets, true);
  put_services_in_order(back_services);
  put_in_order(back_dependencies, false);
  for (const std::uint32_t asset : back_assets) {
    away_events.erase(asset);
    ChangeEvent event = about_asset(ChangeType::asset_online, asset, now());
    event.before = "offline";
    event.after = "online";
    event.reason = name_of(asset) + " is back";
    back[asset] = tell(std::move(event));
  }
  for (const std::uint32_t service : back_services) {
    vanished_events.erase(service);
    const ServiceKey key = services[service].key;
    ChangeEvent event = about_service(ChangeType::service_appeared, service, now());
    event.cause = id_in(back, key.server);
    event.before = "vanished";
    event.after = "serving";
    event.reason = name_of(key.server) + " serves " + service_text(key) + " again";
    tell(std::move(event));
  }
  for (const std::uint32_t dependency : back_dependencies) {
    const DependencyWatch& d = dependencies[dependency].value;
    ChangeEvent event = about_dependency(ChangeType::dependency_resumed, dependency, now());
    event.cause = id_in(back, d.server);
    if (event.cause.is_none()) event.cause = id_in(back, d.client);
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

void State::tell_appearances() {
  std::vector<Id> scans;
  tell_scans(scans);
  Discoveries found;
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
    tell_appearance(a, scans[i], found);
  }
  appearances.clear();
}

void State::tell_appearance(const Appearance& a, const Id& cause, Discoveries& found) {
  const DependencyWatch& d = dependencies[a.dependency].value;
  if (a.is_new_client) tell_new_asset(d.client, "uses", d.service, cause, found);
  if (a.is_new_server) tell_new_asset(d.server, "serves", d.service, cause, found);
  if (a.is_new_service) tell_new_service(d, cause, found);
  ChangeEvent event = about_new_dependency(a);
  if (!is_learning() && cause.is_none()) {
    const std::string why = why_rare(a);
    if (!why.empty()) event.severity = Severity::warning;
    event.reason += why;
  }
  event.cause = cause;
  if (cause.is_none() && event.severity == Severity::info) {
    for (const Id& id : {id_in(found.services, d.service), id_in(found.assets, d.client),
                         id_in(found.assets, d.server)}) {
      if (event.cause.is_none()) event.cause = id;
    }
  }
  tell(std::move(event));
}

/// \param does  what it was seen to do with the service.
void State::tell_new_asset(std::uint32_t asset, const char* does, std::uint32_t service,
                           const Id& cause, Discoveries& found) {
  ChangeEvent event = about_asset(ChangeType::new_asset, asset, now());
  event.cause = cause;
  event.after = name_of(asset);
  event.reason = event.after + " is seen for the first time: it " + does + " " +
                 service_text(services[service].key);
  found.assets[asset] = tell(std::move(event));
}

void State::tell_new_service(const DependencyWatch& d, const Id& cause, Discoveries& found) {
  const ServiceKey key = services[d.service].key;
  ChangeEvent event = about_service(ChangeType::service_appeared, d.service, now());
  event.cause = cause.is_none() ? id_in(found.assets, d.server) : cause;
  event.after = service_text(key);
  event.reason =
      name_of(d.server) + " serves " + service_text(key) + ", first to " + name_of(d.client);
  const Id root = event.cause;
  const Id id = tell(std::move(event));
  found.services[d.service] = root.is_none() ? id : root;
}

ChangeEvent State::about_new_dependency(const Appearance& a) const {
  const DependencyWatch& d = dependencies[a.dependency].value;
  const std::string client = name_of(d.client), server = name_of(d.server);
  const std::string service = service_text(services[d.service].key);
  const bool is_inner_server = assets[d.server].value.is_internal;
  const bool is_outside = assets[d.client].value.is_internal != is_inner_server;
  ChangeEvent event = about_dependency(
      is_outside ? ChangeType::new_external_connection : ChangeType::new_dependency, a.dependency,
      now());
  event.id = change_id(event.type, event.subject, event.object, a.first_seen);
  if (is_outside && is_inner_server) event.before = "not used from outside";
  event.after = client + " → " + server + " " + service;
  event.reason = client + " uses " + service + " of " + server + " for the first time";
  return event;
}

/// Why somebody should look at a new dependency; empty: nobody needs to.
std::string State::why_rare(const Appearance& a) const {
  const DependencyWatch& d = dependencies[a.dependency].value;
  const AssetWatch &client = assets[d.client].value, &server = assets[d.server].value;
  if (a.is_settled_service && server.is_internal) {
    return "; its clients had been the same few for long";
  }
  // The first between this client and the outside.
  if (a.is_new_outside && client.is_internal && client.services > 0 &&
      client.rhythm.is_known(learning)) {
    return "; this server had never spoken to the outside";
  }
  return {};
}

}  // namespace flowlens::detect
