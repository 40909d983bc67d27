"""What tshark reads in a capture: its PDML, and its values in the form of the conformance corpus."""
import calendar
import ipaddress
import re
import subprocess
import time
import xml.etree.ElementTree

NETFLOW_PORT, SFLOW_PORT = 2055, 6343
# What sampled packets carry above TCP and UDP is no concern of flows.
ABOVE_TRANSPORT = ("dns", "mdns", "llmnr", "ntp", "syslog", "snmp", "sip", "kerberos", "http", "tls", "ssh", "nbns")


class Field:
    """One field of the dissection: name, place in the UDP payload, text, hex, and what is below it."""

    def __init__(self, element, base):
        self.name = element.get("name") or ""
        self.at = int(element.get("pos") or 0) - base
        self.size = int(element.get("size") or 0)
        self.show = element.get("show") or ""
        self.value = element.get("value") or ""
        self.is_part = element.get("unmaskedvalue") is not None  # some bits of the octets
        self.below = [Field(e, base) for e in element if e.tag in ("field", "proto")]

    def walk(self):
        """All fields below this one, in the order of the display."""
        for field in self.below:
            yield field
            yield from field.walk()


def read(pcap):
    """Yields for each packet of the capture its `cflow` or `sflow` Field, or None."""
    command = ["tshark", "-n", "-r", str(pcap), "-d", f"udp.port=={NETFLOW_PORT},cflow",
               "-d", f"udp.port=={SFLOW_PORT},sflow", "-T", "pdml"]
    for protocol in ABOVE_TRANSPORT:
        command += ["--disable-protocol", protocol]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}) as tshark:
        for _, packet in xml.etree.ElementTree.iterparse(tshark.stdout):
            if packet.tag != "packet":
                continue
            udp = next((p for p in packet.findall("proto") if p.get("name") == "udp"), None)
            found = next((p for p in packet.findall("proto") if p.get("name") in ("cflow", "sflow")), None)
            base = int(udp.get("pos")) + 8 if udp is not None else 0
            yield None if found is None else Field(found, base)
            packet.clear()
    if tshark.returncode != 0:
        raise RuntimeError(f"tshark ended with status {tshark.returncode}")


def time_of(text):
    """Nanoseconds since 1970 of a time as tshark shows it, `Nov 21, 2026 08:35:51.827738463 UTC`."""
    found = re.fullmatch(r"(\w+ +\d+, \d+ \d+:\d+:\d+)(?:\.(\d+))?(?: UTC)?", text)
    if not found:
        return None
    seconds = calendar.timegm(time.strptime(found[1], "%b %d, %Y %H:%M:%S"))
    return seconds * 10**9 + int(((found[2] or "") + "0" * 9)[:9])


def corpus_time(text):
    """Nanoseconds since 1970 of `2026-11-21T08:35:51.827738463Z`; None for other text."""
    found = re.fullmatch(r"(\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", text)
    if not found:
        return None
    return calendar.timegm(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(found[2])


def number_of(text):
    try:
        return int(text, 0)
    except ValueError:
        return int(text) if text.isdigit() else None


def address_of(text):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def same(field, ours):
    """Whether tshark's value is `ours`, a value as the corpus writes it (its README, "Flow records")."""
    show = field.show
    if isinstance(ours, bool):
        return number_of(show) == (1 if ours else 2) or show == str(int(ours))
    if isinstance(ours, int):
        if re.fullmatch(r"\d+\.\d{9}", show):  # uptimes are shown in seconds
            return round(float(show) * 1000) == ours
        return number_of(show) == ours
    if isinstance(ours, float):
        return abs(float(show) - ours) <= 1e-5 * max(1, abs(ours))
    if ours is None:
        return field.size == 0 or show == ""
    moment = corpus_time(ours)
    if moment is not None:
        theirs = time_of(show)
        return theirs is not None and abs(theirs - moment) <= 1000
    if address_of(ours) is not None:
        return address_of(show) == address_of(ours)
    if show == ours or show.rstrip("\0") == ours:
        return True
    return show.replace(":", "") == ours.replace(":", "")
