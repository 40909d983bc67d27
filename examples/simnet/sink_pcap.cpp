#include <cerrno>
#include <system_error>

#include "frame.hpp"
#include "sink.hpp"

namespace simnet {
namespace {

constexpr std::uint16_t kFirstSourcePort = 40000;
constexpr std::uint8_t kFirstExporter = 11;
constexpr std::uint32_t kCollectorMac = 0x00ff0001;
constexpr std::uint32_t kFirstExporterMac = 0x00ff0100;

}  // namespace

PcapSink::PcapSink(const std::string& path, const Ports& ports)
    : path_(path), ports_(ports), file_(path, std::ios::binary | std::ios::trunc) {
  if (!file_) throw std::system_error(errno, std::generic_category(), "cannot write " + path);
  write_u32(0xa1b2c3d4);   // microseconds
  write_u32(2 | 4 << 16);  // version 2.4
  write_u32(0);
  write_u32(0);
  write_u32(65535);
  write_u32(1);  // Ethernet
}

void PcapSink::write_u32(std::uint64_t value) {
  for (int shift = 0; shift < 32; shift += 8) file_.put(static_cast<char>(value >> shift));
}

void PcapSink::send(std::size_t exporter, Protocol protocol, std::span<const std::uint8_t> datagram,
                    Time at) {
  FrameHead head;
  head.source_mac = mac_of(kFirstExporterMac + static_cast<std::uint32_t>(exporter));
  head.destination_mac = mac_of(kCollectorMac);
  head.source = Address::ipv4(192, 0, 2, static_cast<std::uint8_t>(kFirstExporter + exporter));
  head.destination = Address::ipv4(192, 0, 2, 1);
  head.source_port = static_cast<std::uint16_t>(kFirstSourcePort + exporter);
  head.destination_port = ports_.of(protocol);
  head.ip_id = ip_id_++;
  const Bytes frame = udp_frame(head, datagram);

  const auto micros = static_cast<std::uint64_t>(at.time_since_epoch().count());
  write_u32(micros / 1'000'000);
  write_u32(micros % 1'000'000);
  write_u32(frame.size());
  write_u32(frame.size());
  file_.write(reinterpret_cast<const char*>(frame.data()),
              static_cast<std::streamsize>(frame.size()));
}

void PcapSink::close() {
  file_.close();
  if (!file_) throw std::system_error(errno, std::generic_category(), "cannot write " + path_);
}

}  // namespace simnet
