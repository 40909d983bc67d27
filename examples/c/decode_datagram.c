/* Decodes one datagram of NetFlow, IPFIX or sFlow from standard input and prints its flows:
 *   decode_datagram_c < datagram.bin */
#include <flowlens/flowlens.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int64_t now_ns(void) { /* time is an input */
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void print_flow(const flowlens_flow *flow) {
  char source[FLOWLENS_ADDRESS_TEXT_SIZE], destination[FLOWLENS_ADDRESS_TEXT_SIZE];
  flowlens_address_text(&flow->source_address, source);
  flowlens_address_text(&flow->destination_address, destination);
  printf("%s:%u > %s:%u protocol %u, %" PRIu64 " octets\n", source, flow->source_port, destination,
         flow->destination_port, flow->protocol, flow->octet_count);
}

int main(void) {
  uint8_t datagram[65536];
  const size_t length = fread(datagram, 1, sizeof datagram, stdin);
  flowlens_decoder *decoder = NULL; /* keeps templates; use one per thread */
  flowlens_batch *batch = NULL;     /* reuse it, its memory stays */
  flowlens_session session = FLOWLENS_SESSION_INIT;
  flowlens_result result = FLOWLENS_RESULT_INIT;
  flowlens_flow flow = FLOWLENS_FLOW_INIT;
  flowlens_error error;

  session.exporter_port = 50000;
  session.collector_port = 2055;
  if (flowlens_address_parse("192.0.2.1", &session.exporter, &error) != FLOWLENS_OK ||
      flowlens_decoder_create(NULL, &decoder, &error) != FLOWLENS_OK ||
      flowlens_batch_create(&batch, &error) != FLOWLENS_OK ||
      flowlens_decoder_decode(decoder, datagram, length, &session, now_ns(), batch, &result, &error) != FLOWLENS_OK) {
    fprintf(stderr, "decode_datagram: %s\n", error.message);
  }
  if (result.problem[0] != '\0') printf("%s\n", result.problem);
  for (size_t i = 0; flowlens_batch_get(batch, i, &flow, NULL) == FLOWLENS_OK; ++i) print_flow(&flow);

  flowlens_batch_destroy(batch);
  flowlens_decoder_destroy(decoder);
  return result.accepted ? 0 : 1;
}
