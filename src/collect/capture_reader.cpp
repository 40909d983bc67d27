#include "flowlens/capture_reader.hpp"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "collect/udp_payload.hpp"
#include "flowlens/error.hpp"
#include "parse/recognise.hpp"

namespace flowlens {
namespace {

using collect::FrameContent;

std::optional<LinkType> link_layer(int type) noexcept {
  switch (type) {
    case DLT_EN10MB:
      return LinkType::ethernet;
    case DLT_LINUX_SLL:
      return LinkType::linux_sll;
    case DLT_LINUX_SLL2:
      return LinkType::linux_sll2;
    case DLT_NULL:
    case DLT_LOOP:
      return LinkType::loopback;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return LinkType::ip;
    case DLT_PPP:
    case DLT_PPP_SERIAL:
    case DLT_C_HDLC:
      return LinkType::ppp;
    default:
      return std::nullopt;
  }
}

struct CloseCapture {
  void operator()(pcap_t* capture) const noexcept { ::pcap_close(capture); }
};
using Capture = std::unique_ptr<pcap_t, CloseCapture>;

Capture open_capture(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> reason{};
  // "-" would mean standard input to libpcap.
  const std::string name = path == "-" ? "./-" : path;
  Capture capture{::pcap_open_offline_with_tstamp_precision(
      name.c_str(), PCAP_TSTAMP_PRECISION_NANO, reason.data())};
  if (!capture) {
    throw IoError("cannot read capture " + path + ": " + reason.data() +
                  "; a pcap or pcapng file is wanted");
  }
  return capture;
}

std::string name_of_link(int type) {
  const char* name = ::pcap_datalink_val_to_name(type);
  return name != nullptr ? name : std::to_string(type);
}

constexpr std::uint8_t kUdp = 17;

}  // namespace

struct CaptureReader::Impl {
  std::string path;
  CaptureReaderOptions options;
  Capture capture;
  LinkType link = LinkType::ethernet;
  CaptureCounters counters;
  Dissection dissection;

  Impl(const std::filesystem::path& file, const CaptureReaderOptions& o)
      : path(file.string()), options(o), capture(open_capture(path)) {
    const int type = ::pcap_datalink(capture.get());
    const auto known = link_layer(type);
    if (!known) {
      throw IoError("cannot read capture " + path + ": link type " + name_of_link(type) +
                    " is not supported; Ethernet, Linux cooked, loopback, PPP and raw IP are");
    }
    link = *known;
  }

  /// \return false at the end.
  bool next_frame(CapturedPacket& packet);
  /// \return false if the packet is no datagram; then it is counted if it is passed over.
  bool read_datagram(const CapturedPacket& packet, CaptureContent content,
                     ReceivedDatagram& datagram, bool& is_traffic);

 private:
  [[nodiscard]] bool is_exporter_port(std::uint16_t port) const noexcept {
    const auto& ports = options.exporter_ports;
    return std::find(ports.begin(), ports.end(), port) != ports.end();
  }
  /// Whether a packet without a whole payload is a piece of a datagram to an exporter port.
  bool is_part_of_datagram(const CapturedPacket& packet) noexcept {
    dissect(packet.frame, packet.link, dissection);
    const Packet& outer = dissection.layers[0];
    return outer.protocol == kUdp && outer.has(PacketField::destination_port) &&
           is_exporter_port(outer.destination_port);
  }
};

bool CaptureReader::Impl::next_frame(CapturedPacket& packet) {
  pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  const int got = ::pcap_next_ex(capture.get(), &header, &octets);
  if (got == PCAP_ERROR_BREAK) return false;
  if (got != 1) {
    throw IoError("capture " + path + " is damaged after packet " +
                  std::to_string(counters.packets) + ": " + ::pcap_geterr(capture.get()));
  }
  ++counters.packets;
  packet.frame = {reinterpret_cast<const std::byte*>(octets), header->caplen};
  packet.link = link;
  packet.frame_octets = header->len;
  // With nanosecond precision asked for, libpcap puts nanoseconds into tv_usec.
  packet.captured = Timestamp{std::chrono::seconds{header->ts.tv_sec} +
                              std::chrono::nanoseconds{header->ts.tv_usec}};
  packet.observation_point = options.observation_point;
  return true;
}

bool CaptureReader::Impl::read_datagram(const CapturedPacket& packet, CaptureContent content,
                                        ReceivedDatagram& datagram, bool& is_traffic) {
  collect::UdpPayload payload;
  const FrameContent found = collect::find_udp_payload(packet.link, packet.frame, payload);
  const bool is_automatic = content == CaptureContent::automatic;
  if (found != FrameContent::udp) {
    is_traffic = is_automatic && !is_part_of_datagram(packet);
    if (!is_traffic) ++(found == FrameContent::fragment ? counters.fragments : counters.not_udp);
    return false;
  }
  is_traffic =
      is_automatic && !parse::is_export_message(payload.octets) &&
      !(is_exporter_port(payload.destination_port) && parse::has_export_version(payload.octets));
  if (is_traffic) return false;
  ++counters.datagrams;
  datagram.octets = payload.octets;
  datagram.session = {payload.source, payload.source_port, payload.destination_port,
                      Transport::udp};
  datagram.received = packet.captured;
  return true;
}

CaptureReader::CaptureReader(const std::filesystem::path& path, const CaptureReaderOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}
CaptureReader::~CaptureReader() = default;

bool CaptureReader::next(CaptureItem& item) {
  const CaptureContent content = impl_->options.content;
  while (impl_->next_frame(item.packet)) {
    bool is_traffic = content == CaptureContent::traffic;
    item.is_datagram =
        !is_traffic && impl_->read_datagram(item.packet, content, item.datagram, is_traffic);
    if (item.is_datagram) return true;
    if (!is_traffic) continue;
    ++impl_->counters.traffic;
    return true;
  }
  return false;
}

bool CaptureReader::next(ReceivedDatagram& datagram) {
  CapturedPacket packet;
  bool is_traffic = false;
  while (impl_->next_frame(packet)) {
    if (impl_->read_datagram(packet, CaptureContent::exports, datagram, is_traffic)) return true;
  }
  return false;
}

const CaptureCounters& CaptureReader::counters() const noexcept { return impl_->counters; }

std::uint64_t CaptureReader::octets_read() const noexcept {
  const off_t at = ::ftello(::pcap_file(impl_->capture.get()));
  return at > 0 ? static_cast<std::uint64_t>(at) : 0;
}

}  // namespace flowlens
