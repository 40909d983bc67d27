// The decoder and the map in an event loop of one's own, here that of poll(2): a UDP socket, a timer, a stop signal.
//   event_loop PORT      prints each new dependency; Ctrl-C ends it
#include <flowlens/decoder.hpp>
#include <flowlens/resolver.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string{what} + ": " + std::strerror(errno));
  return result;
}

// The library opens no socket and reads no clock: both are the program's, and handed in.
flowlens::Timestamp now() { return std::chrono::system_clock::now(); }

int udp_socket(std::uint16_t port) {
  const int fd = checked(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  checked(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  return fd;
}

int timer_every(std::chrono::seconds period) {
  const int fd = checked(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
  itimerspec spec{};
  spec.it_interval.tv_sec = spec.it_value.tv_sec = period.count();
  checked(timerfd_settime(fd, 0, &spec, nullptr), "timerfd_settime");
  return fd;
}

int stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  checked(sigprocmask(SIG_BLOCK, &set, nullptr), "sigprocmask");
  return checked(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
}

class Collector {
 public:
  explicit Collector(std::uint16_t port) : port_(port), socket_(udp_socket(port)) {
    resolver_.begin(flowlens::Epoch{1}, 0);
  }
  ~Collector() { close(socket_); }

  [[nodiscard]] int socket_fd() const { return socket_; }

  /// Takes the datagrams that are there, a few at a time, so that the timer has its turn.
  void read() {
    for (int i = 0; i < 64; ++i) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const auto got = recvfrom(socket_, buffer_.data(), buffer_.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &length);
      if (got < 0) return;  // all are read
      take({buffer_.data(), static_cast<std::size_t>(got)}, from);
    }
  }

  /// What has changed since the last time.
  void flush() { show(resolver_.flush(now())); }
  void finish() { show(resolver_.finish(now())); }

 private:
  void take(std::span<const std::byte> datagram, const sockaddr_in& from) {
    const flowlens::TransportSession session{flowlens::IpAddress::v4(ntohl(from.sin_addr.s_addr)),
                                             ntohs(from.sin_port), port_};
    batch_.clear();
    const auto result = decoder_.decode(datagram, session, now(), batch_);
    if (!result.clean()) std::fprintf(stderr, "%s\n", to_string(result.first).c_str());
    resolver_.add(batch_, now());
  }

  static void show(const flowlens::Revision& revision) {
    for (const flowlens::DependencyRow& row : revision.dependencies) {
      std::printf("revision %llu: %s uses %s port %u, %llu octets%s\n",
                  static_cast<unsigned long long>(revision.number),
                  row.key.client.address.to_string().c_str(),
                  row.key.server.address.to_string().c_str(), row.key.port,
                  static_cast<unsigned long long>(row.totals.octets_to_server +
                                                  row.totals.octets_to_client),
                  row.provisional ? " (may still change)" : "");
    }
    std::fflush(stdout);
  }

  std::uint16_t port_;
  int socket_;
  std::array<std::byte, 65'536> buffer_{};
  flowlens::Decoder decoder_;
  flowlens::FlowBatch batch_;
  flowlens::Resolver resolver_;
};

void run(std::uint16_t port) {
  Collector collector{port};
  std::array<pollfd, 3> fds{{{collector.socket_fd(), POLLIN, 0},
                             {timer_every(std::chrono::seconds{1}), POLLIN, 0},
                             {stop_signals(), POLLIN, 0}}};
  while (fds[2].revents == 0) {
    checked(poll(fds.data(), fds.size(), -1), "poll");
    if (fds[0].revents != 0) collector.read();
    if (fds[1].revents != 0) {
      std::uint64_t expirations = 0;
      if (::read(fds[1].fd, &expirations, sizeof expirations) > 0) collector.flush();
    }
  }
  collector.finish();
}

}  // namespace

int main(int argc, char** argv) {
  const long port = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (port < 1 || port > 65535) {
    std::fprintf(stderr, "usage: event_loop PORT\n");
    return 2;
  }
  try {
    run(static_cast<std::uint16_t>(port));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "event_loop: %s\n", e.what());
    return 1;
  }
}
