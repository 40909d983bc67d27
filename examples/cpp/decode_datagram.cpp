// Decodes one NetFlow v5 datagram from standard input and prints its flows:
//   decode_datagram < datagram.bin
#include <flowlens/decoder.hpp>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

int main() {
  const std::string input{std::istreambuf_iterator<char>{std::cin}, {}};
  const auto datagram = std::as_bytes(std::span{input});

  flowlens::Decoder decoder;  // keeps templates; use one per thread
  flowlens::FlowBatch batch;  // reuse it, its memory stays
  const flowlens::TransportSession session{flowlens::IpAddress::v4(0xc0000201), 50000, 2055};
  const flowlens::Timestamp now = std::chrono::system_clock::now();  // time is an input

  const auto result = decoder.decode(datagram, session, now, batch);
  if (!result.clean()) std::printf("%s\n", to_string(result.first).c_str());
  for (const flowlens::FlowRecord& flow : batch.flows) {
    std::printf("%s:%u > %s:%u protocol %u, %llu octets\n", flow.source_address.to_string().c_str(),
                flow.source_port, flow.destination_address.to_string().c_str(),
                flow.destination_port, flow.protocol,
                static_cast<unsigned long long>(flow.octet_count));
  }
  return result.accepted ? 0 : 1;
}
