#include "flowlens/capture_reader.hpp"

#include <pcap/pcap.h>

#include <array>
#include <optional>
#include <string>

#include "collect/udp_payload.hpp"
#include "flowlens/error.hpp"

namespace flowlens {
namespace {

using collect::FrameContent;
using collect::LinkLayer;

std::optional<LinkLayer> link_layer(int type) noexcept {
  switch (type) {
    case DLT_EN10MB:
      return LinkLayer::ethernet;
    case DLT_LINUX_SLL:
      return LinkLayer::linux_sll;
    case DLT_LINUX_SLL2:
      return LinkLayer::linux_sll2;
    case DLT_NULL:
    case DLT_LOOP:
      return LinkLayer::null_loop;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return LinkLayer::raw_ip;
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

}  // namespace

struct CaptureReader::Impl {
  std::string path;
  Capture capture;
  LinkLayer link = LinkLayer::ethernet;
  CaptureCounters counters;

  explicit Impl(const std::filesystem::path& file)
      : path(file.string()), capture(open_capture(path)) {
    const int type = ::pcap_datalink(capture.get());
    const auto known = link_layer(type);
    if (!known) {
      throw IoError("cannot read capture " + path + ": link type " + name_of_link(type) +
                    " is not supported; Ethernet, Linux cooked, loopback and raw IP are");
    }
    link = *known;
  }

  /// \return false at the end.
  bool next_frame(const pcap_pkthdr*& header, const u_char*& octets);
};

bool CaptureReader::Impl::next_frame(const pcap_pkthdr*& header, const u_char*& octets) {
  pcap_pkthdr* found = nullptr;
  const int got = ::pcap_next_ex(capture.get(), &found, &octets);
  if (got == PCAP_ERROR_BREAK) return false;
  if (got != 1) {
    throw IoError("capture " + path + " is damaged after packet " +
                  std::to_string(counters.packets) + ": " + ::pcap_geterr(capture.get()));
  }
  header = found;
  ++counters.packets;
  return true;
}

CaptureReader::CaptureReader(const std::filesystem::path& path)
    : impl_(std::make_unique<Impl>(path)) {}
CaptureReader::~CaptureReader() = default;

bool CaptureReader::next(ReceivedDatagram& datagram) {
  const pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  collect::UdpPayload payload;
  while (impl_->next_frame(header, octets)) {
    const std::span frame{reinterpret_cast<const std::byte*>(octets), header->caplen};
    const FrameContent content = collect::find_udp_payload(impl_->link, frame, payload);
    if (content != FrameContent::udp) {
      ++(content == FrameContent::fragment ? impl_->counters.fragments : impl_->counters.not_udp);
      continue;
    }
    ++impl_->counters.datagrams;
    datagram.octets = payload.octets;
    datagram.session = {payload.source, payload.source_port, payload.destination_port,
                        Transport::udp};
    // With nanosecond precision asked for, libpcap puts nanoseconds into tv_usec.
    datagram.received = Timestamp{std::chrono::seconds{header->ts.tv_sec} +
                                  std::chrono::nanoseconds{header->ts.tv_usec}};
    return true;
  }
  return false;
}

const CaptureCounters& CaptureReader::counters() const noexcept { return impl_->counters; }

}  // namespace flowlens
