#include "http/dns_families.hpp"

#include <string>

namespace flowlensd::http {

void add_dns(Families& out, const DnsAsking* dns) {
  if (dns == nullptr) return;
  const DnsAskingView view = dns->view();
  const DnsCounters& c = view.dns;
  auto& answers = out.counters("flowlens_dns_answers_total", "Addresses asked about, by result.");
  for (std::size_t i = 0; i < kDnsResults; ++i) {
    const std::string result{to_string(static_cast<DnsResult>(i))};
    Families::put(answers, {{"result", result}}, number(c.results[i]));
  }
  out.counter("flowlens_dns_queries_total", "Questions handed to DNS servers.", number(c.queries));
  out.counter("flowlens_dns_cache_hits_total", "Endpoints answered from memory.",
              number(c.from_cache));
  out.counter("flowlens_dns_cache_evictions_total", "Answers forgotten early for want of room.",
              number(c.evicted));
  out.counter("flowlens_dns_refused_total", "Endpoints that found the queue full; asked later.",
              number(c.refused));
  out.gauge("flowlens_dns_failures_in_a_row", "Failures since a server last answered.",
            number(c.failures_in_a_row));
  out.gauge("flowlens_dns_waiting", "Endpoints that wait for an answer.", number(c.waiting));
  out.gauge("flowlens_dns_under_way", "Addresses that servers are asked about.",
            number(c.under_way));
  out.gauge("flowlens_dns_cached", "Answers kept.", number(c.cached));
  out.gauge("flowlens_dns_endpoints", "Endpoints whose names are kept up to date.",
            number(view.endpoints));
  out.counter("flowlens_dns_left_out_total",
              "Endpoints past enrichment.cache.max_memory_entries, each time they were seen.",
              number(view.left_out));
}

void add_geo(Families& out, const Geo* geo) {
  if (geo == nullptr || geo->empty()) return;
  out.counter("flowlens_geoip_reloads_total", "New GeoIP files taken into use.",
              number(geo->reloads()));
  out.gauge("flowlens_geoip_refused_files",
            "GeoIP files that are damaged; those before them are in use.",
            static_cast<double>(geo->problems().size()));
}

}  // namespace flowlensd::http
