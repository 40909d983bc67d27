/* Writes a log of flows, a JSON object a line, of any file that FlowLens reads:
 *   flow_log_c FILE [FILTER]
 * For example: flow_log_c router.pcap 'dst port 443 and bytes > 1M' */
#include <flowlens/flowlens.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static flowlens_error error;

static void must(flowlens_status status) {
  if (status == FLOWLENS_OK) return;
  fprintf(stderr, "flow_log: %s\n", error.message);
  exit(1);
}

/* What has no values of its own is left out of the line. */
static void print_flow(const flowlens_flow *flow) {
  char start[FLOWLENS_TIME_TEXT_SIZE], end[FLOWLENS_TIME_TEXT_SIZE];
  char source[FLOWLENS_ADDRESS_TEXT_SIZE], destination[FLOWLENS_ADDRESS_TEXT_SIZE], exporter[FLOWLENS_ADDRESS_TEXT_SIZE];
  flowlens_time_text(flow->start_ns, start);
  flowlens_time_text(flow->end_ns, end);
  flowlens_address_text(&flow->source_address, source);
  flowlens_address_text(&flow->destination_address, destination);
  flowlens_address_text(&flow->exporter, exporter);
  printf("{\"start\":\"%s\",\"end\":\"%s\",\"exporter\":\"%s\",\"source\":\"%s\",\"destination\":\"%s\"", start, end,
         exporter, source, destination);
  if (flow->present & FLOWLENS_FLOW_PROTOCOL) printf(",\"protocol\":%u", flow->protocol);
  if (flow->present & FLOWLENS_FLOW_SOURCE_PORT) printf(",\"source_port\":%u", flow->source_port);
  if (flow->present & FLOWLENS_FLOW_DESTINATION_PORT) printf(",\"destination_port\":%u", flow->destination_port);
  if (flow->present & FLOWLENS_FLOW_OCTET_COUNT) printf(",\"octets\":%" PRIu64, flow->octet_count);
  if (flow->present & FLOWLENS_FLOW_PACKET_COUNT) printf(",\"packets\":%" PRIu64, flow->packet_count);
  printf(",\"sampling_rate\":%u}\n", flow->sampling_rate);
}

static void print_batch(flowlens_batch *batch, const flowlens_filter *filter) {
  flowlens_flow flow = FLOWLENS_FLOW_INIT;
  if (filter != NULL) must(flowlens_batch_keep(batch, filter, NULL, &error));
  for (size_t i = 0; i < flowlens_batch_count(batch); ++i) {
    must(flowlens_batch_get(batch, i, &flow, &error));
    print_flow(&flow);
  }
}

/* Ages in a filter (`start > 5m`) would count back from 1970 here: a log is of its own time. */
static flowlens_filter *compile(const char *text) {
  flowlens_filter *filter;
  if (flowlens_filter_compile(text, FLOWLENS_ROWS_FLOWS, 0, &filter, &error) == FLOWLENS_OK) return filter;
  fprintf(stderr, "flow_log: %s\n  %s\n  %*s^\n", error.message, text, (int)error.column, "");
  exit(1);
}

int main(int argc, char **argv) {
  flowlens_reader *reader;
  flowlens_batch *batch;
  flowlens_buffer *problems;
  int more, status;
  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: flow_log FILE [FILTER]\n");
    return 2;
  }
  flowlens_filter *filter = argc == 3 ? compile(argv[2]) : NULL;
  const char *path = argv[1];
  must(flowlens_reader_open(&path, 1, NULL, &reader, &error));
  must(flowlens_batch_create(&batch, &error));
  for (;;) {
    must(flowlens_reader_next(reader, batch, &more, &error));
    if (!more) break;
    print_batch(batch, filter);
  }
  must(flowlens_reader_problems(reader, &problems, &error));
  status = flowlens_buffer_size(problems) == 0 ? 0 : 1;
  fputs(flowlens_buffer_data(problems), stderr);

  flowlens_buffer_destroy(problems);
  flowlens_batch_destroy(batch);
  flowlens_reader_destroy(reader);
  flowlens_filter_destroy(filter);
  return status;
}
