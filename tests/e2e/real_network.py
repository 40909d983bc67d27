"""Real servers and clients, each in a network namespace of its own on one bridge, and a capture of it.

Where namespaces are not allowed, all run on loopback addresses 127.0.1.x, and that is said.
"""

import collections
import contextlib
import os
import sys
import time
from pathlib import Path

import postgres
from harness import Process, dissect, expect, need, netns, read_pcap, run, say, skip, tool, wait_for

HERE = Path(__file__).resolve().parent

# Host number → what runs there.
SERVERS = {11: "http", 12: "postgresql", 13: "redis", 14: "domain"}
CLIENTS = (21, 22)
PORTS = {"http": 80, "postgresql": 5432, "redis": 6379, "domain": 53}
PROTOCOLS = {"domain": ("udp", 17)}  # the others are TCP
# (client, server, times): every dependency that is made. The HTTP server asks DNS too. The largest comes
# last: sfprobe loses the few samples of its last, unfinished datagram when it ends (exporters.py).
USES = ((21, 11, 12), (22, 12, 12), (11, 12, 10), (22, 13, 20), (11, 13, 10), (21, 14, 40), (22, 14, 30),
        (11, 14, 25), (22, 11, 30))


class Network:
    """Where the hosts are: `address(number)` and `inside(number, command)`."""

    def __init__(self, prefix, namespaces, device):
        self.prefix, self.namespaces, self.device = prefix, namespaces, device

    def address(self, host):
        return f"{self.prefix}.{host}"

    def inside(self, host, command):
        return netns(self.namespaces.get(host), [str(part) for part in command])

    @property
    def is_real(self):
        return bool(self.namespaces)


def _namespaces_work():
    if os.environ.get("FLOWLENS_E2E_LOOPBACK") or os.geteuid() != 0 or not tool("ip"):
        return False
    name = f"fltry{os.getpid()}"
    try:
        run(["ip", "netns", "add", name])
        try:
            run(["ip", "netns", "exec", name, "ip", "link", "add", "br0", "type", "bridge"])
        finally:
            run(["ip", "netns", "del", name])
    except AssertionError as error:
        say(f"   {str(error).splitlines()[-1]}")
        return False
    return True


@contextlib.contextmanager
def network():
    """Namespaces on a bridge, or loopback addresses with a message."""
    if not _namespaces_work():
        say("   network namespaces are not allowed here: servers and clients use 127.0.1.x instead")
        if os.geteuid() != 0:
            skip("capturing and serving on ports 53 and 80 wants root")
        yield Network("127.0.1", {}, "lo")
        return
    switch = f"fl{os.getpid()}sw"
    names = {host: f"fl{os.getpid()}h{host}" for host in (*SERVERS, *CLIENTS)}
    try:
        for name in (switch, *names.values()):
            run(["ip", "netns", "add", name])
        run(["ip", "-n", switch, "link", "add", "br0", "type", "bridge"])
        run(["ip", "-n", switch, "link", "set", "br0", "up"])
        for host, name in names.items():
            _plug_in(host, name, switch)
        yield Network("10.90.0", {**names, "switch": switch}, "br0")
    finally:
        for name in (switch, *names.values()):
            with contextlib.suppress(AssertionError):
                run(["ip", "netns", "del", name])


