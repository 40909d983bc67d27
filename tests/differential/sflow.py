"""sFlow v5: the samples, records and packet headers that tshark shows against FlowLens' by their names."""
import tshark

HEADER = {"sflow_245.agent": "agent", "sflow_245.sub_agent_id": "domain", "sflow_245.sequence_number": "sequence",
          "sflow_245.sysuptime": "sysUptime", "sflow_245.numsamples": "count"}
# Heads, lengths and types that the structure of our answer implies, and single bits of what is compared whole.
STRUCTURE = {"", "sflow_245.version", "sflow_245.agenttype", "sflow_5.sample_length", "sflow_5.flow_data_length",
             "sflow.enterprise", "sflow.enterprise.length", "sflow_245.sampletype", "_ws.expert", "_ws.expert.message",
             "_ws.expert.severity", "_ws.expert.group", "_ws.malformed", "sflow_245.flow_record_format",
             "sflow_245.counters_record_format", "sflow_5.extended_url.host_length", "sflow_5.extended_url.url_length",
             "sflow_5.extended_user.source_user_string_length", "sflow_245.header.payload_removed",
             "sflow_5.extended_user.destination_user_string_length", "sflow.as_type", "sflow_245.as",
             "sflow_245.communityEntries", "sflow_245.dstASentries", "sflow_245.ipv4_precedence_type",
             "sflow_245.ipv4_delay", "sflow_245.ipv4_throughput", "sflow_245.ipv4_reliability", "sflow_245.ipv4_cost",
             "sflow_245.dstAS", "sflow.flow_sample.output_interface", "sflow_245.nexthop.type"}
STRUCTURE |= {f"sflow_245.ip.tcp_flag.{bit}" for bit in ("cwr", "ece", "urg", "ack", "psh", "rst", "syn", "fin")}

SAMPLE = {"sflow.flow_sample.sequence_number": "sequence", "sflow.flow_sample.source_id_class": "sourceIdType",
          "sflow.flow_sample.source_id_type": "sourceIdType", "sflow.flow_sample.index": "sourceIdIndex",
          "sflow.flow_sample.source_id_index": "sourceIdIndex", "sflow.flow_sample.sampling_rate": "samplingRate",
          "sflow.flow_sample.sample_pool": "samplePool", "sflow.flow_sample.dropped_packets": "drops",
          "sflow.flow_sample.input_interface": "inputValue", "sflow.flow_sample.input_interface_value": "inputValue",
          "sflow.flow_sample.input_interface_format": "inputFormat",
          "sflow.flow_sample.output_interface_format": "outputFormat",
          "sflow.flow_sample.output_interface.format": "outputFormat",
          "sflow.flow_sample.output_interface_value": "outputValue", "sflow.flow_sample.flow_record": "recordCount",
          "sflow.counters_sample.sequence_number": "sequence", "sflow.counters_sample.source_id_type": "sourceIdType",
          "sflow.counters_sample.source_id_class": "sourceIdType",
          "sflow.counters_sample.source_id_index": "sourceIdIndex", "sflow.counters_sample.index": "sourceIdIndex",
          "sflow.counters_sample.counters_records": "recordCount"}

