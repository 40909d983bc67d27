/* What C decodes, as tests/binding_parity/README.md has it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlens/flowlens.h"

static flowlens_error error;

static void must(flowlens_status status) {
  if (status == FLOWLENS_OK) return;
  fprintf(stderr, "%s: %s\n", flowlens_status_name(status), error.message);
  exit(1);
}

/* ---- flows ---- */

static const flowlens_flow *flow; /* that is being printed */

static void print_address(uint32_t bit, const flowlens_address *address, const char *end) {
  char text[FLOWLENS_ADDRESS_TEXT_SIZE] = "-";
  if (bit == 0 || (flow->present & bit) != 0) flowlens_address_text(address, text);
  printf("%s%s", text, end);
}

static void print_number(uint32_t bit, uint64_t number) {
  if (bit == 0 || (flow->present & bit) != 0) {
    printf("%" PRIu64 " ", number);
  } else {
    printf("- ");
  }
}

static void print_flow(const flowlens_flow *f) {
  flow = f;
  print_address(FLOWLENS_FLOW_SOURCE_ADDRESS, &f->source_address, " ");
  print_address(FLOWLENS_FLOW_DESTINATION_ADDRESS, &f->destination_address, " ");
  print_number(FLOWLENS_FLOW_SOURCE_PORT, f->source_port);
  print_number(FLOWLENS_FLOW_DESTINATION_PORT, f->destination_port);
  print_number(FLOWLENS_FLOW_PROTOCOL, f->protocol);
  print_number(FLOWLENS_FLOW_OCTET_COUNT, f->octet_count);
  print_number(FLOWLENS_FLOW_PACKET_COUNT, f->packet_count);
  print_number(0, f->sampling_rate);
  printf("%" PRId64 " %" PRId64 " %" PRId64 " ", f->start_ns, f->end_ns, f->received_ns);
  print_number(FLOWLENS_FLOW_TCP_FLAGS, f->tcp_flags);
  print_number(FLOWLENS_FLOW_TOS, f->tos);
  print_number(FLOWLENS_FLOW_ICMP_TYPE_CODE, f->icmp_type_code);
  print_number(FLOWLENS_FLOW_VLAN_ID, f->vlan_id);
  print_number(FLOWLENS_FLOW_INGRESS_INTERFACE, f->ingress_interface);
  print_number(FLOWLENS_FLOW_EGRESS_INTERFACE, f->egress_interface);
  print_address(FLOWLENS_FLOW_NEXT_HOP, &f->next_hop, " ");
  print_number(FLOWLENS_FLOW_SOURCE_AS, f->source_as);
  print_number(FLOWLENS_FLOW_DESTINATION_AS, f->destination_as);
  print_number(FLOWLENS_FLOW_SOURCE_PREFIX_LENGTH, f->source_prefix_length);
  print_number(FLOWLENS_FLOW_DESTINATION_PREFIX_LENGTH, f->destination_prefix_length);
  print_number(FLOWLENS_FLOW_DIRECTION, f->flow_direction);
  print_address(0, &f->exporter, " ");
  print_number(0, f->observation_domain);
  print_number(0, f->export_protocol);
  print_number(0, f->kind);
  print_number(0, f->initiator);
  print_number(0, f->counter_source);
  print_number(0, f->sampling_source);
  print_number(0, f->is_fragment_tail);
  printf("%d\n", (f->present & FLOWLENS_FLOW_TIMES_REPLACED) != 0 ? 1 : 0);
}

static void print_batch(const flowlens_batch *batch) {
  flowlens_flow f = FLOWLENS_FLOW_INIT;
  for (size_t i = 0; i < flowlens_batch_count(batch); ++i) {
    must(flowlens_batch_get(batch, i, &f, &error));
    print_flow(&f);
  }
}

/* ---- datagrams ---- */

typedef struct datagram {
  flowlens_session session;
  int64_t received_ns;
  uint32_t length;
  uint8_t *payload;
} datagram;

static int read_exactly(FILE *file, void *to, size_t size) { return size == 0 || fread(to, size, 1, file) == 1; }

static int next_datagram(FILE *file, datagram *d) {
  free(d->payload);
  d->payload = NULL;
  if (!read_exactly(file, d->session.exporter.octets, 16) || !read_exactly(file, &d->session.exporter_port, 2) ||
      !read_exactly(file, &d->session.collector_port, 2) || !read_exactly(file, &d->received_ns, 8) ||
      !read_exactly(file, &d->length, 4)) {
    return 0;
  }
  d->payload = malloc(d->length + 1u);
  return d->payload != NULL && read_exactly(file, d->payload, d->length);
}

static FILE *open_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  return file;
}

