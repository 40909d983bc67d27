#include "conformance/good_datagrams.hpp"

#include <initializer_list>

namespace flowlens::conformance {
namespace {

/// Puts numbers behind each other, network byte order.
class Octets {
 public:
  Octets& u8(std::uint64_t n) { return number(n, 1); }
  Octets& u16(std::uint64_t n) { return number(n, 2); }
  Octets& u32(std::uint64_t n) { return number(n, 4); }
  Octets& u16s(std::initializer_list<std::uint64_t> all) {
    for (const std::uint64_t n : all) u16(n);
    return *this;
  }
  Octets& u32s(std::initializer_list<std::uint64_t> all) {
    for (const std::uint64_t n : all) u32(n);
    return *this;
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(octets_); }

 private:
  Octets& number(std::uint64_t n, int length) {
    for (int i = length - 1; i >= 0; --i) {
      octets_.push_back(static_cast<std::byte>(n >> (8 * i) & 0xff));
    }
    return *this;
  }
  std::vector<std::byte> octets_;
};

constexpr std::uint32_t kClient = 0x0a010203;
constexpr std::uint32_t kServer = 0x0a040506;
constexpr std::uint32_t kExportTime = 1'795'249'860;

std::vector<std::byte> netflow_v5() {
  Octets o;
  o.u16s({5, 1}).u32s({60'000, kExportTime, 0, 1}).u16s({0, 0});
  o.u32s({kClient, kServer, 0}).u16s({1, 2}).u32s({5, 1'000, 50'000, 55'000});
  o.u16s({40'000, 443}).u8(0).u8(0x1b).u8(6).u8(0).u16s({0, 0}).u8(24).u8(24).u16(0);
  return o.take();
}

/// Addresses, ports, protocol, octets and packets: 21 octets a record.
void seven_fields(Octets& o) { o.u16s({8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 1, 4, 2, 4}); }
void record_of_seven(Octets& o) {
  o.u32s({kClient, kServer}).u16s({40'000, 443}).u8(6).u32s({1'000, 5});
}

std::vector<std::byte> netflow_v9() {
  Octets o;
  o.u16s({9, 2}).u32s({60'000, kExportTime, 1, 7});
  o.u16s({0, 36, 300, 7});
  seven_fields(o);
  o.u16s({300, 28});
  record_of_seven(o);
  o.u8(0).u16(0);
  return o.take();
}

std::vector<std::byte> ipfix() {
  Octets o;
  o.u16s({10, 16 + 36 + 25}).u32s({kExportTime, 1, 7});
  o.u16s({2, 36, 300, 7});
  seven_fields(o);
  o.u16s({300, 25});
  record_of_seven(o);
  return o.take();
}

std::vector<std::byte> sflow_v5() {
  Octets o;
  o.u32s({5, 1, 0xc0000201, 0, 1, 60'000, 1});
  o.u32s({1, 32 + 8 + 16 + 56});  // flow sample
  o.u32s({1, 3, 64, 640, 0, 1, 2, 1});
  o.u32s({1, 16 + 56, 1, 1'018, 4, 54});  // sampled header: Ethernet, IPv4, TCP
  o.u16s({0x0200, 0, 1, 0x0200, 0, 2, 0x0800});
  o.u16s({0x4500, 1'000, 1, 0x4000, 0x4006, 0}).u32s({kClient, kServer});
  o.u16s({40'000, 443}).u32s({1, 1}).u16s({0x5010, 1'000, 0, 0});
  o.u16(0);  // padding of the opaque header
  return o.take();
}

}  // namespace

const std::vector<GoodDatagram>& good_datagrams() {
  static const std::vector<GoodDatagram> all{{"netflow-v5", netflow_v5()},
                                             {"netflow-v9", netflow_v9()},
                                             {"ipfix", ipfix()},
                                             {"sflow-v5", sflow_v5()}};
  return all;
}

TransportSession good_session() {
  TransportSession session;
  session.exporter = IpAddress::v4(0xc6336407);  // 198.51.100.7
  session.exporter_port = 4000;
  session.collector_port = 2055;
  return session;
}

}  // namespace flowlens::conformance
