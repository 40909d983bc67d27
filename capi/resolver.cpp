// Flows to revisions of a map.
#include <memory>

#include "flowlens/flow_file.hpp"
#include "flowlens/resolver.hpp"
#include "flowlens/revision_codec.hpp"
#include "graph_handle.hpp"

namespace capi = flowlens::capi;

struct flowlens_resolver {
  flowlens_resolver(const flowlens::ResolverOptions& options, flowlens::Epoch own_epoch)
      : resolver(options), epoch(own_epoch) {
    graph.graph = &resolver.graph();
    resolver.begin(epoch, 0);
  }
  flowlens::Resolver resolver;
  flowlens::Epoch epoch;
  flowlens_graph graph;
};

namespace {

std::unique_ptr<flowlens_resolver> make_resolver(const flowlens_resolver_options* given) {
  const auto c = capi::read_options(given, FLOWLENS_OLDEST(flowlens_resolver_options, epoch));
  flowlens::ResolverOptions options;
  options.enricher = capi::enricher_options(c.enricher);
  options.aggregator = capi::aggregator_options(c.aggregator);
  options.graph = capi::graph_limits(capi::graph_options(c.graph));
  options.changes.is_on = c.without_changes == 0;
  return std::make_unique<flowlens_resolver>(options, flowlens::Epoch{c.epoch != 0 ? c.epoch : 1});
}

/// \param take  gives the revision; it is made whether anybody wants its octets or not.
template <typename Take>
flowlens_status take_revision(flowlens_resolver* resolver, flowlens_buffer** out,
                              flowlens_error* error, Take&& take) noexcept {
  if (out != nullptr) *out = nullptr;
  return capi::guarded(error, [&] {
    flowlens::Resolver& r = capi::need(resolver, "resolver").resolver;
    const flowlens::Revision revision = take(r);
    if (out != nullptr) {
      *out = capi::buffer_of(encode_revision(revision, r.graph().sites())).release();
    }
  });
}

}  // namespace

flowlens_status flowlens_resolver_create(const flowlens_resolver_options* options,
                                         flowlens_resolver** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] { return make_resolver(options); });
}

void flowlens_resolver_destroy(flowlens_resolver* resolver) { delete resolver; }

flowlens_status flowlens_resolver_load(flowlens_resolver* resolver, const void* map, size_t size,
                                       flowlens_error* error) {
  return capi::guarded(error, [&] {
    auto& r = capi::need(resolver, "resolver");
    auto& graph = r.resolver.graph();
    const flowlens::Revision revision = capi::revision_of(map, size, graph.sites());
    graph.apply(revision);
    r.resolver.begin(r.epoch, revision.number);
  });
}

flowlens_status flowlens_resolver_add(flowlens_resolver* resolver, const flowlens_batch* batch,
                                      int64_t now_ns, flowlens_error* error) {
  return capi::guarded(error, [&] {
    capi::need(resolver, "resolver")
        .resolver.add(capi::need(batch, "batch").batch, flowlens::from_unix_ns(now_ns));
  });
}

flowlens_status flowlens_resolver_add_received(flowlens_resolver* resolver,
                                               const flowlens_batch* batch, flowlens_error* error) {
  return capi::guarded(error, [&] {
    flowlens::Resolver& r = capi::need(resolver, "resolver").resolver;
    const flowlens::FlowBatch& flows = capi::need(batch, "batch").batch;
    r.tell(flows);
    flowlens::for_each_second(flows,
                              [&](std::size_t first, std::size_t end, flowlens::Timestamp now) {
                                r.add(flows, first, end, now);
                              });
  });
}

flowlens_status flowlens_resolver_flush(flowlens_resolver* resolver, int64_t now_ns,
                                        flowlens_buffer** out, flowlens_error* error) {
  return take_revision(resolver, out, error, [&](flowlens::Resolver& r) {
    return r.flush(flowlens::from_unix_ns(now_ns));
  });
}

flowlens_status flowlens_resolver_finish(flowlens_resolver* resolver, int64_t now_ns,
                                         flowlens_buffer** out, flowlens_error* error) {
  return take_revision(resolver, out, error, [&](flowlens::Resolver& r) {
    return r.finish(flowlens::from_unix_ns(now_ns));
  });
}

flowlens_graph* flowlens_resolver_graph(flowlens_resolver* resolver) {
  return resolver != nullptr ? &resolver->graph : nullptr;
}
