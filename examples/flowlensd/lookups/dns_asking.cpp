#include "lookups/dns_asking.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

constexpr std::chrono::milliseconds kInterval{500};
// Somebody is always told; this is for what a full queue or a failure loses.
constexpr std::chrono::minutes kPatience{10};
constexpr std::size_t kAtATime = 1'000;  // endpoints looked at under one lock
constexpr std::size_t kPage = 1'000;     // assets

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
  }
  return parts;
}

}  // namespace

DnsAskingOptions dns_asking_options(const Settings& s) {
  DnsAskingOptions o;
  if (s.dns_servers != "system") o.dns.servers = split(s.dns_servers);
  o.dns.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(s.dns_timeout_ms));
  o.dns.longest_ttl = std::chrono::seconds(s.dns_cache_ttl_seconds);
  o.dns.longest_negative_ttl = std::chrono::seconds(s.dns_negative_cache_ttl_seconds);
  o.dns.cache_size = std::min(s.dns_cache_size, s.cache_max_entries);
  o.dns.max_concurrent = s.dns_max_concurrent;
  o.external = s.dns_external;
  o.max_endpoints = s.cache_max_entries;
  try {
    check_dns_servers(o.dns.servers);
  } catch (const ConfigError& e) {
    throw ConfigError("enrichment.dns.resolver (ENRICHMENT_DNS_SERVERS): " + std::string(e.what()) +
                      ", with commas between, or system");
  }
  return o;
}

bool can_have_name(const IpAddress& a) noexcept {
  return !a.is_unspecified() && !a.is_loopback() && !a.is_link_local() && !a.is_multicast() &&
         !a.is_limited_broadcast() && !peer_group(a);
}

DnsAsking::DnsAsking(const DnsAskingOptions& options, const DependencyGraph& graph, Tell tell,
                     FatalHandler fatal)
    : options_(options),
      graph_(graph),
      tell_(std::move(tell)),
      kept_(0, EndpointHash{options_.hash_key}),
      lookup_(options_.dns, [this](const DnsAnswer& answer) { hear(answer); }),
      thread_(
          "the asking for names", kInterval, [this](Timestamp now) { look(now); },
          std::move(fatal)) {}

void DnsAsking::stop() {
  thread_.stop();
  lookup_.stop();
}

void DnsAsking::follow(const Revision& revision) {
  for (const AssetRow& row : revision.assets) take(row, revision.at);
}

DnsAskingView DnsAsking::view() const {
  DnsAskingView view{lookup_.counters(), lookup_.last_problem()};
  const std::lock_guard lock(mutex_);
  view.endpoints = kept_.size();
  view.left_out = left_out_;
  view.facts = facts_;
  return view;
}

LookupStatus DnsAsking::status() const {
  const DnsAskingView now = view();
  LookupStatus s;
  s.source = s.origin = "dns";
  s.interval = options_.dns.longest_ttl;
  s.last_success = now.dns.last_answer;
  if (now.dns.failures_in_a_row > 0) s.last_error = now.last_problem;
  s.last_error_at = now.dns.last_failure;
  for (std::size_t i = 0; i < kDnsResults; ++i) {
    (is_failure(static_cast<DnsResult>(i)) ? s.failures : s.successes) += now.dns.results[i];
  }
  s.facts = now.facts;
  return s;
}

void DnsAsking::look(Timestamp now) {
  if (!has_taken_all_) take_all(now);
  has_taken_all_ = true;
  ask_due(now);
}

void DnsAsking::take_all(Timestamp now) {
  AssetQuery query;
  query.limit = kPage;
  for (bool has_more = true; has_more;) {
    const Page<AssetRow> page = graph_.assets(query);
    for (const AssetRow& row : page.rows) take(row, now);
    query.after = page.next;
    has_more = page.has_more;
  }
}

void DnsAsking::take(const AssetRow& row, Timestamp now) {
  if (!row.is_internal && !options_.external) return;
  const std::lock_guard lock(mutex_);
  for (const HeldEndpoint& held : row.endpoints) {
    if (held.until || !can_have_name(held.endpoint.address)) continue;
    if (kept_.find(held.endpoint) != kept_.end()) continue;
    if (kept_.size() >= options_.max_endpoints) {
      ++left_out_;
      continue;
    }
    kept_.emplace(held.endpoint, Kept{now, {}});
    due_.emplace(now, held.endpoint);
  }
}

void DnsAsking::ask_due(Timestamp now) {
  for (;;) {
    std::vector<Endpoint> due;
    {
      const std::lock_guard lock(mutex_);
      for (auto at = due_.begin(); at != due_.end() && at->first <= now; ++at) {
        if (due.size() == kAtATime) break;
        due.push_back(at->second);
      }
    }
    for (const Endpoint& endpoint : due) {
      if (!is_in_map(endpoint)) {
        forget(endpoint);
        continue;
      }
      // Put off before it is asked: the answer may come at once, and says when next.
      put_off(endpoint, now + kPatience);
      if (lookup_.ask(endpoint)) continue;
      put_off(endpoint, now);  // the queue is full: at the next look
      return;
    }
    if (due.size() < kAtATime) return;
  }
}

bool DnsAsking::is_in_map(const Endpoint& endpoint) const {
  const auto row = graph_.asset_of(endpoint);
  return row && (row->is_internal || options_.external);
}

void DnsAsking::hear(const DnsAnswer& answer) {
  put_off(answer.subject, answer.ask_again);
  if (is_failure(answer.result)) return;  // what was said before stands until it expires
  std::vector<Fact> facts = dns_facts(answer);
  const std::string now_said = facts.empty() ? std::string() : facts.front().attribute;
  std::string said_before;
  {
    const std::lock_guard lock(mutex_);
    const auto at = kept_.find(answer.subject);
    if (at == kept_.end()) return;
    said_before = std::exchange(at->second.attribute, now_said);
    facts_ += now_said.empty() ? 0 : 1;
    facts_ -= said_before.empty() ? 0 : 1;
  }
  if (!said_before.empty() && said_before != now_said) {
    Fact over{answer.subject, said_before, {}, FactSource::dns, answer.at, std::nullopt};
    over.origin = "dns";
    facts.insert(facts.begin(), std::move(over));
  }
  if (!facts.empty()) tell_(facts);
}

void DnsAsking::put_off(const Endpoint& endpoint, Timestamp due) {
  const std::lock_guard lock(mutex_);
  const auto at = kept_.find(endpoint);
  if (at == kept_.end()) return;
  due_.erase({at->second.due, endpoint});
  at->second.due = due;
  due_.emplace(due, endpoint);
}

void DnsAsking::forget(const Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  const auto at = kept_.find(endpoint);
  if (at == kept_.end()) return;
  due_.erase({at->second.due, endpoint});
  facts_ -= at->second.attribute.empty() ? 0 : 1;
  kept_.erase(at);
}

}  // namespace flowlensd
