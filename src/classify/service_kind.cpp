// What ports are for. IANA's registry names a port; this says what kind of machine has it open.
#include <algorithm>
#include <array>

#include "flowlens/asset_features.hpp"

namespace flowlens {

namespace {

using K = ServiceKind;

constexpr std::uint8_t kTcp = 1, kUdp = 2, kBoth = 3;

struct Lore {
  std::uint16_t first;
  std::uint16_t last;
  std::uint8_t transports;
  ServiceKind kind;
};

// clang-format off
constexpr Lore kLore[] = {
    {20, 21, kTcp, K::file_share},    // FTP
    {22, 23, kTcp, K::shell},         // SSH, Telnet
    {25, 25, kTcp, K::smtp},
    {49, 49, kTcp, K::aaa},           // TACACS+
    {53, 53, kBoth, K::dns}, {853, 853, kBoth, K::dns},
    {67, 68, kUdp, K::dhcp}, {546, 547, kUdp, K::dhcp},
    {69, 69, kUdp, K::tftp},
    {80, 80, kTcp, K::web}, {443, 443, kBoth, K::web},
    {88, 88, kBoth, K::kerberos}, {464, 464, kBoth, K::kerberos},
    {110, 110, kTcp, K::mail_access}, {143, 143, kTcp, K::mail_access}, {465, 465, kTcp, K::mail_access},
    {587, 587, kTcp, K::mail_access}, {993, 993, kTcp, K::mail_access}, {995, 995, kTcp, K::mail_access},
    {4190, 4190, kTcp, K::mail_access},
    {111, 111, kBoth, K::rpc}, {135, 135, kTcp, K::rpc},
    {123, 123, kUdp, K::ntp}, {319, 320, kUdp, K::ntp},  // NTP, PTP
    {137, 138, kUdp, K::discovery}, {1900, 1900, kUdp, K::discovery}, {3702, 3702, kUdp, K::discovery},
    {5353, 5353, kUdp, K::discovery}, {5355, 5355, kUdp, K::discovery},
    {139, 139, kTcp, K::file_share}, {445, 445, kTcp, K::file_share}, {548, 548, kTcp, K::file_share},
    {2049, 2049, kBoth, K::file_share},
    {161, 161, kUdp, K::snmp}, {162, 162, kUdp, K::monitoring},
    {179, 179, kTcp, K::routing}, {520, 521, kUdp, K::routing}, {646, 646, kBoth, K::routing},
    {639, 639, kTcp, K::routing}, {1985, 1985, kUdp, K::routing}, {3784, 3785, kUdp, K::routing},
    {389, 389, kBoth, K::ldap}, {636, 636, kTcp, K::ldap}, {3268, 3269, kTcp, K::ldap},
    {500, 500, kUdp, K::vpn}, {4500, 4500, kUdp, K::vpn}, {1194, 1194, kBoth, K::vpn},
    {1701, 1701, kUdp, K::vpn}, {1723, 1723, kTcp, K::vpn}, {51820, 51820, kUdp, K::vpn},
    {502, 502, kTcp, K::iot}, {5683, 5684, kUdp, K::iot}, {47808, 47808, kUdp, K::iot},
    {20000, 20000, kTcp, K::iot}, {102, 102, kTcp, K::iot}, {44818, 44818, kTcp, K::iot},
    {1883, 1883, kTcp, K::mqtt}, {8883, 8883, kTcp, K::mqtt},
    {514, 514, kUdp, K::log}, {601, 601, kTcp, K::log}, {6514, 6514, kBoth, K::log}, {1514, 1514, kBoth, K::log},
    {5044, 5044, kTcp, K::log}, {12201, 12201, kBoth, K::log}, {24224, 24224, kBoth, K::log},
    {9997, 9997, kTcp, K::log},
    {515, 515, kTcp, K::print}, {631, 631, kBoth, K::print},
    {554, 554, kBoth, K::camera}, {8554, 8554, kTcp, K::camera}, {37777, 37778, kBoth, K::camera},
    {34567, 34567, kTcp, K::camera},
    {623, 623, kUdp, K::management}, {5985, 5986, kTcp, K::management}, {4505, 4506, kTcp, K::management},
    {8140, 8140, kTcp, K::management},
    {860, 860, kTcp, K::block_storage}, {3260, 3260, kTcp, K::block_storage}, {3300, 3300, kTcp, K::block_storage},
    {6789, 6789, kTcp, K::block_storage}, {24007, 24008, kTcp, K::block_storage}, {4420, 4420, kTcp, K::block_storage},
    {873, 873, kTcp, K::backup}, {10000, 10000, kTcp, K::backup}, {9101, 9103, kTcp, K::backup},
    {13720, 13724, kTcp, K::backup}, {13782, 13783, kTcp, K::backup}, {1556, 1556, kTcp, K::backup},
    {10080, 10083, kBoth, K::backup}, {1500, 1500, kTcp, K::backup}, {6160, 6163, kTcp, K::backup},
    {8400, 8403, kTcp, K::backup}, {8007, 8007, kTcp, K::backup},
    {902, 902, kBoth, K::hypervisor}, {8006, 8006, kTcp, K::hypervisor}, {16509, 16509, kTcp, K::hypervisor},
    {16514, 16514, kTcp, K::hypervisor}, {2179, 2179, kTcp, K::hypervisor}, {6600, 6600, kTcp, K::hypervisor},
    {1080, 1080, kTcp, K::proxy}, {3128, 3128, kTcp, K::proxy}, {8118, 8118, kTcp, K::proxy},
    {1433, 1434, kBoth, K::database}, {1521, 1522, kTcp, K::database}, {3050, 3050, kTcp, K::database},
    {3306, 3306, kTcp, K::database}, {33060, 33060, kTcp, K::database}, {5432, 5433, kTcp, K::database},
    {5984, 5984, kTcp, K::database}, {7000, 7001, kTcp, K::database}, {7687, 7687, kTcp, K::database},
    {8123, 8123, kTcp, K::database}, {9042, 9042, kTcp, K::database}, {9160, 9160, kTcp, K::database},
    {9200, 9200, kTcp, K::database}, {9300, 9300, kTcp, K::database}, {26257, 26257, kTcp, K::database},
    {27017, 27019, kTcp, K::database}, {50000, 50000, kTcp, K::database}, {30015, 30015, kTcp, K::database},
    {6379, 6380, kTcp, K::cache}, {11211, 11211, kBoth, K::cache}, {26379, 26379, kTcp, K::cache},
    {5701, 5701, kTcp, K::cache}, {11222, 11222, kTcp, K::cache}, {47500, 47500, kTcp, K::cache},
    {4222, 4222, kTcp, K::message_queue}, {5671, 5672, kTcp, K::message_queue}, {6650, 6651, kTcp, K::message_queue},
    {9092, 9094, kTcp, K::message_queue}, {61613, 61614, kTcp, K::message_queue}, {61616, 61617, kTcp, K::message_queue},
    {1414, 1414, kTcp, K::message_queue}, {4150, 4151, kTcp, K::message_queue},
    {1645, 1646, kUdp, K::aaa}, {1812, 1813, kUdp, K::aaa},
    {1720, 1720, kTcp, K::sip}, {2000, 2000, kTcp, K::sip}, {2427, 2427, kUdp, K::sip}, {5060, 5061, kBoth, K::sip},
    {2055, 2055, kUdp, K::flow_export}, {4739, 4739, kBoth, K::flow_export}, {6343, 6343, kUdp, K::flow_export},
    {9995, 9996, kUdp, K::flow_export},
    {2375, 2377, kTcp, K::container_host}, {6443, 6443, kTcp, K::container_host}, {4789, 4789, kUdp, K::container_host},
    {8472, 8472, kUdp, K::container_host}, {10250, 10250, kTcp, K::container_host}, {10255, 10257, kTcp, K::container_host},
    {2379, 2380, kTcp, K::container_host}, {7946, 7946, kBoth, K::container_host},
    {2003, 2004, kTcp, K::monitoring}, {4317, 4318, kTcp, K::monitoring}, {8086, 8086, kTcp, K::monitoring},
    {8125, 8125, kUdp, K::monitoring}, {9090, 9091, kTcp, K::monitoring}, {9093, 9093, kTcp, K::monitoring},
    {10051, 10051, kTcp, K::monitoring},
    {3389, 3389, kBoth, K::desktop}, {5900, 5909, kTcp, K::desktop}, {1494, 1494, kTcp, K::desktop},
    {2598, 2598, kTcp, K::desktop}, {4172, 4172, kBoth, K::desktop}, {22443, 22443, kTcp, K::desktop},
    {5666, 5666, kTcp, K::agent}, {6556, 6556, kTcp, K::agent}, {9100, 9100, kTcp, K::agent},
    {9104, 9104, kTcp, K::agent}, {9182, 9182, kTcp, K::agent}, {9187, 9187, kTcp, K::agent},
    {9121, 9121, kTcp, K::agent}, {10050, 10050, kTcp, K::agent}, {12489, 12489, kTcp, K::agent},
    {3000, 3000, kTcp, K::web_alt}, {5000, 5001, kTcp, K::web_alt}, {8000, 8005, kTcp, K::web_alt},
    {8008, 8010, kTcp, K::web_alt}, {8080, 8085, kTcp, K::web_alt}, {8088, 8088, kTcp, K::web_alt},
    {8443, 8444, kTcp, K::web_alt}, {8888, 8888, kTcp, K::web_alt}, {9000, 9001, kTcp, K::web_alt},
    {9080, 9080, kTcp, K::web_alt}, {9443, 9443, kTcp, K::web_alt},
};
// clang-format on

struct ProtocolLore {
  std::uint8_t protocol;
  ServiceKind kind;
};
constexpr ProtocolLore kProtocols[] = {
    {47, K::vpn},      {50, K::vpn},      {51, K::vpn},       // GRE, ESP, AH
    {88, K::routing},  {89, K::routing},  {103, K::routing},  // EIGRP, OSPF, PIM
    {112, K::routing}, {124, K::routing},                     // VRRP, IS-IS
};

constexpr std::array<std::string_view, kServiceKindCount> kNames = {
    "other",      "web",           "web_alt",       "database",
    "cache",      "dns",           "ldap",          "kerberos",
    "smtp",       "mail_access",   "message_queue", "mqtt",
    "file_share", "block_storage", "backup",        "agent",
    "snmp",       "monitoring",    "log",           "flow_export",
    "proxy",      "vpn",           "sip",           "print",
    "camera",     "iot",           "hypervisor",    "container_host",
    "routing",    "aaa",           "shell",         "desktop",
    "ntp",        "dhcp",          "tftp",          "rpc",
    "discovery",  "management"};
static_assert(static_cast<std::size_t>(ServiceKind::management) + 1 == kServiceKindCount);

constexpr std::uint16_t kRawPrint = 9100;  // JetDirect; node_exporter has taken the same
constexpr double kMostlySent = 0.6;

}  // namespace

std::string_view to_string(ServiceKind k) noexcept { return kNames[static_cast<std::size_t>(k)]; }

std::optional<ServiceKind> parse_service_kind(std::string_view name) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ServiceKind>(found - kNames.begin());
}

ServiceKind service_kind(std::uint8_t protocol, std::uint16_t port, double to_server) noexcept {
  const std::uint8_t transport = protocol == 6 ? kTcp : protocol == 17 ? kUdp : 0;
  if (transport == 0) {
    for (const ProtocolLore& l : kProtocols) {
      if (l.protocol == protocol) return l.kind;
    }
    return ServiceKind::other;
  }
  if (transport == kTcp && port == kRawPrint && to_server > kMostlySent) return ServiceKind::print;
  for (const Lore& l : kLore) {
    if (port >= l.first && port <= l.last && (l.transports & transport) != 0) return l.kind;
  }
  return ServiceKind::other;
}

}  // namespace flowlens
