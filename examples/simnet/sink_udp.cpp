#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "sink.hpp"

namespace simnet {
namespace {

constexpr std::uint8_t kFirstExporter = 11;

sockaddr_in socket_address(const Address& address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  std::memcpy(&result.sin_addr, address.octets.data(), 4);
  return result;
}

int bound_socket(const Address& source) {
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "socket");
  const sockaddr_in address = socket_address(source, 0);
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    close(descriptor);
    throw std::system_error(error, std::generic_category(), "bind to " + source.text());
  }
  return descriptor;
}

}  // namespace

std::uint16_t Ports::of(Protocol protocol) const noexcept {
  if (protocol == Protocol::sflow) return sflow;
  return protocol == Protocol::ipfix ? ipfix : netflow;
}

UdpSink::UdpSink(const Address& collector, const Ports& ports, std::size_t exporters)
    : collector_(collector), ports_(ports) {
  if (!collector.is_loopback()) {
    throw std::invalid_argument("--send: " + collector.text() +
                                " is not a loopback address; made-up flows stay on this machine");
  }
  for (std::size_t i = 0; i < exporters; ++i) {
    sockets_.push_back(
        bound_socket(Address::ipv4(127, 0, 0, static_cast<std::uint8_t>(kFirstExporter + i))));
  }
}

UdpSink::~UdpSink() {
  for (const int descriptor : sockets_) close(descriptor);
}

void UdpSink::send(std::size_t exporter, Protocol protocol, std::span<const std::uint8_t> datagram,
                   Time) {
  const sockaddr_in address = socket_address(collector_, ports_.of(protocol));
  const ssize_t sent = sendto(sockets_[exporter], datagram.data(), datagram.size(), 0,
                              reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (sent != static_cast<ssize_t>(datagram.size())) ++failed_;
}

}  // namespace simnet
