#!/usr/bin/env python3
"""What files, clouds, clusters and exporters say of addresses, from the settings to the API and to doctor."""

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

from certificates import make_certificates
from fake_kubernetes import ApiServer
from harness import Daemon, Process, environment, expect, free_port, main, need, program, say, skip, wait_for, work_dir

TOKEN, COMMUNITY = "eyJhbGciOi.very.secret", "secret-word"
HOST, LEASED, LISTED, IN_RANGE, POD, NEW_POD = ("10.1.0.1", "10.1.0.2", "10.128.0.2", "198.51.100.7", "10.244.0.1",
                                                "10.244.0.2")
SERVER, EXPORTER = "10.1.0.9", "127.0.0.1"
MAC = "52:54:00:12:34:56"


def send_flows(daemon, clients):
    """Each talks to the server once, by NetFlow v5."""
    rows = b"".join(struct.pack("!4s4s4sHHIIIIHHBBBBHHBBH", socket.inet_aton(client), socket.inet_aton(SERVER), bytes(4),
                                1, 2, 10, 1000, 1000, 2000, 40000, 443, 0, 0x12, 6, 0, 0, 0, 0, 0, 0)
                    for client in clients)
    head = struct.pack("!HHIIIIBBH", 5, len(clients), 3000, int(time.time()), 0, 0, 0, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(head + rows, ("127.0.0.1", daemon.ports["netflow"]))


def assets(daemon):
    """{address: asset} of the addresses held now."""
    return {held["address"]: asset for asset in daemon.items("/api/v1/assets") for held in asset["endpoints"]}


def facts(daemon, address):
    """{attribute: facts}, the best first."""
    found = {}
    for fact in daemon.get(f"/api/v1/assets/{assets(daemon)[address]['id']}/facts")["items"]:
        if fact["address"] == address:
            found.setdefault(fact["attribute"], []).append(fact)
    return found


def lookups(daemon):
    return {status["origin"]: status for status in daemon.get("/api/v1/lookups")["items"]}


def pod(number, address):
    return {"metadata": {"name": f"web-{number}", "namespace": "shop", "uid": f"pod-{number}"},
            "spec": {"nodeName": "node-a"},
            "status": {"phase": "Running", "podIP": address, "startTime": "2026-06-01T10:00:00Z"}}


class World:
    """Files, a cluster and a router that know something, and the settings that name them."""

    def __init__(self, directory, stack):
        make_certificates(directory)
        self.directory = directory
        self.hosts = self.file("hosts", f"{HOST} host-of-the-file other-name\nthis is no line\n127.0.0.1 localhost\n")
        self.inventory = self.file("inventory.csv", f"address,owner,name\n{HOST},shop team,host-of-the-inventory\n")
        self.leases = self.file("dnsmasq.leases", f"{int(time.time()) + 3600} {MAC} {LEASED} laptop *\n")
        self.listing = self.file("gcloud.json", json.dumps([{
            "id": "42", "name": "machine-1", "zone": "https://x/projects/shop/zones/us-central1-a",
            "creationTimestamp": "2026-01-01T00:00:00Z", "networkInterfaces": [{"networkIP": LISTED}]}]))
        self.ranges = self.file("ip-ranges.json", json.dumps({"syncToken": "1", "prefixes": [
            {"ip_prefix": "198.51.100.0/24", "region": "eu-west-1", "service": "EC2"}], "ipv6_prefixes": []}))
        self.token = self.file("token", TOKEN)
        self.cluster = ApiServer(directory, TOKEN)
        stack.callback(self.cluster.close)
        self.cluster.put("pods", pod(1, POD))
        self.snmp_port = free_port()
        agent = self.file("agent.conf", f"agentaddress udp:127.0.0.1:{self.snmp_port}\nrocommunity {COMMUNITY} 127.0.0.1\n"
                                        "sysName r1.example.com\n")
        stack.enter_context(Process([need("snmpd"), "-f", "-C", "-c", agent, "-Lf", "/dev/null", "-I", "-smux"],
                                    directory / "snmpd.log",
                                    env=environment() | {"SNMP_PERSISTENT_DIR": str(directory), "MIBS": ""}))
        self.variables = {
            "FLOWLENS_HOSTS_FILES": self.hosts, "FLOWLENS_INVENTORY_FILES": self.inventory,
            "FLOWLENS_DHCP_LEASE_FILES": self.leases, "FLOWLENS_CLOUD_INSTANCE_FILES": self.listing,
            "FLOWLENS_CLOUD_RANGE_FILES": self.ranges, "FLOWLENS_KUBERNETES_API_SERVER": self.cluster.url,
            "FLOWLENS_KUBERNETES_TOKEN_FILE": self.token, "FLOWLENS_KUBERNETES_CA_FILE": str(directory / "ca.crt"),
            # Of a network those are asked that are heard.
            "FLOWLENS_SNMP_EXPORTERS": "127.0.0.0/8", "FLOWLENS_SNMP_VERSION": "2c",
            "FLOWLENS_SNMP_COMMUNITY": COMMUNITY, "FLOWLENS_SNMP_PORT": str(self.snmp_port)}

    def file(self, name, text):
        (self.directory / name).write_text(text)
        return str(self.directory / name)


def check_arrival(daemon, world):
    """Each source's word is at its address, with source, origin and end."""
    expected = (
        (HOST, "aliases", "other-name", "inventory", "hosts:" + world.hosts),
        (HOST, "owner", "shop team", "inventory", "inventory:" + world.inventory),
        (LEASED, "mac", MAC, "inventory", "dhcp:" + world.leases),
        (LEASED, "name", "laptop", "observed", "dhcp:" + world.leases),
        (LISTED, "cloud.provider", "gcp", "cloud", None),
        (IN_RANGE, "cloud.region", "eu-west-1", "cloud", None),
        (POD, "kubernetes.pod", "web-1", "inventory", "kubernetes:" + world.cluster.url),
        (EXPORTER, "snmp.name", "r1.example.com", "observed", "snmp"))
    for address, attribute, value, source, origin in expected:
        said = wait_for(f"{attribute} of {address}", lambda: facts(daemon, address).get(attribute))[0]
        expect((said["value"], said["source"]) == (value, source), f"{said}")
        expect(origin in (None, said["origin"]) and said["origin"], f"{said}")
        expect((said["expires"] is not None) == (address == LEASED), f"{said}")
        expect(said["counts"], f"{said}")
    expect(assets(daemon)[LEASED]["name"] == "laptop" and assets(daemon)[POD]["name"] == "web-1", "names are missing")


def check_statuses(daemon, world):
    """Each source says how it does; what it could not use is told and counted."""
    said = lookups(daemon)
    expect(len(said) == 7, f"{list(said)}")
    for origin, status in said.items():
        expect(status["state"] == "ok" and status["facts"] > 0 and status["last_success"] and not status["last_error"],
               f"{origin}: {status}")
    hosts = said["hosts:" + world.hosts]
    expect((hosts["broken"], hosts["passed_over"], hosts["beyond"]) == (1, 1, 0), f"{hosts}")
    expect("hosts:2: " in hosts["remark"], f"{hosts}")
    metrics = daemon.get_raw("/metrics")[1].decode()
    for line in ('flowlens_lookup_unused_entries{source="hosts",reason="broken"} 1',
                 'flowlens_lookup_unused_entries{source="hosts",reason="passed_over"} 1',
                 'flowlens_lookup_failing{source="hosts"} 0', 'flowlens_lookup_facts{source="hosts"} 2'):
        expect(line in metrics, f"{line} is not among the metrics")


def check_precedence(daemon, world):
    """People before files; of two files the later word; when one goes, the next best stands."""
    def named(name):
        wait_for(f"the name {name}", lambda: assets(daemon)[HOST]["name"] == name, 15)
    Path(world.inventory).write_text(f"address,owner,name\n{HOST},shop team,host-since-today\n")
    named("host-since-today")
    daemon.send("PATCH", f"/api/v1/assets/{assets(daemon)[HOST]['id']}", {"name": "what-people-say"})
    named("what-people-say")
    order = [(f["source"], f["counts"]) for f in facts(daemon, HOST)["name"]]
    expect(order == [("declared", True), ("inventory", False), ("inventory", False)], f"{order}")
    daemon.send("PATCH", f"/api/v1/assets/{assets(daemon)[HOST]['id']}", {"name": None})
    named("host-since-today")
    Path(world.inventory).write_text(f"address,owner\n{HOST},shop team\n")
    named("host-of-the-file")
    # A file that breaks takes nothing back.
    Path(world.hosts).write_text("all of this is broken\n")
    status = wait_for("the broken file", lambda: (s := lookups(daemon)["hosts:" + world.hosts])["last_error"] and s, 15)
    expect(status["state"] == "failing" and status["facts"] == 2 and "hosts:1: " in status["last_error"], f"{status}")
    named("host-of-the-file")


def check_news(daemon, world):
    """A new pod is known long before the source would be asked again."""
    world.cluster.put("pods", pod(2, NEW_POD))
    wait_for("the new pod", lambda: assets(daemon)[NEW_POD]["name"] == "web-2", 15)


def test_arrive():
    """From each source to the API; who counts; who has news is heard at once."""
    with work_dir("facts") as directory, contextlib.ExitStack() as stack:
        world = World(directory, stack)
        with Daemon(directory / "daemon", variables=world.variables) as daemon:
            daemon.wait_ready()
            send_flows(daemon, (HOST, LEASED, LISTED, IN_RANGE, POD, NEW_POD, EXPORTER))
            wait_for("the assets", lambda: EXPORTER in assets(daemon))
            for check in (check_arrival, check_statuses, check_precedence, check_news):
                say(check.__doc__)
                check(daemon, world)
            daemon.stop()


def doctor(daemon, variables):
    done = subprocess.run([program("FLOWLENSD"), "doctor", "--json", "--data-dir", daemon.data], capture_output=True,
                          text=True, timeout=60, env=environment() | variables, check=False)
    expect(TOKEN not in done.stdout and COMMUNITY not in done.stdout, "doctor tells a secret")
    return [check for check in json.loads(done.stdout)["checks"] if check["name"] == "lookup"]


def test_silent():
    """Sources that are missing, broken, locked or dead: why is told, twice; one that hangs holds up nobody's end."""
    with work_dir("facts") as directory, contextlib.ExitStack() as stack:
        world = World(directory, stack)
        hanging = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        os.unlink(world.hosts)
        Path(world.ranges).write_text("{")
        Path(world.token).write_text("another one")
        why = {"hosts": "No such file", "cloud_ranges": "ip-ranges.json", "kubernetes": "HTTP 401", "snmp": "does not answer"}
        variables = world.variables | {"FLOWLENS_SNMP_EXPORTERS": "127.0.0.1", "FLOWLENS_SNMP_PORT": str(free_port()),
                                       "FLOWLENS_SNMP_TIMEOUT_MS": "200"}
        aws = {"FLOWLENS_AWS_ENABLED": "true", "FLOWLENS_AWS_REGIONS": "eu-west-1", "AWS_ACCESS_KEY_ID": "x",
               "AWS_SECRET_ACCESS_KEY": "y", "FLOWLENS_AWS_ENDPOINT": f"http://127.0.0.1:{hanging.getsockname()[1]}/"}
        with Daemon(directory / "daemon", variables=variables | aws) as daemon:
            daemon.wait_ready()
            for source, reason in why.items():
                status = wait_for(f"{source} to fail", lambda: next(
                    (s for s in lookups(daemon).values() if s["source"] == source and s["last_error"]), None), 20)
                expect(status["state"] == "failing" and reason in status["last_error"], f"{source}: {status}")
                expect(status["failures"] >= 1 and status["last_error_at"] and not status["last_success"], f"{status}")
            expect(TOKEN not in json.dumps(lookups(daemon)), "a secret is told")
            checks = doctor(daemon, variables)
            for source, reason in why.items():
                said = [c for c in checks if reason in c["says"] and c["result"] != "ok"]
                expect(said and "does not answer" in said[0]["says"], f"{source}: {checks}")
            expect(sum(c["result"] == "ok" for c in checks) == 3, f"{checks}")
            status = lookups(daemon)["aws:eu-west-1"]
            expect(status["state"] == "waiting" and status["asked_since"], f"{status}")
            began = time.monotonic()
            daemon.stop()
            expect(time.monotonic() - began < 8, "AWS, which does not answer, holds up the end")


def ask_moto(url, action, **form):
    body = urllib.parse.urlencode({"Action": action, "Version": "2016-11-15", **form}).encode()
    # It checks no signature, but sees from it whom it is to be.
    whom = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, "
                             "Signature=0"}
    with urllib.request.urlopen(urllib.request.Request(url, body, whom), timeout=30) as answer:
        return answer.read().decode()


