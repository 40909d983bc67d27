#!/usr/bin/env python3
"""IPFIX over TCP and TLS, watched folders, and flows sent on to another collector.

The exporter is softflowd over TCP; TLS is spoken for it by socat (OpenSSL), a process of its own, as Debian has
no exporter that speaks TLS itself; GnuTLS' client shows that another library's TLS is understood, too.
"""

import functools
import socket
import ssl
import struct
import subprocess
import sys
import time

import flow_logs
import nfdump
import real_network
from exporters import Softflowd
from flow_logs_test import expect_map, messages_of
from harness import (SKIPPED, Daemon, Process, Skipped, check_ledgers, environment, expect, free_port, main, need,
                     program, run, say, wait_for, work_dir)
from tls_test import make_certificates

TCP = socket.SOCK_STREAM


def message(domain=1, octets=40):
    """An IPFIX message of one set of an unknown template."""
    body = struct.pack("!HH", 300, octets - 16) + bytes(octets - 20)
    return struct.pack("!HHIII", 10, octets, int(time.time()), 0, domain) + body


class StreamDaemon(Daemon):
    """A flowlensd with a port for IPFIX over TCP, and one for TLS where there are certificates."""

    def __init__(self, directory, certificates=None, client_ca=None, variables=None, arguments=()):
        self.tcp, self.tls = free_port(TCP), free_port(TCP) if certificates else 0
        given = {"INGESTION_IPFIX_TCP_PORT": str(self.tcp)} | (variables or {})
        if certificates:
            given |= {"INGESTION_IPFIX_TLS_PORT": str(self.tls),
                      "FLOWLENS_INGESTION__TLS_CERTIFICATE_FILE": str(certificates / "server.crt"),
                      "FLOWLENS_INGESTION__TLS_KEY_FILE": str(certificates / "server.key")}
        if client_ca:
            given["FLOWLENS_INGESTION__TLS_CLIENT_CA_FILE"] = str(client_ca)
        super().__init__(directory, *arguments, flush_interval=0.3, variables=given)

    def connections(self):
        return self.get("/api/v1/sources")["connections"]

    def ended(self, reason):
        text = self.get_raw("/metrics")[1].decode()
        line = f'flowlens_ipfix_connections_ended_total{{reason="{reason}"}} '
        return int(float(text.split(line)[1].split("\n")[0]))

    def expect_map_of(self, truth):
        """The map is the truth; softflowd does not say which end began, so ports and flags must show it."""
        wait_for("all dependencies", lambda: len(self.dependencies()) >= len(truth), 30, 0.5)
        check_ledgers(self.settled())
        expect_map(self.dependencies(), truth, truth)


def check_tcp(pcap, truth):
    """softflowd over TCP gives the map that the capture is."""
    with work_dir("tcp") as directory, StreamDaemon(directory / "daemon") as daemon:
        daemon.wait_ready()
        Softflowd(10, "-P", "tcp").start(pcap, daemon.tcp, directory)
        daemon.expect_map_of(truth)
        exporters = daemon.get("/api/v1/exporters")["items"]
        expect([e["transports"] for e in exporters] == [["tcp"]], exporters)
        wait_for("the end of the connection", lambda: daemon.connections()["open"] == 0)
        expect(daemon.ended("ended") == 1, daemon.connections())
        daemon.stop()


def check_tls(pcap, truth):
    """The same through TLS, with a certificate that the daemon asks for."""
    with work_dir("tls-stream") as directory:
        ca = make_certificates(directory)
        with StreamDaemon(directory / "daemon", directory, ca) as daemon:
            daemon.wait_ready()
            port = free_port(TCP)
            there = (f"OPENSSL:127.0.0.1:{daemon.tls},cafile={ca},cert={directory / 'client.crt'},"
                     f"key={directory / 'client.key'},verify=1,commonname=127.0.0.1")
            with Process([need("socat"), f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", there],
                         directory / "socat.log") as tunnel:
                wait_for("socat", lambda: tunnel.is_running() and is_listening(port))
                Softflowd(10, "-P", "tcp").start(pcap, port, directory)
                tunnel.wait(20)
            daemon.expect_map_of(truth)
            expect([e["transports"] for e in daemon.get("/api/v1/exporters")["items"]] == [["tls"]], "transport")
            daemon.stop()


def is_listening(port):
    """Asked of the kernel: a connection would be taken for the exporter's."""
    with open("/proc/net/tcp") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in table)


def client(port, ca, certificate=None, maximum=None):
    context = ssl.create_default_context(cafile=ca)
    if maximum:
        context.maximum_version = maximum
    if certificate:
        context.load_cert_chain(f"{certificate}.crt", f"{certificate}.key")
    plain = socket.create_connection(("127.0.0.1", port), 10)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def expired(directory, ca):
    """A client certificate of the right authority whose time is over."""
    openssl = need("openssl")
    run([openssl, "x509", "-req", "-in", directory / "client.csr", "-CA", ca, "-CAkey", directory / "ca.key",
         "-CAcreateserial", "-days", "-1", "-out", directory / "old.crt"])
    (directory / "old.key").write_bytes((directory / "client.key").read_bytes())
    return directory / "old"


