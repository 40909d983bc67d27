#!/usr/bin/env python3
"""Writes first inputs for the fuzz targets: OUTDIR/fuzz_<name>/. From the conformance corpus where
$FLOWLENS_SHARED or ../shared has it, and a few made here, so that there are always some."""
import gzip
import hashlib
import json
import os
import pathlib
import struct
import sys

MAX_OCTETS = 8 * 1024  # longer sequences of datagrams only slow the fuzzer down

TARGETS = {"netflow-v5": "netflow", "netflow-v9": "netflow", "ipfix": "ipfix", "sflow-v5": "sflow"}
# As enum class LinkType numbers them.
LINK_TYPES = {"ethernet": 0, "ip": 1, "mpls": 2, "ppp": 3, "linux_sll": 4, "linux_sll2": 5, "loopback": 6}


def entry(datagram, session=0, step=0):
    """One datagram as datagrams.hpp describes it."""
    is_v5 = datagram[:2] == b"\0\5"
    control = session & 7 | (8 if is_v5 else 0) | min(step, 15) << 4
    return struct.pack("!BH", control, len(datagram)) + datagram


def sealed(mark, content, version=1):
    """As sealed_state.hpp has it; the target writes the checksum."""
    return mark + struct.pack("!H", version) + content + bytes(4)


def saved_state():
    """A Decoder's state with one template, 300 of IPFIX: addresses and protocol."""
    scope = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 0]) + struct.pack("!HHBBIQ", 50000, 2055, 0, 2, 7, 0)
    template = scope + struct.pack("!HHBH", 300, 0, 0, 3) + struct.pack("!IHHIHHIHH", 0, 8, 4, 0, 12, 4, 0, 4, 1)
    parser = sealed(b"FLTS", struct.pack("!I", 1) + template)
    facts = sealed(b"FLNS", struct.pack("!II", 0, 0))
    return sealed(b"FLDS", struct.pack("!I", len(parser)) + parser + struct.pack("!I", len(facts)) + facts)


def learned_state():
    """A ChangeDetector's: one dependency with its ends and its service, a baseline, an attempt and a scan, for
    a month up to 2026-06-01."""
    now = 1780272000 // 300
    rhythm = struct.pack("!7IH", now - 8064, now - 1, now - 8064, 3, 2, 4, 12, 1)
    asset = lambda n: bytes([n]) * 16 + rhythm + struct.pack("!H10xH4B2B", 0, 0xFFFF, 10, 0, 0, n, 1, 0)
    service = struct.pack("!IHB", 1, 443, 6) + rhythm + struct.pack("!3I2B", now - 100, now - 90, now - 80, 0, 1)
    dependency = bytes([3]) * 16 + rhythm + struct.pack("!II2B", 0, 0, 0, 0)
    baseline = struct.pack("!168H", *(1000 + hour for hour in range(168)))
    baseline += struct.pack("!I6B3I2f2IQi", 0, 0, 0, 0, 9, 0, 1, now - 8064, now - 1, now - 50, 16, 16, 5, 2, 4000, 0)
    content = struct.pack("!QB4I", 300 * 10**9, 1, now, 0, now - 8064, now - 1)
    content += struct.pack("!I", 2) + asset(1) + asset(9) + struct.pack("!I", 1) + service
    content += struct.pack("!I", 1) + dependency + struct.pack("!I", 1) + baseline + struct.pack("!II", 0, 0)
    content += struct.pack("!IIQI", now - 8064, 1, 12345, now - 3)
    content += struct.pack("!I", 1) + bytes([1]) * 16 + struct.pack("!II", now - 5, now - 1) + bytes([4]) * 16
    return sealed(b"FLch", content, version=2)


