#!/usr/bin/env python3
"""Who may send, assets from one daemon to another, and people's word on a dependency over a restart."""

import contextlib
import http.client
import socket
import time
import urllib.error
import urllib.request

from harness import Daemon, check_ledgers, expect, main, say, wait_for, work_dir


def v5(count, sequence, client_port=40000):
    """A NetFlow v5 datagram of so many flows 10.0.0.N:client_port -> 10.1.0.1:443."""
    now = int(time.time())
    octets = b"\x00\x05" + count.to_bytes(2, "big") + (1_000_000).to_bytes(4, "big") + now.to_bytes(4, "big")
    octets += (0).to_bytes(4, "big") + sequence.to_bytes(4, "big") + bytes(4)
    for n in range(count):
        octets += bytes([10, 0, 0, n + 1, 10, 1, 0, 1, 0, 0, 0, 0]) + bytes(4)
        octets += (3).to_bytes(4, "big") + (300).to_bytes(4, "big")
        octets += (990_000).to_bytes(4, "big") + (999_000).to_bytes(4, "big")
        octets += client_port.to_bytes(2, "big") + (443).to_bytes(2, "big")
        octets += bytes([0, 0x1b, 6]) + bytes(9)
    return octets


def send(source, port, datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        for datagram in datagrams:
            sender.sendto(datagram, ("127.0.0.1", port))


def post(daemon, path, body, content_type):
    """(status, JSON)."""
    request = urllib.request.Request(f"http://127.0.0.1:{daemon.ports['api']}{path}", method="POST", data=body,
                                     headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def announced(daemon, path, octets):
    """The status that a body of that length gets before any of it is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.ports["api"], timeout=30)
    with contextlib.closing(connection):
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", "text/csv")
        connection.putheader("Content-Length", str(octets))
        connection.endheaders()
        return connection.getresponse().status


def words(daemon):
    """By addresses what people say."""
    return {tuple(sorted(e["address"] for e in item["endpoints"])):
            [item[name] for name in ("id", "name", "asset_type", "tags", "notes", "owner", "criticality", "confirmed")]
            for item in daemon.items("/api/v1/assets")}


def test_strangers():
    """Of all that send only those who may are heard; the others are counted, and leave nothing."""
    with work_dir("strangers") as directory:
        with Daemon(directory / "daemon", variables={"FLOWLENS_INGESTION__ALLOWED_EXPORTERS": "127.0.0.2, 192.0.2.0/24"}) as daemon:
            daemon.wait_ready()
            send("127.0.0.3", daemon.ports["netflow"], [v5(5, 1)] * 20)
            send("127.0.0.2", daemon.ports["netflow"], [v5(5, 1)] * 3)
            wait_for("all datagrams", lambda: daemon.ledgers()["datagrams"]["received"] == 23)
            ledgers = daemon.settled()
            check_ledgers(ledgers)
            expect(ledgers["datagrams"]["refused"] == {"exporter_not_allowed": 20}, ledgers)
            heard = [item["address"] for item in daemon.get("/api/v1/exporters")["items"]]
            expect(heard == ["127.0.0.2"], heard)
            metrics = daemon.get_raw("/metrics")[1].decode()
            expect('flowlens_datagrams_refused_total{reason="exporter_not_allowed"} 20' in metrics, "no such metric")
            # It can change while flowlensd runs.
            daemon.send("PATCH", "/api/v1/admin/config", {"ingestion.allowed_exporters": "127.0.0.0/8"})
            time.sleep(1)
            send("127.0.0.3", daemon.ports["netflow"], [v5(5, 1)])
            wait_for("the other to be heard", lambda: len(daemon.get("/api/v1/exporters")["items"]) == 2)
            daemon.stop()


def test_from_one_to_another():
    """What is exported makes an empty map say the same; a long file comes in whole or not at all."""
    with work_dir("exchange") as directory:
        with Daemon(directory / "one") as one, Daemon(directory / "two") as two:
            one.wait_ready()
            two.wait_ready()
            lines = ["endpoints,name,tags,notes,owner,confirmed"]
            lines += [f'10.2.{n // 250}.{n % 250 + 1},host{n},"lab,=x","a ""quoted""\nnote {n}",+team,true' for n in range(9000)]
            text = "\r\n".join(lines).encode()
            expect(len(text) > 300_000, len(text))
            wrong = text + b"\r\n10.9.9.9,x,y,z,w,perhaps"
            status, body = post(one, "/api/v1/assets/import", wrong, "text/csv")
            expect(status == 400 and "line 18002, column 18: confirmed" in body, f"{status} {body[:300]}")
            expect(one.get("/api/v1/assets")["total"] == 0, "a part was taken")
            status, body = post(one, "/api/v1/assets/import", text, "text/csv; charset=utf-8")
            expect(status == 200 and '"made":9000' in body.replace(" ", ""), f"{status} {body[:300]}")
            for form, content_type in (("json", "application/json"), ("csv", "text/csv")):
                status, out = one.get_raw(f"/api/v1/assets/export?format={form}")
                expect(status == 200, status)
                say(f"   {form}: {len(out)} octets")
                status, body = post(two, "/api/v1/assets/import", out, content_type)
                expect(status == 200, f"{status} {body[:300]}")
                expect(words(two) == words(one), f"not the same by {form}")
            expect(announced(one, "/api/v1/assets/import", 4 * 1024 * 1024 + 1) == 413, "4 MiB and more")
            expect(announced(one, "/api/v1/assets", 70_000) == 413, "64 KiB elsewhere")
            one.stop()
            two.stop()


def test_turned_over_a_restart():
    """A dependency that people turned round stays so, with its traffic, whatever comes after a restart."""
    with work_dir("turned") as directory:
        with Daemon(directory / "daemon") as daemon:
            daemon.wait_ready()
            send("127.0.0.1", daemon.ports["netflow"], [v5(1, 1)])
            key = ("10.0.0.1", "10.1.0.1", "tcp", 443)
            wait_for("the dependency", lambda: key in daemon.dependencies())
            old = daemon.dependencies()[key]
            new = daemon.send("POST", f"/api/v1/dependencies/{old['id']}/redirect", {"port": 8443, "by": "anna"})
            expect((new["client"]["address"], new["server"]["address"], new["port"]) == ("10.1.0.1", "10.0.0.1", 8443), new)
            send("127.0.0.1", daemon.ports["netflow"], [v5(1, 2, 40001)])
            wait_for("more traffic", lambda: daemon.get(f"/api/v1/dependencies/{old['id']}")["flows"] == 2)
            daemon.settled()
            daemon.stop()
        with Daemon(directory / "daemon", ports=daemon.ports) as daemon:
            daemon.wait_ready()
            send("127.0.0.1", daemon.ports["netflow"], [v5(1, 3, 40002)])
            wait_for("traffic after the restart", lambda: daemon.get(f"/api/v1/dependencies/{old['id']}")["flows"] == 3)
            expect(list(daemon.dependencies()) == [("10.1.0.1", "10.0.0.1", "tcp", 8443)], daemon.dependencies().keys())
            wait_for("its windows in the store", lambda: sum(
                row["flows"] for row in daemon.get(f"/api/v1/dependencies/{old['id']}/traffic")["items"]) == 3)
            check_ledgers(daemon.settled())
            daemon.stop()


if __name__ == "__main__":
    main(test_strangers, test_from_one_to_another, test_turned_over_a_restart)
