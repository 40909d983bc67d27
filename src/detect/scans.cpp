// Many addresses on one port, or many ports of one address, called by one client that never did:
// whether all of them answer, some or none.
#include <algorithm>
#include <optional>

#include "detect/watch.hpp"
#include "graph/derived_ids.hpp"

namespace flowlens::detect {

namespace {

constexpr std::uint32_t kRememberedOfClient = 1'000;  ///< new attempts, of one window
constexpr std::size_t kMostScans = 10'000;            ///< clients that scan at a time
constexpr std::size_t kNamed = 3;                     ///< targets
constexpr std::uint32_t kHandSteps = 64;              ///< attempts looked at to make room for one

ScanTarget sweep_of(const DependencyKey& key) { return {true, key.port, key.protocol, {}}; }
ScanTarget ports_of(const DependencyKey& key) { return {false, 0, 0, key.server}; }

/// \param appearance  its number; nothing: it was in vain.
void add(ScanClient& client, const DependencyKey& key, std::optional<std::size_t> appearance) {
  for (const ScanTarget& target : {sweep_of(key), ports_of(key)}) {
    ScanGroup& group = client.groups[target];
    group.keys.push_back(key);
    if (appearance) group.appearances.push_back(*appearance);
  }
}

/// Those of a size to be a scan, the largest first.
std::vector<LargeGroup> large_groups(const ScanClient& client, std::size_t least) {
  std::vector<LargeGroup> found;
  for (const auto& group : client.groups) {
    if (group.second.keys.size() >= least) found.push_back(&group);
  }
  std::stable_sort(found.begin(), found.end(), [](LargeGroup l, LargeGroup r) {
    return l->second.keys.size() > r->second.keys.size();
  });
  return found;
}

/// `10.0.0.1, 10.0.0.2, 10.0.0.3 and more`
std::string some_targets(const ScanTarget& what, const ScanGroup& group) {
  std::vector<DependencyKey> keys = group.keys;
  std::sort(keys.begin(), keys.end());
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamed, keys.size()); ++i) {
    if (i > 0) text += ", ";
    text += what.is_sweep ? keys[i].server.address.to_string() : std::to_string(keys[i].port);
  }
  return keys.size() > kNamed ? text + " and more" : text;
}

std::uint64_t name_of_attempt(const DependencyKey& key) noexcept {
  return base::mix(base::hash_of(key.client, 1) ^ base::mix(base::hash_of(key.server, 2), key.port),
                   key.protocol);
}

}  // namespace

