/// \file
/// A UDP sender on loopback with a source address of its own choice.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string_view>

#include "flowlens/ip_address.hpp"

namespace flowlens::test {

class UdpSender {
 public:
  explicit UdpSender(const IpAddress& source) : v4_(source.is_v4()) {
    fd_ = ::socket(v4_ ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const Address from = address(source, 0);
    if (fd_ < 0 || ::bind(fd_, from.get(), from.length) != 0) {
      throw std::runtime_error("cannot send from " + source.to_string());
    }
  }
  UdpSender(const UdpSender&) = delete;
  UdpSender& operator=(const UdpSender&) = delete;
  ~UdpSender() { ::close(fd_); }

  /// To the loopback address of the same family. On loopback the datagram is in the receiver's
  /// buffer, or dropped, when this returns.
  void send(std::uint16_t port, std::string_view text) const {
    const IpAddress to = v4_ ? IpAddress::v4(0x7f00'0001) : *IpAddress::parse("::1");
    const Address where = address(to, port);
    if (::sendto(fd_, text.data(), text.size(), 0, where.get(), where.length) < 0) {
      throw std::runtime_error("cannot send to " + to.to_string());
    }
  }

 private:
  struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr* get() const {
      return reinterpret_cast<const sockaddr*>(&storage);
    }
  };
  static Address address(const IpAddress& ip, std::uint16_t port) {
    Address out;
    if (ip.is_v4()) {
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      v4.sin_addr.s_addr = htonl(ip.to_v4());
      std::memcpy(&out.storage, &v4, out.length = sizeof v4);
    } else {
      sockaddr_in6 v6{};
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      std::memcpy(&v6.sin6_addr, ip.octets().data(), 16);
      std::memcpy(&out.storage, &v6, out.length = sizeof v6);
    }
    return out;
  }

  bool v4_;
  int fd_ = -1;
};

}  // namespace flowlens::test