def test_certificates():
    """Without a certificate, with a stranger's, with one that is over: refused, counted, and told why."""
    with work_dir("certificates") as directory:
        ca = make_certificates(directory)
        other = directory / "other"
        other.mkdir()
        make_certificates(other)
        with StreamDaemon(directory / "daemon", directory, ca) as daemon:
            daemon.wait_ready()
            cases = [("no certificate", None, "did not return a certificate"),
                     ("another authority's", other / "client", "unable to get local issuer certificate"),
                     ("an expired one", expired(directory, ca), "certificate has expired")]
            for count, (name, certificate, words) in enumerate(cases, 1):
                try:
                    with client(daemon.tls, ca, certificate) as stream:
                        stream.sendall(message())
                        expect(stream.recv(1) == b"", name)
                except OSError:
                    pass
                wait_for(name, lambda: daemon.ended("handshake_failed") == count)
                expect(words in daemon.connections()["last_problem"], f"{name}: {daemon.connections()}")
            expect(daemon.connections()["messages"] == 0, "a message of a stranger was taken")
            with socket.create_connection(("127.0.0.1", daemon.tls), 10) as plain:
                plain.sendall(message())
                plain.settimeout(10)
                while plain.recv(4096):
                    pass
            wait_for("plain TCP refused", lambda: daemon.ended("handshake_failed") == 4)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with client(daemon.tls, ca, directory / "client", version) as stream:
                    stream.sendall(message())
                    # The client's handshake is over before the server's.
                    wait_for("a message", lambda: [one["messages"] for one in daemon.connections()["connections"]] == [1])
                    found = daemon.connections()["connections"]
                    expect(found[0]["certificate"] == "CN=client", found)
                wait_for("its end", lambda: daemon.connections()["open"] == 0)
            check_gnutls(daemon, directory, ca)
            expect(daemon.connections()["messages"] == 3, daemon.connections())
            daemon.stop()


def check_gnutls(daemon, directory, ca):
    done = subprocess.run(
        [need("gnutls-cli"), "--x509cafile", ca, "--x509certfile", directory / "client.crt", "--x509keyfile",
         directory / "client.key", "-p", str(daemon.tls), "127.0.0.1"],
        input=message(), capture_output=True, timeout=20, check=False)
    say("   " + done.stdout.decode(errors="replace").split("Description:")[-1].split("\n")[0])
    wait_for("GnuTLS' message", lambda: daemon.connections()["messages"] == 3)


def check_cut(pcap, truth):
    """A stream that is cut within a message, and goes on by another connection, loses nothing of what follows."""
    messages = stream_of(pcap)
    with work_dir("cut") as directory, StreamDaemon(directory / "daemon") as daemon:
        daemon.wait_ready()
        with socket.create_connection(("127.0.0.1", daemon.tcp), 10) as first:
            first.sendall(message() + message()[:23])
        wait_for("the cut", lambda: daemon.ended("cut") == 1)
        with socket.create_connection(("127.0.0.1", daemon.tcp), 10) as wrong:
            wrong.sendall(b"GET / HTTP/1.1\r\n\r\n")
            expect(wrong.recv(1) == b"", "HTTP was listened to")
        expect(daemon.ended("bad_version") == 1, "HTTP was not counted")
        with socket.create_connection(("127.0.0.1", daemon.tcp), 10) as again:
            for at in range(0, len(messages), 77):
                again.sendall(messages[at:at + 77])
        daemon.expect_map_of(truth)
        daemon.stop()


def stream_of(pcap):
    """What softflowd sends over TCP."""
    with work_dir("stream") as directory, socket.create_server(("127.0.0.1", 0)) as collector:
        collector.settimeout(20)
        port = collector.getsockname()[1]
        with Process([need("softflowd"), "-r", pcap, "-n", f"127.0.0.1:{port}", "-v", "10", "-P", "tcp", "-d",
                      "-p", directory / "pid", "-c", "none"], directory / "softflowd.log"):
            stream, _ = collector.accept()
            octets = b""
            while more := stream.recv(65536):
                octets += more
            return octets


