#include "http/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <utility>

#include "http/metric_families.hpp"

namespace flowlensd::http {
namespace {

const prometheus::Summary::Quantiles kQuantiles{{0.5, 0.05}, {0.9, 0.01}, {0.99, 0.001}};
const prometheus::Histogram::BucketBoundaries kRequestBuckets{
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};

template <typename Builder>
auto& family(Builder builder, const char* name, const char* help, prometheus::Registry& registry) {
  return builder.Name(name).Help(help).Register(registry);
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests = family(
      prometheus::BuildCounter(), "flowlens_api_requests_total", "Requests answered.", registry);
  prometheus::Family<prometheus::Summary>& latency =
      family(prometheus::BuildSummary(), "flowlens_api_latency_seconds",
             "Time from a request's header to the end of its answer.", registry);
  prometheus::Histogram& duration =
      family(prometheus::BuildHistogram(), "flowlens_api_request_duration_seconds",
             "Time from a request's header to the end of its answer.", registry)
          .Add({}, kRequestBuckets);
  prometheus::Summary& ingestion =
      family(prometheus::BuildSummary(), "flowlens_ingestion_latency_seconds",
             "Time from the socket to the map.", registry)
          .Add({}, kQuantiles);
  prometheus::Summary& processing =
      family(prometheus::BuildSummary(), "flowlens_processing_latency_seconds",
             "The same as flowlens_ingestion_latency_seconds.", registry)
          .Add({}, kQuantiles);
  prometheus::Summary& flush = family(prometheus::BuildSummary(), "flowlens_flush_duration_seconds",
                                      "Time to make a revision of the map.", registry)
                                   .Add({}, kQuantiles);
  prometheus::Summary& store =
      family(prometheus::BuildSummary(), "flowlens_store_write_latency_seconds",
             "Time to write a revision.", registry)
          .Add({}, kQuantiles);
  prometheus::Family<prometheus::Counter>& pg_writes =
      family(prometheus::BuildCounter(), "flowlens_pg_writes_total",
             "Rows written to PostgreSQL, by table.", registry);
  prometheus::Family<prometheus::Summary>& pg_latency =
      family(prometheus::BuildSummary(), "flowlens_pg_write_latency_seconds",
             "Time of the transactions that wrote to a table: one for each revision.", registry);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::observe_latency(double seconds) {
  impl_->ingestion.Observe(seconds);
  impl_->processing.Observe(seconds);
}
void Metrics::observe_flush(double seconds) { impl_->flush.Observe(seconds); }

void Metrics::observe_store(const Revision& r, double seconds, bool is_postgres) {
  impl_->store.Observe(seconds);
  if (!is_postgres) return;
  const std::pair<const char*, std::size_t> tables[] = {
      {"assets", r.assets.size()},
      {"dependencies", r.dependencies.size()},
      {"dependency_windows", r.windows.size()},
      {"events", r.events.size()},
      {"aliases", r.aliases.size()},
      {"intermediaries", r.intermediaries.size()}};
  for (const auto& [table, rows] : tables) {
    if (rows == 0) continue;
    impl_->pg_writes.Add({{"table", table}}).Increment(static_cast<double>(rows));
    impl_->pg_latency.Add({{"table", table}}, kQuantiles).Observe(seconds);
  }
}

void Metrics::observe_request(const std::string& method, const Response& response, double seconds) {
  // Route templates and common methods only: labels from outside would grow without bound.
  const bool is_known = method == "GET" || method == "HEAD" || method == "POST" ||
                        method == "PUT" || method == "PATCH" || method == "DELETE" ||
                        method == "OPTIONS";
  const std::string endpoint = response.route.empty() ? "none" : response.route;
  impl_->requests
      .Add({{"endpoint", endpoint},
            {"method", is_known ? method : "other"},
            {"status", std::to_string(response.status)}})
      .Increment();
  impl_->latency.Add({{"endpoint", endpoint}}, kQuantiles).Observe(seconds);
  impl_->duration.Observe(seconds);
}

std::string Metrics::text(const Service& service, const ServerCounters& server) const {
  auto families = collect_families(service, server);
  auto timed = impl_->registry.Collect();
  families.insert(families.end(), std::make_move_iterator(timed.begin()),
                  std::make_move_iterator(timed.end()));
  return prometheus::TextSerializer().Serialize(families);
}

void add_metrics_routes(Router& router, const Service& service, const Metrics& metrics,
                        std::function<ServerCounters()> server) {
  const Handler handler = [&service, &metrics, server = std::move(server)](const Request&) {
    Response r;
    r.content_type = "text/plain; version=0.0.4; charset=utf-8";
    r.body = metrics.text(service, server());
    r.headers.emplace_back("Cache-Control", "no-store");
    return r;
  };
  const Permission asked =
      service.settings.api_metrics_open ? Permission::anonymous : Permission::viewer;
  router.add({"/api/v1/admin/metrics", handler, {}});
  router.add({"/metrics", handler, {}, "GET", asked});
  router.add({"/admin/metrics", handler, {}, "GET", asked});
}

}  // namespace flowlensd::http
