/* What holds for every function: statuses, out-parameters, NULL, sizes of structs. */
#include <stdlib.h>

#include "check.h"

static void test_null_is_an_invalid_argument(void) {
  flowlens_error error;
  flowlens_batch *batch = (flowlens_batch *)&error; /* anything but NULL: it has to be written */
  flowlens_flow flow = FLOWLENS_FLOW_INIT;
  flowlens_id id = {{1}};
  size_t count = 1;
  CHECK(flowlens_batch_create(NULL, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "out is NULL") == 0);
  CHECK(flowlens_batch_create(&batch, &error) == FLOWLENS_OK);
  CHECK(error.status == FLOWLENS_OK && error.message[0] == '\0');

  flow.octet_count = 7;
  CHECK(flowlens_batch_get(NULL, 0, &flow, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "batch is NULL") == 0);
  CHECK(flow.octet_count == 0 && flow.struct_size == sizeof flow);
  flow.octet_count = 7;
  CHECK(flowlens_batch_get(batch, 0, &flow, NULL) == FLOWLENS_NOT_FOUND);
  CHECK(flow.octet_count == 0);
  CHECK(flowlens_batch_get(batch, 0, NULL, NULL) == FLOWLENS_NOT_FOUND);
  CHECK(flowlens_batch_keep(batch, NULL, &count, NULL) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(count == 0);
  CHECK(flowlens_graph_find_asset(NULL, NULL, NULL, &id, NULL) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(id.octets[0] == 0);
  CHECK(flowlens_decoder_decode(NULL, NULL, 0, NULL, 0, batch, NULL, NULL) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(flowlens_decoder_decode(NULL, NULL, 1, NULL, 0, batch, NULL, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "octets are NULL but have a length") == 0);
  flowlens_batch_destroy(batch);
}

/* Everything that makes something, with all else NULL: it writes NULL, and fails but where NULL means defaults. */
#define MAKES(type, call)                               \
  do {                                                  \
    type *made = (type *)&made_of_nothing;              \
    type **out = &made;                                 \
    CHECK((call) == FLOWLENS_INVALID_ARGUMENT);         \
    CHECK(made == NULL);                                \
  } while (0)

static void test_what_is_not_made_is_null(void) {
  static int made_of_nothing;
  MAKES(flowlens_filter, flowlens_filter_compile(NULL, FLOWLENS_ROWS_FLOWS, 0, out, NULL));
  MAKES(flowlens_filter, flowlens_filter_compile("port 1", (flowlens_rows)9, 0, out, NULL));
  MAKES(flowlens_buffer, flowlens_filter_canonical(NULL, out, NULL));
  MAKES(flowlens_buffer, flowlens_decoder_explain(NULL, NULL, 0, out, NULL));
  MAKES(flowlens_buffer, flowlens_decoder_save(NULL, out, NULL));
  MAKES(flowlens_aggregator, flowlens_aggregator_create(NULL, NULL, out, NULL));
  MAKES(flowlens_buffer, flowlens_graph_take_revision(NULL, 1, 1, 0, out, NULL));
  MAKES(flowlens_buffer, flowlens_graph_save(NULL, out, NULL));
  MAKES(flowlens_buffer, flowlens_graph_export(NULL, "json", out, NULL));
  MAKES(flowlens_buffer, flowlens_resolver_flush(NULL, 0, out, NULL));
  MAKES(flowlens_buffer, flowlens_resolver_finish(NULL, 0, out, NULL));
  MAKES(flowlens_analysis, flowlens_analysis_create(NULL, out, NULL));
  MAKES(flowlens_impact, flowlens_analysis_impact(NULL, NULL, 0, NULL, out, NULL));
  MAKES(flowlens_single_points, flowlens_analysis_single_points(NULL, 0, out, NULL));
  MAKES(flowlens_paths, flowlens_analysis_paths(NULL, NULL, NULL, 1, out, NULL));
  MAKES(flowlens_communities, flowlens_analysis_communities(NULL, 0, out, NULL));
  MAKES(flowlens_changes, flowlens_detector_look(NULL, NULL, NULL, out, NULL));
  MAKES(flowlens_buffer, flowlens_detector_save(NULL, out, NULL));
}

static void test_destroy_takes_null(void) {
  flowlens_buffer_destroy(NULL);
  flowlens_batch_destroy(NULL);
  flowlens_filter_destroy(NULL);
  flowlens_decoder_destroy(NULL);
  flowlens_parser_destroy(NULL);
  flowlens_reader_destroy(NULL);
  flowlens_enricher_destroy(NULL);
  flowlens_summaries_destroy(NULL);
  flowlens_aggregator_destroy(NULL);
  flowlens_graph_destroy(NULL);
  flowlens_resolver_destroy(NULL);
  flowlens_analysis_destroy(NULL);
  flowlens_impact_destroy(NULL);
  flowlens_single_points_destroy(NULL);
  flowlens_paths_destroy(NULL);
  flowlens_communities_destroy(NULL);
  flowlens_classifier_destroy(NULL);
  flowlens_changes_destroy(NULL);
  flowlens_detector_destroy(NULL);
  flowlens_geo_destroy(NULL);
  flowlens_batch_clear(NULL);
  CHECK(flowlens_batch_count(NULL) == 0 && flowlens_summaries_count(NULL) == 0);
  CHECK(flowlens_impact_count(NULL) == 0 && flowlens_impact_total(NULL) == 0);
  CHECK(flowlens_single_points_count(NULL) == 0 && flowlens_changes_count(NULL) == 0);
  CHECK(flowlens_paths_count(NULL) == 0 && flowlens_paths_length(NULL, 0) == 0);
  CHECK(flowlens_communities_count(NULL) == 0 && flowlens_communities_assets(NULL) == 0);
  CHECK(flowlens_buffer_data(NULL) == NULL && flowlens_buffer_size(NULL) == 0);
  CHECK(flowlens_record_field_count(NULL) == 0 && flowlens_record_field_name(NULL, NULL, NULL, 0) == 0);
  CHECK(flowlens_resolver_graph(NULL) == NULL);
}

/* Options of the first release on a heap block of just that size: a sanitizer sees a read past it. */
static void *sized(size_t oldest) {
  void *block = calloc(1, oldest);
  if (block == NULL) exit(1);
  memcpy(block, &oldest, sizeof oldest);
  return block;
}
#define OLDEST(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

#define OLD_OPTIONS(type, last, handle, create, destroy)                                  \
  do {                                                                                    \
    type *old = sized(OLDEST(type, last));                                                \
    handle *made;                                                                         \
    CHECK(create(old, &made, NULL) == FLOWLENS_OK && made != NULL);                       \
    destroy(made);                                                                        \
    old->struct_size = OLDEST(type, last) - 1;                                            \
    CHECK(create(old, &made, NULL) == FLOWLENS_INVALID_ARGUMENT && made == NULL);         \
    old->struct_size = SIZE_MAX; /* memory that nobody has initialised */                 \
    CHECK(create(old, &made, NULL) == FLOWLENS_INVALID_ARGUMENT && made == NULL);         \
    free(old);                                                                            \
  } while (0)

static void test_oldest_options(void) {
  OLD_OPTIONS(flowlens_parser_options, hash_seed, flowlens_parser, flowlens_parser_create, flowlens_parser_destroy);
  OLD_OPTIONS(flowlens_decoder_options, max_time_ahead_s, flowlens_decoder, flowlens_decoder_create,
              flowlens_decoder_destroy);
  OLD_OPTIONS(flowlens_enricher_options, internal_network_count, flowlens_enricher, flowlens_enricher_create,
              flowlens_enricher_destroy);
  OLD_OPTIONS(flowlens_graph_options, site_count, flowlens_graph, flowlens_graph_create, flowlens_graph_destroy);
  OLD_OPTIONS(flowlens_resolver_options, epoch, flowlens_resolver, flowlens_resolver_create,
              flowlens_resolver_destroy);
  OLD_OPTIONS(flowlens_classifier_options, network_rules, flowlens_classifier, flowlens_classifier_create,
              flowlens_classifier_destroy);
  OLD_OPTIONS(flowlens_detector_options, max_watched, flowlens_detector, flowlens_detector_create,
              flowlens_detector_destroy);
}

static void test_oldest_out_parameters(void) {
  flowlens_decoder *decoder;
  flowlens_batch *batch;
  flowlens_result *result = sized(OLDEST(flowlens_result, problem));
  flowlens_flow *flow = sized(OLDEST(flowlens_flow, counter_source));
  flowlens_decoder_counters *counters = sized(OLDEST(flowlens_decoder_counters, exporters));
  const flowlens_session session = session_of(1);
  uint8_t datagram[V5_LENGTH];
  CHECK(flowlens_decoder_create(NULL, &decoder, NULL) == FLOWLENS_OK);
  CHECK(flowlens_batch_create(&batch, NULL) == FLOWLENS_OK);
  v5_datagram(datagram, 0x0a000001, 40000, 0x0a000002, 443);
  CHECK(flowlens_decoder_decode(decoder, datagram, sizeof datagram, &session, NOON, batch, result, NULL) == FLOWLENS_OK);
  CHECK(result->accepted == 1 && result->sets == 1 && result->reason[0] == '\0');
  CHECK(flowlens_batch_get(batch, 0, flow, NULL) == FLOWLENS_OK);
  CHECK(flow->destination_port == 443 && flow->struct_size == OLDEST(flowlens_flow, counter_source));
  CHECK(flowlens_decoder_counts(decoder, counters, NULL) == FLOWLENS_OK);
  CHECK(counters->datagrams_accepted == 1 && counters->flows == 1 && counters->exporters == 1);

  result->struct_size = 4;
  CHECK(flowlens_decoder_decode(decoder, datagram, sizeof datagram, &session, NOON, batch, result, NULL) ==
        FLOWLENS_INVALID_ARGUMENT);
  CHECK(flowlens_batch_count(batch) == 1); /* nothing was decoded: nothing is lost unseen */
  free(result);
  free(flow);
  free(counters);
  flowlens_batch_destroy(batch);
  flowlens_decoder_destroy(decoder);
}

/* Structs of a release to come: what it does not ask for is fine, what it asks for is refused. */
static void test_newer_structs(void) {
  struct {
    flowlens_parser_options known;
    uint64_t unknown;
  } newer = {FLOWLENS_PARSER_OPTIONS_INIT, 0};
  struct {
    flowlens_asset known;
    uint64_t unknown;
  } out;
  flowlens_parser *parser;
  flowlens_graph *graph;
  flowlens_error error;
  flowlens_id id = {{1}};
  newer.known.struct_size = sizeof newer;
  CHECK(flowlens_parser_create(&newer.known, &parser, NULL) == FLOWLENS_OK);
  flowlens_parser_destroy(parser);
  newer.unknown = 1;
  CHECK(flowlens_parser_create(&newer.known, &parser, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strstr(error.message, "does not know") != NULL);

  memset(&out, 0xff, sizeof out);
  out.known.struct_size = sizeof out;
  CHECK(flowlens_graph_create(NULL, &graph, NULL) == FLOWLENS_OK);
  CHECK(flowlens_graph_asset(graph, &id, &out.known, NULL) == FLOWLENS_NOT_FOUND);
  CHECK(out.known.first_seen_ns == 0 && out.unknown == UINT64_MAX); /* past what is known nothing is touched */
  flowlens_graph_destroy(graph);
}

static void test_values(void) {
  char text[FLOWLENS_ADDRESS_TEXT_SIZE], time[FLOWLENS_TIME_TEXT_SIZE], id_text[FLOWLENS_ID_TEXT_SIZE];
  flowlens_address address = address_of("2001:db8::1");
  flowlens_id id;
  flowlens_error error;
  flowlens_address_text(&address, text);
  CHECK(strcmp(text, "2001:db8::1") == 0);
  address = address_of("10.0.0.1");
  flowlens_address_text(&address, text);
  CHECK(strcmp(text, "10.0.0.1") == 0);
  memset(&address, 0xff, sizeof address); /* the longest there is */
  flowlens_address_text(&address, text);
  CHECK(strcmp(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") == 0);
  CHECK(flowlens_address_parse("10.0.0.256", &address, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "'10.0.0.256' is no address") == 0 && address.octets[15] == 0);
  flowlens_address_text(NULL, text);
  CHECK(text[0] == '\0');
  flowlens_time_text(NOON + 1, time);
  CHECK(strcmp(time, "2026-11-21T12:00:00.000000001Z") == 0);
  flowlens_time_text(INT64_MIN, time);
  CHECK(strcmp(time, "1677-09-21T00:12:43.145224192Z") == 0);
  CHECK(flowlens_id_parse("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", &id, NULL) == FLOWLENS_OK);
  flowlens_id_text(&id, id_text);
  CHECK(strcmp(id_text, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6") == 0);
  CHECK(flowlens_id_parse("f81d4fae", &id, NULL) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strcmp(flowlens_service_name(6, 443), "https") == 0 && strcmp(flowlens_service_name(6, 1), "") == 0);
  CHECK(strcmp(flowlens_protocol_name(17), "udp") == 0 && strcmp(flowlens_protocol_name(255), "") == 0);
  CHECK(strlen(flowlens_version()) >= 5);
  CHECK(strcmp(flowlens_status_name(FLOWLENS_NOT_BUILT), "not_built") == 0);
  CHECK(strcmp(flowlens_status_name((flowlens_status)99), "unknown") == 0);
  for (uint32_t port = 0; port <= 0xffff; ++port) { /* names end with NUL: short words all of them */
    CHECK(strlen(flowlens_service_name(6, (uint16_t)port)) < 32);
    CHECK(strlen(flowlens_service_name(17, (uint16_t)port)) < 32);
  }
}

int main(void) {
  test_null_is_an_invalid_argument();
  test_what_is_not_made_is_null();
  test_destroy_takes_null();
  test_oldest_options();
  test_oldest_out_parameters();
  test_newer_structs();
  test_values();
  return report();
}