def _plug_in(host, name, switch):
    # No IPv6, so that nothing but the uses is on the wire.
    run(netns(name, ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"]))
    run(["ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", f"port{host}", "netns",
         switch])
    # Packets of the size on a real wire, not offloaded ones of 64 KB.
    run(["ip", "-n", name, "link", "set", "eth0", "gso_max_segs", "1"])
    run(["ip", "-n", switch, "link", "set", f"port{host}", "master", "br0", "up"])
    run(["ip", "-n", name, "address", "add", f"10.90.0.{host}/24", "dev", "eth0"])
    run(["ip", "-n", name, "link", "set", "eth0", "up"])
    run(["ip", "-n", name, "link", "set", "lo", "up"])


def _http_command(directory, address):
    pages = directory / "www"
    pages.mkdir()
    for number in range(3):
        (pages / f"page{number}.html").write_text("<p>hello</p>\n" * (50 + 7000 * number))
    return [sys.executable, "-m", "http.server", PORTS["http"], "--bind", address, "--directory", pages]


def _postgresql_command(directory, address):
    data = postgres.make_data_folder(directory / "pg")
    with open(data / "pg_hba.conf", "a") as access:
        access.write("host all all 0.0.0.0/0 trust\n")
    return postgres.command(data, listen_addresses=address, port=PORTS["postgresql"], fsync="off",
                            unix_socket_directories="", shared_buffers="16MB", autovacuum="off")


def _redis_command(directory, address):
    return [need("redis-server"), "--bind", address, "--port", PORTS["redis"], "--save", "",
            "--appendonly", "no", "--dir", directory, "--protected-mode", "no"]


def _domain_command(directory, address):
    names = "".join(f'  local-data: "host{i}.example.test. 300 IN A 192.0.2.{i + 1}"\n' for i in range(5))
    (directory / "unbound.conf").write_text(
        f'server:\n  interface: {address}\n  port: {PORTS["domain"]}\n  access-control: 0.0.0.0/0 allow\n'
        f'  username: ""\n  chroot: ""\n  directory: "{directory}"\n  pidfile: ""\n  use-syslog: no\n'
        f'  do-daemonize: no\n  module-config: "iterator"\n  num-threads: 1\n  do-ip6: no\n'
        f'  local-zone: "example.test." static\n{names}'
        "remote-control:\n  control-enable: no\n")
    return [need("unbound"), "-d", "-c", directory / "unbound.conf"]


COMMANDS = {"http": _http_command, "postgresql": _postgresql_command, "redis": _redis_command,
            "domain": _domain_command}


@contextlib.contextmanager
def servers(net, directory):
    with contextlib.ExitStack() as stack:
        for host, service in SERVERS.items():
            command = COMMANDS[service](directory, net.address(host))
            started = stack.enter_context(
                Process(net.inside(host, command), directory / f"{service}.log", cwd="/"))
            _wait_for_server(net, host, service, started)
        yield


def _wait_for_server(net, host, service, started):
    def answers():
        expect(started.is_running(), f"{service} did not start:\n{started.output()}")
        try:
            _use(net, host, host, 1)
        except AssertionError:
            return False
        return True
    wait_for(f"{service} to answer", answers, 30, 0.2)


def _use(net, client, server, times):
    service = SERVERS[server]
    run(net.inside(client, [sys.executable, HERE / "service_client.py", service, net.address(client),
                            net.address(server), PORTS[service], times]))


def capture(directory):
    """Makes every dependency of USES and captures it. Returns (pcap path, Network)."""
    pcap = directory / "real.pcap"
    tcpdump = need("tcpdump")
    with network() as net, servers(net, directory):
        inside = netns(net.namespaces.get("switch"),
                       [tcpdump, "-i", net.device, "-B", "32768", "-s", "0", "-w", str(pcap), *_as_root(),
                        "(tcp or udp) and src net " + net.prefix + ".0/24"])
        with Process(inside, directory / "tcpdump.log") as dump:
            wait_for("tcpdump to listen", lambda: "listening on" in dump.output(), 20)
            time.sleep(0.3)
            for client, server, times in USES:
                _use(net, client, server, times)
            time.sleep(1.0)
            dump.stop()
            expect("\n0 packets dropped by kernel" in dump.output(), f"tcpdump: {dump.output()}")
        return pcap, net


def _as_root():
    """tcpdump otherwise changes to a user of its own, who may not write here."""
    return ["-Z", "root"] if os.geteuid() == 0 else []


def truth_of(pcap, net, leave_out_last=0):
    """{(client, server, protocol, port): {service, octets_…, packets_…}} as counted in the capture."""
    kinds = {(net.address(host), PROTOCOLS.get(service, ("tcp", 6))[1], PORTS[service]): service
             for host, service in SERVERS.items()}
    truth = collections.defaultdict(lambda: collections.Counter())
    names = {}
    packets = list(read_pcap(pcap))
    for _, link_type, frame in packets[:len(packets) - leave_out_last]:
        found = dissect(link_type, frame)
        if not found:
            continue
        source, destination, protocol, from_port, to_port, octets, _ = found
        to_server = (destination, protocol, to_port) in kinds
        client, server, port = (
            (source, destination, to_port) if to_server else (destination, source, from_port))
        service = kinds.get((server, protocol, port))
        expect(service, f"a packet nobody meant to send: {found[:6]}")
        key = (client, server, "tcp" if protocol == 6 else "udp", port)
        names[key] = service
        side = "server" if to_server else "client"
        truth[key][f"octets_to_{side}"] += octets
        truth[key][f"packets_to_{side}"] += 1
    made = {(net.address(c), net.address(s), PROTOCOLS.get(SERVERS[s], ("tcp",))[0], PORTS[SERVERS[s]])
            for c, s, _ in USES}
    expect(set(truth) == made, f"captured {sorted(truth)}\nmade {sorted(made)}")
    return {key: {"service": names[key], **counts} for key, counts in truth.items()}
