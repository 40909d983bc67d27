// NetFlow v5: a header of 24 octets and up to 30 records of 48.
#include "exporter.hpp"

namespace simnet {
namespace {

constexpr std::size_t kHeaderLength = 24;
constexpr std::size_t kRecordLength = 48;
constexpr std::size_t kMaxRecords = 30;

class V5Exporter : public FlowExporter {
 public:
  V5Exporter(const ExporterOptions& options, DatagramSink& sink)
      : FlowExporter(Protocol::netflow_v5, options, sink) {}

 private:
  std::size_t record_size(const Flow&) const noexcept override { return kRecordLength; }
  std::size_t overhead() const noexcept override { return kHeaderLength; }
  std::size_t limit() const noexcept override {
    return kHeaderLength + kMaxRecords * kRecordLength;
  }

  Bytes encode(const std::vector<Flow>& flows, Time now) override {
    ByteWriter out;
    const auto micros = clock(now).time_since_epoch().count();
    out.u16(5);
    out.u16(flows.size());
    out.u32(uptime_ms(now));
    out.u32(static_cast<std::uint64_t>(micros / 1'000'000));
    // Whole milliseconds, so that the time agrees with the uptime.
    out.u32(static_cast<std::uint64_t>(micros / 1000 % 1000) * 1'000'000);
    out.u32(records_);  // flows sent before this datagram
    out.u8(0);          // engine type
    out.u8(options_.number + 1);
    // Sampling mode in two bits (1: one packet in an interval), then the interval.
    out.u16(options_.sampling_rate > 1 ? 1U << 14 | options_.sampling_rate : 0);
    for (const Flow& flow : flows) write(out, flow);
    return out.bytes();
  }

  void write(ByteWriter& out, const Flow& flow) const {
    out.address(flow.source);
    out.address(flow.destination);
    out.address(flow.next_hop);
    out.u16(flow.input);
    out.u16(flow.output);
    out.u32(flow.packets);
    out.u32(flow.octets);
    out.u32(uptime_ms(flow.start));
    out.u32(uptime_ms(flow.end));
    out.u16(flow.source_port);
    out.u16(flow.destination_port);
    out.u8(0);
    out.u8(flow.tcp_flags);
    out.u8(flow.protocol);
    out.u8(0);   // type of service
    out.u32(0);  // AS numbers
    out.u8(16);  // mask lengths
    out.u8(16);
    out.u16(0);
  }
};

}  // namespace

std::unique_ptr<Exporter> make_v5(const ExporterOptions& options, DatagramSink& sink) {
  return std::make_unique<V5Exporter>(options, sink);
}

}  // namespace simnet
