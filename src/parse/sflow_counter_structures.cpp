// The structures of counter records, in the notation of sflow_structures.hpp.
#include "parse/sflow_structures.hpp"

namespace flowlens::parse {
namespace {

constexpr std::uint32_t kBroadcom = 4'413, kNvidia = 5'703;

constexpr auto kRows = std::to_array<Notation>({
    {1, "if_counters",
     "ifIndex:4 ifType:4 ifSpeed:8=bit/s ifDirection:4 ifStatus:4 ifInOctets:8c=octets "
     "ifInUcastPkts:4c=packets "
     "ifInMulticastPkts:4c=packets ifInBroadcastPkts:4c=packets ifInDiscards:4c=packets "
     "ifInErrors:4c=packets "
     "ifInUnknownProtos:4c=packets ifOutOctets:8c=octets ifOutUcastPkts:4c=packets "
     "ifOutMulticastPkts:4c=packets "
     "ifOutBroadcastPkts:4c=packets ifOutDiscards:4c=packets ifOutErrors:4c=packets "
     "ifPromiscuousMode:4"},
    {2, "ethernet_counters",
     "dot3StatsAlignmentErrors:4c=frames dot3StatsFCSErrors:4c=frames "
     "dot3StatsSingleCollisionFrames:4c=frames "
     "dot3StatsMultipleCollisionFrames:4c=frames dot3StatsSQETestErrors:4c "
     "dot3StatsDeferredTransmissions:4c=frames "
     "dot3StatsLateCollisions:4c dot3StatsExcessiveCollisions:4c=frames "
     "dot3StatsInternalMacTransmitErrors:4c=frames "
     "dot3StatsCarrierSenseErrors:4c dot3StatsFrameTooLongs:4c=frames "
     "dot3StatsInternalMacReceiveErrors:4c=frames "
     "dot3StatsSymbolErrors:4c"},
    {3, "tokenring_counters",
     "dot5StatsLineErrors:4c dot5StatsBurstErrors:4c dot5StatsACErrors:4c "
     "dot5StatsAbortTransErrors:4c "
     "dot5StatsInternalErrors:4c dot5StatsLostFrameErrors:4c dot5StatsReceiveCongestions:4c "
     "dot5StatsFrameCopiedErrors:4c "
     "dot5StatsTokenErrors:4c dot5StatsSoftErrors:4c dot5StatsHardErrors:4c dot5StatsSignalLoss:4c "
     "dot5StatsTransmitBeacons:4c dot5StatsRecoverys:4c dot5StatsLobeWires:4c dot5StatsRemoves:4c "
     "dot5StatsSingles:4c "
     "dot5StatsFreqErrors:4c"},
    {4, "vg_counters",
     "dot12InHighPriorityFrames:4c=frames dot12InHighPriorityOctets:8c=octets "
     "dot12InNormPriorityFrames:4c=frames "
     "dot12InNormPriorityOctets:8c=octets dot12InIPMErrors:4c dot12InOversizeFrameErrors:4c "
     "dot12InDataErrors:4c "
     "dot12InNullAddressedFrames:4c=frames dot12OutHighPriorityFrames:4c=frames "
     "dot12OutHighPriorityOctets:8c=octets "
     "dot12TransitionIntoTrainings:4c dot12HCInHighPriorityOctets:8c=octets "
     "dot12HCInNormPriorityOctets:8c=octets "
     "dot12HCOutHighPriorityOctets:8c=octets"},
    {5, "vlan_counters",
     "vlanId:4 octets:8c=octets ucastPkts:4c=packets multicastPkts:4c=packets "
     "broadcastPkts:4c=packets discards:4c=packets"},
    {6, "ieee80211_counters",
     "dot11TransmittedFragmentCount:4c dot11MulticastTransmittedFrameCount:4c=frames "
     "dot11FailedCount:4c dot11RetryCount:4c "
     "dot11MultipleRetryCount:4c dot11FrameDuplicateCount:4c=frames dot11RTSSuccessCount:4c "
     "dot11RTSFailureCount:4c "
     "dot11ACKFailureCount:4c dot11ReceivedFragmentCount:4c "
     "dot11MulticastReceivedFrameCount:4c=frames dot11FCSErrorCount:4c "
     "dot11TransmittedFrameCount:4c=frames dot11WEPUndecryptableCount:4c "
     "dot11QoSDiscardedFragmentCount:4c "
     "dot11AssociatedStationCount:4g dot11QoSCFPollsReceivedCount:4c dot11QoSCFPollsUnusedCount:4c "
     "dot11QoSCFPollsUnusableCount:4c dot11QoSCFPollsLostCount:4c"},
    {7, "lag_port_stats",
     "actorSystemID:m partnerSystemID:m attachedAggID:4 portState:4 LACPDUsRx:4c=packets "
     "markerPDUsRx:4c=packets "
     "markerResponsePDUsRx:4c=packets unknownRx:4c=packets illegalRx:4c=packets "
     "LACPDUsTx:4c=packets markerPDUsTx:4c=packets "
     "markerResponsePDUsTx:4c=packets"},
    {10, "sfp",
     "moduleId:4 moduleTotalLanes:4 moduleSupplyVoltage:4g=mV moduleTemperature:ig=mC lanes[ "
     "laneIndex:4 txBiasCurrent:4g=uA "
     "txPower:4g=uW txPowerMin:4g=uW txPowerMax:4g=uW txWavelength:4g=nm rxPower:4g=uW "
     "rxPowerMin:4g=uW rxPowerMax:4g=uW "
     "rxWavelength:4g=nm ]"},
    {1001, "processor",
     "fiveSecCpu:4g=%/100 oneMinCpu:4g=%/100 fiveMinCpu:4g=%/100 totalMemory:8g=octets "
     "freeMemory:8g=octets"},
    {1002, "radio_utilization", "elapsedTime:4c=ms onChannelTime:4c=ms onChannelBusyTime:4c=ms"},
    {1004, "of_port", "datapathId:8 portNo:4"},
    {1005, "port_name", "portName:s"},
    {2000, "host_descr", "hostname:s uuid:u machineType:4 osName:4 osRelease:s"},
    {2001, "host_adapters", "adapters[ ifIndex:4 macs[ mac:m ] ]"},
    {2002, "host_parent", "containerType:4 containerIndex:4"},
    {2003, "host_cpu",
     "loadOne:fg loadFive:fg loadFifteen:fg procRun:4g procTotal:4g cpuNum:4g cpuSpeed:4g=MHz "
     "uptime:4c=s cpuUser:4c=ms "
     "cpuNice:4c=ms cpuSystem:4c=ms cpuIdle:4c=ms cpuWio:4c=ms cpuIntr:4c=ms cpuSintr:4c=ms "
     "interrupts:4c contexts:4c "
     "... cpuSteal:4c=ms cpuGuest:4c=ms cpuGuestNice:4c=ms"},
    {2004, "host_memory",
     "memTotal:8g=octets memFree:8g=octets memShared:8g=octets memBuffers:8g=octets "
     "memCached:8g=octets swapTotal:8g=octets "
     "swapFree:8g=octets pageIn:4c pageOut:4c swapIn:4c swapOut:4c"},
    {2005, "host_disk_io",
     "diskTotal:8g=octets diskFree:8g=octets partMaxUsed:4g=%/100 reads:4c bytesRead:8c=octets "
     "readTime:4c=ms writes:4c "
     "bytesWritten:8c=octets writeTime:4c=ms"},
    {2006, "host_net_io",
     "bytesIn:8c=octets pktsIn:4c=packets errsIn:4c=packets dropsIn:4c=packets bytesOut:8c=octets "
     "packetsOut:4c=packets "
     "errsOut:4c=packets dropsOut:4c=packets"},
    {2007, "mib2_ip_group",
     "ipForwarding:4 ipDefaultTTL:4 ipInReceives:4c=packets ipInHdrErrors:4c=packets "
     "ipInAddrErrors:4c=packets "
     "ipForwDatagrams:4c=packets ipInUnknownProtos:4c=packets ipInDiscards:4c=packets "
     "ipInDelivers:4c=packets "
     "ipOutRequests:4c=packets ipOutDiscards:4c=packets ipOutNoRoutes:4c=packets "
     "ipReasmTimeout:4=s ipReasmReqds:4c "
     "ipReasmOKs:4c ipReasmFails:4c ipFragOKs:4c ipFragFails:4c ipFragCreates:4c"},
    {2008, "mib2_icmp_group",
     "icmpInMsgs:4c icmpInErrors:4c icmpInDestUnreachs:4c icmpInTimeExcds:4c icmpInParamProbs:4c "
     "icmpInSrcQuenchs:4c "
     "icmpInRedirects:4c icmpInEchos:4c icmpInEchoReps:4c icmpInTimestamps:4c icmpInAddrMasks:4c "
     "icmpInAddrMaskReps:4c "
     "icmpOutMsgs:4c icmpOutErrors:4c icmpOutDestUnreachs:4c icmpOutTimeExcds:4c "
     "icmpOutParamProbs:4c icmpOutSrcQuenchs:4c "
     "icmpOutRedirects:4c icmpOutEchos:4c icmpOutEchoReps:4c icmpOutTimestamps:4c "
     "icmpOutTimestampReps:4c "
     "icmpOutAddrMasks:4c icmpOutAddrMaskReps:4c"},
    {2009, "mib2_tcp_group",
     "tcpRtoAlgorithm:4 tcpRtoMin:4=ms tcpRtoMax:4=ms tcpMaxConn:4 tcpActiveOpens:4c "
     "tcpPassiveOpens:4c tcpAttemptFails:4c "
     "tcpEstabResets:4c tcpCurrEstab:4g tcpInSegs:4c tcpOutSegs:4c tcpRetransSegs:4c tcpInErrs:4c "
     "tcpOutRsts:4c "
     "tcpInCsumErrors:4c"},
    {2010, "mib2_udp_group",
     "udpInDatagrams:4c udpNoPorts:4c udpInErrors:4c udpOutDatagrams:4c udpRcvbufErrors:4c "
     "udpSndbufErrors:4c "
     "udpInCsumErrors:4c"},
    {2100, "virt_node", "mhz:4g=MHz cpus:4g memory:8g=octets memoryFree:8g=octets numDomains:4g"},
    {2101, "virt_cpu", "state:4 cpuTime:4c=ms nrVirtCpu:4g"},
    {2102, "virt_memory", "memory:8g=octets maxMemory:8g=octets"},
    {2103, "virt_disk_io",
     "capacity:8g=octets allocation:8g=octets available:8g=octets rdReq:4c rdBytes:8c=octets "
     "wrReq:4c wrBytes:8c=octets errs:4c"},
    {2104, "virt_net_io",
     "rxBytes:8c=octets rxPackets:4c=packets rxErrs:4c=packets rxDrop:4c=packets txBytes:8c=octets "
     "txPackets:4c=packets "
     "txErrs:4c=packets txDrop:4c=packets"},
    {2105, "jvm_runtime", "vmName:s vmVendor:s vmVersion:s"},
    {2106, "jvm_statistics",
     "heapInitial:8g=octets heapUsed:8g=octets heapCommitted:8g=octets heapMax:8g=octets "
     "nonHeapInitial:8g=octets "
     "nonHeapUsed:8g=octets nonHeapCommitted:8g=octets nonHeapMax:8g=octets gcCount:4c "
     "gcTime:4c=ms classesLoaded:4g "
     "classesTotal:4c classesUnloaded:4c compilationTime:4c=ms threadNumLive:4g threadNumDaemon:4g "
     "threadNumStarted:4c "
     "fdOpenCount:4g fdMaxCount:4g"},
    {2201, "http_counters",
     "methodOptionCount:4c methodGetCount:4c methodHeadCount:4c methodPostCount:4c "
     "methodPutCount:4c methodDeleteCount:4c "
     "methodTraceCount:4c methodConnectCount:4c methodOtherCount:4c status1XXCount:4c "
     "status2XXCount:4c status3XXCount:4c "
     "status4XXCount:4c status5XXCount:4c statusOtherCount:4c"},
    {2202, "app_operations",
     "application:s success:4c other:4c timeout:4c internalError:4c badRequest:4c forbidden:4c "
     "tooLarge:4c notImplemented:4c "
     "notFound:4c unavailable:4c unauthorized:4c"},
    {2203, "app_resources",
     "userTime:4c=ms systemTime:4c=ms memUsed:8g=octets memMax:8g=octets fdOpen:4g fdMax:4g "
     "connOpen:4g connMax:4g"},
    {2204, "memcache_counters",
     "cmdSet:4c cmdTouch:4c cmdFlush:4c getHits:4c getMisses:4c deleteHits:4c deleteMisses:4c "
     "incrHits:4c incrMisses:4c "
     "decrHits:4c decrMisses:4c casHits:4c casMisses:4c casBadval:4c authCmds:4c authErrors:4c "
     "threads:4g connYields:4c "
     "listenDisabledNum:4c currConnections:4g rejectedConnections:4c totalConnections:4c "
     "connectionStructures:4g evictions:4c "
     "reclaimed:4c currItems:4g totalItems:4c bytesRead:8c=octets bytesWritten:8c=octets "
     "bytes:8g=octets "
     "limitMaxbytes:8g=octets"},
    {2205, "vdi_counters",
     "sessionsCurrent:4g sessionsTotal:4c sessionsDuration:4c=s rxBytes:4c=octets "
     "txBytes:4c=octets rxPackets:4c=packets "
     "txPackets:4c=packets rxPacketsLost:4c=packets txPacketsLost:4c=packets rttMin:4g=ms "
     "rttMax:4g=ms rttAvg:4g=ms "
     "audioRxBytes:4c=octets audioTxBytes:4c=octets audioTxLimit:4g=bit/s imgRxBytes:4c=octets "
     "imgTxBytes:4c=octets "
     "imgFrames:4c=frames imgQualMin:4g imgQualMax:4g imgQualAvg:4g usbRxBytes:4c=octets "
     "usbTxBytes:4c=octets"},
    {2206, "app_workers",
     "workersActive:4g workersIdle:4g workersMax:4g reqDelayed:4c reqDropped:4c"},
    {1, "bst_device_buffers", "ucPc:ig=% mcPc:ig=%", kBroadcom},
    {3, "hw_tables",
     "hostEntries:4g hostEntriesMax:4g ipv4Entries:4g ipv4EntriesMax:4g ipv6Entries:4g "
     "ipv6EntriesMax:4g ipv4Ipv6Entries:4g "
     "ipv4Ipv6EntriesMax:4g longIpv6Entries:4g longIpv6EntriesMax:4g totalRoutes:4g "
     "totalRoutesMax:4g ecmpNexthops:4g "
     "ecmpNexthopsMax:4g macEntries:4g macEntriesMax:4g ipv4Neighbors:4g ipv6Neighbors:4g "
     "ipv4Routes:4g ipv6Routes:4g "
     "aclIngressEntries:4g aclIngressEntriesMax:4g aclIngressCounters:4g aclIngressCountersMax:4g "
     "aclIngressMeters:4g "
     "aclIngressMetersMax:4g aclIngressSlices:4g aclIngressSlicesMax:4g aclEgressEntries:4g "
     "aclEgressEntriesMax:4g "
     "aclEgressCounters:4g aclEgressCountersMax:4g aclEgressMeters:4g aclEgressMetersMax:4g "
     "aclEgressSlices:4g "
     "aclEgressSlicesMax:4g",
     kBroadcom},
    {1, "nvidia_gpu",
     "deviceCount:4g processes:4g gpuTime:4c=ms memTime:4c=ms memTotal:8g=octets memFree:8g=octets "
     "eccErrors:4c energy:4c=mJ "
     "temperature:4g=C fanSpeed:4g=%",
     kNvidia},
});

constexpr auto kFields = parse_fields<count_fields(kRows)>(kRows);
constexpr auto kTable = make_table(kRows, kFields);
constexpr auto kIndex = index_of(kTable);

}  // namespace

const SflowStructure* find_counter_structure(std::uint32_t enterprise,
                                             std::uint32_t format) noexcept {
  return look_up(kTable, kIndex, enterprise, format);
}
std::span<const SflowStructure> counter_structures() noexcept { return kTable; }

}  // namespace flowlens::parse