/// Those of the window that nobody ever made before go to `vain`.
void State::take_attempts(Timestamp window, std::span<const Attempt> in_vain) {
  vain.clear();
  if (attempts_since == kNone) attempts_since = now();
  std::vector<DependencyKey> keys;
  for (const Attempt& attempt : in_vain) {
    if (attempt.window_start == window) keys.push_back(attempt.key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::uint32_t remembered = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const DependencyKey& key = keys[i];
    if (i > 0 && keys[i - 1].client != key.client) remembered = 0;
    const std::uint64_t name = name_of_attempt(key);
    const std::uint32_t known = attempts.find(name);
    const bool is_fresh = known == kNone || now() - attempts[known].value.last > forget_after;
    if (known != kNone) attempts[known].value.last = now();
    if (!is_fresh) continue;
    if (known == kNone) {
      // A scan must not push out what others have always done.
      if (++remembered > kRememberedOfClient) {
        ++counters.forgotten_attempts;
      } else {
        remember_attempt(name);
      }
    }
    if (!has_called_before(key)) vain.push_back(key);
  }
}

/// Whether it was answered once: a server that has died is no target.
bool State::has_called_before(const DependencyKey& key) const {
  return graph->dependency(graph::dependency_id(graph->sites(), key)).has_value();
}

void State::remember_attempt(std::uint64_t attempt) {
  if (attempts.full()) {
    std::uint32_t oldest = kNone;
    for (std::uint32_t i = 0; i < std::min(kHandSteps, attempts.positions()); ++i) {
      attempt_hand = attempt_hand + 1 < attempts.positions() ? attempt_hand + 1 : 0;
      const AttemptMemory& looked_at = attempts[attempt_hand].value;
      if (!looked_at.alive) continue;
      if (oldest == kNone || looked_at.last < attempts[oldest].value.last) oldest = attempt_hand;
    }
    if (oldest == kNone) return;
    attempts[oldest].value.alive = false;
    attempts.erase(oldest);
    ++counters.forgotten_attempts;
  }
  attempts[attempts.insert(attempt).first].value = {now(), true};
}

/// Who does nothing but call in vain is no asset; its id is what it would be.
Id State::client_of(const Endpoint& endpoint) const {
  const auto row = graph->asset_of(endpoint);
  return row ? row->id : graph::asset_id(graph->sites(), endpoint, 0);
}

void State::tell_scans(std::vector<Id>& causes) {
  causes.assign(appearances.size(), {});
  const std::uint32_t pause = std::max(day / 24, 1u);
  std::erase_if(scans, [&](const auto& s) {
    return now() - s.second.last > pause || now() - s.second.begun >= day;
  });
  if (is_learning()) return;
  std::map<Id, ScanClient> clients;
  for (std::size_t i = 0; i < appearances.size(); ++i) {
    const DependencyWatch& d = dependencies[appearances[i].dependency].value;
    if (!assets[d.server].value.is_internal) continue;
    ScanClient& client = clients[id_of(d.client)];
    client.endpoint = assets[d.client].value.endpoint;
    add(client, appearances[i].key, i);
  }
  // Until it is known what is always in vain, what is answered alone counts.
  const bool knows_attempts = now() - attempts_since >= learning;
  for (std::size_t i = 0; i < vain.size() && knows_attempts; ++i) {
    ScanClient& client = clients[client_of(vain[i].client)];
    if (client.groups.empty()) client.endpoint = vain[i].client;
    add(client, vain[i], {});
  }
  for (const auto& [id, client] : clients) {
    const auto large = large_groups(client, options.scan_ends);
    if (large.empty()) continue;
    const Id event = scan_of(id, client, large);
    for (const LargeGroup& group : large) {
      for (const std::size_t i : group->second.appearances) causes[i] = event;
    }
  }
}

/// The event of the scan that goes on, or else of one that begins.
Id State::scan_of(const Id& client, const ScanClient& seen, std::span<const LargeGroup> large) {
  const auto known = scans.find(client);
  if (known != scans.end()) {
    known->second.last = now();
    return known->second.event;
  }
  const Id event = tell(about_scan(client, seen, large));
  if (scans.size() < kMostScans) {
    scans[client] = {now(), now(), event};
  } else {
    ++counters.unwatched;
  }
  return event;
}

ChangeEvent State::about_scan(const Id& client, const ScanClient& seen,
                              std::span<const LargeGroup> large) const {
  const auto& [what, group] = *large.front();
  const std::size_t in_vain = group.keys.size() - group.appearances.size();
  ChangeEvent event;
  event.type = ChangeType::scan;
  event.subject = client;
  event.endpoint = seen.endpoint;
  event.at = time_of(now());
  event.id = change_id(event.type, client, {}, event.at);
  event.severity = Severity::warning;
  event.seen = group.keys.size();
  event.expected = 0;
  event.reason = label_of(seen.endpoint) + " called " + std::to_string(group.keys.size());
  if (what.is_sweep) {
    event.port = what.port;
    event.protocol = what.protocol;
    event.reason += " addresses on " + service_text({kNone, what.port, what.protocol});
  } else {
    if (const auto server = graph->asset_of(what.server)) event.object = server->id;
    event.reason += " ports of " + label_of(what.server);
  }
  event.reason += " in one window that it had never used (" + some_targets(what, group) + ")";
  if (in_vain > 0) event.reason += ", " + std::to_string(in_vain) + " of them in vain";
  if (large.size() > 1) {
    event.reason += "; and as many ports or addresses another " + std::to_string(large.size() - 1) +
                    (large.size() > 2 ? " times" : " time");
  }
  return event;
}

std::string State::label_of(const Endpoint& endpoint) const {
  const auto row = graph->asset_of(endpoint);
  return row && !row->name.empty() ? row->name : endpoint.address.to_string();
}

}  // namespace flowlens::detect