RECORD = {"sflow_245.header_protocol": "headerProtocol", "sflow_245.header.frame_length": "frameLength",
          "sflow_245.header.payload_stripped": "stripped", "sflow_245.header.sampled_header_length": "headerLength",
          "sflow_245.vlan.in": "srcVlan", "sflow_245.pri.in": "srcPriority", "sflow_245.vlan.out": "dstVlan",
          "sflow_245.pri.out": "dstPriority", "sflow_245.nexthop": "nextHop",
          "sflow_245.nexthop.src_mask": "srcMaskLength", "sflow_245.nexthop.dst_mask": "dstMaskLength",
          "sflow_245.srcAS": "srcAs", "sflow_245.peerAS": "srcPeerAs", "sflow_245.localpref": "localPref",
          "sflow_245.ip.length": "length", "sflow.ip_protocol": "protocolIdentifier",
          "sflow_245.ip.source_port": "sourceTransportPort", "sflow.ip.destination_port": "destinationTransportPort",
          "sflow_245.ipv4_src": "sourceIPv4Address", "sflow_245.ipv4_dst": "destinationIPv4Address",
          "sflow_245.ipv6_src": "sourceIPv6Address", "sflow_245.ipv6_dst": "destinationIPv6Address",
          "sflow_245.ipv6_priority": "priority", "sflow_5.extended_user.source_character_set": "srcCharset",
          "sflow_5.extended_user.source_user": "srcUser", "sflow_5.extended_user.destination_user": "dstUser",
          "sflow_5.extended_user.destination_character_set": "dstCharset",
          "sflow_5.extended_url.direction": "direction", "sflow_5.extended_url.url": "url",
          "sflow_5.extended_url.host": "host", "sflow_245.ifindex": "ifIndex", "sflow_245.iftype": "ifType",
          "sflow_245.ifspeed": "ifSpeed", "sflow_245.ifdirection": "ifDirection", "sflow_245.ifinoct": "ifInOctets",
          "sflow_245.ifinpkt": "ifInUcastPkts", "sflow_245.ifinmcast": "ifInMulticastPkts",
          "sflow_245.ifinbcast": "ifInBroadcastPkts", "sflow_245.ifindisc": "ifInDiscards",
          "sflow_245.ifinerr": "ifInErrors", "sflow_245.ifinunk": "ifInUnknownProtos",
          "sflow_245.ifoutoct": "ifOutOctets", "sflow_245.ifoutpkt": "ifOutUcastPkts",
          "sflow_245.ifoutmcast": "ifOutMulticastPkts", "sflow_245.ifoutbcast": "ifOutBroadcastPkts",
          "sflow_245.ifoutdisc": "ifOutDiscards", "sflow_245.ifouterr": "ifOutErrors",
          "sflow_245.ifpromisc": "ifPromiscuousMode", "sflow_5.cpu_5s": "fiveSecCpu", "sflow_5.cpu_1m": "oneMinCpu",
          "sflow_5.cpu_5m": "fiveMinCpu", "sflow_5.total_memory": "totalMemory", "sflow_5.free_memory": "freeMemory"}

# Of the packet in a sampled header: the outermost of each. `ip` and `ipv6` end it for the next of their kind.
PACKET = {"eth.dst": "destinationMacAddress", "eth.src": "sourceMacAddress", "ip.len": "ipTotalLength",
          "ip.ttl": "ipTTL", "ip.src": "sourceIPv4Address", "ip.dst": "destinationIPv4Address",
          "ip.dsfield": "ipClassOfService", "ip.proto": "protocolIdentifier", "ipv6.src": "sourceIPv6Address",
          "ipv6.dst": "destinationIPv6Address", "ipv6.plen": "ipv6PayloadLength", "ipv6.hlim": "ipTTL",
          "ipv6.flow": "flowLabelIPv6", "ipv6.tclass": "ipClassOfService", "tcp.srcport": "sourceTransportPort",
          "tcp.dstport": "destinationTransportPort", "udp.srcport": "sourceTransportPort",
          "udp.dstport": "destinationTransportPort", "icmp.type": "icmpTypeIPv4", "icmp.code": "icmpCodeIPv4",
          "icmpv6.type": "icmpTypeIPv6", "icmpv6.code": "icmpCodeIPv6"}


def leaves(group):
    """Named fields of one record or sample head; records within, and packets, are left to others."""
    for field in group.below:
        if is_record(field) or field.name == "sflow_245.header":
            continue
        yield field
        yield from leaves(field)


def is_record(field):
    return any(b.name in ("sflow_245.flow_record_format", "sflow_245.counters_record_format") for b in field.below)


def is_sample(field):
    return any(b.name in ("sflow_245.sampletype", "sflow_5.sample_length") for b in field.below) and not is_record(field)


def named(fields, key):
    """Our value by the corpus' name, or by the name tshark shares with the sFlow structures (dot3Stats…)."""
    lower = {k.lower(): v for k, v in fields.items()}
    return lower.get(key.lower())


