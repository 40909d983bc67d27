// Labels from tables.
#include <memory>

#include "flowlens/enricher.hpp"
#include "handles.hpp"

namespace capi = flowlens::capi;

namespace flowlens::capi {

namespace {

IpPrefix prefix_of(const char* text, const char* what) {
  if (text == nullptr) return {};
  const auto prefix = IpPrefix::parse(text);
  if (!prefix) {
    throw Refused{FLOWLENS_INVALID_ARGUMENT,
                  std::string(what) + ": '" + text + "' is no prefix such as 10.0.0.0/8"};
  }
  return *prefix;
}

}  // namespace

EnricherOptions enricher_options(const flowlens_enricher_options* given) {
  const auto c =
      read_options(given, FLOWLENS_OLDEST(flowlens_enricher_options, internal_network_count));
  EnricherOptions options;
  if (c.site_count > 0) need(c.sites, "sites");
  for (std::size_t i = 0; i < c.site_count; ++i) {
    SiteRule rule;
    rule.site = need_text(c.sites[i].site, "the name of a site");
    rule.exporters = prefix_of(c.sites[i].exporters, "exporters of a site");
    rule.addresses = prefix_of(c.sites[i].addresses, "addresses of a site");
    options.sites.push_back(std::move(rule));
  }
  if (c.internal_network_count > 0) need(c.internal_networks, "internal_networks");
  for (std::size_t i = 0; i < c.internal_network_count; ++i) {
    options.internal_networks.push_back(
        prefix_of(&need(c.internal_networks[i], "an internal network"), "internal_networks"));
  }
  return options;
}

}  // namespace flowlens::capi

flowlens_status flowlens_enricher_create(const flowlens_enricher_options* options,
                                         flowlens_enricher** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    return std::make_unique<flowlens_enricher>(capi::enricher_options(options));
  });
}

void flowlens_enricher_destroy(flowlens_enricher* enricher) { delete enricher; }

flowlens_status flowlens_enricher_label(const flowlens_enricher* enricher,
                                        const flowlens_flow* flow, flowlens_labels* out,
                                        flowlens_error* error) {
  constexpr std::size_t kOldest = FLOWLENS_OLDEST(flowlens_labels, destination_internal);
  return capi::guarded_fill(out, kOldest, error, [&] {
    const flowlens::Enricher& e = capi::need(enricher, "enricher").enricher;
    const flowlens::FlowLabels labels = e.label(capi::flow_of(flow));
    // Names of sites are held as std::string, those of services are literals: all end with NUL.
    const auto service = [](flowlens::ServiceId id) {
      const std::string_view name = flowlens::service_name(id);
      return name.empty() ? "" : name.data();
    };
    flowlens_labels c{};
    c.source_site = e.sites().name(labels.source_site).data();
    c.destination_site = e.sites().name(labels.destination_site).data();
    c.source_service = service(labels.source_service);
    c.destination_service = service(labels.destination_service);
    c.source_internal = labels.source_internal ? 1 : 0;
    c.destination_internal = labels.destination_internal ? 1 : 0;
    return c;
  });
}
