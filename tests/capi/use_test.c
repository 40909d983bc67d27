/* What the objects do, each through the C ABI alone. */
#include <stdlib.h>

#include "check.h"

static flowlens_decoder *decoder;
static flowlens_batch *batch;

/* Three clients of one server's port 443, and that server a client of a database. */
static void decode_small_network(void) {
  flowlens_batch_clear(batch);
  for (uint32_t i = 0; i < 3; ++i) {
    decode_conversation(decoder, batch, 0x0a000010 + i, 40000, 0x0a000002, 443);
  }
  decode_conversation(decoder, batch, 0x0a000002, 41000, 0x0a000003, 5432);
}

static void test_decoder(void) {
  const flowlens_session session = session_of(1);
  flowlens_result result = FLOWLENS_RESULT_INIT;
  flowlens_flow flow = FLOWLENS_FLOW_INIT;
  flowlens_buffer *text, *state;
  flowlens_error error;
  const flowlens_address exporter = address_of("192.0.2.1");
  uint8_t datagram[V5_LENGTH];
  v5_datagram(datagram, 0x0a000001, 40000, 0x0a000002, 443);
  CHECK(flowlens_decoder_decode(decoder, datagram, 23, &session, NOON, batch, &result, NULL) == FLOWLENS_OK);
  CHECK(result.accepted == 0 && strcmp(result.reason, "truncated") == 0 && strlen(result.problem) > 9);
  CHECK(flowlens_batch_count(batch) == 0);
  CHECK(flowlens_decoder_decode(decoder, datagram, sizeof datagram, &session, NOON, batch, &result, &error) ==
        FLOWLENS_OK);
  CHECK(result.accepted == 1 && result.problem[0] == '\0' && result.offset == 0);
  CHECK(flowlens_batch_get(batch, 0, &flow, NULL) == FLOWLENS_OK);
  const flowlens_address source = address_of("10.0.0.1");
  CHECK(memcmp(&flow.source_address, &source, sizeof source) == 0);
  CHECK(memcmp(&flow.exporter, &exporter, sizeof exporter) == 0);
  CHECK(flow.octet_count == 1000 && flow.packet_count == 10 && flow.protocol == 6 && flow.tcp_flags == 0x1b);
  CHECK(flow.source_port == 40000 && flow.destination_port == 443);
  CHECK(flow.start_ns == NOON - SECOND && flow.end_ns == NOON - SECOND / 10 && flow.received_ns == NOON);
  CHECK((flow.present & FLOWLENS_FLOW_SOURCE_PORT) != 0 && (flow.present & FLOWLENS_FLOW_VLAN_ID) == 0);
  CHECK(flow.kind == FLOWLENS_KIND_TRAFFIC && flow.sampling_rate == 1);

  CHECK(flowlens_decoder_explain(decoder, &exporter, NOON, &text, NULL) == FLOWLENS_OK);
  CHECK(strstr(flowlens_buffer_data(text), "192.0.2.1") != NULL);
  flowlens_buffer_destroy(text);
  CHECK(flowlens_decoder_save(decoder, &state, NULL) == FLOWLENS_OK && flowlens_buffer_size(state) > 0);
  CHECK(flowlens_decoder_load(decoder, flowlens_buffer_data(state), flowlens_buffer_size(state), NULL) == FLOWLENS_OK);
  CHECK(flowlens_decoder_load(decoder, "nothing of ours", 15, &error) == FLOWLENS_DAMAGED);
  CHECK(strstr(error.message, "state_damaged") != NULL);
  flowlens_buffer_destroy(state);
}