class Comparison:
    def __init__(self, differ):
        self.differ = differ
        self.compared = 0

    def check(self, field, ours, key):
        self.compared += 1
        if ours is None:
            self.differ(field, "nothing", None)
        elif not tshark.same(field, ours):
            self.differ(field, key, ours)

    def head(self, sflow, header):
        for field in sflow.below:
            if field.name in HEADER:
                self.check(field, header[HEADER[field.name]], "header")
            elif field.name not in STRUCTURE:
                self.differ(field, "nothing", None)

    def sample(self, group, ours):
        for field in leaves(group):
            if field.name in STRUCTURE:
                continue
            key = SAMPLE.get(field.name)
            self.check(field, named(ours, key) if key else None, key or "nothing")
        records = [field for field in group.below if is_record(field)]
        for record, mine in zip(records, ours["records"]):
            self.record(record, mine)
        for record in records[len(ours["records"]):]:
            self.differ(record, "nothing", None)

    def record(self, group, ours):
        fields = ours["fields"]
        for field in leaves(group):
            if field.name in STRUCTURE:
                continue
            if field.name in ("sflow_245.ifadmin_status", "sflow_245.ifoper_status"):
                bit = 1 if field.name == "sflow_245.ifadmin_status" else 2
                self.check(field, int(bool(fields.get("ifStatus", 0) & bit)), "ifStatus")
                continue
            key = RECORD.get(field.name, field.name.rpartition(".")[2])
            self.check(field, named(fields, key), key)
        for header in (f for f in group.below if f.name == "sflow_245.header"):
            self.packet(header, fields)

    def packet(self, header, fields):
        ours = fields["packet"]
        octets = fields["header"]
        header.show = header.show.replace(":", "")[:len(octets)]  # tshark shows the padding too
        self.check(header, octets, "header")
        tags, labels, seen = [], [], set()
        for layer in header.below:
            if layer.name in ("ip", "ipv6", "tcp", "udp", "icmp", "icmpv6"):
                family = layer.name.rstrip("46") if layer.name != "icmpv6" else "icmp"
                if family in seen:
                    break  # what a tunnel carries
                seen.add(family)
            elif layer.name == "eth" and "eth" in seen:
                break
            elif layer.name not in ("vlan", "ieee8021ad", "mpls", "eth"):
                break
            seen.add(layer.name)
            is_v6 = layer.name == "ipv6"
            for field in layer.walk():
                if field.name in ("vlan.id", "ieee8021ad.id"):
                    tags.append(field)
                elif field.name == "mpls.label":
                    labels.append(field)
                elif field.name in PACKET and not (is_v6 and field.name.startswith("ip.")):
                    self.check(field, ours.get(PACKET[field.name]), PACKET[field.name])
            if layer.name == "icmp":
                break  # the packet that an error quotes
        for field, key in zip(tags, ("vlanId", "dot1qCustomerVlanId")):
            self.check(field, ours.get(key), key)
        for field, label in zip(labels, ours.get("mplsLabels", [])):
            self.check(field, label, "mplsLabels")
        if len(labels) != len(ours.get("mplsLabels", [])):
            self.differ(header, "mplsLabels", ours.get("mplsLabels"))


def compare(sflow, ours, differ):
    """\\return how many values were compared, and 0 parts."""
    comparison = Comparison(differ)
    if not ours.get("header"):
        return 0, 0
    comparison.head(sflow, ours["header"])
    samples = iter(ours["samples"])
    for group in filter(is_sample, sflow.below):
        if not any(b.name in SAMPLE for b in group.walk()):
            continue  # of a format that tshark does not read
        mine = next((s for s in samples if str(s["sequence"]) == sequence_of(group)), None)
        if mine is None:
            differ(group, "nothing", None)
            break
        comparison.sample(group, mine)
    return comparison.compared, 0


def sequence_of(group):
    return next((b.show for b in group.below if b.name.endswith("sample.sequence_number")), None)