def learned_routes():
    """Gateways': one exporter, one network by one router and by another one before, told once."""
    v4 = lambda a, b, c, d: bytes(10) + b"\xff\xff" + bytes([a, b, c, d])
    exporter, first, second = v4(192, 0, 2, 1), v4(10, 0, 0, 1), v4(10, 0, 0, 2)
    now = 1780272000 * 10**9
    hop = lambda address, member: address + struct.pack(
        "!3I7Q2B", 7, 100 * member, 0, 2**64 - 1, 2**64 - 1, 0, 50, 9000, now - 10**12, now, 0, member)
    route = exporter + bytes(2) + v4(10, 1, 0, 0) + struct.pack("!3BI3QB", 112, 3, 1, 0, 0, now, now, 2)
    route += hop(second, 1) + hop(first, 0)
    told = exporter + bytes(2) + b"\1" + first + b"\1" + second + bytes([5]) * 16 + struct.pack("!QI", now, 1)
    content = struct.pack("!QQI", 300 * 10**9, now, 1) + exporter + struct.pack("!Q", now)
    return sealed(b"FLgw", content + struct.pack("!I", 1) + told + struct.pack("!I", 1) + route)


def kept_revision():
    """A revision of the spool: an asset, a dependency with hours, a window."""
    address = lambda n: bytes([0, 4, 10, 0, 0, n])
    now = struct.pack("!q", 1780272000 * 10**9)
    asset = bytes([1]) * 16 + b"\1a\1" + address(1) + now + b"\0\0" + b"\7unknown\1" + now + now
    asset += b"\0" + now + b"\0" + struct.pack("!f", 0.5) + now
    hours = bytes([0xB4, 0xB2, 0x1E, 2]) + struct.pack("!I", 5)
    dependency = bytes([2]) * 16 + bytes([1]) * 32 + address(1) + address(2) + bytes([0xBB, 3, 6, 0, 7, 1]) + now + now
    dependency += bytes(range(1, 8)) + bytes([1, 4, 192, 0, 2, 1]) + hours + bytes([0, 0, 0, 16]) + bytes(16) + b"\1"
    window = now + bytes([2]) * 16 + bytes(range(1, 8))
    rows = b"\1" + asset + b"\1" + dependency + b"\1" + window + bytes(2) + bytes(range(1, 11)) + bytes(3)
    return b"\0\1\1\7default" + b"\5\1" + now + rows


