#include "truth/sources.hpp"

#include <array>
#include <sstream>
#include <utility>

#include "flowlens/capture_reader.hpp"
#include "flowlens/decoder.hpp"
#include "sink.hpp"

namespace truth {
namespace {

/// Takes datagrams as a collector would, from the addresses that PcapSink gives the exporters.
class DecodingSink : public simnet::DatagramSink {
 public:
  explicit DecodingSink(const TakeFlows& take) : take_(take) {}

  void send(std::size_t exporter, simnet::Protocol protocol, std::span<const std::uint8_t> datagram,
            simnet::Time at) override {
    flowlens::TransportSession session;
    session.exporter = flowlens::IpAddress::v4(0xc000020bU + static_cast<std::uint32_t>(exporter));
    session.exporter_port = static_cast<std::uint16_t>(40000 + exporter);
    session.collector_port = simnet::Ports{}.of(protocol);
    batch_.clear();
    decoder_.decode(std::as_bytes(datagram), session, flowlens::Timestamp{at}, batch_);
    take_(batch_, flowlens::Timestamp{at});
  }

 private:
  const TakeFlows& take_;
  flowlens::Decoder decoder_;
  flowlens::FlowBatch batch_;
};

}  // namespace

simnet::Options scenario(const std::string& path) {
  std::array<std::string, 3> words = {"--list", "--scenario", path};
  std::array<char*, 3> arguments = {words[0].data(), words[1].data(), words[2].data()};
  return simnet::parse_options(arguments);
}

void set_seed(simnet::Options& scenario, std::uint64_t seed) {
  scenario.world.seed = scenario.simulation.traffic.seed = seed;
}

TrueMap simulate(const simnet::Options& options, const TakeFlows& take, std::string* gateways) {
  const simnet::World world = simnet::build_world(options.world);
  DecodingSink sink(take);
  simnet::RoughNetwork network(options.network, options.world.seed, sink);
  simnet::Pace pace;
  simnet::Simulation simulation(world, options.simulation, network, pace);
  simulation.run();
  network.deliver_all();
  if (gateways != nullptr) {
    std::ostringstream ways;
    simulation.truth().write_gateways(ways);
    *gateways = std::move(ways).str();
  }
  std::stringstream csv;
  simulation.truth().write_dependencies(csv);
  return read_true_map(csv, "truth of the simulation");
}

void read_capture(const std::string& path, const TakeFlows& take) {
  flowlens::CaptureReader reader(path);
  flowlens::Decoder decoder;
  flowlens::FlowBatch batch;
  flowlens::CaptureItem item;
  while (reader.next(item)) {
    batch.clear();
    if (item.is_datagram) {
      const auto& datagram = item.datagram;
      decoder.decode(datagram.octets, datagram.session, datagram.received, batch);
      take(batch, datagram.received);
    } else {
      decoder.decode(item.packet, batch);
      take(batch, item.packet.captured);
    }
  }
}

}  // namespace truth