def check_watch(pcap, truth):
    """A capture, an IPFIX file and a log that appear are read, a broken file is passed over, none comes twice."""
    connections = flow_logs.connections(pcap)
    with work_dir("watch") as directory:
        folder = directory / "in"
        folder.mkdir()
        variables = {"FLOWLENS_INGESTION__WATCH_SETTLE_SECONDS": "0"}
        with StreamDaemon(directory / "daemon", variables=variables, arguments=["--watch", folder]) as daemon:
            daemon.wait_ready()
            (folder / "broken.pcap").write_bytes(pcap.read_bytes()[:20])
            (folder / "a.ipfix").write_bytes(b"".join(messages_of(
                lambda port: Softflowd(10).start(pcap, port, directory))))
            read = functools.partial(folder_view, daemon)
            wait_for("the files", lambda: read()["read"] == 1 and read()["broken"] == 1)
            expect("broken.pcap" in read()["last_problem"], read())
            daemon.expect_map_of(truth)
            flows = read()["flows"]
            daemon.stop()
        (folder / "next.ipfix").write_bytes((folder / "a.ipfix").read_bytes())
        with StreamDaemon(directory / "daemon", variables=variables, arguments=["--watch", folder]) as daemon:
            daemon.wait_ready()
            read = functools.partial(folder_view, daemon)
            wait_for("the new file", lambda: read()["read"] == 1)
            time.sleep(3)
            expect((read()["read"], read()["broken"], read()["flows"]) == (1, 0, flows), read())
            next(log for log in flow_logs.LOGS if log.name == "zeek").save(folder, connections)
            wait_for("the log", lambda: read()["read"] == 2)
            daemon.stop()


def folder_view(daemon):
    return daemon.get("/api/v1/sources")["folders"][0]


def forwarding(port, protocol, **more):
    return {"FLOWLENS_INGESTION__FORWARD_HOST": "127.0.0.1", "FLOWLENS_INGESTION__FORWARD_PORT": str(port),
            "FLOWLENS_INGESTION__FORWARD_PROTOCOL": protocol} | {
                f"FLOWLENS_INGESTION__FORWARD_{name.upper()}": str(value) for name, value in more.items()}


def check_forward(pcap, truth):
    """What one flowlensd sends on over TCP gives another the same map; over UDP nfcapd, by a filter."""
    with work_dir("forward") as directory, StreamDaemon(directory / "end") as end:
        end.wait_ready()
        with StreamDaemon(directory / "middle", variables=forwarding(end.tcp, "tcp")) as middle:
            middle.wait_ready()
            Softflowd(10).start(pcap, middle.ports["ipfix"], directory)
            middle.expect_map_of(truth)
            end.expect_map_of(truth)
            view = middle.get("/api/v1/sources")["forwarding"]
            expect(view["is_connected"] and view["sent"] > 0 and view["last_problem"] is None, view)
            end.stop()
            wait_for("the loss of the collector", lambda: not middle.get("/api/v1/sources")["forwarding"]["is_connected"])
            middle.stop()
        port = next(key[3] for key in truth)
        wanted = {key: row for key, row in truth.items() if key[3] == port}
        with nfdump.nfcapd(directory) as collector:
            given = forwarding(collector, "udp", filter=f"port {port}")
            with StreamDaemon(directory / "filter", variables=given) as daemon:
                daemon.wait_ready()
                Softflowd(10).start(pcap, daemon.ports["ipfix"], directory)
                daemon.expect_map_of(truth)
                view = wait_for("the flows", lambda: (lambda v: v["sent"] and v)(daemon.get("/api/v1/sources")["forwarding"]))
                expect(view["filtered_out"] > 0, view)
                daemon.stop()
        found = nfdump.totals(directory, {key[1:] for key in truth})
        expect(set(found) == set(wanted), f"nfcapd has {sorted(found)}, wanted {sorted(wanted)}")


def test_settings():
    """What cannot be is refused at the start, with what would be right."""
    with work_dir("stream-settings") as directory:
        cases = [({"INGESTION_IPFIX_TLS_PORT": "4740"}, "needs a certificate"),
                 ({"FLOWLENS_INGESTION__FORWARD_HOST": "collector"}, "no IP address"),
                 (forwarding(1234, "sctp"), "give udp or tcp"),
                 (forwarding(1234, "udp", filter="dst prot 5"), "ingestion.forward.filter: column"),
                 (forwarding(2055, "udp"), "would come back"),
                 ({"FLOWLENS_INGESTION__WATCH_DIRECTORIES": "/nowhere"}, "/nowhere")]
        for variables, words in cases:
            done = subprocess.run([program("FLOWLENSD"), "--data-dir", directory / "data", "--api-port", "0"],
                                  env=environment() | {"AUTH_ENABLED": "false"} | variables, capture_output=True,
                                  text=True, timeout=30, check=False)
            expect(done.returncode != 0 and words in done.stderr, f"{variables}: {done.returncode} {done.stderr}")


def real_tests():
    with work_dir("capture") as directory:
        pcap, net = real_network.capture(directory)
        truth = real_network.truth_of(pcap, net)
        tests = []
        for check in (check_tcp, check_tls, check_cut, check_watch, check_forward):
            test = functools.partial(check, pcap, truth)
            test.__name__, test.__doc__ = check.__name__, check.__doc__
            tests.append(test)
        return main(*tests, test_certificates, test_settings)


if __name__ == "__main__":
    try:
        code = real_tests()
    except Skipped as why:
        say(f"no capture: {why}")
        code = SKIPPED
    sys.exit(code)