def logs():
    """Yields (target, input) for flow logs; the first octet is as the targets have it."""
    vpc = "2 1 eni-0a 10.0.1.5 10.0.2.9 49152 443 6 20 4249 1700000000 1700000060 ACCEPT OK\n"
    yield "text_logs", b"\1" + (vpc + "2 1 eni-0a - - - - - - - 1 2 - NODATA\n" + vpc.replace("ACCEPT", "REJECT")).encode()
    yield "text_logs", b"\2" + (b"eni-1 10.0.0.1 2001:db8::2 1 2 6 3 4 1700000000 1700000001 ACCEPT OK 19 10.0.0.9 - egress\n"
                              b"dstaddr srcaddr protocol end\n10.0.0.1 10.0.0.2 17 1700000000\n")
    yield "text_logs", b"\3" + (b"1700000000.25\tC1\t10.0.0.1\t4\t10.0.0.2\t443\ttcp\t1.5\t5\t6\tSF\tShADadFf\t1\t2\t3\t4\t-\t6\n"
                              b"1700000000.25\tC1\t10.0.0.1\t8\t10.0.0.2\t0\ticmp\t-\t5\t6\tOTH\t^d\t1\t2\t3\t4\t7\t-\n")
    yield "text_logs", b"\4${srcaddr} ${dstaddr} ${protocol} ${end}\n10.0.0.1 10.0.0.2 6 1700000000\n"
    yield "text_logs", b"\0" + gzip.compress(b"2023-11-14T22:20:00.000Z " + vpc.encode())
    flow = {"event_type": "flow", "src_ip": "10.0.0.1", "src_port": 4, "dest_ip": "10.0.0.2", "dest_port": 5, "proto": "TCP",
            "vlan": [7], "flow": {"pkts_toserver": 1, "pkts_toclient": 2, "bytes_toserver": 3, "bytes_toclient": 4,
                                  "start": "2023-11-14T22:13:20.25+0100", "end": "2023-11-14T22:13:21Z"},
            "tcp": {"tcp_flags_ts": "1b", "tcp_flags_tc": "00"}}
    yield "json_logs", b"\1" + json.dumps(flow).encode() + b"\n{}\n"
    entry_of = {"logName": "vpc_flows", "jsonPayload": {
        "connection": {"src_ip": "10.0.0.1", "dest_ip": "10.0.0.2", "src_port": 1, "dest_port": 2, "protocol": 6},
        "bytes_sent": "9", "packets_sent": "1", "end_time": "2023-11-14T22:13:21Z", "reporter": "SRC_GATEWAY"}}
    yield "json_logs", b"\4" + json.dumps(entry_of, indent=1).encode() + b"]"
    yield "json_logs", b"\2" + json.dumps(entry_of).encode()
    tuples = ["1700000000000,10.0.0.6,10.0.0.7,5,443,6,O,B,NX,0,0,0,0", "1700000000001,10.0.0.6,10.0.0.7,5,443,6,O,E,NX,1,2,3,4"]
    record = {"macAddress": "A", "category": "FlowLogFlowEvent",
              "flowRecords": {"flows": [{"flowGroups": [{"rule": "r", "flowTuples": tuples}]}]}}
    yield "json_logs", b"\5" + json.dumps(record).encode() + b"]}"
    yield "json_logs", b"\6" + json.dumps(tuples)[1:].encode() + b'}]}],"x":1}}'
    zeek = {"ts": 1700000000.5, "id.orig_h": "10.0.0.1", "id.orig_p": 1, "id": {"resp_h": "10.0.0.2", "resp_p": 2},
            "proto": "udp", "orig_pkts": 1, "duration": 0.5, "_path": "conn"}
    yield "json_logs", b"\3" + json.dumps(zeek).encode()
    for value in flow, entry_of, record, zeek, {"a": {"b": [1, 2.5, True, None], "l": ["x", "y"]}, "": "\u00e9"}:
        yield "json_record", json.dumps(value).encode()


def handed_on_flows():
    """A parcel: two flows, a translation and a VRF of the second, an event of a translator."""
    flow = bytes([0x3B, 5, 3]) + bytes([4, 10, 0, 0, 1]) + bytes([4, 10, 0, 0, 2, 80])
    second = bytes([0x98, 1]) + bytes([4, 10, 0, 0, 3]) + bytes([4, 10, 0, 0, 4]) + bytes([0xE8, 7])
    translation = bytes([1, 4, 1, 2, 3, 4, 4, 5, 6, 7, 8, 80, 90])
    vrf = bytes([1, 1, 7, 9, 0])
    event = bytes([0x0C, 4, 192, 0, 2, 1, 4, 10, 0, 0, 9])
    return sealed(b"FLfl", b"\2" + flow + second + b"\1" + translation + b"\1" + vrf + b"\1" + event)


def dns_answers():
    """(target, input): names by way of a CNAME and compressed, none with an SOA, addresses of both kinds."""
    def name(text):
        return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"

    def record(owner, kind, data):
        return owner + struct.pack("!HHIH", kind, 1, 600, len(data)) + data

    def message(asked, kind, answers, authority=b""):
        counts = struct.pack("!HHHHHH", 7, 0x8180, 1, len(answers), 1 if authority else 0, 0)
        return counts + name(asked) + struct.pack("!HH", kind, 1) + b"".join(answers) + authority
    asked, there, itself = "9.113.0.203.in-addr.arpa", name("9.0-25.113.0.203.in-addr.arpa"), b"\xc0\x0c"
    yield "dns_message", b"\0" + message(asked, 12, [record(itself, 5, there), record(there, 12, name("web.example"))])
    yield "dns_message", b"\0" + message(asked, 12, [record(itself, 12, b"\3web" + itself)] * 3)
    soa = record(itself, 6, name("ns.example") + itself + struct.pack("!IIIII", 1, 2, 3, 4, 5))
    yield "dns_message", b"\0" + message(asked, 12, [], soa)
    yield "dns_message", b"\1" + message("web.example", 1, [record(itself, 1, bytes([203, 0, 113, 9]))])
    yield "dns_message", b"\2" + message("web.example", 28, [record(itself, 28, bytes(16))])


