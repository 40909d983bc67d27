#!/usr/bin/env python3
"""The API over TLS: what is spoken and what is not, client certificates, WebSockets, hand-shakes that drag on."""

import json
import socket
import ssl
import subprocess
import time

from certificates import make_certificates
from harness import Daemon, expect, main, run, say, wait_for, work_dir
from websocket import WebSocket


class TlsDaemon(Daemon):
    """A flowlensd that speaks TLS."""

    def __init__(self, directory, ca, client_ca=None):
        self.ca = ca
        config = directory / "flowlensd.yaml"
        asks = f"    client_ca_file: {client_ca}\n" if client_ca else ""
        config.write_text(f"api:\n  tls:\n    certificate_file: {directory / 'server.crt'}\n"
                          f"    key_file: {directory / 'server.key'}\n{asks}")
        super().__init__(directory / "daemon", "--config", config, flush_interval=0.3)

    def stream(self, client=None, seconds=20, **options):
        context = ssl.create_default_context(cafile=self.ca)
        for name, value in options.items():
            setattr(context, name, value)
        if client:
            context.load_cert_chain(f"{client}.crt", f"{client}.key")
        plain = socket.create_connection(("127.0.0.1", self.ports["api"]), seconds)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, path, client=None):
        with self.stream(client) as stream:
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while more := stream.recv(65536):
                answer += more
        return int(answer.split()[1]), answer

    def wait_up(self, client=None):
        def up():
            expect(self.is_running(), self.output())
            try:
                return self.ask("/admin/health/ready", client)[0] == 200
            except OSError:
                return False
        wait_for("flowlensd over TLS", up, 60, 0.3)
        return self


def s_client(daemon, *options):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.ports['api']}", *options],
                          input=b"", capture_output=True, timeout=20, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


def test_tls():
    """TLS 1.2 and 1.3 with forward secrecy; nothing older, nothing plain; a WebSocket too."""
    with work_dir("tls") as directory:
        ca = make_certificates(directory)
        with TlsDaemon(directory, ca) as daemon:
            daemon.wait_up()
            expect("https://127.0.0.1" in daemon.output(), "the log names https")
            with daemon.stream() as stream:
                expect(stream.version() == "TLSv1.3", stream.version())
            with daemon.stream(maximum_version=ssl.TLSVersion.TLSv1_2) as stream:
                expect(stream.version() == "TLSv1.2" and "GCM" in stream.cipher()[0], stream.cipher())
            for options in (["-tls1_1", "-cipher", "ALL@SECLEVEL=0"], ["-tls1_2", "-cipher", "AES128-SHA"],
                            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"]):
                said = s_client(daemon, *options)
                expect("Cipher is (NONE)" in said, f"{options}: {said[-800:]}")
            expect("ALPN protocol: http/1.1" in s_client(daemon, "-alpn", "h2,http/1.1"), "ALPN")
            with socket.create_connection(("127.0.0.1", daemon.ports["api"]), 5) as plain:
                plain.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                expect(not plain.recv(100).startswith(b"HTTP"), "HTTP without TLS was answered")
            client = WebSocket(daemon.ports["api"], stream=daemon.stream())
            expect(client.receive("hello")["type"] == "hello", "wss")
            client.send({"type": "ping"})
            expect(client.receive("pong") is not None, "wss answers")
            with daemon.stream() as keep:
                for _ in range(3):  # one connection, several requests
                    keep.sendall(b"GET /api/v1/ledgers HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                    answer = b""
                    while b'"epoch"' not in answer:
                        answer += keep.recv(65536)
            silent = socket.create_connection(("127.0.0.1", daemon.ports["api"]), 30)
            began = time.monotonic()
            silent.sendall(b"\x16\x03\x01")
            silent.recv(1)  # ends when the server has had enough
            took = time.monotonic() - began
            say(f"   a hand-shake that drags on is ended after {took:.1f} s")
            expect(5 < took < 20, took)
            _, answer = daemon.ask("/metrics")
            failed = [line for line in answer.decode().splitlines() if line.startswith("flowlens_tls_handshakes_failed")]
            expect(float(failed[0].split()[1]) >= 5, failed)
            daemon.stop()


def test_client_certificates():
    """With client_ca_file only who shows a certificate of it is served."""
    with work_dir("mtls") as directory:
        ca = make_certificates(directory)
        with TlsDaemon(directory, ca, client_ca=ca) as daemon:
            daemon.wait_up(directory / "client")
            expect(daemon.ask("/health", directory / "client")[0] == 200, "with a certificate")
            try:
                status, _ = daemon.ask("/health")
                raise AssertionError(f"without a certificate: {status}")
            except (ssl.SSLError, ConnectionError):
                pass
            daemon.stop()


def test_bad_files():
    """A daemon whose key is not that of its certificate does not start, and says why."""
    with work_dir("bad") as directory:
        ca = make_certificates(directory)
        (directory / "server.key").write_bytes((directory / "client.key").read_bytes())
        with TlsDaemon(directory, ca) as daemon:
            expect(daemon.wait(30) != 0, "it started")
            expect("api.tls.key_file" in daemon.output(), daemon.output())
            expect(json.dumps("PRIVATE KEY") not in daemon.output(), "the key is in the log")


if __name__ == "__main__":
    main(test_tls, test_client_certificates, test_bad_files)
