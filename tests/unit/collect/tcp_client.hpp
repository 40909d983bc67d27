/// \file
/// A TCP client on loopback that sends what it is told.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <utility>

#include "flowlens/ip_address.hpp"

namespace flowlens::test {

class TcpClient {
 public:
  explicit TcpClient(std::uint16_t port, const IpAddress& source = IpAddress::v4(0x7f00'0001)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in from = address(source, 0);
    const sockaddr_in to = address(IpAddress::v4(0x7f00'0001), port);
    const timeval patience{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  TcpClient(TcpClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;
  ~TcpClient() { close(); }

  void send(std::span<const std::byte> octets) const {
    while (!octets.empty()) {
      const auto sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("cannot send");
      octets = octets.subspan(static_cast<std::size_t>(sent));
    }
  }
  /// How much goes without waiting, 64 MB at the most.
  [[nodiscard]] std::size_t send_all_that_fits(std::span<const std::byte> octets) const {
    std::size_t sum = 0;
    while (sum < 64u << 20) {
      const auto sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) break;
      sum += static_cast<std::size_t>(sent);
    }
    return sum;
  }
  /// Whether the other side closes, or resets, within 5 s.
  [[nodiscard]] bool is_closed() const {
    char octet = 0;
    const auto got = ::recv(fd_, &octet, 1, 0);
    return got == 0 || (got < 0 && errno != EAGAIN);
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  static sockaddr_in address(const IpAddress& ip, std::uint16_t port) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(ip.to_v4());
    return v4;
  }
  int fd_ = -1;
};

}  // namespace flowlens::test