def cloud_files():
    """Yields (target, input) for what fuzz_cloud_files and fuzz_aws_answers read: a file of each kind."""
    lists = [{"prefixes": [{"ip_prefix": "198.51.100.0/24", "region": "eu-west-1", "service": "EC2"}],
              "ipv6_prefixes": [{"ipv6_prefix": "2001:db8:a::/48", "region": "GLOBAL", "service": "AMAZON"}]},
             {"values": [{"name": "Storage.WestEurope", "properties": {"region": "westeurope", "systemService": "",
                                                                       "addressPrefixes": ["192.0.2.0/25", "::/1"]}}]},
             {"prefixes": [{"ipv4Prefix": "10.0.0.0/20", "service": "Google Cloud", "scope": "us-east1"}]},
             {"result": {"ipv4_cidrs": ["255.255.255.0/24"], "ipv6_cidrs": ["ffff::/16"]}}]
    for content in lists:
        yield "cloud_files", b"\0" + json.dumps(content).encode()
    yield "cloud_files", b"\0# mine\n10.0.0.0/8\r\n::/0\n"
    interface = {"Attachment": {"AttachTime": "2026-01-01T00:00:00+00:00", "InstanceId": "i-1"}, "MacAddress": "02:00:00:00:00:01",
                 "NetworkInterfaceId": "eni-1", "InterfaceType": "lambda", "TagSet": [{"Key": "Name", "Value": "x"}],
                 "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1",
                                         "Association": {"PublicIp": "192.0.2.1", "IpOwnerId": "amazon"}}]}
    instance = {"InstanceId": "i-1", "LaunchTime": "2026-03-01T00:00:00.5-08:00", "NetworkInterfaces": [interface],
                "Placement": {"AvailabilityZone": "eu-west-1a"}, "Tags": [{"Key": "a:b", "Value": "c"}]}
    azure = {"vmId": "1", "name": "vm", "id": "/subscriptions/1/x", "privateIps": "10.0.0.1,10.0.0.2", "zones": ["1"],
             "tags": {"a": "b"}, "timeCreated": "2026-03-01T00:00:00Z"}
    addresses = {"virtualMachine": {"name": "vm", "network": {"privateIpAddresses": ["10.0.0.1"],
                                                              "publicIpAddresses": [{"ipAddress": "192.0.2.1"}]}}}
    google = {"id": "1", "name": "vm", "zone": "https://x/projects/p/zones/us-east1-b", "labels": {"a": "b"},
              "networkInterfaces": [{"networkIP": "10.0.0.1", "accessConfigs": [{"natIP": "192.0.2.1"}]}]}
    for content in ({"Reservations": [{"OwnerId": "1", "Instances": [instance]}]}, {"NetworkInterfaces": [interface]},
                    [azure], [addresses], [google]):
        yield "cloud_files", b"\1" + json.dumps(content, indent=1).encode()
    pod = {"kind": "Pod", "metadata": {"uid": "1", "name": "web-1-2", "namespace": "n", "labels": {"pod-template-hash": "1"},
                                       "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}]},
           "spec": {"nodeName": "a", "containers": [{}]},
           "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}], "startTime": "2026-03-01T00:00:00Z"}}
    service = {"kind": "Service", "metadata": {"uid": "2", "name": "s"}, "spec": {"clusterIPs": ["10.0.0.2"]},
               "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.3"}]}}}
    node = {"kind": "Node", "metadata": {"uid": "3", "name": "a"}, "spec": {"providerID": "aws:///z/i-1"},
            "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.4"}]}}
    yield "cloud_files", b"\2" + json.dumps({"kind": "List", "items": [pod, service, node]}).encode()
    parts = ("<attachment><instanceId>i-1</instanceId><attachTime>2026-01-01T00:00:00.000Z</attachTime></attachment>"
             "<privateIpAddressesSet><item><privateIpAddress>10.0.0.1</privateIpAddress><association><publicIp>192.0.2.1"
             "</publicIp><ipOwnerId>amazon</ipOwnerId></association></item></privateIpAddressesSet>"
             "<tagSet><item><key>Name</key><value>a &amp; b</value></item></tagSet>")
    yield "aws_answers", (f"<r><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>{parts}</item>"
                          "</networkInterfaceSet><nextToken>x</nextToken></r>").encode()
    yield "aws_answers", ("<?xml version='1.0'?><r><reservationSet><item><ownerId>1</ownerId><instancesSet><item><instanceId>i-1"
                          "</instanceId><launchTime>2026-01-01T00:00:00.000Z</launchTime><networkInterfaceSet><item>"
                          f"{parts}</item></networkInterfaceSet></item></instancesSet></item></reservationSet></r>").encode()
    yield "aws_answers", b"<Response><Errors><Error><Code>AuthFailure</Code></Error></Errors></Response>"


