/* What flowlens.h lets several threads do at once: readers of a graph while one thread writes it, and any threads on one
 * filter, enricher and analysis. TSan looks on. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

static flowlens_resolver *resolver;
static flowlens_graph *graph;
static flowlens_filter *filter;
static flowlens_enricher *enricher;
static atomic_int is_over, problems;

#define HOLDS(condition)                            \
  do {                                              \
    if (!(condition)) atomic_fetch_add(&problems, 1); \
  } while (0)

static void *read_map(void *unused) {
  const flowlens_address address = address_of("10.0.0.2");
  (void)unused;
  while (!atomic_load(&is_over)) {
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    flowlens_graph_counters counters = FLOWLENS_GRAPH_COUNTERS_INIT;
    flowlens_analysis *analysis;
    flowlens_single_points *points;
    flowlens_id id;
    HOLDS(flowlens_graph_counts(graph, &counters, NULL) == FLOWLENS_OK);
    HOLDS(flowlens_graph_dependencies(graph, filter, NULL, &stream, NULL) == FLOWLENS_OK);
    while (stream.get_next(&stream, &array) == 0 && array.release != NULL) array.release(&array);
    stream.release(&stream);
    flowlens_graph_find_asset(graph, NULL, &address, &id, NULL);
    HOLDS(flowlens_analysis_create(graph, &analysis, NULL) == FLOWLENS_OK);
    HOLDS(flowlens_analysis_single_points(analysis, 0, &points, NULL) == FLOWLENS_OK);
    flowlens_single_points_destroy(points);
    flowlens_analysis_destroy(analysis);
  }
  return NULL;
}

static void *add_facts(void *unused) {
  flowlens_fact fact = FLOWLENS_FACT_INIT;
  (void)unused;
  fact.address = address_of("10.0.0.2");
  fact.attribute = "name";
  fact.value = "web-1";
  fact.source = FLOWLENS_FACT_DNS;
  for (fact.at_ns = NOON; !atomic_load(&is_over); ++fact.at_ns) {
    flowlens_flow flow = FLOWLENS_FLOW_INIT;
    flowlens_labels labels = FLOWLENS_LABELS_INIT;
    flow.sampling_rate = 1;
    HOLDS(flowlens_enricher_label(enricher, &flow, &labels, NULL) == FLOWLENS_OK);
    HOLDS(flowlens_graph_add_fact(graph, &fact, NULL) == FLOWLENS_OK);
  }
  return NULL;
}

/* The one writer. */
static void write_map(void) {
  flowlens_decoder *decoder;
  flowlens_batch *batch;
  CHECK(flowlens_decoder_create(NULL, &decoder, NULL) == FLOWLENS_OK);
  CHECK(flowlens_batch_create(&batch, NULL) == FLOWLENS_OK);
  for (uint32_t i = 0; i < 300; ++i) {
    flowlens_batch_clear(batch);
    decode_conversation(decoder, batch, 0x0a000100 + i % 100, (uint16_t)(40000 + i), 0x0a000002, 443);
    CHECK(flowlens_resolver_add(resolver, batch, NOON + i * SECOND, NULL) == FLOWLENS_OK);
    if (i % 10 == 0) CHECK(flowlens_resolver_flush(resolver, NOON + i * SECOND, NULL, NULL) == FLOWLENS_OK);
  }
  CHECK(flowlens_resolver_finish(resolver, NOON + 300 * SECOND, NULL, NULL) == FLOWLENS_OK);
  flowlens_batch_destroy(batch);
  flowlens_decoder_destroy(decoder);
}

int main(void) {
  pthread_t readers[3], teller;
  flowlens_graph_counters counters = FLOWLENS_GRAPH_COUNTERS_INIT;
  CHECK(flowlens_resolver_create(NULL, &resolver, NULL) == FLOWLENS_OK);
  CHECK(flowlens_filter_compile("port 443", FLOWLENS_ROWS_DEPENDENCIES, NOON, &filter, NULL) == FLOWLENS_OK);
  CHECK(flowlens_enricher_create(NULL, &enricher, NULL) == FLOWLENS_OK);
  graph = flowlens_resolver_graph(resolver);
  for (int i = 0; i < 3; ++i) CHECK(pthread_create(&readers[i], NULL, read_map, NULL) == 0);
  CHECK(pthread_create(&teller, NULL, add_facts, NULL) == 0);
  write_map();
  atomic_store(&is_over, 1);
  for (int i = 0; i < 3; ++i) pthread_join(readers[i], NULL);
  pthread_join(teller, NULL);
  CHECK(atomic_load(&problems) == 0);
  CHECK(flowlens_graph_counts(graph, &counters, NULL) == FLOWLENS_OK);
  CHECK(counters.dependencies == 100 && counters.flows == 600);
  flowlens_enricher_destroy(enricher);
  flowlens_filter_destroy(filter);
  flowlens_resolver_destroy(resolver);
  return report();
}
