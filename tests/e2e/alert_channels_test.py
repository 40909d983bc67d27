#!/usr/bin/env python3
"""Alerts reach a webhook and a file: with the receiver down, failing, back again, and over restarts."""

import http.server
import json
import re
import socket
import threading
import urllib.error
import urllib.request

from harness import Daemon, expect, free_port, main, say, simnet, wait_for, work_dir

SECRET = "Bearer s3cret"
PATH = "/hook/t0ken"


class Receiver:
    """An HTTP server that keeps what it is sent, and answers with `status`."""

    def __init__(self, port=0, status=200):
        self.status, self.notices, self.headers = status, [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    receiver.notices.append(json.loads(body))
                    receiver.headers.append((self.path, dict(self.headers)))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def put_rule(daemon, name, rule):
    request = urllib.request.Request(f"http://127.0.0.1:{daemon.ports['api']}/api/v1/alerts/rules/{name}",
                                     json.dumps(rule).encode(), {"Content-Type": "application/json"}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metric(daemon, name, **labels):
    """The value of one sample; None if there is none."""
    text = daemon.get_raw("/metrics")[1].decode()
    for line in text.splitlines():
        found = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
        if found and all(f'{key}="{value}"' in (found[1] or "") for key, value in labels.items()):
            return float(found[2])
    return None


def health(daemon):
    return daemon.get("/health")


def test_channels():
    """What a capture raises is told once, however often the receiver fails and the daemon restarts."""
    with work_dir("channels") as directory:
        port, capture, file = free_port(socket.SOCK_STREAM), directory / "flows.pcap", directory / "alerts.jsonl"
        simnet("--pcap", capture, "--duration", 20, "--clients", 4)
        config = directory / "flowlensd.yaml"
        config.write_text(f"""alerts:
  default_channels: log, webhook
  file: {file}
  webhook:
    url: http://127.0.0.1:{port}{PATH}
    authorization: {SECRET}
    timeout_seconds: 2
""")

        with Daemon(directory / "daemon", "--config", config) as daemon:
            daemon.wait_ready()
            status, answer = put_rule(daemon, "assets", {"events": ["new_asset"], "channels": ["pager"]})
            expect(status == 400 and "there is file, log, webhook" in answer, answer)
            status, answer = put_rule(daemon, "assets", {"events": ["new_asset"], "channels": ["webhook", "file"]})
            expect(status == 200, answer)
            status, answer = put_rule(daemon, "other", {"events": ["scan"]})
            expect(json.loads(answer)["channels"] == ["log", "webhook"], answer)
            expect(health(daemon)["checks"]["alert_channels"] == "ok", health(daemon))
            ports = daemon.ports
            daemon.stop()

        with Daemon(directory / "daemon", "--config", config, "--input", capture, "--serve", ports=ports) as daemon:
            daemon.wait_ready()
            wait_for("failing on /health", lambda: health(daemon)["checks"]["alert_channels"].startswith(
                f"failing: webhook: http://127.0.0.1:{port}: "))
            expect(health(daemon)["status"] == "degraded", health(daemon))
            expect(metric(daemon, "flowlens_alert_channel_up", channel="webhook") == 0, "not down in the metrics")
            total = daemon.get("/api/v1/alerts?filter=type%20new_asset")["total"]
            expect(total > 10, f"{total} alerts")
            wait_for("all lines of the file", lambda: file.exists() and len(file.read_text().splitlines()) == total)
            receiver = Receiver(port, status=503)
            wait_for("attempts", lambda: metric(daemon, "flowlens_alert_notice_failures_total", channel="webhook") >= 2)
            receiver.status = 200
            wait_for("all notices", lambda: len(receiver.notices) == total, seconds=90)
            wait_for("good health", lambda: health(daemon)["checks"]["alert_channels"] == "ok")
            wait_for("all counted", lambda: metric(
                daemon, "flowlens_alert_notices_total", channel="webhook", outcome="delivered") == total)
            daemon.stop()
            log = daemon.output()
        expect(log.count("the channel cannot be told") == 1, "the log does not say it once:\n" + log)
        expect(log.count("the channel is told again") == 1, log)
        for secret in ("s3cret", "t0ken"):
            expect(secret not in log, f"the log tells {secret}")
        path, headers = receiver.headers[0]
        expect(path == PATH and headers["Authorization"] == SECRET, f"{path} {headers}")
        notice = receiver.notices[0]
        expect(set(notice) == {"text", "step", "alert"} and notice["step"] == "raised", notice)
        expect(notice["alert"]["rule"] == "assets" and notice["alert"]["type"] == "new_asset", notice)
        expect(len({n["alert"]["id"] for n in receiver.notices}) == total, "an alert was told twice")
        expect([json.loads(line) for line in file.read_text().splitlines()] == receiver.notices,
               "file and webhook were not told the same")

        with Daemon(directory / "daemon", "--config", config, ports=ports) as daemon:
            daemon.wait_ready()
            expect(daemon.get("/api/v1/alerts?filter=type%20new_asset")["total"] == total, "alerts are lost")
            daemon.stop()
        expect(len(receiver.notices) == total, "told again after a restart")
        say(f"   {total} alerts, each told once")
        receiver.close()


if __name__ == "__main__":
    main(test_channels)