static void dump_datagrams(const char *path) {
  FILE *file = open_file(path);
  datagram d = {.session = FLOWLENS_SESSION_INIT};
  flowlens_decoder *decoder;
  flowlens_batch *batch;
  must(flowlens_decoder_create(NULL, &decoder, &error));
  must(flowlens_batch_create(&batch, &error));
  while (next_datagram(file, &d)) {
    flowlens_result r = FLOWLENS_RESULT_INIT;
    flowlens_batch_clear(batch);
    must(flowlens_decoder_decode(decoder, d.payload, d.length, &d.session, d.received_ns, batch, &r, &error));
    printf("# %d %u %u %u %s\n", r.accepted, r.sets, r.sets_waiting, r.sets_skipped,
           r.problem[0] != '\0' ? r.problem : "-");
    print_batch(batch);
  }
  flowlens_batch_destroy(batch);
  flowlens_decoder_destroy(decoder);
  fclose(file);
}

static void print_text(size_t (*write)(const flowlens_record *, const flowlens_field *, char *, size_t),
                       const flowlens_record *record, const flowlens_field *field) {
  const size_t length = write(record, field, NULL, 0);
  char *text = malloc(length + 1);
  if (text == NULL) exit(1);
  write(record, field, text, length + 1);
  printf(" %s", text);
  free(text);
}

static void print_record(const flowlens_record *record, void *user) {
  (void)user;
  printf("%u %u %u %" PRId64 "\n", flowlens_record_kind(record), flowlens_record_template_id(record),
         flowlens_record_observation_domain(record), flowlens_record_export_time(record));
  for (size_t i = 0; i < flowlens_record_field_count(record); ++i) {
    flowlens_field field = FLOWLENS_FIELD_INIT;
    must(flowlens_record_get(record, i, &field, &error));
    print_text(flowlens_record_field_name, record, &field);
    print_text(flowlens_record_field_text, record, &field);
    printf("\n");
  }
}

static void dump_records(const char *path) {
  FILE *file = open_file(path);
  datagram d = {.session = FLOWLENS_SESSION_INIT};
  flowlens_parser *parser;
  must(flowlens_parser_create(NULL, &parser, &error));
  while (next_datagram(file, &d)) {
    must(flowlens_parser_parse(parser, d.payload, d.length, &d.session, d.received_ns, print_record, NULL, NULL,
                               &error));
  }
  flowlens_parser_destroy(parser);
  fclose(file);
}

/* ---- files ---- */

static void print_buffer(flowlens_buffer *buffer) {
  fwrite(flowlens_buffer_data(buffer), 1, flowlens_buffer_size(buffer), stdout);
  flowlens_buffer_destroy(buffer);
}

static void print_problems(const flowlens_reader *reader, const char *path) {
  flowlens_buffer *problems;
  must(flowlens_reader_problems(reader, &problems, &error));
  if (flowlens_buffer_size(problems) == 0) {
    flowlens_buffer_destroy(problems);
    return;
  }
  printf("! %s", (const char *)flowlens_buffer_data(problems) + strlen(path) + 2);
  flowlens_buffer_destroy(problems);
}

static void dump_file(const char *path) {
  flowlens_reader *reader;
  flowlens_resolver *resolver;
  flowlens_batch *batch;
  flowlens_buffer *map;
  int64_t now;
  int more = 1;
  must(flowlens_reader_open(&path, 1, NULL, &reader, &error));
  must(flowlens_resolver_create(NULL, &resolver, &error));
  must(flowlens_batch_create(&batch, &error));
  for (;;) {
    must(flowlens_reader_next(reader, batch, &more, &error));
    if (!more) break;
    print_batch(batch);
    must(flowlens_resolver_add_received(resolver, batch, &error));
  }
  must(flowlens_reader_now(reader, &now, &error));
  must(flowlens_resolver_finish(resolver, now, NULL, &error));
  puts(" map");
  must(flowlens_graph_export(flowlens_resolver_graph(resolver), "csv", &map, &error));
  print_buffer(map);
  print_problems(reader, path);
  flowlens_batch_destroy(batch);
  flowlens_resolver_destroy(resolver);
  flowlens_reader_destroy(reader);
}

int main(int argc, char **argv) {
  const char *mode = argc == 3 ? argv[1] : "";
  if (strcmp(mode, "datagrams") == 0) {
    dump_datagrams(argv[2]);
  } else if (strcmp(mode, "records") == 0) {
    dump_records(argv[2]);
  } else if (strcmp(mode, "file") == 0) {
    dump_file(argv[2]);
  } else {
    fprintf(stderr, "usage: dump datagrams|records|file FILE\n");
    return 2;
  }
  return 0;
}