def made():
    """Yields (target, input) for small ones made by hand."""
    yield from logs()
    yield from dns_answers()
    yield from cloud_files()
    fields = struct.pack("!14H", 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 1, 4, 2, 4)
    record = struct.pack("!IIHHBII", 0x0A010203, 0x0A040506, 40000, 443, 6, 1000, 5)
    template = struct.pack("!HHHH", 0, 36, 300, 7) + fields
    data = struct.pack("!HH", 300, 28) + record + bytes(3)
    v9 = lambda sets, count: struct.pack("!HHIIII", 9, count, 60000, 1795249860, 1, 7) + sets
    yield "netflow", entry(v9(template + data, 2))
    yield "netflow", entry(v9(data, 1)) + entry(v9(template, 1), step=1) + entry(v9(data, 1), step=2)
    # Template, data, restart, data; withdrawal over TCP (session 3) before more data.
    yield "netflow", (entry(v9(template + data, 2)) + entry(v9(data, 1), step=15) + entry(v9(data, 1), step=1))
    options = struct.pack("!HHHHHHHHHHH", 1, 22, 301, 4, 8, 1, 4, 34, 4, 35, 1)
    yield "netflow", entry(v9(options + struct.pack("!HHIIBBH", 301, 16, 1, 100, 2, 0, 0), 2))
    v5 = struct.pack("!HHIIIIHH", 5, 1, 60000, 1795249860, 0, 1, 0, 0)
    v5 += struct.pack("!IIIHHIIIIHHBBBBHHBBH", 0x0A010203, 0x0A040506, 0, 1, 2, 5, 1000, 50000, 55000,
                      40000, 443, 0, 27, 6, 0, 0, 0, 24, 24, 0)
    yield "netflow", entry(v5)

    def ipfix(sets):
        return struct.pack("!HHIII", 10, 16 + len(sets), 1795249860, 1, 7) + sets
    template = struct.pack("!HHHH", 2, 36, 300, 7) + fields
    data = struct.pack("!HH", 300, 25) + record
    yield "ipfix", entry(ipfix(template + data))
    yield "ipfix_file", ipfix(template) + ipfix(data) + ipfix(b"") + ipfix(data)
    for piece in (b"\0", b"\3", b"\xff"):
        yield "ipfix_stream", piece + ipfix(template) + ipfix(data) + ipfix(b"") + ipfix(data)
    yield "ipfix_stream", b"\1" + ipfix(data) + b"\0\x0a\0\x0f" + ipfix(data)
    yield "ipfix_file", ipfix(template) + bytes(7) + ipfix(data)[:-3] + ipfix(data)
    yield "ipfix", entry(ipfix(data)) + entry(ipfix(template), step=1) + entry(ipfix(data), step=15)
    withdrawal = struct.pack("!HHHH", 2, 8, 300, 0)
    yield "ipfix", (entry(ipfix(template + data), 3) + entry(ipfix(data), 3, 15) + entry(ipfix(withdrawal), 3) +
                    entry(ipfix(data), 3) + entry(ipfix(template), 3))
    yield "changes", bytes([1]) + learned_state()
    yield "spool", kept_revision()
    yield "flows", bytes([1]) + handed_on_flows()
    yield "gateways", bytes([1]) + learned_routes()
    yield "state", struct.pack("!BH", 1, len(saved_state())) + saved_state() + entry(ipfix(data))
    variable = struct.pack("!HHHHHHHHIHH", 2, 24, 302, 3, 8, 4, 0x8001, 65535, 9, 12, 4)
    yield "ipfix", entry(ipfix(variable + struct.pack("!HHIB3sI", 302, 16, 1, 3, b"abc", 2)))

    frame = struct.pack("!HIHIH", 0x0200, 1, 0x0200, 2, 0x0800)
    frame += struct.pack("!HHHHHHII", 0x4500, 1000, 1, 0x4000, 0x4006, 0, 0x0A010203, 0x0A040506)
    frame += struct.pack("!HHIIHHHH", 40000, 443, 1, 1, 0x5010, 1000, 0, 0)
    sampled = struct.pack("!6I", 1, 16 + 56, 1, 1018, 4, 54) + frame + bytes(2)
    sample = struct.pack("!10I", 1, 32 + len(sampled), 1, 3, 64, 640, 0, 1, 2, 1) + sampled
    yield "sflow", entry(struct.pack("!7I", 5, 1, 0xC0000201, 0, 1, 60000, 1) + sample)
    in_front = {
        "ethernet": frame[:14],
        "ip": b"",
        "mpls": bytes.fromhex("03e8103e05dc7b3e"),
        "ppp": bytes.fromhex("ff030021"),
        "linux_sll": bytes.fromhex("000000010006020000000001") + bytes(2) + bytes.fromhex("0800"),
        "linux_sll2": bytes.fromhex("080000000000000200010006020000000001") + bytes(2),
        "loopback": bytes.fromhex("02000000"),
    }
    for link, header in in_front.items():
        yield "dissect", bytes([LINK_TYPES[link], 20]) + header + frame[14:]
    # A list of numbers in a list of records (RFC 6313).
    listed = struct.pack("!HHHHHH", 2, 12, 310, 1, 293, 65535) + struct.pack("!HHHHHH", 2, 12, 311, 1, 291, 65535)
    inner = bytes([7]) + struct.pack("!BHH", 3, 4, 1) + bytes([6, 17])
    outer = bytes([4]) + struct.pack("!HH", 311, 4 + len(inner)) + inner
    yield "ipfix", entry(ipfix(listed + struct.pack("!HHB", 310, 5 + len(outer), len(outer)) + outer))
    # An element that the exporter describes (RFC 5610), and a record with it.
    described = struct.pack("!HHHHH", 3, 10 + 20, 312, 5, 2)
    described += struct.pack("!10H", 346, 4, 303, 2, 339, 1, 344, 1, 341, 65535)
    row = struct.pack("!IHBB", 32473, 101, 13, 0) + bytes([4]) + b"mood"
    own = struct.pack("!HHHHHHI", 2, 16, 313, 1, 0x8000 | 101, 65535, 32473)
    yield "ipfix", entry(ipfix(described + struct.pack("!HH", 312, 4 + len(row)) + row + own +
                               struct.pack("!HH", 313, 7) + bytes([2]) + b"ok"))


