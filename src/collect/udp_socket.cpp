#include "collect/udp_socket.hpp"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <system_error>

#include "flowlens/error.hpp"

namespace flowlens::collect {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) noexcept {
  SocketAddress out;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(address.to_v4());
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.octets().data(), 16);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.length = sizeof v6;
  }
  return out;
}

[[noreturn]] void fail(const char* what, const IpAddress& address, std::uint16_t port) {
  const int reason = errno;
  const std::string host = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
  std::string text = std::string{what} + " UDP " + host + ":" + std::to_string(port) + ": " +
                     std::generic_category().message(reason);
  if (reason == EADDRINUSE)
    text += "; another process holds the port: stop it or choose another port";
  if (reason == EACCES) text += "; ports below 1024 need CAP_NET_BIND_SERVICE";
  if (reason == EADDRNOTAVAIL) text += "; no interface of this machine has the address";
  throw IoError(text);
}

FileDescriptor make_socket(const IpAddress& address, std::uint16_t port) {
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  FileDescriptor fd{::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd.get() < 0) fail("cannot make a socket for", address, port);
  if (family == AF_INET6) {
    const int v6_only = 0;
    if (::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) != 0) {
      fail("cannot take IPv4 beside IPv6 on", address, port);
    }
  }
  return fd;
}

/// Sockets with SO_REUSEPORT would join those of another process of the same user unseen, and share
/// its datagrams. A socket without it finds out.
void check_port_is_free(const IpAddress& address, std::uint16_t port) {
  if (port == 0) return;
  const FileDescriptor probe = make_socket(address, port);
  const SocketAddress where = socket_address(address, port);
  if (::bind(probe.get(), where.get(), where.length) != 0) fail("cannot bind", address, port);
}

constexpr std::uint32_t network_header(std::uint32_t offset) noexcept {
  return static_cast<std::uint32_t>(SKF_NET_OFF) + offset;
}

/// The number of the socket that gets a datagram: a hash of the source address modulo `workers`.
/// The program sees the UDP payload at 0; the IP header is reached by SKF_NET_OFF. A socket bound to
/// `::` takes both versions, so the first nibble decides.
void attach_worker_choice(int fd, std::size_t workers, const IpAddress& address,
                          std::uint16_t port) {
  constexpr std::uint32_t kGoldenRatio = 0x9e37'79b1u;
  std::array<sock_filter, 20> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, network_header(0)),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x40, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, network_header(12)),
      BPF_JUMP(BPF_JMP | BPF_JA, 10, 0, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, network_header(8)),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, network_header(12)),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, network_header(16)),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, network_header(20)),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, kGoldenRatio),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(workers)),
      BPF_STMT(BPF_RET | BPF_A, 0),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) != 0) {
    fail("cannot share among workers", address, port);
  }
}

/// \return the octets granted; the kernel doubles what is asked for and reports the double.
std::size_t set_receive_buffer(int fd, std::size_t octets) noexcept {
  const int wanted = octets < INT_MAX ? static_cast<int>(octets) : INT_MAX;
  // SO_RCVBUFFORCE goes past net.core.rmem_max, but needs CAP_NET_ADMIN.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
  }
  int granted = 0;
  socklen_t length = sizeof granted;
  ::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &length);
  return static_cast<std::size_t>(granted) / 2;
}

std::uint16_t bound_port(int fd) noexcept {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  // The port lies at the same place in both families.
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof v4);
  return ntohs(v4.sin_port);
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

void UdpSocket::note_drops(std::uint32_t count) noexcept {
  std::uint64_t old = dropped.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint32_t more = count - static_cast<std::uint32_t>(old);
    if (more == 0 || more > 0x7fff'ffffu) return;
    if (dropped.compare_exchange_weak(old, old + more, std::memory_order_relaxed)) return;
  }
}

void UdpSocket::refresh_drops() noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
  socklen_t length = sizeof values;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_MEMINFO, values.data(), &length) != 0) return;
  if (length >= (SK_MEMINFO_DROPS + 1) * sizeof(std::uint32_t))
    note_drops(values[SK_MEMINFO_DROPS]);
}

std::vector<std::unique_ptr<UdpSocket>> open_port(const IpAddress& address, std::uint16_t port,
                                                  std::size_t workers, std::size_t buffer_octets) {
  check_port_is_free(address, port);
  std::vector<std::unique_ptr<UdpSocket>> sockets;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    auto made = std::make_unique<UdpSocket>();
    made->fd = make_socket(address, port);
    const int fd = made->fd.get();
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    made->granted_octets = set_receive_buffer(fd, buffer_octets);
    // Before the first bind, so that no datagram is given out by any other rule.
    if (worker == 0 && workers > 1) attach_worker_choice(fd, workers, address, port);
    const SocketAddress where = socket_address(address, port);
    if (::bind(fd, where.get(), where.length) != 0) fail("cannot bind", address, port);
    port = made->port = bound_port(fd);
    sockets.push_back(std::move(made));
  }
  return sockets;
}

}  // namespace flowlens::collect
