/// \file
/// collect: the sockets of one UDP port, one for each worker, and who gets which datagram.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "flowlens/ip_address.hpp"

namespace flowlens::collect {

/// Closes a descriptor at the end of its life.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// One bound socket with its counters. Received by one thread, counted for anyone.
struct UdpSocket {
  FileDescriptor fd;
  std::uint16_t port = 0;
  std::size_t granted_octets = 0;
  std::atomic<std::uint64_t> datagrams{0};
  std::atomic<std::uint64_t> octets{0};
  std::atomic<std::uint64_t> truncated{0};
  std::atomic<std::uint64_t> dropped{0};

  /// Takes in the kernel's count of drops, which has 32 bits and wraps. An older count, read by
  /// another thread, changes nothing.
  void note_drops(std::uint32_t count) noexcept;
  /// Asks the kernel for the count, in case no datagram came since the last drop.
  void refresh_drops() noexcept;
};

/// Binds `workers` sockets to one port, in order.
/// \param port  0: the system picks.
/// \throws IoError naming address and port.
[[nodiscard]] std::vector<std::unique_ptr<UdpSocket>> open_port(const IpAddress& address,
                                                                std::uint16_t port,
                                                                std::size_t workers,
                                                                std::size_t buffer_octets);

}  // namespace flowlens::collect
