/* What the C tests share: a check that counts, and one NetFlow v5 datagram. */
#ifndef FLOWLENS_TESTS_CAPI_CHECK_H
#define FLOWLENS_TESTS_CAPI_CHECK_H

#include <stdio.h>
#include <string.h>

#include "flowlens/flowlens.h"

static int failures;

#define CHECK(holds)                                                   \
  do {                                                                 \
    if (!(holds)) {                                                    \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds); \
      ++failures;                                                      \
    }                                                                  \
  } while (0)

#define NOON_S 1795262400 /* 2026-11-21 12:00:00 UTC */
#define SECOND INT64_C(1000000000)
#define NOON (NOON_S * SECOND)

enum { V5_LENGTH = 24 + 48 };

static inline void put(uint8_t *to, uint64_t value, int octets) {
  for (int i = 0; i < octets; ++i) to[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
}

/* A flow of 10 packets, 1000 octets, TCP, in the second before noon; two of them, turned round, make a conversation. */
static inline void v5_datagram(uint8_t to[V5_LENGTH], uint32_t source, uint16_t source_port, uint32_t destination,
                               uint16_t destination_port) {
  memset(to, 0, V5_LENGTH);
  put(to, 5, 2);
  put(to + 2, 1, 2);
  put(to + 4, 10000, 4); /* uptime */
  put(to + 8, NOON_S, 4);
  uint8_t *record = to + 24;
  put(record, source, 4);
  put(record + 4, destination, 4);
  put(record + 16, 10, 4);
  put(record + 20, 1000, 4);
  put(record + 24, 9000, 4);
  put(record + 28, 9900, 4);
  put(record + 32, source_port, 2);
  put(record + 34, destination_port, 2);
  record[37] = 0x1b; /* SYN, ACK, PSH, FIN */
  record[38] = 6;
}

static inline flowlens_session session_of(uint8_t last) {
  flowlens_session session = FLOWLENS_SESSION_INIT;
  const uint8_t octets[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, last};
  memcpy(session.exporter.octets, octets, sizeof octets);
  session.exporter_port = 50000;
  session.collector_port = 2055;
  return session;
}

static inline flowlens_address address_of(const char *text) {
  flowlens_address address;
  CHECK(flowlens_address_parse(text, &address, NULL) == FLOWLENS_OK);
  return address;
}

/* Both directions of one connection, decoded into a batch. */
static inline void decode_conversation(flowlens_decoder *decoder, flowlens_batch *batch, uint32_t client,
                                       uint16_t client_port, uint32_t server, uint16_t server_port) {
  const flowlens_session session = session_of(1);
  uint8_t datagram[V5_LENGTH];
  v5_datagram(datagram, client, client_port, server, server_port);
  CHECK(flowlens_decoder_decode(decoder, datagram, sizeof datagram, &session, NOON, batch, NULL, NULL) == FLOWLENS_OK);
  v5_datagram(datagram, server, server_port, client, client_port);
  CHECK(flowlens_decoder_decode(decoder, datagram, sizeof datagram, &session, NOON, batch, NULL, NULL) == FLOWLENS_OK);
}

static inline int report(void) {
  if (failures == 0) return 0;
  fprintf(stderr, "%d checks failed\n", failures);
  return 1;
}

#endif
