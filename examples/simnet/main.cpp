// flowlens-simnet: a simulated enterprise that exports flows and knows the truth.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "options.hpp"
#include "scenario.hpp"
#include "simulation.hpp"
#include "sink.hpp"
#include "world.hpp"

namespace {

using namespace simnet;

volatile std::sig_atomic_t stop_requested = 0;

extern "C" void request_stop(int) { stop_requested = 1; }

/// Simulated time runs beside the real one; it never runs ahead.
class RealTime : public Pace {
 public:
  explicit RealTime(Time start) : start_(start), began_(std::chrono::steady_clock::now()) {}

  bool wait_until(Time time) override {
    const auto due = began_ + (time - start_);
    // In steps, so that a signal is heeded soon.
    constexpr auto kStep = std::chrono::milliseconds{200};
    while (stop_requested == 0) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= due) return true;
      std::this_thread::sleep_until(
          std::min<std::chrono::steady_clock::time_point>(due, now + kStep));
    }
    return false;
  }

 private:
  Time start_;
  std::chrono::steady_clock::time_point began_;
};

void print_list(const World& world) {
  for (const Host& host : world.hosts) {
    std::cout << "host " << host.name << ' ' << host.ipv4.text() << ' ' << host.ipv6.text() << ' '
              << name_of(host.segment) << '\n';
  }
  for (const Dependency& dependency : world.dependencies) {
    std::cout << "dependency " << world.hosts[dependency.client].name << " -> "
              << world.hosts[dependency.server].name << ' ' << dependency.service->name << ' '
              << (dependency.service->protocol == kTcp ? "tcp/" : "udp/")
              << dependency.service->port << (dependency.over_ipv6 ? " IPv6" : "") << '\n';
  }
  for (const Attempt& attempt : world.attempts) {
    std::cout << "attempt " << world.hosts[attempt.client].name << " -> "
              << world.hosts[attempt.server].name << " tcp/" << attempt.port
              << (attempt.outcome == Outcome::refused ? " refused" : " unanswered") << '\n';
  }
}

template <typename Write>
void write_csv(const std::string& path, Write&& write) {
  if (path.empty()) return;
  std::ofstream out(path, std::ios::trunc);
  write(out);
  out.close();
  if (!out) throw std::system_error(errno, std::generic_category(), "cannot write " + path);
}

void print_summary(const Options& options, const World& world, const Simulation& simulation) {
  std::cerr << world.hosts.size() << " hosts, " << simulation.truth().dependencies_used() << " of "
            << world.dependencies.size() << " dependencies used\n";
  for (std::size_t i = 0; i < simulation.exporters().size(); ++i) {
    const Exporter& exporter = *simulation.exporters()[i];
    std::cerr << "exporter " << i + 1 << ' ' << name_of(exporter.protocol()) << " to port "
              << options.ports.of(exporter.protocol()) << ": " << exporter.datagrams()
              << " datagrams, " << exporter.records() << " records\n";
  }
}

/// Without an exporter that knows IPv6 nobody would see it.
void leave_out_unseen_ipv6(Options& options) {
  for (const ExporterPlan& exporter : options.simulation.exporters) {
    if (exporter.protocol != Protocol::netflow_v5) return;
  }
  options.world.ipv6_percent = 0;
}

void run(Options options) {
  leave_out_unseen_ipv6(options);
  const World world = build_world(options.world);
  if (options.list) return print_list(world);

  std::unique_ptr<DatagramSink> sink;
  auto pace = std::make_unique<Pace>();
  if (options.send_to) {
    options.simulation.traffic.start = std::chrono::floor<Micros>(std::chrono::system_clock::now());
    sink = std::make_unique<UdpSink>(*options.send_to, options.ports,
                                     options.simulation.exporters.size());
    pace = std::make_unique<RealTime>(options.simulation.traffic.start);
  } else {
    sink = std::make_unique<PcapSink>(options.pcap, options.ports);
  }

  RoughNetwork network(options.network, options.world.seed, *sink);
  Simulation simulation(world, options.simulation, network, *pace);
  if (simulation.sweep_duration() > options.simulation.traffic.duration) {
    std::cerr << "note: at this rate the traffic ends before every dependency was used; a --rate "
                 "or --duration "
              << simulation.sweep_duration() / options.simulation.traffic.duration + 1
              << " times as high would do\n";
  }
  simulation.run();
  network.deliver_all();
  if (auto* pcap = dynamic_cast<PcapSink*>(sink.get())) pcap->close();
  write_csv(options.truth, [&](std::ostream& out) { simulation.truth().write_dependencies(out); });
  write_csv(options.attempts, [&](std::ostream& out) { simulation.truth().write_attempts(out); });
  write_csv(options.gateways, [&](std::ostream& out) { simulation.truth().write_gateways(out); });
  write_csv(options.assets, [&](std::ostream& out) { simulation.truth().write_assets(out); });
  if (!options.quiet) print_summary(options, world, simulation);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse_options(std::span(argv + 1, argv + argc));
    if (options.help) {
      std::cout << help_text();
      return 0;
    }
    if (options.help_scenario) {
      std::cout << scenario_help();
      return 0;
    }
    std::signal(SIGINT, request_stop);
    std::signal(SIGTERM, request_stop);
    run(options);
    return 0;
  } catch (const std::invalid_argument& error) {
    std::cerr << "flowlens-simnet: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "flowlens-simnet: " << error.what() << '\n';
    return 1;
  }
}
