// The ports of the settings, and how much receive buffer the kernel gives.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "commands/checks.hpp"
#include "library.hpp"

namespace flowlensd {
namespace {

using Result = Check::Result;

class Socket {
 public:
  Socket(bool is_v4, int type)
      : held_(socket(is_v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (held_ >= 0) close(held_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const noexcept { return held_; }

 private:
  int held_;
};

/// \return 0, or why the port cannot be had.
int try_bind(const IpAddress& address, std::uint16_t port, int type) {
  const Socket s(address.is_v4(), type);
  if (s.get() < 0) return errno;
  const std::string text = address.to_string();
  int result = 0;
  if (address.is_v4()) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    inet_pton(AF_INET, text.c_str(), &at.sin_addr);
    // As the server does: a port whose connections are just ending can be had.
    const int on = 1;
    if (type == SOCK_STREAM) setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    result = bind(s.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
  } else {
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_port = htons(port);
    inet_pton(AF_INET6, text.c_str(), &at.sin6_addr);
    result = bind(s.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
  }
  return result == 0 ? 0 : errno;
}

void check_port(const IpAddress& address, std::uint64_t port, int type,
                const RunningDaemon& running, std::vector<Check>& checks) {
  if (port == 0) return;
  const std::string name =
      std::string(type == SOCK_STREAM ? "TCP " : "UDP ") + std::to_string(port);
  const int reason = try_bind(address, static_cast<std::uint16_t>(port), type);
  const bool runs = running.holds_data_dir || running.health.has_value();
  if (reason == 0) {
    checks.push_back({name, runs ? Result::warning : Result::good,
                      runs ? "free, though flowlensd runs" : "free",
                      runs ? "was it started with other settings?" : ""});
  } else if (reason == EADDRINUSE && runs) {
    checks.push_back({name, Result::good, "held, as it should be while flowlensd runs", ""});
  } else if (reason == EADDRINUSE) {
    checks.push_back({name, Result::bad, "held by another program",
                      "ss -lnp shows by which; stop it, or give flowlensd another port"});
  } else {
    checks.push_back({name, Result::bad, address.to_string() + ": " + std::strerror(reason),
                      reason == EACCES ? "ports below 1024 need CAP_NET_BIND_SERVICE"
                                       : "the address must be one of this host's"});
  }
}

void check_buffer(const Settings& settings, std::vector<Check>& checks) {
  const Socket s(true, SOCK_DGRAM);
  const int asked = static_cast<int>(settings.receive_buffer_octets);
  if (setsockopt(s.get(), SOL_SOCKET, SO_RCVBUFFORCE, &asked, sizeof asked) != 0) {
    setsockopt(s.get(), SOL_SOCKET, SO_RCVBUF, &asked, sizeof asked);
  }
  int granted = 0;
  socklen_t size = sizeof granted;
  getsockopt(s.get(), SOL_SOCKET, SO_RCVBUF, &granted, &size);
  granted /= 2;  // the kernel counts its own part, too
  const bool is_whole = granted >= asked;
  checks.push_back({"receive buffer", is_whole ? Result::good : Result::warning,
                    std::to_string(granted) + " octets granted of " + std::to_string(asked),
                    is_whole ? "" : "sysctl -w net.core.rmem_max=" + std::to_string(asked)});
}

}  // namespace

void check_sockets(const Settings& s, const RunningDaemon& running, std::vector<Check>& checks) {
  for (const std::uint64_t port : std::set{s.netflow_port, s.ipfix_port, s.sflow_port}) {
    check_port(s.bind_address, port, SOCK_DGRAM, running, checks);
  }
  for (const std::uint64_t port : {s.ipfix_tcp_port, s.ipfix_tls_port}) {
    check_port(s.bind_address, port, SOCK_STREAM, running, checks);
  }
  check_port(s.api_host, s.api_port, SOCK_STREAM, running, checks);
  check_buffer(s, checks);
}

}  // namespace flowlensd
