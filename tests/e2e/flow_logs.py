"""Flow logs of a capture, each in the shape and by the counting rules that its maker documents.

Zeek and Suricata are not in Debian 12 and no cloud is at hand, so these logs are written here, from the packets
and independently of FlowLens. docs/flow_logs.md says what each source counts.
"""

import collections
import datetime
import gzip
import json

from harness import dissect, read_pcap

SYN, ACK, FIN, RST = 2, 16, 1, 4
INTERVAL = 60  # of an AWS aggregation, seconds


class Packet:
    """One packet of a connection; `back` is the way to the originator."""

    def __init__(self, time, frame, found):
        self.time, self.frame_octets = time, len(frame)
        (self.source, self.destination, self.protocol, self.source_port, self.destination_port, self.octets,
         transport) = found
        self.flags = transport[13] if self.protocol == 6 else 0
        header = (transport[12] >> 4) * 4 if self.protocol == 6 else 8
        self.payload = len(transport) - header
        self.back = False


def connections(pcap):
    """Lists of packets in the order of their first ones; a SYN begins another connection of the same ports."""
    open_ones, found = {}, []
    for time, link_type, frame in read_pcap(pcap):
        parts = dissect(link_type, frame)
        if not parts:
            continue
        packet = Packet(time, frame, parts)
        ends = ((packet.source, packet.source_port), (packet.destination, packet.destination_port))
        key = (packet.protocol, *sorted(ends))
        if key not in open_ones or (packet.flags & (SYN | ACK)) == SYN and open_ones[key][-1].flags & (FIN | RST):
            open_ones[key] = []
            found.append(open_ones[key])
        connection = open_ones[key]
        connection.append(packet)
        packet.back = packet.source != connection[0].source or packet.source_port != connection[0].source_port
    return found


def total(packets, what, back):
    return sum(getattr(p, what) for p in packets if p.back == back)


def count(packets, back):
    return sum(p.back == back for p in packets)


def iso(time, zone="Z"):
    text = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text + zone


def interface(address):
    return "eni-0" + "".join(f"{int(part):02x}" for part in address.split("."))


def aws_records(all_connections):
    """(interface, direction, first packet, packets) of each interval: both ends' interfaces log."""
    records = collections.defaultdict(list)
    for packet in (p for packets in all_connections for p in packets):
        for address, direction in ((packet.source, "egress"), (packet.destination, "ingress")):
            records[(int(packet.time) // INTERVAL, interface(address), direction, packet.source, packet.destination,
                     packet.source_port, packet.destination_port, packet.protocol)].append(packet)
    for (_, name, direction, *_), packets in sorted(records.items()):
        yield name, direction, packets[0], packets


def aws_vpc_2(all_connections):
    lines = ["2 123456789010 eni-0ffffffff - - - - - - - 1700000000 1700000060 - NODATA"]
    for name, _, p, packets in aws_records(all_connections):
        lines.append(f"2 123456789010 {name} {p.source} {p.destination} {p.source_port} {p.destination_port} "
                     f"{p.protocol} {len(packets)} {sum(q.octets for q in packets)} {int(packets[0].time)} "
                     f"{int(packets[-1].time)} ACCEPT OK")
    return "\n".join(lines) + "\n"


def aws_flags(packets):
    """ACK is logged with SYN only."""
    flags = 0
    for p in packets:
        flags |= p.flags & (FIN | SYN | RST) | (ACK if p.flags & SYN and p.flags & ACK else 0)
    return flags


def aws_vpc_5(all_connections):
    """A custom format: its header line says the order."""
    lines = ["version vpc-id interface-id flow-direction pkt-srcaddr pkt-dstaddr srcaddr dstaddr srcport dstport "
             "protocol tcp-flags packets bytes start end traffic-path action log-status"]
    for name, direction, p, packets in aws_records(all_connections):
        lines.append(f"5 vpc-0a {name} {direction} {p.source} {p.destination} {p.source} {p.destination} "
                     f"{p.source_port} {p.destination_port} {p.protocol} {aws_flags(packets)} {len(packets)} "
                     f"{sum(q.octets for q in packets)} {int(packets[0].time)} {int(packets[-1].time)} 1 ACCEPT OK")
    return "\n".join(lines) + "\n"


def azure_vnet(all_connections):
    """One document, a record for each interface: it tells of each connection once it ends."""
    by_interface = collections.defaultdict(list)
    for packets in all_connections:
        p = packets[0]
        start = f"{int(p.time * 1000)},{p.source},{p.destination},{p.source_port},{p.destination_port},{p.protocol}"
        end = f"{int(packets[-1].time * 1000)}" + start[start.index(","):]
        counts = (f"{count(packets, False)},{total(packets, 'octets', False)},"
                  f"{count(packets, True)},{total(packets, 'octets', True)}")
        for address, direction in ((p.source, "O"), (p.destination, "I")):
            by_interface[address] += [f"{start},{direction},B,NX,0,0,0,0", f"{end},{direction},E,NX,{counts}"]
    records = [{"time": iso(0), "flowLogVersion": 4, "macAddress": interface(address).upper(),
                "category": "FlowLogFlowEvent", "operationName": "FlowLogFlowEvent",
                "flowRecords": {"flows": [{"aclID": "a", "flowGroups": [{"rule": "r", "flowTuples": tuples}]}]}}
               for address, tuples in sorted(by_interface.items())]
    return json.dumps({"records": records}, indent=1)


