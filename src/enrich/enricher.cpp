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
    CompiledRule& compiled = rules_.emplace_back();
    compiled.exporters = rule.exporters;
    compiled.addresses = rule.addresses;
    compiled.vrf_id = rule.vrf_id;
    compiled.vrf_name = rule.vrf_name.empty() ? 0 : vrf_name_key(rule.vrf_name);
    compiled.site = sites_.add(rule.site);
    rules_of_vrfs_ += compiled.is_of_vrf() ? 1 : 0;
  }
  // VRFs, then exporter and prefix, then prefix, then exporter; among each the longest.
  std::stable_sort(rules_.begin(), rules_.end(), [](const CompiledRule& a, const CompiledRule& b) {
    const auto rank = [](const CompiledRule& r) {
      const bool both = r.exporters.length != 0 && r.addresses.length != 0;
      return std::tuple{r.is_of_vrf(), both, r.addresses.length, r.exporters.length};
    };
    return rank(a) > rank(b);
  });
}

SiteId Enricher::site_of(const IpAddress& exporter, const IpAddress& address,
                         const std::optional<Vrf>& vrf) const noexcept {
  for (std::size_t i = vrf ? 0 : rules_of_vrfs_; i < rules_.size(); ++i) {
    const CompiledRule& rule = rules_[i];
    const bool fits = (i >= rules_of_vrfs_ || rule.fits(*vrf)) &&
                      (rule.addresses.length == 0 || rule.addresses.contains(address)) &&
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
  labels.source_site = site_of(flow.exporter, flow.source_address, {});
  labels.destination_site = site_of(flow.exporter, flow.destination_address, {});
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

void Enricher::label(const FlowBatch& batch, std::size_t first, std::size_t end,
                     std::vector<FlowLabels>& labels) const {
  label(std::span{batch.flows}.subspan(first, end - first), labels);
  if (rules_of_vrfs_ == 0) return;
  auto vrf = detail::first_beside(batch.vrfs, first);
  for (; vrf != batch.vrfs.end() && vrf->flow < end; ++vrf) {
    const FlowRecord& flow = batch.flows[vrf->flow];
    FlowLabels& told = labels[vrf->flow - first];
    told.source_site = site_of(flow.exporter, flow.source_address, vrf->of_source());
    told.destination_site = site_of(flow.exporter, flow.destination_address, vrf->of_destination());
  }
}

}  // namespace flowlens
