// Flows to summaries.
#include <memory>
#include <vector>

#include "flowlens/aggregator.hpp"
#include "handles.hpp"

namespace capi = flowlens::capi;

struct flowlens_aggregator {
  flowlens_aggregator(const flowlens::AggregatorOptions& options, const flowlens::Enricher& labels)
      : aggregator(options), enricher(&labels) {}
  flowlens::Aggregator aggregator;
  const flowlens::Enricher* enricher;
  std::vector<flowlens::FlowLabels> labels;  ///< their memory serves batch after batch
};

namespace flowlens::capi {

static_assert(FLOWLENS_PEER == static_cast<int>(Direction::peer));
static_assert(FLOWLENS_DIRECTION_UNKNOWN == static_cast<int>(Direction::unknown));

AggregatorOptions aggregator_options(const flowlens_aggregator_options* given) {
  const auto c = read_options(given, FLOWLENS_OLDEST(flowlens_aggregator_options, hash_seed));
  AggregatorOptions options;
  set_unless_zero(options.window, c.window_s);
  set_unless_zero(options.allowed_lateness, c.allowed_lateness_s);
  set_unless_zero(options.max_conversations, c.max_conversations);
  options.hash_seed = c.hash_seed;
  return options;
}

namespace {

flowlens_summary c_summary(const ConnectionSummary& row) noexcept {
  flowlens_summary c{};
  c.client = c_address(row.key.client.address);
  c.server = c_address(row.key.server.address);
  c.window_start_ns = to_unix_ns(row.window_start);
  c.first_ns = to_unix_ns(row.first);
  c.last_ns = to_unix_ns(row.last);
  c.flows = row.counts.flows;
  c.octets_to_server = row.counts.octets_to_server;
  c.octets_to_client = row.counts.octets_to_client;
  c.packets_to_server = row.counts.packets_to_server;
  c.packets_to_client = row.counts.packets_to_client;
  c.estimated_octets_to_server = row.counts.estimated_octets_to_server;
  c.estimated_octets_to_client = row.counts.estimated_octets_to_client;
  c.direction_confidence = confidence(row.reasons);
  c.client_site = row.key.client.site.value;
  c.server_site = row.key.server.site.value;
  c.port = row.key.port;
  c.protocol = row.key.protocol;
  c.direction = static_cast<std::uint8_t>(row.direction);
  c.provisional = row.provisional ? 1 : 0;
  return c;
}

void clear(flowlens_summaries& summaries) noexcept {
  summaries.rows.clear();
  summaries.redirections.clear();
  summaries.attempts.clear();
  summaries.ids.clear();
}

}  // namespace

}  // namespace flowlens::capi

flowlens_status flowlens_summaries_create(flowlens_summaries** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [] { return std::make_unique<flowlens_summaries>(); });
}

void flowlens_summaries_destroy(flowlens_summaries* summaries) { delete summaries; }

size_t flowlens_summaries_count(const flowlens_summaries* summaries) {
  return summaries != nullptr ? summaries->rows.size() : 0;
}

flowlens_status flowlens_summaries_get(const flowlens_summaries* summaries, size_t index,
                                       flowlens_summary* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_summary, provisional), error, [&] {
    const auto& rows = capi::need(summaries, "summaries").rows;
    if (index >= rows.size()) throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no such summary"};
    return capi::c_summary(rows[index]);
  });
}

flowlens_status flowlens_aggregator_create(const flowlens_aggregator_options* options,
                                           const flowlens_enricher* enricher,
                                           flowlens_aggregator** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    return std::make_unique<flowlens_aggregator>(capi::aggregator_options(options),
                                                 capi::need(enricher, "enricher").enricher);
  });
}

void flowlens_aggregator_destroy(flowlens_aggregator* aggregator) { delete aggregator; }

flowlens_status flowlens_aggregator_add(flowlens_aggregator* aggregator,
                                        const flowlens_batch* batch, int64_t now_ns,
                                        flowlens_error* error) {
  return capi::guarded(error, [&] {
    auto& a = capi::need(aggregator, "aggregator");
    const auto& flows = capi::need(batch, "batch").batch;
    a.enricher->label(flows, 0, flows.flows.size(), a.labels);
    a.aggregator.add(flows.flows, a.labels, flowlens::from_unix_ns(now_ns));
  });
}

flowlens_status flowlens_aggregator_flush(flowlens_aggregator* aggregator, int64_t now_ns,
                                          flowlens_summaries* out, flowlens_error* error) {
  if (out != nullptr) capi::clear(*out);
  return capi::guarded(error, [&] {
    auto& into = capi::need(out, "out");
    capi::need(aggregator, "aggregator")
        .aggregator.flush(flowlens::from_unix_ns(now_ns), into.rows, &into.redirections,
                          &into.attempts);
  });
}

flowlens_status flowlens_aggregator_finish(flowlens_aggregator* aggregator, flowlens_summaries* out,
                                           flowlens_error* error) {
  if (out != nullptr) capi::clear(*out);
  return capi::guarded(error, [&] {
    auto& into = capi::need(out, "out");
    capi::need(aggregator, "aggregator")
        .aggregator.finish(into.rows, &into.redirections, &into.attempts);
  });
}
