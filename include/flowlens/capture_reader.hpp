/// \file
/// collect: exporters' datagrams from packet captures (pcap, pcapng).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "flowlens/udp_receiver.hpp"

namespace flowlens {

struct CaptureCounters {
  std::uint64_t packets = 0;
  std::uint64_t datagrams = 0;  ///< UDP payloads handed on
  std::uint64_t not_udp = 0;    ///< passed over: no UDP, or cut short by the capture
  std::uint64_t fragments = 0;  ///< passed over: IP fragments
};

/// Reads UDP payloads out of one capture file, Ethernet, Linux cooked, loopback or raw IP.
///
/// Thread-compatible.
class CaptureReader {
 public:
  /// \throws IoError naming the file, and what is wrong with it.
  explicit CaptureReader(const std::filesystem::path& path);
  ~CaptureReader();

  /// The next datagram; `received` is the time of capture. Valid until the next call.
  /// \return false at the end.
  /// \throws IoError if the file is cut short or damaged; what came before was delivered.
  bool next(ReceivedDatagram& datagram);
  [[nodiscard]] const CaptureCounters& counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