def facts():
    """Yields (target, input) for files of facts; the first octet as each target has it."""
    for front, text in [
            (0, 'name,ip,site,type,asset\na,"10.0.0.1, 10.0.0.2/24",berlin,web,"x ""y"" z"\n'), (0, "ip;name\n10.0.0.1;a\n"),
            (4, "name\tip\tsite\nb\t2001:db8::1\tberlin\n"), (0, '{"web1": {"address": "10.0.0.1", "cloud": {"region": "eu"}}}'),
            (2, '"tags": [{"name": "a"}, "b"], "custom_fields": {"owner": "x"}, "role": {"name": "r"}}]')]:
        yield "inventory", bytes([front]) + text.encode()
    for front, text in [
            (4, "10.0.0.1 a.example.com a # b\n2001:db8::1\tc\n"),
            (0, "$TTL 1h\n@ IN SOA a b ( 1 ; x\n 2 3 4 5 )\nwww 300 A 10.0.0.1\n IN AAAA 2001:db8::1\nt TXT \"a;\\\"\" b\n"),
            (1, "1 PTR a.example.com.\n$INCLUDE 3 x.org.\n2 IN 1d PTR b\n")]:
        yield "names", bytes([front]) + text.encode()
    lease = (' starts epoch 1795386600; # Sun\n ends never;\n binding state active;\n hardware ethernet 52:54:00:aa:00:01;\n'
             ' uid "\\001RT\\000\\252\\000\\001";\n client-hostname "a";\n}\n')
    for front, text in [
            (0, "lease 10.0.0.1 {\n" + lease), (1, lease), (2, " binding state active;\n ends 4 2026/11/22 23:00:00;\n }\n}\n"),
            (3, "10.0.0.1,52:54:00:aa:00:01,01:52:54:00:aa:00:01,900,1795387000,1,0,0,a&#x2cb,0,\n"),
            (4, "2001:db8::1,00:03:00:01:52:54:00:aa:00:01,900,1795387000,1,560,0,7,128,0,0,a.,,0\n"),
            (5, "01:52:54:00:aa:00:01\n"), (6, "a 00:03:00:01:52:54:00:aa:00:01\n")]:
        yield "leases", bytes([front]) + text.encode()