static void test_own_flows(void) {
  flowlens_flow flow = FLOWLENS_FLOW_INIT, back = FLOWLENS_FLOW_INIT;
  flowlens_error error;
  flowlens_batch_clear(batch);
  CHECK(flowlens_batch_add(batch, &flow, &error) == FLOWLENS_INVALID_ARGUMENT); /* a rate of 0 */
  flow.sampling_rate = 3;
  flow.octet_count = 5;
  flow.end_ns = 1;
  flow.source_port = 6;
  flow.destination_port = 7;
  flow.ingress_interface = 8;
  flow.egress_interface = 9;
  flow.source_as = 10;
  flow.destination_as = 11;
  flow.source_address = address_of("10.0.0.1");
  flow.next_hop = address_of("10.0.0.2");
  flow.present = FLOWLENS_FLOW_SOURCE_PORT | FLOWLENS_FLOW_NEXT_HOP;
  CHECK(flowlens_batch_add(batch, &flow, NULL) == FLOWLENS_OK);
  CHECK(flowlens_batch_get(batch, 0, &back, NULL) == FLOWLENS_OK && memcmp(&flow, &back, sizeof flow) == 0);
  flow.kind = 3;
  CHECK(flowlens_batch_add(batch, &flow, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "kind is none") == 0);
  flow.kind = 0;
  flow.end_ns = -1;
  CHECK(flowlens_batch_add(batch, &flow, NULL) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(flowlens_batch_count(batch) == 1);
}

static void test_filters(void) {
  flowlens_filter *filter, *other;
  flowlens_buffer *canonical;
  flowlens_error error;
  size_t removed;
  decode_small_network();
  CHECK(flowlens_filter_compile("dst port https", FLOWLENS_ROWS_FLOWS, NOON, &filter, NULL) == FLOWLENS_OK);
  CHECK(flowlens_filter_canonical(filter, &canonical, NULL) == FLOWLENS_OK);
  CHECK(strstr(flowlens_buffer_data(canonical), "dst port") != NULL);
  CHECK(flowlens_batch_keep(batch, filter, &removed, NULL) == FLOWLENS_OK);
  CHECK(removed == 5 && flowlens_batch_count(batch) == 3);
  CHECK(flowlens_filter_compile("dst port 70000", FLOWLENS_ROWS_FLOWS, NOON, &other, &error) ==
        FLOWLENS_INVALID_ARGUMENT);
  CHECK(other == NULL && error.column == 9 && strstr(error.message, "70000") != NULL);
  CHECK(flowlens_filter_compile("type = router", FLOWLENS_ROWS_ASSETS, NOON, &other, NULL) == FLOWLENS_OK);
  CHECK(flowlens_batch_keep(batch, other, &removed, &error) == FLOWLENS_INVALID_ARGUMENT);
  flowlens_filter_destroy(filter);
  flowlens_filter_destroy(other);
  flowlens_buffer_destroy(canonical);
}

static int records;
static void on_record(const flowlens_record *record, void *user) {
  flowlens_field field = FLOWLENS_FIELD_INIT;
  uint64_t port;
  char text[8];
  ++records;
  CHECK(user == &records && flowlens_record_kind(record) == FLOWLENS_RECORD_DATA);
  CHECK(flowlens_record_export_time(record) == NOON);
  CHECK(flowlens_record_find(record, "destinationTransportPort", &field, NULL) == FLOWLENS_OK);
  CHECK(field.enterprise == 0 && field.number == 11 && field.length == 2);
  CHECK(flowlens_field_unsigned(&field, &port, NULL) == FLOWLENS_OK && port == 443);
  CHECK(flowlens_record_field_name(record, &field, NULL, 0) == strlen("destinationTransportPort"));
  CHECK(flowlens_record_field_name(record, &field, text, sizeof text) == 24 && strcmp(text, "destina") == 0);
  CHECK(flowlens_record_find(record, "sourceIPv4Address", &field, NULL) == FLOWLENS_OK);
  CHECK(flowlens_record_field_text(record, &field, text, sizeof text) == 8 && strcmp(text, "10.0.0.") == 0);
  CHECK(flowlens_record_find(record, "vlanId", &field, NULL) == FLOWLENS_NOT_FOUND && field.octets == NULL);
  CHECK(flowlens_record_find(record, "noSuchElement", &field, NULL) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(flowlens_record_get(record, flowlens_record_field_count(record), &field, NULL) == FLOWLENS_NOT_FOUND);
}

static void test_parser(void) {
  const flowlens_session session = session_of(1);
  flowlens_parser *parser;
  flowlens_error error;
  uint8_t datagram[V5_LENGTH];
  CHECK(flowlens_parser_create(NULL, &parser, NULL) == FLOWLENS_OK);
  v5_datagram(datagram, 0x0a000001, 40000, 0x0a000002, 443);
  CHECK(flowlens_parser_parse(parser, datagram, sizeof datagram, &session, NOON, on_record, &records, NULL, NULL) ==
        FLOWLENS_OK);
  CHECK(records == 1);
  CHECK(flowlens_parser_parse(parser, datagram, 3, &session, NOON, NULL, NULL, NULL, NULL) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(flowlens_parser_add_elements(parser, "enterprise,number,name,type,semantics,units\n32473,1,doors,unsigned99,,\n",
                                     "mine.csv", &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strstr(error.message, "mine.csv:2") != NULL);
  flowlens_parser_destroy(parser);
}

static void test_arrow(void) {
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  struct ArrowArray array;
  flowlens_arrow_options options = FLOWLENS_ARROW_OPTIONS_INIT;
  flowlens_error error;
  decode_small_network();
  options.columns = "destination_port,octets";
  memset(&stream, 0xff, sizeof stream);
  CHECK(flowlens_batch_export(batch, &options, &stream, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(stream.release == NULL && strstr(error.message, "'octets'") != NULL && flowlens_batch_count(batch) == 8);
  options.columns = "destination_port,octet_count";
  options.rows_per_batch = 5;
  CHECK(flowlens_batch_export(batch, &options, &stream, NULL) == FLOWLENS_OK);
  CHECK(flowlens_batch_count(batch) == 0);
  CHECK(stream.get_schema(&stream, &schema) == 0 && schema.n_children == 2);
  CHECK(strcmp(schema.children[0]->name, "destination_port") == 0 && strcmp(schema.children[0]->format, "S") == 0);
  CHECK(stream.get_next(&stream, &array) == 0 && array.length == 5);
  const uint16_t *ports = array.children[0]->buffers[1];
  const uint64_t *octets = array.children[1]->buffers[1];
  CHECK(ports[0] == 443 && ports[1] == 40000 && octets[4] == 1000);
  array.release(&array);
  CHECK(stream.get_next(&stream, &array) == 0 && array.length == 3);
  array.release(&array);
  CHECK(stream.get_next(&stream, &array) == 0 && array.release == NULL);
  schema.release(&schema);
  stream.release(&stream);
}

static void test_enricher(void) {
  const flowlens_site_rule sites[] = {{"east", NULL, "10.0.0.0/24"}, {"west", "198.51.100.0/24", NULL}};
  const char *const internal[] = {"203.0.113.0/24"};
  flowlens_enricher_options options = FLOWLENS_ENRICHER_OPTIONS_INIT;
  flowlens_enricher *enricher;
  flowlens_flow flow = FLOWLENS_FLOW_INIT;
  flowlens_labels labels = FLOWLENS_LABELS_INIT;
  flowlens_error error;
  options.sites = sites;
  options.site_count = 2;
  options.internal_networks = internal;
  options.internal_network_count = 1;
  CHECK(flowlens_enricher_create(&options, &enricher, NULL) == FLOWLENS_OK);
  flow.sampling_rate = 1;
  flow.protocol = 6;
  flow.destination_port = 443;
  flow.present = FLOWLENS_FLOW_PROTOCOL | FLOWLENS_FLOW_DESTINATION_PORT;
  flow.source_address = address_of("10.0.0.9");
  flow.destination_address = address_of("203.0.113.7");
  CHECK(flowlens_enricher_label(enricher, &flow, &labels, NULL) == FLOWLENS_OK);
  CHECK(strcmp(labels.source_site, "east") == 0 && strcmp(labels.destination_site, "default") == 0);
  CHECK(strcmp(labels.destination_service, "https") == 0 && strcmp(labels.source_service, "") == 0);
  CHECK(labels.source_internal == 1 && labels.destination_internal == 1);
  flowlens_enricher_destroy(enricher);
  const flowlens_site_rule wrong[] = {{"east", NULL, "10.0.0.0/33"}};
  options.sites = wrong;
  options.site_count = 1;
  CHECK(flowlens_enricher_create(&options, &enricher, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(strstr(error.message, "'10.0.0.0/33'") != NULL);
}

static flowlens_id asset_at(const flowlens_graph *graph, const char *text) {
  const flowlens_address address = address_of(text);
  flowlens_id id;
  CHECK(flowlens_graph_find_asset(graph, NULL, &address, &id, NULL) == FLOWLENS_OK);
  return id;
}

/* The parts by themselves: aggregator, graph, detector. */
static void test_parts(void) {
  flowlens_enricher *enricher;
  flowlens_aggregator *aggregator;
  flowlens_summaries *summaries;
  flowlens_graph *graph;
  flowlens_detector *detector;
  flowlens_detector_options options = FLOWLENS_DETECTOR_OPTIONS_INIT;
  flowlens_changes *changes;
  flowlens_change change = FLOWLENS_CHANGE_INIT;
  flowlens_summary summary = FLOWLENS_SUMMARY_INIT;
  flowlens_graph_counters counters = FLOWLENS_GRAPH_COUNTERS_INIT;
  flowlens_buffer *learned, *revision;
  flowlens_error error;
  CHECK(flowlens_enricher_create(NULL, &enricher, NULL) == FLOWLENS_OK);
  CHECK(flowlens_aggregator_create(NULL, enricher, &aggregator, NULL) == FLOWLENS_OK);
  CHECK(flowlens_summaries_create(&summaries, NULL) == FLOWLENS_OK);
  CHECK(flowlens_graph_create(NULL, &graph, NULL) == FLOWLENS_OK);
  CHECK(flowlens_detector_create(&options, &detector, NULL) == FLOWLENS_OK);
  decode_small_network();
  CHECK(flowlens_aggregator_add(aggregator, batch, NOON, NULL) == FLOWLENS_OK);
  CHECK(flowlens_aggregator_flush(aggregator, NOON, summaries, NULL) == FLOWLENS_OK);
  CHECK(flowlens_summaries_count(summaries) == 4);
  CHECK(flowlens_summaries_get(summaries, 0, &summary, NULL) == FLOWLENS_OK);
  CHECK(summary.provisional == 1 && summary.flows == 2 && summary.octets_to_server == 1000);
  CHECK(flowlens_summaries_get(summaries, 4, &summary, NULL) == FLOWLENS_NOT_FOUND && summary.flows == 0);
  CHECK(flowlens_detector_look(detector, graph, summaries, &changes, &error) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(flowlens_graph_apply_summaries(graph, summaries, NULL) == FLOWLENS_OK);
  CHECK(flowlens_aggregator_finish(aggregator, summaries, NULL) == FLOWLENS_OK);
  CHECK(flowlens_graph_apply_summaries(graph, summaries, NULL) == FLOWLENS_OK);
  CHECK(flowlens_detector_look(detector, graph, summaries, &changes, NULL) == FLOWLENS_OK);
  CHECK(flowlens_changes_count(changes) > 0); /* assets and dependencies seen for the first time */
  CHECK(flowlens_changes_get(changes, 0, &change, NULL) == FLOWLENS_OK);
  CHECK(strncmp(change.type, "new_", 4) == 0 && strlen(change.reason) > 0);
  CHECK(flowlens_graph_counts(graph, &counters, NULL) == FLOWLENS_OK);
  CHECK(counters.assets == 5 && counters.dependencies == 4 && counters.flows == 8);
  CHECK(flowlens_graph_take_revision(graph, 1, 1, NOON, &revision, NULL) == FLOWLENS_OK);
  CHECK(flowlens_detector_save(detector, &learned, NULL) == FLOWLENS_OK);
  CHECK(flowlens_detector_load(detector, flowlens_buffer_data(learned), flowlens_buffer_size(learned), NULL) ==
        FLOWLENS_OK);
  CHECK(flowlens_detector_load(detector, "x", 1, NULL) == FLOWLENS_DAMAGED);
  flowlens_buffer_destroy(learned);
  flowlens_buffer_destroy(revision);
  flowlens_changes_destroy(changes);
  flowlens_detector_destroy(detector);
  flowlens_graph_destroy(graph);
  flowlens_summaries_destroy(summaries);
  flowlens_aggregator_destroy(aggregator);
  flowlens_enricher_destroy(enricher);
}

static void test_rows(const flowlens_graph *graph) {
  struct ArrowArrayStream stream;
  struct ArrowArray array;
  flowlens_filter *filter;
  CHECK(flowlens_filter_compile("port 5432", FLOWLENS_ROWS_DEPENDENCIES, NOON, &filter, NULL) == FLOWLENS_OK);
  CHECK(flowlens_graph_dependencies(graph, filter, NULL, &stream, NULL) == FLOWLENS_OK);
  CHECK(stream.get_next(&stream, &array) == 0 && array.length == 1);
  array.release(&array);
  stream.release(&stream);
  CHECK(flowlens_graph_assets(graph, filter, NULL, &stream, NULL) == FLOWLENS_INVALID_ARGUMENT);
  CHECK(stream.release == NULL);
  CHECK(flowlens_graph_assets(graph, NULL, NULL, &stream, NULL) == FLOWLENS_OK);
  CHECK(stream.get_next(&stream, &array) == 0 && array.length == 5);
  array.release(&array);
  stream.release(&stream);
  CHECK(flowlens_graph_changes(graph, NULL, NULL, &stream, NULL) == FLOWLENS_OK);
  CHECK(stream.get_next(&stream, &array) == 0 && array.length > 0);
  array.release(&array);
  stream.release(&stream);
  flowlens_filter_destroy(filter);
}

static void test_analysis(const flowlens_graph *graph) {
  const flowlens_id database = asset_at(graph, "10.0.0.3"), web = asset_at(graph, "10.0.0.2"),
                    client = asset_at(graph, "10.0.0.16"), nobody = {{9}};
  flowlens_analysis *analysis;
  flowlens_impact *impact;
  flowlens_affected hit = FLOWLENS_AFFECTED_INIT;
  flowlens_single_points *points;
  flowlens_single_point point = FLOWLENS_SINGLE_POINT_INIT;
  flowlens_paths *paths;
  flowlens_communities *communities;
  flowlens_id id;
  uint32_t community;
  CHECK(flowlens_analysis_create(graph, &analysis, NULL) == FLOWLENS_OK);
  CHECK(flowlens_analysis_impact(analysis, &database, 1, NULL, &impact, NULL) == FLOWLENS_OK);
  CHECK(flowlens_impact_count(impact) == 4 && flowlens_impact_total(impact) == 4);
  CHECK(flowlens_impact_get(impact, 0, &hit, NULL) == FLOWLENS_OK);
  CHECK(memcmp(&hit.asset, &web, sizeof web) == 0 && memcmp(&hit.because, &database, sizeof database) == 0);
  CHECK(hit.hops == 1 && hit.port == 5432 && hit.protocol == 6);
  flowlens_impact_destroy(impact);
  CHECK(flowlens_analysis_impact(analysis, &nobody, 1, NULL, &impact, NULL) == FLOWLENS_NOT_FOUND && impact == NULL);
  CHECK(flowlens_analysis_single_points(analysis, 0, &points, NULL) == FLOWLENS_OK);
  CHECK(flowlens_single_points_count(points) >= 1);
  CHECK(flowlens_single_points_get(points, 0, &point, NULL) == FLOWLENS_OK);
  CHECK(memcmp(&point.asset, &web, sizeof web) == 0);
  flowlens_single_points_destroy(points);
  CHECK(flowlens_analysis_paths(analysis, &client, &database, 2, &paths, NULL) == FLOWLENS_OK);
  CHECK(flowlens_paths_count(paths) == 1 && flowlens_paths_length(paths, 0) == 3);
  CHECK(flowlens_paths_get(paths, 0, 1, &id, NULL) == FLOWLENS_OK && memcmp(&id, &web, sizeof web) == 0);
  CHECK(flowlens_paths_get(paths, 0, 3, &id, NULL) == FLOWLENS_NOT_FOUND && id.octets[0] == 0);
  flowlens_paths_destroy(paths);
  CHECK(flowlens_analysis_communities(analysis, 0, &communities, NULL) == FLOWLENS_OK);
  CHECK(flowlens_communities_assets(communities) == 5 && flowlens_communities_count(communities) >= 1);
  CHECK(flowlens_communities_get(communities, 4, &id, &community, NULL) == FLOWLENS_OK);
  CHECK(community < flowlens_communities_count(communities));
  CHECK(flowlens_communities_get(communities, 5, &id, &community, NULL) == FLOWLENS_NOT_FOUND);
  flowlens_communities_destroy(communities);
  flowlens_analysis_destroy(analysis);
}

static void test_classifier(flowlens_graph *graph) {
  const flowlens_id database = asset_at(graph, "10.0.0.3");
  flowlens_classifier_options options = FLOWLENS_CLASSIFIER_OPTIONS_INIT;
  flowlens_classifier *classifier;
  flowlens_verdict verdict = FLOWLENS_VERDICT_INIT;
  flowlens_asset asset = FLOWLENS_ASSET_INIT;
  flowlens_fact fact = FLOWLENS_FACT_INIT;
  flowlens_error error;
  size_t changed;
  options.network_rules = "name,cidr,asset_type\ndatabases,10.0.0.3/32,database\n";
  CHECK(flowlens_classifier_create(&options, &classifier, NULL) == FLOWLENS_OK);
  CHECK(flowlens_classifier_judge(classifier, graph, &database, NOON, &verdict, NULL) == FLOWLENS_OK);
  CHECK(strcmp(verdict.asset_type, "database") == 0 && verdict.confidence > 0.3);
  CHECK(strstr(verdict.reasons[0], "5432") != NULL);
  CHECK(flowlens_classifier_look(classifier, graph, NOON, &changed, NULL) == FLOWLENS_OK && changed >= 1);
  CHECK(flowlens_graph_asset(graph, &database, &asset, NULL) == FLOWLENS_OK);
  CHECK(strcmp(asset.asset_type, "database") == 0 && asset.is_internal == 1);
  flowlens_classifier_destroy(classifier);
  options.rules = "no such type | | | 1 | x\n";
  CHECK(flowlens_classifier_create(&options, &classifier, &error) == FLOWLENS_INVALID_ARGUMENT && classifier == NULL);

  fact.address = address_of("10.0.0.3");
  fact.attribute = "name";
  fact.value = "db-1";
  fact.source = FLOWLENS_FACT_DECLARED;
  fact.at_ns = NOON;
  CHECK(flowlens_graph_add_fact(graph, &fact, NULL) == FLOWLENS_OK);
  CHECK(flowlens_graph_asset(graph, &database, &asset, NULL) == FLOWLENS_OK && strcmp(asset.name, "db-1") == 0);
  fact.attribute = "Not One";
  CHECK(flowlens_graph_add_fact(graph, &fact, NULL) == FLOWLENS_INVALID_ARGUMENT);
  fact.attribute = "name";
  fact.site = "nowhere";
  CHECK(flowlens_graph_add_fact(graph, &fact, NULL) == FLOWLENS_NOT_FOUND);
}

/* A map goes out as revisions and as a whole, and comes in elsewhere as it was. */
static void test_revisions(flowlens_resolver *resolver, flowlens_graph *graph, flowlens_buffer *revision) {
  flowlens_graph *follower;
  flowlens_resolver *heir;
  flowlens_buffer *saved, *one, *other;
  flowlens_graph_counters counters = FLOWLENS_GRAPH_COUNTERS_INIT;
  CHECK(flowlens_graph_create(NULL, &follower, NULL) == FLOWLENS_OK);
  CHECK(flowlens_graph_apply(follower, "x", 1, NULL) == FLOWLENS_DAMAGED);
  CHECK(flowlens_graph_apply(follower, flowlens_buffer_data(revision), flowlens_buffer_size(revision), NULL) ==
        FLOWLENS_OK);
  CHECK(flowlens_graph_counts(follower, &counters, NULL) == FLOWLENS_OK);
  CHECK(counters.dependencies == 4 && counters.revision == 1);
  CHECK(flowlens_graph_save(graph, &saved, NULL) == FLOWLENS_OK);
  CHECK(flowlens_resolver_create(NULL, &heir, NULL) == FLOWLENS_OK);
  CHECK(flowlens_resolver_load(heir, flowlens_buffer_data(saved), flowlens_buffer_size(saved), NULL) == FLOWLENS_OK);
  CHECK(flowlens_graph_export(graph, "csv", &one, NULL) == FLOWLENS_OK);
  CHECK(flowlens_graph_export(flowlens_resolver_graph(heir), "csv", &other, NULL) == FLOWLENS_OK);
  CHECK(strcmp(flowlens_buffer_data(one), flowlens_buffer_data(other)) == 0);
  flowlens_buffer_destroy(one);
  CHECK(flowlens_graph_export(graph, "xls", &one, NULL) == FLOWLENS_INVALID_ARGUMENT && one == NULL);
  CHECK(flowlens_graph_apply(graph, flowlens_buffer_data(saved), flowlens_buffer_size(saved), NULL) ==
        FLOWLENS_INVALID_ARGUMENT); /* a resolver's */
  flowlens_graph_destroy(graph); /* the same: passed over */
  CHECK(flowlens_resolver_flush(resolver, NOON, NULL, NULL) == FLOWLENS_OK);
  flowlens_buffer_destroy(other);
  flowlens_buffer_destroy(saved);
  flowlens_graph_destroy(follower);
  flowlens_resolver_destroy(heir);
}

static void test_map(void) {
  flowlens_resolver *resolver;
  flowlens_buffer *revision;
  CHECK(flowlens_resolver_create(NULL, &resolver, NULL) == FLOWLENS_OK);
  decode_small_network();
  CHECK(flowlens_resolver_add_received(resolver, batch, NULL) == FLOWLENS_OK);
  CHECK(flowlens_resolver_finish(resolver, NOON, &revision, NULL) == FLOWLENS_OK);
  flowlens_graph *graph = flowlens_resolver_graph(resolver);
  test_rows(graph);
  test_analysis(graph);
  test_revisions(resolver, graph, revision);
  test_classifier(graph);
  flowlens_buffer_destroy(revision);
  flowlens_resolver_destroy(resolver);
}

static void test_files(void) {
  const char *path = "/nonexistent.pcap";
  flowlens_reader *reader;
  flowlens_geo *geo;
  flowlens_error error;
  const flowlens_status opened = flowlens_reader_open(&path, 1, NULL, &reader, &error);
  CHECK(opened == FLOWLENS_IO_ERROR || opened == FLOWLENS_NOT_BUILT);
  CHECK(reader == NULL && (opened == FLOWLENS_NOT_BUILT || strstr(error.message, path) != NULL));
  const flowlens_status looked = flowlens_geo_open("/nonexistent.mmdb", &geo, &error);
  CHECK(looked == FLOWLENS_IO_ERROR || looked == FLOWLENS_NOT_BUILT);
  CHECK(geo == NULL && strlen(error.message) > 0);
}

/* By a file of MaxMind's tests, where there is one: in the folder `shared`, or in $FLOWLENS_SHARED. */
static void test_geo(const char *shared) {
  char path[4096];
  flowlens_geo *geo;
  flowlens_geo_record record = FLOWLENS_GEO_RECORD_INIT;
  const flowlens_address somewhere = address_of("81.2.69.142"), nowhere = address_of("10.0.0.1");
  snprintf(path, sizeof path, "%s/geoip/GeoIP2-City-Test.mmdb", getenv("FLOWLENS_SHARED") ? getenv("FLOWLENS_SHARED") : shared);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return;
  fclose(file);
  const flowlens_status opened = flowlens_geo_open(path, &geo, NULL);
  CHECK(opened == FLOWLENS_OK || opened == FLOWLENS_NOT_BUILT);
  if (opened != FLOWLENS_OK) return;
  CHECK(flowlens_geo_find(geo, &somewhere, &record, NULL) == FLOWLENS_OK);
  CHECK(strcmp(record.city, "London") == 0 && strcmp(record.country, "GB") == 0 && record.has_position == 1 && record.latitude > 50);
  CHECK(flowlens_geo_find(geo, &nowhere, &record, NULL) == FLOWLENS_NOT_FOUND && record.country[0] == '\0');
  flowlens_geo_destroy(geo);
}

int main(int argc, char **argv) {
  CHECK(flowlens_decoder_create(NULL, &decoder, NULL) == FLOWLENS_OK);
  CHECK(flowlens_batch_create(&batch, NULL) == FLOWLENS_OK);
  test_decoder();
  test_own_flows();
  test_filters();
  test_parser();
  test_arrow();
  test_enricher();
  test_parts();
  test_map();
  test_files();
  if (argc == 2) test_geo(argv[1]);
  flowlens_batch_destroy(batch);
  flowlens_decoder_destroy(decoder);
  return report();
}
