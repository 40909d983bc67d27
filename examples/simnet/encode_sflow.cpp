// sFlow version 5: flow samples with raw packet headers, counter samples of the interface.
#include <algorithm>

#include "byte_writer.hpp"
#include "exporter.hpp"
#include "frame.hpp"

namespace simnet {
namespace {

constexpr std::size_t kLimit = 1400;
constexpr std::size_t kHeaderLength = 28;
constexpr std::size_t kSampledOctets = 128;
constexpr std::size_t kMinimumFrame = 60;  // without the frame check sequence
constexpr std::uint32_t kFrameCheckSequence = 4;
constexpr std::uint32_t kDataSource = 1;  // ifIndex of the monitored interface
constexpr Micros kLongestWait = std::chrono::milliseconds{500};
constexpr Micros kCounterInterval = std::chrono::seconds{20};

class SflowExporter : public Exporter {
 public:
  SflowExporter(const ExporterOptions& options, DatagramSink& sink)
      : Exporter(Protocol::sflow, options, sink) {}

  void add(const SampledPacket& sample, Time now) override {
    ByteWriter out;
    write_flow_sample(out, sample);
    append(out, now);
    ++records_;
  }

  void account(std::uint64_t octets, std::uint64_t packets) override {
    octets_ += octets;
    packets_ += packets;
  }

  void tick(Time now) override {
    if (now - last_counters_ >= kCounterInterval) {
      last_counters_ = now;
      ByteWriter out;
      write_counter_sample(out);
      append(out, now);
    }
    if (now - waiting_since_ >= kLongestWait) flush(now);
  }

  void flush(Time now) override {
    if (samples_ == 0) return;
    ByteWriter out;
    out.u32(5);
    out.u32(1);  // the agent's address is IPv4
    out.address(Address::ipv4(10, 255, 0, static_cast<std::uint8_t>(options_.number + 1)));
    out.u32(0);               // sub-agent
    out.u32(datagrams_ + 1);  // counts from 1
    out.u32(uptime_ms(now));
    out.u32(samples_);
    out.append(waiting_.bytes());
    send(out.bytes(), now);
    waiting_.clear();
    samples_ = 0;
  }

 private:
  void append(const ByteWriter& sample, Time now) {
    if (kHeaderLength + waiting_.size() + sample.size() > kLimit) flush(now);
    if (samples_ == 0) waiting_since_ = now;
    waiting_.append(sample.bytes());
    ++samples_;
  }

  void write_flow_sample(ByteWriter& out, const SampledPacket& sample) {
    Bytes frame = frame_of(sample);
    frame.resize(std::max(frame.size(), kMinimumFrame));
    const std::size_t frame_octets = frame.size() + kFrameCheckSequence;
    frame.resize(std::min(frame.size(), kSampledOctets));
    const std::size_t padded = (frame.size() + 3) / 4 * 4;
    sample_pool_ += static_cast<std::uint32_t>(sample.skipped);

    const std::size_t router = options_.tells_next_hops ? 8 + 12 + sample.next_hop.size() : 0;
    out.u32(1);  // flow sample
    out.u32(32 + 8 + 16 + padded + router);
    out.u32(++flow_sequence_);
    out.u32(kDataSource);
    out.u32(options_.sampling_rate);
    out.u32(sample_pool_);
    out.u32(0);  // drops
    out.u32(sample.input);
    out.u32(sample.output);
    out.u32(options_.tells_next_hops ? 2 : 1);  // records

    out.u32(1);  // raw packet header
    out.u32(16 + padded);
    out.u32(1);  // Ethernet
    out.u32(frame_octets);
    out.u32(kFrameCheckSequence);
    out.u32(frame.size());
    out.append(frame);
    out.zeros(padded - frame.size());
    if (options_.tells_next_hops) write_router(out, sample);
  }

  static void write_router(ByteWriter& out, const SampledPacket& sample) {
    const unsigned mask = sample.destination.is_ipv6 ? 48 : 16;
    out.u32(1002);  // extended router
    out.u32(12 + sample.next_hop.size());
    out.u32(sample.next_hop.is_ipv6 ? 2 : 1);
    out.address(sample.next_hop);
    out.u32(mask);
    out.u32(mask);
  }

  Bytes frame_of(const SampledPacket& sample) const {
    FrameHead head;
    head.source_mac = mac_of(sample.source_host);
    head.destination_mac = mac_of(sample.destination_host);
    head.source = sample.source;
    head.destination = sample.destination;
    head.source_port = sample.source_port;
    head.destination_port = sample.destination_port;
    head.ip_id = static_cast<std::uint16_t>(sample.index);
    head.ttl = 63;
    const std::uint32_t ip_octets = sample.packet.ip_octets;
    if (sample.protocol == kTcp) {
      const auto sequence = static_cast<std::uint32_t>(sample.index * 1448);
      return tcp_frame(head, sample.packet.tcp_flags, sequence, ip_octets);
    }
    const std::size_t headers = (sample.source.is_ipv6 ? 40 : 20) + 8;
    return udp_frame(head, Bytes(ip_octets - headers));
  }

  void write_counter_sample(ByteWriter& out) {
    out.u32(2);  // counter sample
    out.u32(12 + 8 + 88);
    out.u32(++counter_sequence_);
    out.u32(kDataSource);
    out.u32(1);  // records

    out.u32(1);  // generic interface counters
    out.u32(88);
    out.u32(kDataSource);
    out.u32(6);  // ethernetCsmacd
    out.u64(10'000'000'000);
    out.u32(1);  // full duplex
    out.u32(3);  // up, up
    for (int direction = 0; direction < 2; ++direction) {
      out.u64(octets_ / 2);
      out.u32(packets_ / 2);
      out.zeros(16);                   // multicast, broadcast, discards, errors
      if (direction == 0) out.u32(0);  // unknown protocols, on input only
    }
    out.u32(0);  // promiscuous mode
  }

  void forget() override { flow_sequence_ = counter_sequence_ = sample_pool_ = 0; }

  ByteWriter waiting_;
  std::uint32_t samples_ = 0;
  Time waiting_since_;
  Time last_counters_;
  std::uint32_t flow_sequence_ = 0;
  std::uint32_t counter_sequence_ = 0;
  std::uint32_t sample_pool_ = 0;
  std::uint64_t octets_ = 0;
  std::uint64_t packets_ = 0;
};

}  // namespace

std::unique_ptr<Exporter> make_sflow(const ExporterOptions& options, DatagramSink& sink) {
  return std::make_unique<SflowExporter>(options, sink);
}

}  // namespace simnet
