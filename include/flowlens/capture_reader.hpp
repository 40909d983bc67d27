/// \file
/// collect: packet captures (pcap, pcapng): exporters' datagrams, and ordinary traffic.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "flowlens/packet.hpp"
#include "flowlens/udp_receiver.hpp"

namespace flowlens {

/// What the packets of a capture are taken for.
enum class CaptureContent : std::uint8_t {
  /// Decided for each packet. UDP that holds an export message, its lengths and counts right to the
  /// last octet, is an exporter's datagram on any port; so is UDP to one of the exporter ports that
  /// begins with a version of NetFlow, IPFIX or sFlow. Everything else is traffic.
  automatic,
  exports,  ///< every UDP payload is an exporter's datagram, the rest is passed over
  traffic   ///< every packet is traffic
};

struct CaptureReaderOptions {
  CaptureContent content = CaptureContent::automatic;
  std::vector<std::uint16_t> exporter_ports = {2055, 4739, 6343, 9995, 9996};
  /// CapturedPacket::observation_point of this capture. Captures of one network need different ones,
  /// or a packet seen in both counts twice.
  std::uint32_t observation_point = 0;
};

/// One packet of a capture: an exporter's datagram or ordinary traffic.
struct CaptureItem {
  bool is_datagram = false;
  ReceivedDatagram datagram;  ///< with is_datagram
  CapturedPacket packet;      ///< else
};

struct CaptureCounters {
  std::uint64_t packets = 0;
  std::uint64_t datagrams = 0;  ///< UDP payloads handed on as exporters' datagrams
  std::uint64_t traffic = 0;    ///< packets handed on as ordinary traffic
  std::uint64_t not_udp = 0;    ///< passed over: no UDP, or cut short by the capture
  std::uint64_t fragments = 0;  ///< passed over: IP fragments of exporters' datagrams
};

/// Reads one capture file, Ethernet, Linux cooked, loopback, PPP or raw IP.
///
/// Thread-compatible.
class CaptureReader {
 public:
  /// \throws IoError naming the file, and what is wrong with it.
  explicit CaptureReader(const std::filesystem::path& path,
                         const CaptureReaderOptions& options = {});
  ~CaptureReader();

  /// The next packet, as the options take it. Valid until the next call.
  /// \return false at the end.
  /// \throws IoError if the file is cut short or damaged; what came before was delivered.
  bool next(CaptureItem& item);
  /// The next UDP payload, whatever the options say: for captures of exporters alone. `received` is
  /// the time of capture.
  bool next(ReceivedDatagram& datagram);
  [[nodiscard]] const CaptureCounters& counters() const noexcept;
  /// Octets of the file that were read so far, as it lies there: a measure of progress. Of a pipe 0.
  [[nodiscard]] std::uint64_t octets_read() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
