#include "discovery/probes.hpp"

#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kMostBehind{50};  // that the pace may make up for

/// A socket that is closed at the end.
class Socket {
 public:
  explicit Socket(int number = -1) noexcept : number_(number) {}
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

struct Running {
  Probe probe;
  Socket socket;
  Clock::time_point until;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  Address(const IpAddress& address, std::uint16_t port) {
    if (address.is_v4()) {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
      v4->sin_addr.s_addr = htonl(address.to_v4());
      length = sizeof(sockaddr_in);
    } else {
      auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
      std::memcpy(&v6->sin6_addr, address.octets().data(), 16);
      length = sizeof(sockaddr_in6);
    }
  }
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

/// Fit for IPv4 and IPv6: both headers have type, code, checksum, identifier and sequence. The kernel
/// fills in checksum and identifier of a datagram socket.
std::array<std::uint8_t, 8> echo_request(bool is_v4) {
  std::array<std::uint8_t, 8> packet{};
  packet[0] = is_v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
  packet[7] = 1;
  return packet;
}

bool is_out_of_sockets(int error) noexcept { return error == EMFILE || error == ENFILE; }

/// Sends the first packet. \return the number of the error, 0 where an answer may come.
int begin(const Probe& probe, Running& to) {
  const bool is_v4 = probe.address.is_v4(), is_echo = probe.port == 0;
  const int protocol = !is_echo ? IPPROTO_TCP : is_v4 ? IPPROTO_ICMP : int{IPPROTO_ICMPV6};
  const int type = (is_echo ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  to.socket = Socket{::socket(is_v4 ? AF_INET : AF_INET6, type, protocol)};
  if (to.socket.number() < 0) return errno;
  const Address address{probe.address, probe.port};
  if (::connect(to.socket.number(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
    return errno;
  }
  if (!is_echo) return 0;
  const auto packet = echo_request(is_v4);
  return ::send(to.socket.number(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0 ? errno : 0;
}

bool is_answer(const Running& running) {
  if (running.probe.port == 0) {
    std::array<std::uint8_t, 64> packet;
    const auto got = ::recv(running.socket.number(), packet.data(), packet.size(), 0);
    const std::uint8_t reply = running.probe.address.is_v4() ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
    return got > 0 && packet[0] == reply;
  }
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(running.socket.number(), SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0;
}

/// Waits a little, and takes away what is over.
void look(std::vector<Running>& running, const std::function<void(const Probe&)>& answered,
          const std::function<void()>& done) {
  std::vector<pollfd> polled;
  for (const Running& r : running) {
    polled.push_back(
        {r.socket.number(), static_cast<short>(r.probe.port == 0 ? POLLIN : POLLOUT), 0});
  }
  ::poll(polled.data(), polled.size(), 20);
  const auto now = Clock::now();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < running.size(); ++i) {
    const bool has_news = polled[i].revents != 0;
    if (has_news && is_answer(running[i])) answered(running[i].probe);
    if (has_news || now >= running[i].until) {
      done();
    } else {
      if (kept != i) running[kept] = std::move(running[i]);
      ++kept;
    }
  }
  running.erase(running.begin() + static_cast<std::ptrdiff_t>(kept), running.end());
}

/// What is wrong for all probes of the kind, not only for this one.
std::string trouble(const Probe& probe, int error) {
  if (is_out_of_sockets(error)) return "there are no more sockets: raise the limit of open files";
  const bool is_forbidden = error == EACCES || error == EPERM;
  if (probe.port == 0 && is_forbidden) {
    return "the system gives no ICMP sockets; allow them by `sysctl -w "
           "net.ipv4.ping_group_range=\"0 "
           "2147483647\"`, or leave `icmp` out";
  }
  return "";
}

}  // namespace

std::string run_probes(std::span<const Probe> probes, const ProbeLimits& limits,
                       const std::atomic<bool>& is_cancelled,
                       const std::function<void(const Probe&)>& answered,
                       const std::function<void()>& done) {
  const auto pause =
      std::chrono::microseconds(1'000'000 / std::max<std::size_t>(1, limits.per_second));
  std::vector<Running> running;
  auto next_at = Clock::now();
  std::size_t next = 0;
  while (!is_cancelled && (next < probes.size() || !running.empty())) {
    while (next < probes.size() && running.size() < limits.at_once && Clock::now() >= next_at) {
      const Probe& probe = probes[next++];
      Running& started = running.emplace_back();
      started.probe = probe;
      started.until = Clock::now() + limits.patience;
      next_at = std::max(next_at + pause, Clock::now() - kMostBehind);
      const int error = begin(probe, started);
      if (error == 0) continue;
      if (auto why = trouble(probe, error); !why.empty()) return why;
      running.pop_back();  // no way there, or nobody is there
      done();
    }
    if (running.empty()) {
      std::this_thread::sleep_until(
          std::min(next_at, Clock::now() + std::chrono::milliseconds{20}));
    } else {
      look(running, answered, done);
    }
  }
  return "";
}

}  // namespace flowlensd
