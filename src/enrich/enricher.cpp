#include "flowlens/enricher.hpp"

#include <algorithm>
#include <tuple>

#include "flowlens/error.hpp"

namespace flowlens {

Enricher::Enricher(const EnricherOptions& options) : internal_(options.internal_networks) {
  rules_.reserve(options.sites.size());
  for (const SiteRule& rule : options.sites) {
    if (rule.site.empty()) {
      throw ConfigError("site rule for " + rule.addresses.to_string() + " seen by " +
                        rule.exporters.to_string() + " has no site; give it a name");
    }
    rules_.push_back({rule.exporters, rule.addresses, sites_.add(rule.site)});
  }
  // Exporter and prefix, then prefix, then exporter; among each the longest.
  std::stable_sort(rules_.begin(), rules_.end(), [](const CompiledRule& a, const CompiledRule& b) {
    const auto rank = [](const CompiledRule& r) {
      const bool both = r.exporters.length != 0 && r.addresses.length != 0;
      return std::tuple{both, r.addresses.length, r.exporters.length};
    };
    return rank(a) > rank(b);
  });
}

SiteId Enricher::site_of(const IpAddress& exporter, const IpAddress& address) const noexcept {
  for (const CompiledRule& rule : rules_) {
    const bool fits = (rule.addresses.length == 0 || rule.addresses.contains(address)) &&
                      (rule.exporters.length == 0 || rule.exporters.contains(exporter));
    if (fits) return rule.site;
  }
  return {};
}

bool Enricher::is_internal(const IpAddress& address) const noexcept {
  if (address.is_private()) return true;
  return std::any_of(internal_.begin(), internal_.end(),
                     [&address](const IpPrefix& p) { return p.contains(address); });
}

FlowLabels Enricher::label(const FlowRecord& flow) const noexcept {
  FlowLabels labels;
  labels.source_site = site_of(flow.exporter, flow.source_address);
  labels.destination_site = site_of(flow.exporter, flow.destination_address);
  labels.source_service = find_service(flow.protocol, flow.source_port);
  labels.destination_service = find_service(flow.protocol, flow.destination_port);
  labels.source_internal = is_internal(flow.source_address);
  labels.destination_internal = is_internal(flow.destination_address);
  return labels;
}

void Enricher::label(std::span<const FlowRecord> flows, std::vector<FlowLabels>& labels) const {
  labels.clear();
  labels.reserve(flows.size());
  for (const FlowRecord& flow : flows) labels.push_back(label(flow));
}

}  // namespace flowlens
