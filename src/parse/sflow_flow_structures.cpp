// The structures of flow records, in the notation of sflow_structures.hpp.
#include "parse/sflow_structures.hpp"

namespace flowlens::parse {
namespace {

constexpr auto kRows = std::to_array<Notation>({
    {1, "sampled_header", "headerProtocol:4 frameLength:4=octets stripped:4=octets header:o"},
    {2, "sampled_ethernet", "length:4=octets srcMac:m dstMac:m type:4"},
    {3, "sampled_ipv4",
     "length:4=octets protocol:4 srcIp:v dstIp:v srcPort:4 dstPort:4 tcpFlags:4 tos:4"},
    {4, "sampled_ipv6",
     "length:4=octets protocol:4 srcIp:w dstIp:w srcPort:4 dstPort:4 tcpFlags:4 priority:4"},
    {1001, "extended_switch", "srcVlan:4 srcPriority:4 dstVlan:4 dstPriority:4"},
    {1002, "extended_router", "nextHop:a srcMaskLength:4=bits dstMaskLength:4=bits"},
    {1003, "extended_gateway",
     "nextHop:a as:4 srcAs:4 srcPeerAs:4 dstAsPath[ segmentType:4 asns:l ] communities:l "
     "localPref:4"},
    {1004, "extended_user", "srcCharset:4 srcUser:s dstCharset:4 dstUser:s"},
    {1005, "extended_url", "direction:4 url:s host:s"},
    {1006, "extended_mpls", "nextHop:a inStack:l outStack:l"},
    {1007, "extended_nat", "srcAddress:a dstAddress:a"},
    {1008, "extended_mpls_tunnel", "tunnelLspName:s tunnelId:4 tunnelCos:4"},
    {1009, "extended_mpls_vc", "vcInstanceName:s vllVcId:4 vcLabelCos:4"},
    {1010, "extended_mpls_FTN", "mplsFTNDescr:s mplsFTNMask:4"},
    {1011, "extended_mpls_LDP_FEC", "mplsFecAddrPrefixLength:4=bits"},
    {1012, "extended_vlantunnel", "stack:l"},
    {1013, "extended_80211_payload",
     "cipherSuite:4 headerProtocol:4 frameLength:4=octets stripped:4=octets header:o"},
    {1014, "extended_80211_rx",
     "ssid:s bssid:m version:4 channel:4 speed:8=bit/s rsni:4 rcpi:4 packetDuration:4=us"},
    {1015, "extended_80211_tx",
     "ssid:s bssid:m version:4 transmissions:4 packetDuration:4=us retransDuration:4=us channel:4 "
     "speed:8=bit/s power:4=mW"},
    {1016, "extended_80211_aggregation", "pdus[ records[ format:4 data:o ] ]"},
    {1017, "extended_openflow_v1", "flowCookie:8 flowMatch:4 flowActions:4"},
    {1018, "extended_fc", "srcMaskLength:4=bits dstMaskLength:4=bits nextHop:4 metric:4"},
    {1019, "extended_queue_length", "queueIndex:4 queueLength:4g=segments"},
    {1020, "extended_nat_port", "srcPort:4 dstPort:4"},
    {1021, "extended_L2_tunnel_egress", "length:4=octets srcMac:m dstMac:m type:4"},
    {1022, "extended_L2_tunnel_ingress", "length:4=octets srcMac:m dstMac:m type:4"},
    {1023, "extended_ipv4_tunnel_egress",
     "length:4=octets protocol:4 srcIp:v dstIp:v srcPort:4 dstPort:4 tcpFlags:4 tos:4"},
    {1024, "extended_ipv4_tunnel_ingress",
     "length:4=octets protocol:4 srcIp:v dstIp:v srcPort:4 dstPort:4 tcpFlags:4 tos:4"},
    {1025, "extended_ipv6_tunnel_egress",
     "length:4=octets protocol:4 srcIp:w dstIp:w srcPort:4 dstPort:4 tcpFlags:4 priority:4"},
    {1026, "extended_ipv6_tunnel_ingress",
     "length:4=octets protocol:4 srcIp:w dstIp:w srcPort:4 dstPort:4 tcpFlags:4 priority:4"},
    {1027, "extended_decapsulate_egress", "innerHeaderOffset:4=octets"},
    {1028, "extended_decapsulate_ingress", "innerHeaderOffset:4=octets"},
    {1029, "extended_vni_egress", "vni:4"},
    {1030, "extended_vni_ingress", "vni:4"},
    {1031, "extended_ib_lrh",
     "srcVl:4 srcSl:4 srcDlid:4 srcSlid:4 srcLnh:4 dstVl:4 dstSl:4 dstDlid:4 dstSlid:4 dstLnh:4"},
    {1032, "extended_ib_grh", "flowLabel:4 tc:4 sGid:u dGid:u nextHeader:4 length:4=octets"},
    {1033, "extended_ib_bth", "pkey:4 dstQp:4 opcode:4"},
    {1034, "extended_vlanin", "stack:l"},
    {1035, "extended_vlanout", "stack:l"},
    {1036, "extended_egress_queue", "queueId:4"},
    {1037, "extended_acl", "number:4 name:s direction:4"},
    {1038, "extended_function", "symbol:s"},
    {1039, "extended_transit", "delay:4g=ns"},
    {1040, "extended_queue", "depth:4g=octets"},
    {1041, "extended_hw_trap", "group:s trap:s"},
    {1042, "extended_linux_drop_reason", "reason:s"},
    {2000, "transaction",
     "direction:4 wait:4=us duration:4=us status:4 bytesReceived:8=octets bytesSent:8=octets"},
    {2001, "extended_nfs_storage_transaction", "path:s operation:4 status:4"},
    {2002, "extended_scsi_storage_transaction", "lun:4 operation:4 status:4"},
    {2003, "extended_http_transaction", "url:s host:s referer:s useragent:s user:s status:4"},
    {2100, "extended_socket_ipv4", "protocol:4 localIp:v remoteIp:v localPort:4 remotePort:4"},
    {2101, "extended_socket_ipv6", "protocol:4 localIp:w remoteIp:w localPort:4 remotePort:4"},
    {2102, "extended_proxy_socket_ipv4",
     "protocol:4 localIp:v remoteIp:v localPort:4 remotePort:4"},
    {2103, "extended_proxy_socket_ipv6",
     "protocol:4 localIp:w remoteIp:w localPort:4 remotePort:4"},
    {2200, "memcache_operation",
     "protocol:4 command:4 key:s nkeys:4 valueBytes:4=octets duration:4=us status:4"},
    {2201, "http_request_deprecated",
     "method:4 protocol:4 uri:s host:s referer:s useragent:s authuser:s mimetype:s bytes:8=octets "
     "duration:4=us status:4"},
    {2202, "app_operation",
     "application:s operation:s attributes:s statusDescr:s reqBytes:8=octets respBytes:8=octets "
     "duration:4=us status:4"},
    {2203, "app_parent_context", "application:s operation:s attributes:s"},
    {2204, "app_initiator", "actor:s"},
    {2205, "app_target", "actor:s"},
    {2206, "http_request",
     "method:4 protocol:4 uri:s host:s referer:s useragent:s xff:s authuser:s mimetype:s "
     "reqBytes:8=octets respBytes:8=octets duration:4=us status:4"},
    {2207, "extended_proxy_request", "uri:s host:s"},
    {2208, "extended_nav_timing",
     "type:4 redirectCount:4 navigationStart:4=ms unloadEventStart:4=ms unloadEventEnd:4=ms "
     "redirectStart:4=ms redirectEnd:4=ms "
     "fetchStart:4=ms domainLookupStart:4=ms domainLookupEnd:4=ms connectStart:4=ms "
     "connectEnd:4=ms secureConnectionStart:4=ms "
     "requestStart:4=ms responseStart:4=ms responseEnd:4=ms domLoading:4=ms domInteractive:4=ms "
     "domContentLoadedEventStart:4=ms domContentLoadedEventEnd:4=ms"},
    {2209, "extended_tcp_info",
     "direction:4 sndMss:4=octets rcvMss:4=octets unacked:4g lost:4g retrans:4g pmtu:4=octets "
     "rtt:4g=us rttvar:4g=us "
     "sndCwnd:4g reordering:4g minRtt:4g=us"},
    {2210, "extended_entities", "srcClass:4 srcIndex:4 dstClass:4 dstIndex:4"},
});

constexpr auto kFields = parse_fields<count_fields(kRows)>(kRows);
constexpr auto kTable = make_table(kRows, kFields);
constexpr auto kIndex = index_of(kTable);

}  // namespace

const SflowStructure* find_flow_structure(std::uint32_t enterprise, std::uint32_t format) noexcept {
  return look_up(kTable, kIndex, enterprise, format);
}
std::span<const SflowStructure> flow_structures() noexcept { return kTable; }

}  // namespace flowlens::parse
