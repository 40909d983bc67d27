/// \file
/// Where datagrams go: to a live collector on this machine, or into a capture file.
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "exporter.hpp"

namespace simnet {

/// Destination ports by protocol.
struct Ports {
  std::uint16_t netflow = 2055;
  std::uint16_t ipfix = 4739;
  std::uint16_t sflow = 6343;

  [[nodiscard]] std::uint16_t of(Protocol protocol) const noexcept;
};

/// Sends over loopback, each exporter from its own address 127.0.0.11, 127.0.0.12, …
class UdpSink : public DatagramSink {
 public:
  /// \throws std::invalid_argument if `collector` is not in 127.0.0.0/8,
  ///         std::system_error if a socket cannot be had.
  UdpSink(const Address& collector, const Ports& ports, std::size_t exporters);
  ~UdpSink() override;
  UdpSink(const UdpSink&) = delete;
  UdpSink& operator=(const UdpSink&) = delete;

  void send(std::size_t exporter, Protocol protocol, std::span<const std::uint8_t> datagram,
            Time at) override;
  /// Datagrams that the kernel did not take.
  [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }

 private:
  Address collector_;
  Ports ports_;
  std::vector<int> sockets_;
  std::uint64_t failed_ = 0;
};

/// Writes a classic pcap file of Ethernet frames, from 192.0.2.11, 192.0.2.12, … to 192.0.2.1.
class PcapSink : public DatagramSink {
 public:
  /// \throws std::system_error if the file cannot be written.
  PcapSink(const std::string& path, const Ports& ports);

  void send(std::size_t exporter, Protocol protocol, std::span<const std::uint8_t> datagram,
            Time at) override;
  /// Writes what is left. \throws std::system_error if anything could not be written.
  void close();

 private:
  void write_u32(std::uint64_t value);

  std::string path_;
  Ports ports_;
  std::ofstream file_;
  std::uint16_t ip_id_ = 0;
};

}  // namespace simnet
