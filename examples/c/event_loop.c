/* The decoder and the map in an event loop of one's own, here that of poll(2): a UDP socket, a timer, a stop signal.
 *   event_loop_c PORT      prints the map as it is known every second; Ctrl-C ends it */
#define _GNU_SOURCE
#include <flowlens/flowlens.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static flowlens_error error;

static void must(flowlens_status status) {
  if (status == FLOWLENS_OK) return;
  fprintf(stderr, "event_loop: %s\n", error.message);
  exit(1);
}

static int checked(int result, const char *what) {
  if (result >= 0) return result;
  perror(what);
  exit(1);
}

/* The library opens no socket and reads no clock: both are the program's, and handed in. */
static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int udp_socket(uint16_t port) {
  const int fd = checked(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  checked(bind(fd, (const struct sockaddr *)&address, sizeof address), "bind");
  return fd;
}

static int timer_every_second(void) {
  const int fd = checked(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
  const struct itimerspec period = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
  checked(timerfd_settime(fd, 0, &period, NULL), "timerfd_settime");
  return fd;
}

static int stop_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  checked(sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask");
  return checked(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
}

typedef struct collector {
  uint16_t port;
  int fd;
  flowlens_decoder *decoder;
  flowlens_batch *batch;
  flowlens_resolver *resolver;
} collector;

static void take(collector *c, const uint8_t *datagram, size_t length, const struct sockaddr_in *from) {
  flowlens_session session = FLOWLENS_SESSION_INIT;
  flowlens_result result = FLOWLENS_RESULT_INIT;
  session.exporter.octets[10] = session.exporter.octets[11] = 0xff; /* IPv4 is held as v4-mapped */
  memcpy(session.exporter.octets + 12, &from->sin_addr, 4);
  session.exporter_port = ntohs(from->sin_port);
  session.collector_port = c->port;
  flowlens_batch_clear(c->batch);
  must(flowlens_decoder_decode(c->decoder, datagram, length, &session, now_ns(), c->batch, &result, &error));
  if (result.problem[0] != '\0') fprintf(stderr, "%s\n", result.problem);
  must(flowlens_resolver_add(c->resolver, c->batch, now_ns(), &error));
}

/* Takes the datagrams that are there, a few at a time, so that the timer has its turn. */
static void read_datagrams(collector *c) {
  static uint8_t datagram[65536];
  for (int i = 0; i < 64; ++i) {
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    const ssize_t got = recvfrom(c->fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &length);
    if (got < 0) return; /* all are read */
    take(c, datagram, (size_t)got, &from);
  }
}

static void show(const collector *c) {
  flowlens_graph_counters counters = FLOWLENS_GRAPH_COUNTERS_INIT;
  must(flowlens_graph_counts(flowlens_resolver_graph(c->resolver), &counters, &error));
  printf("revision %" PRIu64 ": %" PRIu64 " assets, %" PRIu64 " dependencies, %" PRIu64 " flows\n", counters.revision,
         counters.assets, counters.dependencies, counters.flows);
  fflush(stdout);
}

static void run(collector *c) {
  struct pollfd fds[] = {{c->fd, POLLIN, 0}, {timer_every_second(), POLLIN, 0}, {stop_signals(), POLLIN, 0}};
  while (fds[2].revents == 0) {
    uint64_t expirations;
    checked(poll(fds, 3, -1), "poll");
    if (fds[0].revents != 0) read_datagrams(c);
    if (fds[1].revents != 0 && read(fds[1].fd, &expirations, sizeof expirations) > 0) {
      must(flowlens_resolver_flush(c->resolver, now_ns(), NULL, &error));
      show(c);
    }
  }
}

int main(int argc, char **argv) {
  const long port = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
  collector c = {0};
  flowlens_buffer *map;
  if (port < 1 || port > 65535) {
    fprintf(stderr, "usage: event_loop PORT\n");
    return 2;
  }
  c.port = (uint16_t)port;
  c.fd = udp_socket(c.port);
  must(flowlens_decoder_create(NULL, &c.decoder, &error));
  must(flowlens_batch_create(&c.batch, &error));
  must(flowlens_resolver_create(NULL, &c.resolver, &error));
  run(&c);
  must(flowlens_resolver_finish(c.resolver, now_ns(), NULL, &error));
  must(flowlens_graph_export(flowlens_resolver_graph(c.resolver), "csv", &map, &error));
  fputs(flowlens_buffer_data(map), stdout);
  flowlens_buffer_destroy(map);
  flowlens_resolver_destroy(c.resolver);
  flowlens_batch_destroy(c.batch);
  flowlens_decoder_destroy(c.decoder);
  return 0;
}
