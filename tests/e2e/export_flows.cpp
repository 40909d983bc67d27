// flowlens-export-flows LOG ADDRESS PORT: the flows of a flow log, sent as IPFIX over UDP. For tests of
// IpfixExporter against other collectors.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>

#include "flowlens/error.hpp"
#include "flowlens/flow_log_reader.hpp"
#include "flowlens/ipfix_exporter.hpp"

int main(int count, char** arguments) {
  if (count != 4) {
    std::fputs("usage: flowlens-export-flows LOG ADDRESS PORT\n", stderr);
    return 2;
  }
  try {
    const auto collector = flowlens::IpAddress::parse(arguments[2]);
    if (!collector) throw flowlens::ConfigError("no address");
    flowlens::IpfixExporter exporter(*collector,
                                     static_cast<std::uint16_t>(std::atoi(arguments[3])));
    flowlens::FlowLogOptions options;
    options.batch_flows = 64;
    flowlens::FlowLogReader log(arguments[1], options);
    flowlens::FlowBatch batch;
    while (log.next(batch)) {
      exporter.send(batch.flows, batch.flows.back().received);
      std::this_thread::sleep_for(std::chrono::milliseconds{2});  // a collector keeps up with that
    }
    std::printf("%llu flows, %llu messages, %llu lost\n",
                static_cast<unsigned long long>(exporter.counters().flows),
                static_cast<unsigned long long>(exporter.counters().messages),
                static_cast<unsigned long long>(exporter.status().lost_messages));
    return exporter.status().lost_messages == 0 ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
