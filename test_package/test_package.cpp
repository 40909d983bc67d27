// Decodes one NetFlow v5 datagram, and touches each part of the library that the package has.
#include <flowlens/decoder.hpp>
#include <flowlens/version.hpp>
#ifdef WITH_LOOKUP
#include <flowlens/geoip.hpp>
#endif
#ifdef WITH_COLLECT
#include <flowlens/capture_reader.hpp>
#endif
#ifdef WITH_STORE
#include <flowlens/store.hpp>
#endif
#include <flowlens/error.hpp>

#include <array>
#include <cstdio>

namespace {

// 10.0.0.1:40000 > 10.0.0.2:5432, TCP, 1234 octets in 2 packets.
constexpr std::array<unsigned char, 72> kDatagram{
    0,    5,    0,    1,    0,  0,    0x27, 0x10, 0x6b, 0x01, 0x56, 0xc4, 0,    0,    0, 0,
    0,    0,    0,    1,    0,  0,    0,    0,  //
    10,   0,    0,    1,    10, 0,    0,    2,    0,    0,    0,    0,    0,    1,    0, 2,
    0,    0,    0,    2,    0,  0,    4,    0xd2, 0,    0,    3,    0xe8, 0,    0,    7, 0xd0,
    0x9c, 0x40, 0x15, 0x38, 0,  0x18, 6,    0,    0,    0,    0,    0,    0x18, 0x18, 0, 0};

// Each part refuses a file that is not there: enough to see that it is linked with all that it needs.
template <typename Open>
bool refuses(const char* part, Open open) {
  try {
    open();
  } catch (const flowlens::Error& e) {
    std::printf("%s: %s\n", part, e.what());
    return true;
  }
  std::printf("%s opened what is not there\n", part);
  return false;
}

}  // namespace

int main() {
  flowlens::Decoder decoder;
  flowlens::FlowBatch batch;
  const flowlens::TransportSession session{flowlens::IpAddress::v4(0xc0000201), 50000, 2055};
  const flowlens::Timestamp now = std::chrono::system_clock::now();
  const auto result = decoder.decode(std::as_bytes(std::span{kDatagram}), session, now, batch);
  bool good = result.clean() && batch.flows.size() == 1 && batch.flows[0].octet_count == 1234;
  std::printf("flowlens %s decodes: %s\n", flowlens::kVersion.data(), good ? "yes" : "no");
#ifdef WITH_LOOKUP
  good &= refuses("lookup", [] { flowlens::GeoDatabase{"/nonexistent/city.mmdb"}; });
#endif
#ifdef WITH_COLLECT
  good &= refuses("collect", [] { flowlens::CaptureReader{"/nonexistent/flows.pcap"}; });
#endif
#ifdef WITH_STORE
  good &= refuses("store", [] {
    flowlens::SqliteStoreOptions options;
    options.path = "/nonexistent/map.db";
    (void)flowlens::make_sqlite_store(options)->open();
  });
#endif
  return good ? 0 : 1;
}