def gcp_vpc(all_connections):
    """An array as `gcloud logging read` prints it; each direction, as each end reports it; octets of payload."""
    entries = []
    for packets in all_connections:
        for back in (False, True):
            ways = [p for p in packets if p.back == back]
            if not ways:
                continue
            p = ways[0]
            entries += [{"insertId": str(len(entries)), "jsonPayload": {
                "connection": {"src_ip": p.source, "src_port": p.source_port, "dest_ip": p.destination,
                               "dest_port": p.destination_port, "protocol": p.protocol},
                "bytes_sent": str(sum(q.payload for q in ways)), "packets_sent": str(len(ways)),
                "start_time": iso(ways[0].time), "end_time": iso(ways[-1].time), "reporter": reporter},
                "logName": "projects/p/logs/compute.googleapis.com%2Fvpc_flows"} for reporter in ("SRC", "DEST")]
    return json.dumps(entries, indent=2)


def zeek_history(packets):
    """Each kind of packet once, the originator's in capitals."""
    history = ""
    for p in packets:
        kinds = ("d" if p.payload else "") if p.protocol != 6 else (
            "h" if p.flags & SYN and p.flags & ACK else "s" if p.flags & SYN else "r" if p.flags & RST else
            ("d" if p.payload else "") + ("f" if p.flags & FIN else "" if p.payload else "a"))
        for kind in kinds:
            letter = kind if p.back else kind.upper()
            history += letter if letter not in history else ""
    return history


def zeek_rows(all_connections):
    for number, packets in enumerate(sorted(all_connections, key=lambda c: c[-1].time)):
        p = packets[0]
        yield {"ts": round(p.time, 6), "uid": f"C{number}", "id.orig_h": p.source, "id.orig_p": p.source_port,
               "id.resp_h": p.destination, "id.resp_p": p.destination_port,
               "proto": "tcp" if p.protocol == 6 else "udp", "duration": round(packets[-1].time - p.time, 6),
               "orig_bytes": total(packets, "payload", False), "resp_bytes": total(packets, "payload", True),
               "conn_state": "SF", "history": zeek_history(packets),
               "orig_pkts": count(packets, False), "orig_ip_bytes": total(packets, "octets", False),
               "resp_pkts": count(packets, True), "resp_ip_bytes": total(packets, "octets", True)}


def zeek(all_connections):
    rows = list(zeek_rows(all_connections))
    text = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    text += "#fields\t" + "\t".join(rows[0]) + "\n"
    for row in rows:
        text += "\t".join(f"{v:.6f}" if isinstance(v, float) else str(v) for v in row.values()) + "\n"
    return text + "#close\t2026-11-22-18-00-00\n"


def zeek_json(all_connections):
    return "".join(json.dumps(row) + "\n" for row in zeek_rows(all_connections))


def suricata(all_connections):
    """EVE: flow events between others; octets of whole frames."""
    lines = [{"timestamp": iso(0, "+0000"), "event_type": "stats", "stats": {"flow": {"total": 1}}}]
    for packets in sorted(all_connections, key=lambda c: c[-1].time):
        p = packets[0]

        def flags(back):
            found = 0
            for q in packets:
                found |= q.flags if q.back == back else 0
            return f"{found:02x}"
        event = {"timestamp": iso(packets[-1].time + 60, "+0000"), "flow_id": len(lines), "event_type": "flow",
                 "src_ip": p.source, "src_port": p.source_port, "dest_ip": p.destination,
                 "dest_port": p.destination_port, "proto": "TCP" if p.protocol == 6 else "UDP",
                 "flow": {"pkts_toserver": count(packets, False), "pkts_toclient": count(packets, True),
                          "bytes_toserver": total(packets, "frame_octets", False),
                          "bytes_toclient": total(packets, "frame_octets", True), "start": iso(p.time, "+0000"),
                          "end": iso(packets[-1].time, "+0000"), "age": 1, "state": "closed", "reason": "timeout"}}
        if p.protocol == 6:
            event["tcp"] = {"tcp_flags_ts": flags(False), "tcp_flags_tc": flags(True)}
        lines.append(event)
    return "".join(json.dumps(line) + "\n" for line in lines)


class Log:
    """One kind of log: `counts` names what of a packet its octets are."""

    def __init__(self, name, write, counts, packed=False):
        self.name, self.write, self.counts, self.packed = name, write, counts, packed

    def __repr__(self):
        return self.name

    def save(self, directory, all_connections):
        text = self.write(all_connections).encode()
        path = directory / (self.name.replace(" ", "-") + ".log")
        path.write_bytes(gzip.compress(text) if self.packed else text)
        return path

    def truth(self, truth, all_connections):
        """The octets of each way of each dependency, as this log counts them."""
        found = {key: collections.Counter() for key in truth}
        for p in (p for packets in all_connections for p in packets):
            protocol = "tcp" if p.protocol == 6 else "udp"
            there = (p.source, p.destination, protocol, p.destination_port)
            back = (p.destination, p.source, protocol, p.source_port)
            key, side = (there, "server") if there in truth else (back, "client")
            found[key][f"octets_to_{side}"] += getattr(p, self.counts)
        return found


LOGS = (Log("aws vpc version 2", aws_vpc_2, "octets", packed=True), Log("aws vpc version 5", aws_vpc_5, "octets"),
        Log("azure vnet", azure_vnet, "octets"), Log("gcp vpc", gcp_vpc, "payload"), Log("zeek", zeek, "octets"),
        Log("zeek json", zeek_json, "octets"), Log("suricata", suricata, "frame_octets"))