def from_case(directory):
    """Yields (target, input) for a case of the corpus."""
    case = json.loads((directory / "case.json").read_text())
    sessions = []
    sequence = b""
    for datagram in case["datagrams"]:
        session = (datagram["exporter"], datagram["port"])
        if session not in sessions:
            sessions.append(session)
        piece = entry((directory / datagram["file"]).read_bytes(), sessions.index(session), 1)
        if len(sequence) + len(piece) > MAX_OCTETS:
            break
        sequence += piece
    if sequence:
        yield TARGETS[case["protocol"]], sequence
    for sample in case["expected"]:
        for record in sample.get("records", []):
            if record.get("name") == "sampled_header":
                header = bytes.fromhex(record["fields"]["header"])
                yield "dissect", bytes([LINK_TYPES["ethernet"], 40]) + header


def from_hostile(file):
    """Yields (target, input) for a case of malformed/."""
    case = json.loads(file.read_text())
    sequence = b"".join(entry((file.parent / d["file"]).read_bytes(), 0, 1)
                        for d in case["datagrams"] if d["length"] <= MAX_OCTETS)[:MAX_OCTETS]
    targets = [TARGETS[case["protocol"]]] if case["protocol"] in TARGETS else set(TARGETS.values())
    for target in targets:
        yield target, sequence


def all_seeds(corpus):
    yield from made()
    yield from facts()
    for file in sorted(corpus.glob("*/case.json")):
        yield from from_case(file.parent)
    for file in sorted(corpus.glob("malformed/*.json")):
        yield from from_hostile(file)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_seeds.py OUTDIR")
    top = pathlib.Path(__file__).resolve().parents[2]
    corpus = pathlib.Path(os.environ.get("FLOWLENS_SHARED", top.parent / "shared")) / "corpus"
    counts = {}
    for target, data in all_seeds(corpus):
        directory = pathlib.Path(sys.argv[1]) / f"fuzz_{target}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / hashlib.sha1(data).hexdigest()).write_bytes(data)
        counts[target] = counts.get(target, 0) + 1
    where = corpus if corpus.is_dir() else f"no corpus at {corpus}: hand-made ones only"
    print("seeds:", ", ".join(f"{n} {t}" for t, n in sorted(counts.items())), f"({where})")


if __name__ == "__main__":
    main()
