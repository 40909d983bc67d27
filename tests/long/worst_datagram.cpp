// Decodes each hostile datagram of hostile_datagrams.cpp and has callgrind count the instructions.
// worst_datagram.py runs it. Without valgrind it only checks that the ledgers balance.
//
//   worst_datagram        prints the names of the cases, one a line, in the order of the dumps
#include <valgrind/callgrind.h>

#include <cstdio>

#include "flowlens/decoder.hpp"
#include "long/hostile_datagrams.hpp"

namespace {

using namespace flowlens;
using test::HostileCase;
using test::Sent;

TransportSession session_of(const Sent& sent) {
  TransportSession session = test::session(sent.port);
  // The low ports are other exporters.
  if (sent.port < 1'000) session.exporter = IpAddress::v4(0xc6336400u + sent.port);
  return session;
}

bool measure(const HostileCase& c) {
  Decoder decoder;
  FlowBatch batch;
  for (const Sent& sent : c.before) {
    batch.clear();
    decoder.decode(sent.octets, session_of(sent), test::received(sent.second), batch);
  }
  FlowBatch fresh;
  const TransportSession session = session_of(c.worst);
  const Timestamp received = test::received(c.worst.second);
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
  const ParseResult result = decoder.decode(c.worst.octets, session, received, fresh);
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(c.name.c_str());
  std::printf("%s\t%zu\t%zu\t%s\n", c.name.c_str(), c.worst.octets.size(), fresh.flows.size(),
              std::string{reason(result.first.code)}.c_str());
  return decoder.parser().octets().balanced() && c.worst.octets.size() <= 65'507;
}

}  // namespace

int main() {
  bool good = true;
  for (const HostileCase& c : test::hostile_cases()) {
    if (measure(c)) continue;
    std::fprintf(stderr, "%s: the ledgers do not balance\n", c.name.c_str());
    good = false;
  }
  return good ? 0 : 1;
}
