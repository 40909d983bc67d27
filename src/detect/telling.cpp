// Events: what they are about, in words; bounded.
#include <algorithm>
#include <tuple>

#include "detect/watch.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/flow_fields.hpp"

namespace flowlens::detect {

std::string State::name_of(std::uint32_t asset) const {
  const auto row = graph->asset(assets[asset].key);
  if (row && !row->name.empty()) return row->name;
  return assets[asset].value.endpoint.address.to_string();
}

/// The asset may have gone into another.
Id State::id_of(std::uint32_t asset) const {
  const auto row = graph->asset(assets[asset].key);
  return row ? row->id : assets[asset].key;
}

/// `tcp/5432 (postgresql)`
std::string State::service_text(const ServiceKey& key) const {
  const std::string_view protocol = name_of_protocol(key.protocol);
  std::string text = protocol.empty() ? std::to_string(key.protocol) : std::string{protocol};
  if (key.port == 0) return text;
  text += "/" + std::to_string(key.port);
  const std::string_view name = service_name(find_service(key.protocol, key.port));
  if (!name.empty()) text += " (" + std::string{name} + ")";
  return text;
}

/// `45 min`, `14 h`, `30 days`
std::string State::span_text(std::uint32_t ticks) const {
  const auto minutes =
      std::chrono::duration_cast<std::chrono::minutes>(options.window * std::int64_t{ticks})
          .count();
  if (minutes < 120) return std::to_string(minutes) + " min";
  if (minutes < 3 * 1'440) return std::to_string((minutes + 30) / 60) + " h";
  return std::to_string((minutes + 720) / 1'440) + " days";
}

ChangeEvent State::about_asset(ChangeType type, std::uint32_t asset, Tick since) const {
  ChangeEvent event;
  event.type = type;
  event.subject = id_of(asset);
  event.endpoint = assets[asset].value.endpoint;
  event.at = time_of(now());
  event.id = change_id(type, event.subject, {}, time_of(since));
  return event;
}

ChangeEvent State::about_service(ChangeType type, std::uint32_t service, Tick since) const {
  const ServiceKey& key = services[service].key;
  ChangeEvent event = about_asset(type, key.server, since);
  event.port = key.port;
  event.protocol = key.protocol;
  event.object =
      derive_id(event.subject, std::to_string(key.protocol) + "/" + std::to_string(key.port));
  event.id = change_id(type, event.subject, event.object, time_of(since));
  return event;
}

ChangeEvent State::about_dependency(ChangeType type, std::uint32_t dependency, Tick since) const {
  const DependencyWatch& d = dependencies[dependency].value;
  const ServiceKey& key = services[d.service].key;
  ChangeEvent event;
  event.type = type;
  event.subject = dependencies[dependency].key;
  event.object = id_of(d.client);
  event.at = time_of(now());
  event.endpoint = assets[d.server].value.endpoint;
  event.client = assets[d.client].value.endpoint;
  event.port = key.port;
  event.protocol = key.protocol;
  event.id = change_id(type, event.subject, event.object, time_of(since));
  return event;
}

Id State::tell(ChangeEvent event) {
  const Id id = event.id;
  if (!event.cause.is_none() && ++parts[event.cause] > options.max_parts) {
    ++counters.left_out;
    return id;
  }
  events.push_back(std::move(event));
  return id;
}

void State::put_in_order(std::vector<std::uint32_t>& positions, bool is_assets) const {
  const auto key = [&](std::uint32_t i) -> const Id& {
    return is_assets ? assets[i].key : dependencies[i].key;
  };
  std::sort(positions.begin(), positions.end(),
            [&](std::uint32_t l, std::uint32_t r) { return key(l) < key(r); });
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
}

void State::put_services_in_order(std::vector<std::uint32_t>& positions) const {
  const auto key = [&](std::uint32_t i) {
    const ServiceKey& k = services[i].key;
    return std::tuple{assets[k.server].key, k.port, k.protocol};
  };
  std::sort(positions.begin(), positions.end(),
            [&](std::uint32_t l, std::uint32_t r) { return key(l) < key(r); });
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
}

/// Past the bound, the gravest of each look stay, in their order.
void State::keep_gravest() {
  parts.clear();
  for (const Severity s : {Severity::info, Severity::warning, Severity::critical}) {
    if (events.size() <= options.max_events) break;
    std::size_t excess = events.size() - options.max_events;
    counters.left_out += excess;
    // From the back: causes stand before their parts.
    for (std::size_t i = events.size(); i-- > 0 && excess > 0;) {
      if (events[i].severity != s) continue;
      events[i].id = {};
      --excess;
    }
    counters.left_out -= excess;
    std::erase_if(events, [](const ChangeEvent& e) { return e.id.is_none(); });
  }
  for (const ChangeEvent& e : events) ++counters.events[static_cast<std::size_t>(e.type)];
}

}  // namespace flowlens::detect
