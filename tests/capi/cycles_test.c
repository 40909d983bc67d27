/* 10,000 times everything is made, used a little and destroyed: a leak, or what is freed twice, shows under ASan. */
#include <stdlib.h>

#include "check.h"

static void cycle(int large) {
  flowlens_decoder *decoder;
  flowlens_parser *parser;
  flowlens_batch *batch;
  flowlens_filter *filter;
  flowlens_enricher *enricher;
  flowlens_summaries *summaries;
  struct ArrowArrayStream stream;
  flowlens_error error;
  CHECK(flowlens_decoder_create(NULL, &decoder, &error) == FLOWLENS_OK);
  CHECK(flowlens_parser_create(NULL, &parser, &error) == FLOWLENS_OK);
  CHECK(flowlens_batch_create(&batch, &error) == FLOWLENS_OK);
  CHECK(flowlens_filter_compile("port https", FLOWLENS_ROWS_FLOWS, NOON, &filter, &error) == FLOWLENS_OK);
  CHECK(flowlens_enricher_create(NULL, &enricher, &error) == FLOWLENS_OK);
  CHECK(flowlens_summaries_create(&summaries, &error) == FLOWLENS_OK);
  decode_conversation(decoder, batch, 0x0a000001, 40000, 0x0a000002, 443);
  if (large) {
    flowlens_aggregator *aggregator;
    flowlens_resolver *resolver;
    flowlens_graph *graph;
    flowlens_analysis *analysis;
    flowlens_classifier *classifier;
    flowlens_detector *detector;
    flowlens_buffer *saved;
    CHECK(flowlens_aggregator_create(NULL, enricher, &aggregator, &error) == FLOWLENS_OK);
    CHECK(flowlens_resolver_create(NULL, &resolver, &error) == FLOWLENS_OK);
    CHECK(flowlens_graph_create(NULL, &graph, &error) == FLOWLENS_OK);
    CHECK(flowlens_classifier_create(NULL, &classifier, &error) == FLOWLENS_OK);
    CHECK(flowlens_detector_create(NULL, &detector, &error) == FLOWLENS_OK);
    CHECK(flowlens_aggregator_add(aggregator, batch, NOON, &error) == FLOWLENS_OK);
    CHECK(flowlens_aggregator_finish(aggregator, summaries, &error) == FLOWLENS_OK);
    CHECK(flowlens_graph_apply_summaries(graph, summaries, &error) == FLOWLENS_OK);
    CHECK(flowlens_graph_save(graph, &saved, &error) == FLOWLENS_OK);
    CHECK(flowlens_analysis_create(graph, &analysis, &error) == FLOWLENS_OK);
    flowlens_buffer_destroy(saved);
    flowlens_analysis_destroy(analysis);
    flowlens_detector_destroy(detector);
    flowlens_classifier_destroy(classifier);
    flowlens_graph_destroy(graph);
    flowlens_resolver_destroy(resolver);
    flowlens_aggregator_destroy(aggregator);
  }
  CHECK(flowlens_batch_export(batch, NULL, &stream, &error) == FLOWLENS_OK);
  stream.release(&stream);
  flowlens_summaries_destroy(summaries);
  flowlens_enricher_destroy(enricher);
  flowlens_filter_destroy(filter);
  flowlens_batch_destroy(batch);
  flowlens_parser_destroy(parser);
  flowlens_decoder_destroy(decoder);
}

int main(int argc, char **argv) {
  const int cycles = argc > 1 ? atoi(argv[1]) : 10000;
  const int large_every = argc > 2 ? atoi(argv[2]) : 1;
  for (int i = 0; i < cycles && failures == 0; ++i) cycle(i % large_every == 0);
  return report();
}