def test_aws():
    """An instance of moto's EC2."""
    moto = Path(os.environ.get("FLOWLENS_TEST_PYTHON", "")).parent / "moto_server"
    if not os.access(moto, os.X_OK):
        skip(f"there is no {moto}; ./dev test installs tests/e2e/requirements.txt")
    with work_dir("facts") as directory:
        port = free_port(socket.SOCK_STREAM)
        url = f"http://127.0.0.1:{port}/"
        with Process([moto, "-H", "127.0.0.1", "-p", port], directory / "moto.log"):
            def images():
                with contextlib.suppress(OSError):
                    return re.findall(r"<imageId>(ami-\w+)", ask_moto(url, "DescribeImages"))
                return None
            image = wait_for("moto", images, 60)[0]
            instance = ask_moto(url, "RunInstances", ImageId=image, MinCount=1, MaxCount=1)
            address = re.search(r"<privateIpAddress>([\d.]+)", instance)[1]
            variables = {"FLOWLENS_AWS_ENABLED": "true", "FLOWLENS_AWS_REGIONS": "us-east-1", "AWS_ACCESS_KEY_ID": "x",
                         "AWS_SECRET_ACCESS_KEY": "y", "FLOWLENS_AWS_ENDPOINT": url}
            with Daemon(directory / "daemon", variables=variables) as daemon:
                daemon.wait_ready()
                send_flows(daemon, (address,))
                wait_for("the asset", lambda: address in assets(daemon))
                said = wait_for("the instance", lambda: facts(daemon, address).get("cloud.instance"))[0]
                expect(said["value"] in instance and said["source"] == "cloud" and said["origin"] == "aws:us-east-1",
                       f"{said}")
                daemon.stop()


main(test_arrive, test_silent, test_aws)
